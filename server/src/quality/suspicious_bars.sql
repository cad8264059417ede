-- Rows: the latest version of each bar that was not judged yet and may break a rule, or that waits in quarantine for a split;
-- with the two closes before it. $1 symbols, $2 first instant to read (some sessions earlier, for the close before),
-- $3 first instant to judge, $4 the last answer that was judged, $5 the largest jump, a fraction.
-- A symbol at a time, in the order of the index: sorting a million bars takes longer than looking at them. Only what is suspicious is
-- read whole.
with suspicious as (
    select asked.symbol, compared."timestamp"
    from unnest($1::text[]) as asked (symbol)
    cross join lateral (
        select "timestamp", response_id, is_odd, close, lead(close) over (order by "timestamp" desc) as previous
        from (
            select distinct on ("timestamp")
                "timestamp", response_id, close,
                (low > 0 and low <= open and low <= close and open <= high and close <= high) is not true
                or volume < 0 or extract(isodow from session_date) > 5 as is_odd
            from raw.market_data as version
            where version.symbol = asked.symbol and "timestamp" >= $2
            order by "timestamp" desc, response_id desc
        ) as latest
    ) as compared
    -- Not true is also: no close, none before it, or a close before it that is no price.
    where "timestamp" >= $3 and response_id > $4 and (is_odd or (abs(close - previous) < $5 * previous) is not true)
    union
    select symbol, execution_date::timestamp at time zone 'America/New_York' from raw.split
    where symbol = any($1)
    union
    select symbol, session_date::timestamp at time zone 'America/New_York' from ops.quarantine
    where symbol = any($1) and check_name = 'jumps_are_explained' and released_at is null
)

select
    bar.symbol as "symbol!", bar.session_date as "session_date!", bar.response_id as "response_id!",
    bar.open, bar.high, bar.low, bar.close, bar.volume,
    previous.close as "previous_close?", previous.session_date as "previous_date?",
    older.close as "older_close?", older.session_date as "older_date?"
from suspicious
cross join lateral (
    select * from raw.market_data as version
    where version.symbol = suspicious.symbol and version."timestamp" = suspicious."timestamp"
    order by response_id desc limit 1
) as bar
left join lateral (
    select "timestamp", session_date, close from raw.market_data as version
    where version.symbol = bar.symbol and version."timestamp" < bar."timestamp"
    order by "timestamp" desc, response_id desc limit 1
) as previous on true
left join lateral (
    select session_date, close from raw.market_data as version
    where version.symbol = bar.symbol and version."timestamp" < previous."timestamp"
    order by "timestamp" desc, response_id desc limit 1
) as older on true
where
    (bar."timestamp" >= $3 and bar.response_id > $4)
    or exists (
        select from ops.quarantine
        where quarantine.symbol = bar.symbol and quarantine.session_date = bar.session_date
          and check_name = 'jumps_are_explained' and released_at is null)
order by bar.symbol, bar.session_date
