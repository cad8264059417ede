-- One row per symbol and execution date: the latest version. A ratio that isn't positive can't be applied and is left out.
with latest as (
    select distinct on (symbol, execution_date) *
    from {{ source('raw', 'split') }}
    -- One in quarantine, or not judged yet, isn't used; the version before it is.
    where
        response_id <= coalesce((select judged.response_id from {{ source('ops', 'judged') }} as judged), 9223372036854775807)
        and (symbol, execution_date, response_id) not in (
            select symbol, session_date, response_id
            from {{ source('ops', 'quarantine') }}
            where dataset = 'splits' and released_at is null
        )
    order by symbol, execution_date, response_id desc
)

select symbol, execution_date, split_from, split_to
from latest
where split_from > 0 and split_to > 0
