-- Rows: portfolios with a value whose sectors' weights do not add up to 1.
select allocation.portfolio_id, sum(allocation.weight) as summed
from {{ source('ledger', 'state') }} as state
inner join {{ ref('portfolio_daily') }} as days on days.portfolio_id = state.portfolio_id and days.session_date = state.session_date
inner join {{ ref('allocation') }} as allocation on allocation.portfolio_id = days.portfolio_id
where
    days.value > 1
    and not exists (
        select 1 from {{ ref('holdings') }} as holdings
        where holdings.portfolio_id = days.portfolio_id and holdings.close is not null and holdings.value is null
    )
group by allocation.portfolio_id
having abs(sum(allocation.weight) - 1) > 0.01
