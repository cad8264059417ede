-- One row per transaction: the broker's executed activities and the latest version of what people entered.
-- Types of activities that aren't mapped here (spin-offs, mergers, options …) are left out; the quality checks report them. So are splits: the
-- listed one is booked.
with activities as (
    select distinct on (portfolio_id, account_id, activity_id) *
    from {{ source('raw', 'broker_activity') }}
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
        -- More money than a column holds is no trade; the account then doesn't agree with the broker, and the checks say so.
        and coalesce(abs(quantity * price), 0) < 999999999999999
),

-- A new name comes as two activities, minus the old shares and plus as many new ones. Where each has exactly one other half on its day, they
-- are one change of symbol; whatever is less certain is left to a person.
named_anew as (
    select
        *,
        count(*) over (partition by portfolio_id, account_id, activity_type, activity_date, quantity) as alike
    from mapped
    where activity_type in ('NC', 'SC') and quantity <> 0 and nullif(trim(symbol), '') is not null
),

changed as (
    select
        old.portfolio_id,
        old.account_id,
        old.activity_id as old_id,
        new.activity_id as new_id,
        trim(new.symbol) as new_symbol
    from named_anew as old
    inner join named_anew as new
        on
            new.portfolio_id = old.portfolio_id and new.account_id = old.account_id
            and new.activity_type = old.activity_type and new.activity_date = old.activity_date
            and new.quantity = -old.quantity
    where old.quantity < 0 and old.alike = 1 and new.alike = 1 and trim(new.symbol) <> trim(old.symbol)
),

entered as (
    select distinct on (portfolio_id, transaction_id) *
    from {{ source('book', 'transaction') }}
    order by portfolio_id, transaction_id, version desc
)

select
    mapped.portfolio_id,
    mapped.account_id,
    activity_id as key,
    activity_date as traded_on,
    case when changed.old_id is not null then 'symbol_change' else type end as type,
    case when changed.old_id is not null or type in ('buy', 'sell', 'dividend', 'tax', 'fee') or activity_type in ('ACATS', 'JNLS') then nullif(trim(symbol), '') end as symbol,
    case
        when activity_type in ('FILL', 'ACATS', 'JNLS') then coalesce(abs(quantity), 0) else 0
    end::numeric(28, 10) as quantity,
    case when activity_type in ('FILL', 'ACATS', 'JNLS') then coalesce(price, 0) else 0 end::numeric(28, 10) as price,
    -- Positive, with the direction in the type; a dividend, interest, fee or tax that is taken back is negative.
    case
        when activity_type = 'FILL' then coalesce(abs(quantity) * price, 0)
        when activity_type in ('ACATS', 'JNLS') then coalesce(nullif(abs(net_amount), 0), abs(quantity) * price, 0)
        when type in ('dividend', 'interest') then coalesce(net_amount, 0)
        when type in ('fee', 'tax') then -coalesce(net_amount, 0)
        when changed.old_id is not null then 0
        else coalesce(abs(net_amount), 0)
    end::numeric(19, 4) as amount,
    0::numeric(19, 4) as fee,
    0::numeric(19, 4) as tax,
    coalesce(body ->> 'currency', 'USD') as currency,
    'broker' as source,
    coalesce(description, '') as note,
    null::bigint as transaction_id,
    null::int as version,
    null::numeric(28, 10) as ratio,
    changed.new_symbol as counter_symbol,
    null::numeric(11, 10) as cost_share,
    null::text as lot_id,
    null::date as opened_on
from mapped
left join changed
    on changed.portfolio_id = mapped.portfolio_id and changed.account_id = mapped.account_id and changed.old_id = mapped.activity_id
where type is not null or changed.old_id is not null

union all

select
    portfolio_id,
    account_id,
    'book:' || transaction_id as key,
    traded_on,
    type,
    symbol,
    coalesce(quantity, 0)::numeric(28, 10) as quantity,
    coalesce(price, 0)::numeric(28, 10) as price,
    amount,
    fee,
    tax,
    currency,
    source,
    note,
    transaction_id,
    version,
    ratio,
    counter_symbol,
    cost_share,
    lot_id,
    opened_on
from entered
where not is_deleted
