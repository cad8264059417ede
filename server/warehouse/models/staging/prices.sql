-- One row per symbol and session: the latest version of the bar that isn't in quarantine.
-- A close at or below zero is no price; the quality checks report it, here it must not count even before they have run.
-- `not in` and not `not exists`: a hashed filter keeps the order of the index, an anti-join would sort all bars.
select distinct on (symbol, "timestamp")
    symbol,
    "timestamp",
    session_date,
    open,
    high,
    low,
    close,
    volume,
    vendor,
    response_id
from {{ source('raw', 'market_data') }}
where
    close > 0
    and (symbol, session_date, response_id) not in (
        select symbol, session_date, response_id
        from {{ source('ops', 'quarantine') }}
        where dataset = 'bars' and released_at is null
    )
order by symbol, "timestamp" desc, response_id desc
