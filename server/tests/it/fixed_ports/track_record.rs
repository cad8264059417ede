//! The sessions behind the performance page, of the same days as the overview.

use super::usd;
use app::{
    analytics::sessions::PortfolioSession,
    domain::{Money, PortfolioId},
    overview::model::Day,
    performance::model::TrackRecord,
};

/// Returns are those between the cumulative ones.
pub fn of(days: &[Day]) -> TrackRecord {
    let step = |now: Option<f64>, before: Option<f64>| Some((1.0 + now?) / (1.0 + before.unwrap_or(0.0)) - 1.0);
    let session = |(at, day): (usize, &Day)| {
        let before = at.checked_sub(1).map(|before| &days[before]);
        let of_day_before = |of: fn(&Day) -> Option<f64>| before.and_then(of);
        PortfolioSession {
            session_date: day.session_date,
            value: day.value,
            inflow: if at == 0 { day.net_contributions } else { day.inflow },
            outflow: day.outflow,
            net_contributions: day.net_contributions,
            daily_return: step(day.cumulative, of_day_before(|day| day.cumulative)),
            carried: 2,
            positions: 26,
            unrealized: day.value,
            realized: Money::ZERO,
            income: Money::ZERO,
            costs: Money::ZERO,
            brought_in: Money::ZERO,
            cash_currency: Some(Money::ZERO),
            exact_value: day.value,
            benchmark_return: step(day.benchmark_cumulative, of_day_before(|day| day.benchmark_cumulative)),
            risk_free_rate: Some(0.043),
        }
    };
    TrackRecord {
        portfolio: PortfolioId(1),
        currency: "USD".into(),
        sessions: days.iter().enumerate().map(session).collect(),
        position_values: [41_280.0, 36_905.0, 27_410.0, 24_388.0, 19_874.0].map(|value| Some(usd(value))).into(),
        holdings: Ok(Vec::new()),
        restated: app::overview::model::RestatedDays::default(),
    }
}
