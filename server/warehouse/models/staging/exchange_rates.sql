-- One row per currency but the dollar and day: dollars for one unit at the day's close, the latest version.
-- A rate that is far from the median of the three before it is a slip of the vendor: it isn't used, and a check says so. Where a currency
-- really fell so far, the median follows within two days. What wasn't judged yet isn't read.
with latest as (
    select distinct on (currency, quote, quoted_on) currency, quote, quoted_on, close
    from {{ source('raw', 'exchange_rate') }}
    where
        close > 0
        and (currency = 'USD' or quote = 'USD')
        and response_id <= coalesce((select judged.response_id from {{ source('ops', 'judged') }} as judged), 9223372036854775807)
    order by currency, quote, quoted_on, response_id desc
),

in_dollars as (
    select
        case when quote = 'USD' then currency else quote end as currency,
        quoted_on,
        (case when quote = 'USD' then close else 1 / close end)::numeric(28, 10) as dollars
    from latest
    where currency <> quote
),

-- Yesterday's, and the two before.
beside as (
    select
        currency,
        quoted_on,
        dollars,
        lag(dollars, 1) over days as a,
        lag(dollars, 2) over days as b,
        lag(dollars, 3) over days as c
    from in_dollars
    window days as (partition by currency order by quoted_on)
),

judged as (
    select currency, quoted_on, dollars, case when c is not null then greatest(least(a, b), least(greatest(a, b), c)) end as usual
    from beside
)

select currency, quoted_on, dollars
from judged
where dollars > 0 and (usual is null or dollars between usual * 0.75 and usual / 0.75)
