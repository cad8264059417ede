-- One row per activity of an account that isn't booked: cancelled, or of a type that entries.sql doesn't know. A split that
-- is booked from the vendor's list is known. $1 portfolio, $2 account.
select
    activity_id,
    activity_date,
    activity_type,
    nullif(trim(symbol), '') as symbol,
    quantity,
    net_amount,
    coalesce(lower(status), 'executed') in ('canceled', 'cancelled') as "is_cancelled!"
from (
    select distinct on (activity_id) *
    from raw.broker_activity
    where portfolio_id = $1 and account_id = $2
    order by activity_id, response_id desc
) as activity
where
    coalesce(lower(status), 'executed') in ('canceled', 'cancelled')
    or not (
        activity_type in (
            'FILL', 'FEE', 'CFEE', 'PTC', 'PTR', 'DVF', 'INT', 'INTNRA', 'INTTW', 'WH', 'CSD', 'CSW', 'TRANS', 'JNLC', 'ACATC', 'ACATS', 'JNLS'
        )
        or activity_type like 'DIV%'
        or activity_type in ('SPLIT', 'SSP') and exists (
            select from raw.split
            where split.symbol = trim(activity.symbol) and abs(split.execution_date - activity.activity_date) <= 18
                -- As staging.splits has them, which isn't there before the first publication.
                and split.split_from > 0 and split.split_to > 0
                and not exists (
                    select from ops.quarantine as held
                    where held.dataset = 'splits' and held.released_at is null and held.symbol = split.symbol
                        and held.session_date = split.execution_date and held.response_id = split.response_id
                )
        )
    )
order by activity_date desc, activity_id
