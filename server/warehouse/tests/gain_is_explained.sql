-- Rows: portfolio days whose gain is not realized + unrealized + income − costs ± what exchange rates brought to cash, within a cent.
{{ config(severity='warn') }}
select
    portfolio_id,
    session_date,
    value - net_contributions as gain,
    realized + unrealized - brought_in + income - costs + cash_currency as explained
from {{ ref('portfolio_daily') }}
where
    abs(value - net_contributions - (realized + unrealized - brought_in + income - costs + cash_currency)) > 0.01
