//! What a run is about, as its row says it.

use app::domain::Symbol;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `{"session"}` of a daily run, `{"from"?, "to"}` of a backfill, `{"portfolio"}` of a publication after an edit, `{"publish": "all"}`
/// of one after a decision about prices, `{"refetch", "session", "from", "to"}` of what is fetched once more.
/// Read in this order: what has more fields comes before what would do with fewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Parameters {
    Refetch(Refetch),
    Daily {
        session: NaiveDate,
    },
    Backfill {
        /// `None`: from the first day that anything is known of.
        from: Option<NaiveDate>,
        to: NaiveDate,
    },
    Publish {
        portfolio: i64,
    },
    PublishAll {
        publish: Everything,
    },
}

/// What is fetched once more, whether it was asked for before or not, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refetch {
    /// Whose prices, splits and dividends.
    pub(super) refetch: Vec<Symbol>,
    /// Whose activities at the broker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) portfolio: Option<i64>,
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
    /// The one that is checked and published afterwards.
    pub(super) session: NaiveDate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Everything {
    All,
}

/// The run's parameters aren't those of any DAG of ours.
#[derive(Debug, thiserror::Error)]
#[error("the run's parameters can't be read; start it again")]
pub(super) struct Unreadable(#[source] serde_json::Error);

impl Parameters {
    pub(super) fn read(value: &Value) -> Result<Self, Unreadable> {
        serde_json::from_value(value.clone()).map_err(Unreadable)
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Refetch(what) => {
                let mut value = json!({ "refetch": what.refetch, "session": what.session, "from": what.from, "to": what.to });
                if let (Some(portfolio), Value::Object(fields)) = (what.portfolio, &mut value) {
                    fields.insert("portfolio".to_owned(), portfolio.into());
                }
                value
            }
            Self::Daily { session } => json!({ "session": session }),
            Self::Backfill { from: None, to } => json!({ "to": to }),
            Self::Backfill { from: Some(from), to } => json!({ "from": from, "to": to }),
            Self::Publish { portfolio } => json!({ "portfolio": portfolio }),
            Self::PublishAll { .. } => json!({ "publish": "all" }),
        }
    }
}

/// What a run covers, for a person: "session 2026-11-20", "2021-11-22 to 2026-11-20", "all history to 2026-11-20".
pub fn covers(parameters: &Value) -> String {
    match Parameters::read(parameters) {
        Ok(Parameters::Daily { session }) => format!("session {session}"),
        Ok(Parameters::Backfill { from: Some(from), to }) => format!("{from} to {to}"),
        Ok(Parameters::Backfill { from: None, to }) => format!("all history to {to}"),
        Ok(Parameters::Publish { portfolio }) => format!("portfolio {portfolio}"),
        Ok(Parameters::PublishAll { .. }) => "all portfolios".to_owned(),
        Ok(Parameters::Refetch(what)) => {
            // Everybody reads it: which symbol it is, is known to those who hold it.
            let symbols = match what.refetch.len() {
                0 => None,
                1 => Some("one symbol".to_owned()),
                many => Some(format!("{many} symbols")),
            };
            let broker = what.portfolio.map(|portfolio| format!("activities of portfolio {portfolio}"));
            format!("{} anew, {} to {}", [symbols, broker].into_iter().flatten().collect::<Vec<_>>().join(" and "), what.from, what.to)
        }
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refetch(symbols: &[&str], portfolio: Option<i64>) -> Parameters {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let refetch = symbols.iter().map(|symbol| Symbol::parse(symbol).unwrap()).collect();
        Parameters::Refetch(Refetch { refetch, portfolio, from: day("2026-11-02"), to: day("2026-11-03"), session: day("2026-11-20") })
    }

    #[test]
    fn what_is_written_is_read_again() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (parameters, words) in [
            (Parameters::Daily { session: day("2026-11-20") }, "session 2026-11-20"),
            (Parameters::Backfill { from: Some(day("2021-11-22")), to: day("2026-11-20") }, "2021-11-22 to 2026-11-20"),
            (Parameters::Backfill { from: None, to: day("2026-11-20") }, "all history to 2026-11-20"),
            (Parameters::Publish { portfolio: 7 }, "portfolio 7"),
            (Parameters::PublishAll { publish: Everything::All }, "all portfolios"),
            (refetch(&["AAPL", "MSFT"], None), "2 symbols anew, 2026-11-02 to 2026-11-03"),
            (refetch(&[], Some(7)), "activities of portfolio 7 anew, 2026-11-02 to 2026-11-03"),
        ] {
            assert_eq!(Parameters::read(&parameters.to_value()).unwrap(), parameters);
            assert_eq!(covers(&parameters.to_value()), words);
        }
        assert!(Parameters::read(&json!({ "session": "yesterday" })).is_err());
        assert_eq!(covers(&json!(null)), "unknown");
    }
}
