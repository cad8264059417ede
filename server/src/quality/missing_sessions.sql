-- Rows: sessions ($4, not before the instant $5) in the time a symbol was held ($1 symbol, $2 from, $3 to) without a close.
select span.symbol as "symbol!", session.on_date as "session_date!"
from unnest($1::text[], $2::date[], $3::date[]) as span (symbol, from_date, to_date)
join unnest($4::date[]) as session (on_date) on session.on_date between span.from_date and span.to_date
where not exists (
    select from raw.market_data as bar
    where bar.symbol = span.symbol and bar.session_date = session.on_date and bar."timestamp" >= $5 and bar.close > 0)
order by span.symbol, session.on_date
