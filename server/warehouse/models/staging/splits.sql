-- One row per symbol and execution date: the latest version. A ratio that isn't positive can't be applied and is left out.
with latest as (
    select distinct on (symbol, execution_date) *
    from {{ source('raw', 'split') }}
    order by symbol, execution_date, response_id desc
)

select symbol, execution_date, split_from, split_to
from latest
where split_from > 0 and split_to > 0
