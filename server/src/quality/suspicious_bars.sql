-- Rows: the latest version of each bar that differs from those before it, or that lies on a split's day; with the closes before it.
-- $1 symbols and $2 instants of those that differ, $3 all symbols, $4 first instant to judge, $5 the last answer that was judged, $6 so
-- many closes before, $7 the first day to judge.
with suspicious as (
    select symbol, "timestamp" from unnest($1::text[], $2::timestamptz[]) as apart (symbol, "timestamp")
    union
    select symbol, execution_date::timestamp at time zone 'America/New_York' from raw.split
    where symbol = any($3) and execution_date >= $7
)

select
    bar.symbol as "symbol!", bar."timestamp" as "instant!", bar.session_date as "session_date!", bar.response_id as "response_id!",
    bar.open, bar.high, bar.low, bar.close, bar.volume,
    coalesce(before.days, '{}') as "days!: Vec<NaiveDate>", coalesce(before.closes, '{}') as "closes!: Vec<Option<Decimal>>"
from suspicious
cross join lateral (
    select * from raw.market_data as version
    where version.symbol = suspicious.symbol and version."timestamp" = suspicious."timestamp"
    order by response_id desc limit 1
) as bar
cross join lateral (
    select array_agg(earlier.session_date order by earlier."timestamp" desc) as days, array_agg(earlier.close order by earlier."timestamp" desc) as closes
    from (
        select distinct on ("timestamp") "timestamp", session_date, close from raw.market_data as version
        where version.symbol = bar.symbol and version."timestamp" < bar."timestamp"
        order by "timestamp" desc, response_id desc limit $6
    ) as earlier
) as before
where bar."timestamp" >= $4 and bar.response_id > $5
order by bar.symbol, bar.session_date
