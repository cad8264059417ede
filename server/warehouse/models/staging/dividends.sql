-- One row per symbol, ex-date and vendor's id: the latest version of a cash dividend.
with latest as (
    select distinct on (symbol, ex_dividend_date, vendor_id) *
    from {{ source('raw', 'dividend') }}
    order by symbol, ex_dividend_date, vendor_id, response_id desc
)

select symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, currency
from latest
where cash_amount > 0
