-- One row per account: the cash that the broker reported last.
select distinct on (portfolio_id, account_id)
    portfolio_id,
    account_id,
    cash,
    currency,
    session_date
from {{ source('raw', 'broker_account') }}
order by portfolio_id, account_id, response_id desc
