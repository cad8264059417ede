-- One row per symbol: the latest version of its details. The sector comes from the SIC code.
select distinct on (symbol)
    symbol,
    name,
    primary_exchange,
    type,
    currency,
    sic_code,
    {{ sector('type', 'sic_code') }} as sector
from {{ source('raw', 'instrument') }}
order by symbol, response_id desc
