-- Rows: portfolio days whose gain is not realized + unrealized + income − costs, within a cent.
{{ config(severity='warn') }}
select
    portfolio_id,
    session_date,
    value - net_contributions as gain,
    realized + unrealized - brought_in + income - costs as explained
from {{ ref('portfolio_daily') }}
where
    abs(value - net_contributions - (realized + unrealized - brought_in + income - costs)) > 0.01
