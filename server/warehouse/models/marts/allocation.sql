-- One row per portfolio and sector ("Cash" is one), at the close of its last session.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['portfolio_id', 'sector'],
    indexes=[{'columns': ['portfolio_id', 'sector'], 'unique': True}],
    pre_hook="{% if is_incremental() %}delete from {{ this }} where portfolio_id in (select portfolio_id from {{ source('ledger', 'changed') }}){% endif %}"
) }}

with last_days as (
    select days.portfolio_id, days.session_date, days.value, days.cash, days.receivable
    from {{ source('ledger', 'state') }} as state
    inner join {{ source('ledger', 'portfolio_day') }} as days
        on days.portfolio_id = state.portfolio_id and days.session_date = state.session_date
    {% if is_incremental() %}where state.portfolio_id in (select portfolio_id from {{ source('ledger', 'changed') }}){% endif %}
),

slices as (
    select portfolio_id, sector, sum(value) as value
    from {{ ref('holdings') }}
    where value is not null
    group by portfolio_id, sector

    union all

    select portfolio_id, 'Cash' as sector, cash + receivable as value
    from last_days
)

select
    slices.portfolio_id,
    slices.sector,
    last_days.session_date,
    -- Wider than one amount: a sum of several fits too.
    slices.value::numeric(28, 4) as value,
    (slices.value / nullif(last_days.value, 0))::double precision as weight
from slices
inner join last_days on last_days.portfolio_id = slices.portfolio_id
