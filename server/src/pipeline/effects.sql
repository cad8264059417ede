-- One row per known transaction of an account ($1 portfolio, $2 account): what it did to cash and shares, signed.
-- Of every type that moved money, also those that staging can't book: the broker's cash has moved with them.
select activity_date as "happened_on!",
       coalesce(case
           when activity_type <> 'FILL' then net_amount
           when side like 'buy%' then - quantity * price
           else quantity * price
       end, 0) as "cash!",
       nullif(trim(symbol), '') as symbol,
       case
           when activity_type <> 'FILL' and activity_type in ('JNLS', 'ACATS') then quantity
           when activity_type <> 'FILL' then null
           when side like 'buy%' then quantity
           else - quantity
       end as shares
from (
    select distinct on (activity_id) *
    from raw.broker_activity
    where portfolio_id = $1 and account_id = $2
    order by activity_id, response_id desc
) as activity
where coalesce(lower(status), 'executed') not in ('canceled', 'cancelled')
union all
select traded_on,
       case
           -- What is in another currency isn't in the cash that the broker reports.
           when currency <> (select report.currency from raw.broker_account as report
                             where report.portfolio_id = $1 and report.account_id = $2 order by response_id desc limit 1) then 0
           when type in ('transfer_in', 'transfer_out', 'opening') and symbol is not null then - fee - tax
           when type in ('reinvest', 'symbol_change') then - fee - tax
           when type in ('buy', 'cover', 'withdrawal', 'fee', 'tax', 'transfer_out') then - amount - fee - tax
           else amount - fee - tax
       end,
       symbol,
       case
           when type in ('buy', 'cover', 'reinvest', 'transfer_in', 'opening') then quantity
           when type in ('sell', 'short', 'transfer_out') then - quantity
       end
from (
    select distinct on (transaction_id) *
    from book.transaction
    where portfolio_id = $1 and account_id = $2
    order by transaction_id, version desc
) as transaction
where not is_deleted
