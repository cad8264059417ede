-- Rows: per symbol of $1 the latest version of each bar from its day in $2 on, after the last two good closes before it. $3 the last answer
-- that was judged, $4 the first instant to judge, $5 the check whose refusals wait for a split.
with asked as (
    select symbol, first::timestamp at time zone 'America/New_York' as instant
    from unnest($1::text[], $2::date[]) as asked (symbol, first)
),

-- What was refused, discarded or let in of each version.
words as (
    select symbol, session_date, response_id,
           bool_or(check_name = $5 and released_at is null and discarded_at is null) as is_waiting,
           bool_or(discarded_at is not null or check_name <> $5 and released_at is null) as is_out,
           bool_or(check_name = $5 and released_at is not null and discarded_at is null) as is_let_in
    from ops.quarantine
    where dataset = 'bars' and symbol = any($1)
    group by symbol, session_date, response_id
)

select
    bar.symbol as "symbol!", bar.session_date as "session_date!", bar.response_id as "response_id!",
    bar.open, bar.high, bar.low, bar.close, bar.volume,
    (bar."timestamp" >= asked.instant
        and (coalesce(words.is_waiting, false) or bar.response_id > $3 and bar."timestamp" >= $4 and not coalesce(words.is_let_in, false))) as "is_open!"
from asked
cross join lateral (
    select * from (
        select distinct on ("timestamp") * from raw.market_data as version
        where version.symbol = asked.symbol and version."timestamp" >= asked.instant
        order by "timestamp", response_id desc) as following
    union all
    select * from (
        select distinct on ("timestamp") * from raw.market_data as version
        where
            version.symbol = asked.symbol and version."timestamp" < asked.instant and close > 0
            and not exists (
                select from words
                where words.symbol = version.symbol and words.session_date = version.session_date
                  and words.response_id = version.response_id and (is_waiting or is_out))
        order by "timestamp" desc, response_id desc limit 2) as before
) as bar
left join words on words.symbol = bar.symbol and words.session_date = bar.session_date and words.response_id = bar.response_id
where not coalesce(words.is_out, false)

union all

-- Closes that people entered are good ones.
select symbol, session_date, 0, null, null, null, close, null, false
from (
    select distinct on (symbol, session_date) symbol, session_date, close, is_deleted from book.price
    where symbol = any($1) order by symbol, session_date, version desc) as entered
where not is_deleted
order by 1, 2, 3
