-- One row per entry of any account: the broker's activities that weren't cancelled and the latest version of what people
-- entered, with what each did to shares and cash, signed. The types are those of staging.transactions; null: not known there. A broker's
-- split that is booked from the vendor's list (at most SAME_SPLIT_DAYS away) is left out: what it does is done already.
with activities as (
    select distinct on (portfolio_id, account_id, activity_id) *
    from raw.broker_activity
    order by portfolio_id, account_id, activity_id, response_id desc
),

mapped as (
    select
        *,
        case
            when activity_type = 'FILL' and side like 'buy%' then 'buy'
            when activity_type = 'FILL' and side like 'sell%' then 'sell'
            when activity_type in ('DIVNRA', 'DIVTW', 'DIVFT', 'DIVWH', 'INTNRA', 'INTTW', 'WH') then 'tax'
            when activity_type in ('FEE', 'CFEE', 'PTC', 'PTR', 'DIVFEE', 'DVF') then 'fee'
            when activity_type like 'DIV%' then 'dividend'
            when activity_type = 'INT' then 'interest'
            when activity_type in ('CSD', 'CSW', 'TRANS', 'JNLC') and net_amount < 0 then 'withdrawal'
            when activity_type in ('CSD', 'CSW', 'TRANS', 'JNLC') then 'deposit'
            when activity_type = 'ACATC' and net_amount < 0 then 'transfer_out'
            when activity_type = 'ACATC' then 'transfer_in'
            when activity_type in ('ACATS', 'JNLS') and quantity < 0 then 'transfer_out'
            when activity_type in ('ACATS', 'JNLS') then 'transfer_in'
        end as type
    from activities
    where
        coalesce(lower(status), 'executed') not in ('canceled', 'cancelled')
        and coalesce(abs(quantity * price), 0) < 999999999999999
),

entered as (
    select distinct on (portfolio_id, transaction_id) *
    from book.transaction
    order by portfolio_id, transaction_id, version desc
)

select
    portfolio_id as "portfolio_id!",
    account_id as "account_id!",
    activity_id as "key!",
    'broker' as "source!",
    activity_type as "named!",
    type,
    activity_date as "happened_on!",
    nullif(trim(symbol), '') as symbol,
    case
        when type in ('buy', 'transfer_in') and activity_type in ('FILL', 'ACATS', 'JNLS') then abs(quantity)
        when type in ('sell', 'transfer_out') and activity_type in ('FILL', 'ACATS', 'JNLS') then -abs(quantity)
    end as shares,
    price,
    case
        when type = 'buy' then -(abs(quantity) * price)::numeric(19, 4)
        when type = 'sell' then (abs(quantity) * price)::numeric(19, 4)
        when type is null or activity_type in ('ACATS', 'JNLS') then 0
        else coalesce(net_amount, 0)
    end as cash,
    coalesce(body ->> 'currency', 'USD') as "currency!",
    case when activity_type = 'FILL' then (body ->> 'order_id') || ' ' || (body ->> 'cum_qty') end as fill,
    null::numeric(28, 10) as ratio,
    null::text as counter_symbol,
    false as "is_rounded!"
from mapped
where
    not (
        activity_type in ('SPLIT', 'SSP')
        and exists (
            select from raw.split
            where split.symbol = trim(mapped.symbol) and abs(split.execution_date - mapped.activity_date) <= 18
                -- As staging.splits has them, which isn't there before the first publication.
                and split.split_from > 0 and split.split_to > 0
                and not exists (
                    select from ops.quarantine as held
                    where held.dataset = 'splits' and held.released_at is null and held.symbol = split.symbol
                        and held.session_date = split.execution_date and held.response_id = split.response_id
                )
        )
    )

union all

select
    portfolio_id,
    account_id,
    'book:' || transaction_id,
    source,
    type,
    type,
    traded_on,
    nullif(trim(symbol), ''),
    case
        when type in ('buy', 'cover', 'reinvest', 'transfer_in', 'opening') then quantity
        when type in ('sell', 'short', 'transfer_out') then -quantity
        -- Of a corporate action what it says: how many came, or of a merger how many left.
        when type in ('stock_dividend', 'spin_off', 'merger') then quantity
    end,
    price,
    case
        when type in ('transfer_in', 'transfer_out', 'opening') and symbol is not null then 0
        when type in ('reinvest', 'symbol_change') then 0
        when type in ('buy', 'cover', 'withdrawal', 'fee', 'tax', 'transfer_out') then -amount
        else amount
    end - fee - tax,
    currency,
    null,
    ratio,
    counter_symbol,
    -- The fraction of a share was paid out.
    type in ('split', 'stock_dividend', 'spin_off') and amount > 0
from entered
where not is_deleted
