-- One row per day on which a yield was published: DGS3MO as a fraction per year. A yield below -5 % or above 25 % is none, as its check says:
-- the version before it counts, else the last good day is carried. What wasn't judged yet isn't read.
with latest as (
    select distinct on (observed_on) observed_on, value
    from {{ source('raw', 'economic_observation') }}
    where
        series_id = 'DGS3MO'
        and (value is null or value between -5 and 25)
        and response_id <= coalesce((select judged.response_id from {{ source('ops', 'judged') }} as judged), 9223372036854775807)
    order by observed_on, response_id desc
)

select observed_on, value::double precision / 100 as annual_rate
from latest
where value is not null
