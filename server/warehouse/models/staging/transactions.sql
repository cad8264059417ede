-- One row per transaction: the broker's executed activities and the latest version of what people entered.
-- Types of activities that aren't mapped here (new names, spin-offs, mergers, options …) are left out; the quality checks report them. So are
-- splits: the listed one is booked.
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

entered as (
    select distinct on (portfolio_id, transaction_id) *
    from {{ source('book', 'transaction') }}
    order by portfolio_id, transaction_id, version desc
)

select
    portfolio_id,
    account_id,
    activity_id as key,
    activity_date as traded_on,
    type,
    case when type in ('buy', 'sell', 'dividend', 'tax', 'fee') or activity_type in ('ACATS', 'JNLS') then nullif(trim(symbol), '') end as symbol,
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
    null::text as counter_symbol,
    null::numeric(11, 10) as cost_share,
    null::text as lot_id,
    null::date as opened_on
from mapped
where type is not null

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
