-- One row per symbol that a portfolio ($1) held at the close of its last session as of a publication ($2), the largest first; at most $3.
-- The value by the formula of marts.holdings.
with day as (
    select session_date, value
    from (select distinct on (session_date) session_date, value, is_gone
          from ops.published_portfolio_day
          where portfolio_id = $1 and publication_id <= $2
          order by session_date, publication_id desc) as days
    where not is_gone
    order by session_date desc
    limit 1
),

held as (
    select symbol, sum(quantity)::numeric(28, 10) as quantity, sum(cost)::numeric(19, 4) as cost
    from (select distinct on (account_id, symbol, from_date) symbol, to_date, quantity, cost, is_gone
          from ops.published_position
          where portfolio_id = $1 and publication_id <= $2
          order by account_id, symbol, from_date, publication_id desc) as intervals
    where to_date is null and not is_gone
    group by symbol
    having sum(quantity) <> 0
)

select
    held.symbol as "symbol!",
    coalesce(instrument.name, held.symbol) as "name!",
    coalesce(instrument.sector, 'Other') as "sector!",
    held.quantity as "quantity!",
    held.cost as "cost!",
    price.close as "close?",
    price.priced_on as "priced_on?",
    case when abs(held.quantity * price.close) < 999999999999999 then held.quantity * price.close end::numeric(19, 4) as "value?",
    price.previous_close as "previous_close?"
from held
cross join day
left join lateral (
    select close, priced_on, previous_close
    from ops.published_price as kept
    where kept.symbol = held.symbol and kept.session_date = day.session_date and kept.publication_id <= $2
    order by publication_id desc
    limit 1
) as price on true
left join lateral (
    select name, sector
    from ops.published_instrument as kept
    where kept.symbol = held.symbol and kept.publication_id <= $2
    order by publication_id desc
    limit 1
) as instrument on true
order by 8 desc nulls last, 1
limit $3
