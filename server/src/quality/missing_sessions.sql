-- Rows: sessions ($4, not before the instant $5) in the time a symbol was held ($1 symbol, $2 from, $3 to) without a close.
select span.symbol as "symbol!", missing.on_date as "session_date!"
from unnest($1::text[], $2::date[], $3::date[]) as span (symbol, from_date, to_date)
-- A symbol at a time: one comparison of all sessions of all symbols doesn't fit into memory.
cross join lateral (
    select session.on_date from unnest($4::date[]) as session (on_date) where session.on_date between span.from_date and span.to_date
    except
    select bar.session_date from raw.market_data as bar where bar.symbol = span.symbol and bar."timestamp" >= $5 and bar.close > 0
    -- What a person entered is a close, too.
    except
    select entered.session_date from (
        select distinct on (session_date) session_date, is_deleted from book.price where price.symbol = span.symbol order by session_date, version desc
    ) as entered where not entered.is_deleted
) as missing (on_date)
order by span.symbol, missing.on_date
