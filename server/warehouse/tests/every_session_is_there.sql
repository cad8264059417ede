-- Rows: portfolios that miss a session of the exchange between their first and their last day.
select days.portfolio_id, count(*) as days_there, max(expected.sessions) as sessions
from {{ ref('portfolio_daily') }} as days
inner join (
    select bounds.portfolio_id, count(*) as sessions
    from (
        select portfolio_id, min(session_date) as first_on, max(session_date) as last_on
        from {{ ref('portfolio_daily') }}
        group by portfolio_id
    ) as bounds
    inner join {{ source('ledger', 'session') }} as session on session.session_date between bounds.first_on and bounds.last_on
    group by bounds.portfolio_id
) as expected on expected.portfolio_id = days.portfolio_id
group by days.portfolio_id
having count(*) <> max(expected.sessions)
