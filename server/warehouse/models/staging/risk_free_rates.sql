-- One row per day on which a yield was published: DGS3MO as a fraction per year.
with latest as (
    select distinct on (observed_on) observed_on, value
    from {{ source('raw', 'economic_observation') }}
    where series_id = 'DGS3MO'
    order by observed_on, response_id desc
)

select observed_on, value::double precision / 100 as annual_rate
from latest
where value is not null
