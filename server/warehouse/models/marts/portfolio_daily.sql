-- One row per portfolio and session, with the benchmark's returns of that session.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['portfolio_id', 'session_date'],
    indexes=[{'columns': ['portfolio_id', 'session_date'], 'unique': True}],
    pre_hook="{% if is_incremental() %}delete from {{ this }} as kept using {{ source('ledger', 'changed') }} as changed where kept.portfolio_id = changed.portfolio_id and kept.session_date >= changed.from_date{% endif %}"
) }}

with sessions as (
    select session_date, previous_session_date
    from {{ source('ledger', 'session') }}
    {% if is_incremental() %}where session_date >= (select min(from_date) from {{ source('ledger', 'changed') }}){% endif %}
),

closes as (
    select session_date, close::double precision as close
    from {{ ref('prices') }}
    where
        symbol = '{{ var("benchmark") }}'
),

-- New shares per old in force since the session before; two splits between two sessions multiply.
splits as (
    select sessions.session_date, exp(sum(ln(splits.split_to::double precision / splits.split_from::double precision))) as ratio
    from sessions
    inner join {{ ref('splits') }} as splits
        on splits.execution_date > sessions.previous_session_date and splits.execution_date <= sessions.session_date
    where splits.symbol = '{{ var("benchmark") }}'
    group by sessions.session_date
),

dividends as (
    select sessions.session_date, sum(dividends.cash_amount)::double precision as cash_amount
    from sessions
    inner join {{ ref('dividends') }} as dividends
        on dividends.ex_dividend_date > sessions.previous_session_date and dividends.ex_dividend_date <= sessions.session_date
    where dividends.symbol = '{{ var("benchmark") }}'
    group by sessions.session_date
),

benchmark as (
    select
        sessions.session_date,
        today.close * coalesce(splits.ratio, 1) / before.close - 1 as price_return,
        -- A dividend is reinvested on its ex-date; when the shares split on that day it is paid on the new ones.
        (today.close + coalesce(dividends.cash_amount, 0)) * coalesce(splits.ratio, 1) / before.close - 1 as total_return
    from sessions
    inner join closes as today on today.session_date = sessions.session_date
    inner join closes as before on before.session_date = sessions.previous_session_date
    left join splits on splits.session_date = sessions.session_date
    left join dividends on dividends.session_date = sessions.session_date
    where before.close > 0
),

-- Yields and sessions on one line of days; each published yield opens a stretch that lasts until the next.
stretches as (
    select
        coalesce(sessions.session_date, rates.observed_on) as day,
        sessions.session_date,
        rates.annual_rate,
        count(rates.annual_rate) over (order by coalesce(sessions.session_date, rates.observed_on)) as stretch
    from sessions
    full outer join {{ ref('risk_free_rates') }} as rates on rates.observed_on = sessions.session_date
),

carried_rates as (
    select session_date, max(annual_rate) over (partition by stretch) as annual_rate
    from stretches
    where stretch > 0
)

select
    days.portfolio_id,
    days.session_date,
    days.value,
    days.cash,
    days.receivable,
    days.inflow,
    days.outflow,
    (days.total_inflow - days.total_outflow)::numeric(19, 4) as net_contributions,
    days.daily_return,
    days.carried,
    days.positions,
    days.unrealized,
    days.realized,
    days.income,
    days.costs,
    days.brought_in,
    benchmark.price_return as benchmark_price_return,
    benchmark.total_return as benchmark_total_return,
    carried_rates.annual_rate as risk_free_rate,
    days.cash_currency,
    days.exact_value,
    days.unrealized_currency,
    days.realized_currency
from {{ source('ledger', 'portfolio_day') }} as days
{% if is_incremental() %}
inner join {{ source('ledger', 'changed') }} as changed
    on changed.portfolio_id = days.portfolio_id and days.session_date >= changed.from_date
{% endif %}
left join benchmark on benchmark.session_date = days.session_date
left join carried_rates on carried_rates.session_date = days.session_date
