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

-- What the ledger says of each account, together. A sum with an unknown part is unknown.
held as (
    select
        portfolio_id,
        symbol,
        sum(quantity)::numeric(28, 10) as quantity,
        case when bool_and(cost is not null) then sum(cost) end::numeric(19, 4) as cost,
        max(close)::numeric(28, 10) as close,
        max(priced_on) as priced_on,
        max(currency) as currency,
        max(rate)::numeric(28, 10) as rate,
        -- As the portfolio's own value takes it: all accounts' quantity is rounded once. Abroad each account's value is rounded.
        case
            when bool_and(market_value is not null) then case when max(rate) = 1 then sum(quantity) * max(close) else sum(market_value) end
        end::numeric(38, 4) as value,
        case when bool_and(unrealized is not null) then sum(unrealized) end as unrealized,
        case when bool_and(currency_effect is not null) then sum(currency_effect) end as currency_effect
    from {{ source('ledger', 'holding') }}
    group by portfolio_id, symbol
    having sum(quantity) <> 0
),

-- What is held, once per symbol and last session: portfolios share prices.
asked as (
    select distinct held.symbol, last_days.session_date, last_days.previous_session_date
    from held
    inner join last_days on last_days.portfolio_id = held.portfolio_id
),

-- The last close at or before the session before, in the session's shares: a close that is carried over a split is divided by it.
-- Once for each: a planner that expects a handful of holdings would look it up again for every pair of them.
priced as materialized (
    select
        asked.symbol,
        asked.session_date,
        (before.close / before_split.ratio)::numeric(28, 10) as previous_close
    from asked
    {{ last_close('before', 'asked.symbol', 'asked.previous_session_date') }}
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
    held.close,
    held.priced_on,
    -- More than money can be is no value: one such holding must not stop the publication for everybody.
    case when abs(held.value) < 999999999999999 then held.value end::numeric(19, 4) as value,
    (held.value / nullif(last_days.value, 0))::double precision as weight,
    priced.previous_close,
    held.currency,
    held.rate,
    case when abs(held.unrealized) < 999999999999999 then held.unrealized end::numeric(19, 4) as unrealized,
    case when abs(held.currency_effect) < 999999999999999 then held.currency_effect end::numeric(19, 4) as currency_effect
from held
inner join last_days on last_days.portfolio_id = held.portfolio_id
left join priced on priced.symbol = held.symbol and priced.session_date = last_days.session_date
left join {{ ref('instruments') }} as instruments on instruments.symbol = held.symbol
