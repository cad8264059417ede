-- One row per symbol, ex-date and vendor's id: the latest version of a cash dividend.
with latest as (
    select distinct on (symbol, ex_dividend_date, vendor_id) *
    from {{ source('raw', 'dividend') }}
    -- One in quarantine, or not judged yet, isn't used; the version before it is.
    where
        response_id <= coalesce((select judged.response_id from {{ source('ops', 'judged') }} as judged), 9223372036854775807)
        and (symbol, ex_dividend_date, vendor_id, response_id) not in (
            select symbol, session_date, row_key, response_id
            from {{ source('ops', 'quarantine') }}
            where dataset = 'dividends' and released_at is null
        )
    order by symbol, ex_dividend_date, vendor_id, response_id desc
)

select symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, currency
from latest
where cash_amount > 0
