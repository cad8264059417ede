//! What stands in an explanation's address beside the scope, and what the figure is called there. Pure.

use app::{
    analytics::contribution::REST,
    domain::Currency,
    explain::{figures::Described, model::Asked},
    format,
    performance::model::Rolled,
};
use chrono::NaiveDate;

/// Figures of one session, or of the month or year in which it lies.
const DATED: &[&str] = &[
    "session_value",
    "daily_return",
    "benchmark_day_return",
    "close",
    "cash",
    "receivable",
    "month_return",
    "year_return",
    "benchmark_year_return",
    "year_excess_return",
    "drawdown",
    "rolling",
    "risk_free_rate",
    "exchange_rate",
];

/// Figures of the last session, whichever that is, where no other is asked for.
const OF_THE_LAST: &[&str] = &["value", "day_return", "day_change"];

/// In the order of the address; each with the value that was meant where none was given.
pub(super) fn about(asked: &Asked, as_of: NaiveDate) -> Vec<(String, String)> {
    let figure = asked.figure.as_str();
    let mut about = Vec::new();
    let mut put = |name: &str, value: Option<String>| about.extend(value.map(|value| (name.to_owned(), value)));
    if matches!(figure, "close" | "exchange_rate") || figure.starts_with("holding_") || figure.starts_with("contribution") {
        put("symbol", asked.symbol.as_deref().map(|symbol| if figure == "exchange_rate" { exchanged(symbol) } else { symbol.to_owned() }));
    }
    if figure == "sector_weight" || figure.starts_with("contribution") && asked.symbol.is_none() {
        put("sector", asked.sector.clone());
    }
    if figure == "rolling" {
        let rolled = rolled(asked);
        put("rolling", Some(rolled.key.to_owned()));
        put("window", Some(rolled.window.to_string()));
    }
    if DATED.contains(&figure) || OF_THE_LAST.contains(&figure) && asked.session.is_some() {
        put("session", Some(as_of.to_string()));
    }
    about
}

/// Of pence the pound is exchanged.
fn exchanged(currency: &str) -> String {
    Currency::parse(currency).map_or_else(|_| currency.to_owned(), |currency| currency.major().to_string())
}

/// The figure's name, with what it is of where that isn't its symbol.
pub(super) fn name(asked: &Asked, described: &Described) -> String {
    match (asked.figure.as_str(), &asked.sector) {
        ("sector_weight", Some(sector)) => format!("{}: {sector}", described.name),
        (key, of) if key.starts_with("contribution") && asked.symbol.is_none() => {
            format!("{}: {}", described.name, of.as_deref().unwrap_or(REST))
        }
        ("rolling", _) => format!("{}, {}", described.name, format::plural(rolled(asked).window as u64, "session", "sessions")),
        _ => described.name.to_owned(),
    }
}

/// The window that is asked for; what isn't offered takes its default.
pub(super) fn rolled(asked: &Asked) -> Rolled {
    Rolled::parse(asked.rolling.as_deref().unwrap_or_default(), asked.window.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_which_one_is_meant() {
        let on = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
        let said = |figure: &str, query: &str| {
            let about = about(&Asked::parse(figure, query), on);
            about.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
        };
        assert_eq!(said("value", "symbol=AAPL"), "");
        assert_eq!(said("value", "session=2026-11-20"), "session=2026-11-20");
        assert_eq!(said("day_return", "session=2026-11-20"), "session=2026-11-20");
        assert_eq!(said("exchange_rate", "symbol=GBX"), "symbol=GBP&session=2026-11-20");
        assert_eq!(said("close", "symbol=AAPL"), "symbol=AAPL&session=2026-11-20");
        assert_eq!(said("holding_value", "symbol=AAPL&session=2026-01-01"), "symbol=AAPL");
        assert_eq!(said("rolling", "rolling=beta&window=5"), "rolling=beta&window=63&session=2026-11-20");
        assert_eq!(said("sector_weight", "sector=Cash"), "sector=Cash");
        assert_eq!(said("contribution_gain", "symbol=AAPL&sector=Cash"), "symbol=AAPL");
        assert_eq!(said("contribution_gain", "sector=Banks"), "sector=Banks");
        assert_eq!(said("contribution_gain", ""), "", "what no holding earned");
    }
}
