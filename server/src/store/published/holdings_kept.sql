-- One row per symbol that a portfolio ($1) held at the close of its last session as of a publication ($2), the largest first; at most $3.
-- The value by the formula of marts.holdings; of what is quoted in another currency, or whose cost isn't known, as it was kept.
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
    case when abroad.symbol is null then held.cost else abroad.cost end as "cost?",
    price.close as "close?",
    price.priced_on as "priced_on?",
    case
        when abroad.symbol is not null then abroad.value
        when abs(held.quantity * price.close) < 999999999999999 then held.quantity * price.close
    end::numeric(19, 4) as "value?",
    price.previous_close as "previous_close?",
    abroad.currency as "currency?",
    abroad.rate as "rate?"
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
left join lateral (
    select kept.*
    from (select * from ops.published_foreign_holding as kept
          where kept.portfolio_id = $1 and kept.symbol = held.symbol and kept.publication_id <= $2
          order by publication_id desc
          limit 1) as kept
    where not kept.is_gone
) as abroad on true
order by 8 desc nulls last, 1
limit $3
