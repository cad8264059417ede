-- Rows: the latest version of each bar that was not judged yet and may break a rule, or that waits in quarantine for a split;
-- with the two closes before it. $1 symbols, $2 first instant to read (some sessions earlier, for the closes before),
-- $3 first instant to judge, $4 the last response that was judged, $5 the largest jump, a fraction.
with latest as (
    select distinct on (symbol, "timestamp") symbol, "timestamp", session_date, response_id, open, high, low, close, volume
    from raw.market_data
    where symbol = any($1) and "timestamp" >= $2
    order by symbol, "timestamp" desc, response_id desc
),

ordered as (
    select
        *,
        lead(close) over earlier as previous_close,
        lead(session_date) over earlier as previous_date,
        lead(close, 2) over earlier as older_close,
        lead(session_date, 2) over earlier as older_date
    from latest
    window earlier as (partition by symbol order by "timestamp" desc)
)

select
    symbol as "symbol!", session_date as "session_date!", response_id as "response_id!", open, high, low, close, volume,
    previous_close, previous_date, older_close, older_date
from ordered
where
    ("timestamp" >= $3 and response_id > $4
     and (open is null or high is null or low is null or close is null or low <= 0 or high < low or open not between low and high
          or close not between low and high or close <= 0 or open <= 0 or volume < 0 or extract(isodow from session_date) > 5
          or abs(close - previous_close) > $5 * previous_close or coalesce(previous_close, 0) <= 0 and older_close is not null
          or (symbol, session_date) in (select symbol, execution_date from raw.split)))
    or (symbol, session_date) in (
        select symbol, session_date from ops.quarantine where check_name = 'jumps_are_explained' and released_at is null)
order by symbol, session_date
