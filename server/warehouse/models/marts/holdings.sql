-- One row per portfolio and symbol held at the close of its last session, all accounts together.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['portfolio_id', 'symbol'],
    indexes=[{'columns': ['portfolio_id', 'symbol'], 'unique': True}],
    pre_hook="{% if is_incremental() %}delete from {{ this }} where portfolio_id in (select portfolio_id from {{ source('ledger', 'changed') }}){% endif %}"
) }}

with last_days as (
    select
        days.portfolio_id,
        days.session_date,
        days.value,
        session.previous_session_date
    from {{ source('ledger', 'state') }} as state
    inner join {{ source('ledger', 'portfolio_day') }} as days
        on days.portfolio_id = state.portfolio_id and days.session_date = state.session_date
    inner join {{ source('ledger', 'session') }} as session on session.session_date = days.session_date
    {% if is_incremental() %}where state.portfolio_id in (select portfolio_id from {{ source('ledger', 'changed') }}){% endif %}
),

held as (
    select
        portfolio_id,
        symbol,
        sum(quantity)::numeric(28, 10) as quantity,
        sum(cost)::numeric(19, 4) as cost
    from {{ source('ledger', 'position') }}
    where to_date is null
    group by portfolio_id, symbol
    having sum(quantity) <> 0
),

-- What is held, once per symbol and last session: portfolios share prices.
asked as (
    select distinct held.symbol, last_days.session_date, last_days.previous_session_date
    from held
    inner join last_days on last_days.portfolio_id = held.portfolio_id
),

-- The last close at or before the session, and at or before the session before it, in the session's shares: a close that
-- is carried over a split is divided by it.
priced as (
    select
        asked.symbol,
        asked.session_date,
        last.session_date as priced_on,
        (last.close / last_split.ratio)::numeric(28, 10) as close,
        (before.close / before_split.ratio)::numeric(28, 10) as previous_close
    from asked
    {{ last_close('last', 'asked.symbol', 'asked.session_date') }}
    {{ last_close('before', 'asked.symbol', 'asked.previous_session_date') }}
    left join lateral (
        select coalesce(exp(sum(ln(splits.split_to / splits.split_from))), 1) as ratio
        from {{ ref('splits') }} as splits
        where splits.symbol = asked.symbol and splits.execution_date > last.session_date and splits.execution_date <= asked.session_date
    ) as last_split on true
    left join lateral (
        select coalesce(exp(sum(ln(splits.split_to / splits.split_from))), 1) as ratio
        from {{ ref('splits') }} as splits
        where splits.symbol = asked.symbol and splits.execution_date > before.session_date and splits.execution_date <= asked.session_date
    ) as before_split on true
)

select
    held.portfolio_id,
    held.symbol,
    last_days.session_date,
    coalesce(instruments.name, held.symbol) as name,
    coalesce(instruments.sector, 'Other') as sector,
    held.quantity,
    held.cost,
    priced.close,
    priced.priced_on,
    -- More than money can be is no value: one such holding must not stop the publication for everybody.
    case when abs(held.quantity * priced.close) < 999999999999999 then held.quantity * priced.close end::numeric(19, 4) as value,
    (held.quantity * priced.close / nullif(last_days.value, 0))::double precision as weight,
    priced.previous_close
from held
inner join last_days on last_days.portfolio_id = held.portfolio_id
left join priced on priced.symbol = held.symbol and priced.session_date = last_days.session_date
left join {{ ref('instruments') }} as instruments on instruments.symbol = held.symbol
