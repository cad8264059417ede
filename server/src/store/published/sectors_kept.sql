-- One row per sector of what a portfolio ($1) held at the close of its last session as of a publication ($2), "Cash" last; by the
-- formulas of marts.allocation.
with day as (
    select session_date, value, cash, receivable
    from (select distinct on (session_date) *
          from ops.published_portfolio_day
          where portfolio_id = $1 and publication_id <= $2
          order by session_date, publication_id desc) as days
    where not is_gone
    order by session_date desc
    limit 1
),

held as (
    select symbol, sum(quantity)::numeric(28, 10) as quantity
    from (select distinct on (account_id, symbol, from_date) symbol, to_date, quantity, is_gone
          from ops.published_position
          where portfolio_id = $1 and publication_id <= $2
          order by account_id, symbol, from_date, publication_id desc) as intervals
    where to_date is null and not is_gone
    group by symbol
    having sum(quantity) <> 0
),

slices as (
    select
        coalesce(instrument.sector, 'Other') as sector,
        sum(worth.value) as value
    from held
    cross join day
    left join lateral (
        select close
        from ops.published_price as kept
        where kept.symbol = held.symbol and kept.session_date = day.session_date and kept.publication_id <= $2
        order by publication_id desc
        limit 1
    ) as price on true
    left join lateral (
        select sector
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
    cross join lateral (
        select case
            when abroad.symbol is not null then abroad.value
            when abs(held.quantity * price.close) < 999999999999999 then held.quantity * price.close
        end::numeric(19, 4) as value
    ) as worth
    where worth.value is not null
    group by 1

    union all

    select 'Cash' as sector, cash + receivable as value
    from day
)

select
    slices.sector as "sector!",
    slices.value::numeric(28, 4) as "value!",
    (slices.value / day.value)::double precision as "weight!"
from slices
cross join day
where day.value <> 0
order by slices.sector = 'Cash', slices.value desc, slices.sector
