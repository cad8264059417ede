-- Rows: portfolios whose holdings, cash and receivables do not add up to the value of their last session, within a cent.
-- A holding whose value no column could hold has none, though it has a close: it is left to its own portfolio.
select
    days.portfolio_id,
    days.session_date,
    days.value,
    coalesce(sum(holdings.value), 0) + days.cash + days.receivable as summed
from {{ source('ledger', 'state') }} as state
inner join {{ ref('portfolio_daily') }} as days on days.portfolio_id = state.portfolio_id and days.session_date = state.session_date
left join {{ ref('holdings') }} as holdings on holdings.portfolio_id = days.portfolio_id
where days.value is not null
group by days.portfolio_id, days.session_date, days.value, days.cash, days.receivable
having
    not coalesce(bool_or(holdings.close is not null and holdings.value is null), false)
    and abs(days.value - coalesce(sum(holdings.value), 0) - days.cash - days.receivable) > 0.01
