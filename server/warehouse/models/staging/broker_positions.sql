-- One row per account and symbol: what the broker reported last.
select
    portfolio_id,
    account_id,
    symbol,
    quantity,
    session_date
from {{ source('raw', 'broker_position') }}
where (portfolio_id, account_id, response_id) in (
    select portfolio_id, account_id, max(response_id)
    from {{ source('raw', 'broker_position_fetch') }}
    group by portfolio_id, account_id
)
