-- One row per symbol and session: the latest version of the bar that isn't in quarantine; where none stands, the close that a person entered.
-- A close at or below zero is no price; the quality checks report it, here it must not count even before they have run.
-- What wasn't judged yet isn't read: an edit that is published in between shows nothing unchecked.
-- `not in` and not `not exists`: a hashed filter keeps the order of the index, an anti-join would sort all bars. What people entered is
-- little: each is looked up by itself, so that no plan reads all bars for them.
(
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
        and response_id <= coalesce((select judged.response_id from {{ source('ops', 'judged') }} as judged), 9223372036854775807)
        and (symbol, session_date, response_id) not in (
            select symbol, session_date, response_id
            from {{ source('ops', 'quarantine') }}
            where dataset = 'bars' and (released_at is null or discarded_at is not null)
        )
    order by symbol, "timestamp" desc, response_id desc
)

union all

select
    symbol,
    "timestamp",
    session_date,
    null::numeric(28, 10),
    null::numeric(28, 10),
    null::numeric(28, 10),
    close,
    null::numeric(28, 4),
    'person',
    0::bigint
from (
    select distinct on (symbol, session_date)
        symbol,
        session_date::timestamp at time zone 'America/New_York' as "timestamp",
        session_date,
        close,
        is_deleted
    from {{ source('book', 'price') }}
    order by symbol, session_date, version desc
) as entered
where
    not is_deleted
    and (
        select true
        from {{ source('raw', 'market_data') }} as bar
        where
            bar.symbol = entered.symbol
            and bar."timestamp" = entered."timestamp"
            and bar.close > 0
            and bar.response_id <= coalesce((select judged.response_id from {{ source('ops', 'judged') }} as judged), 9223372036854775807)
            and (bar.symbol, bar.session_date, bar.response_id) not in (
                select symbol, session_date, response_id
                from {{ source('ops', 'quarantine') }}
                where dataset = 'bars' and (released_at is null or discarded_at is not null)
            )
        limit 1
    ) is null
