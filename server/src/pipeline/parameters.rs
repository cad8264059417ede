//! What a run is about, as its row says it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// `{"session"}` of a daily run, `{"from"?, "to"}` of a backfill, `{"portfolio"}` of a publication after an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Parameters {
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
}

/// The run's parameters aren't those of any DAG of ours.
#[derive(Debug, thiserror::Error)]
#[error("the run's parameters can't be read; start it again")]
pub(super) struct Unreadable(#[source] serde_json::Error);

impl Parameters {
    pub(super) fn read(value: &Value) -> Result<Self, Unreadable> {
        serde_json::from_value(value.clone()).map_err(Unreadable)
    }

    pub(super) fn to_value(self) -> Value {
        match self {
            Self::Daily { session } => json!({ "session": session }),
            Self::Backfill { from: None, to } => json!({ "to": to }),
            Self::Backfill { from: Some(from), to } => json!({ "from": from, "to": to }),
            Self::Publish { portfolio } => json!({ "portfolio": portfolio }),
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
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (parameters, words) in [
            (Parameters::Daily { session: day("2026-11-20") }, "session 2026-11-20"),
            (Parameters::Backfill { from: Some(day("2021-11-22")), to: day("2026-11-20") }, "2021-11-22 to 2026-11-20"),
            (Parameters::Backfill { from: None, to: day("2026-11-20") }, "all history to 2026-11-20"),
            (Parameters::Publish { portfolio: 7 }, "portfolio 7"),
        ] {
            assert_eq!(Parameters::read(&parameters.to_value()).unwrap(), parameters);
            assert_eq!(covers(&parameters.to_value()), words);
        }
        assert!(Parameters::read(&json!({ "session": "yesterday" })).is_err());
        assert_eq!(covers(&json!(null)), "unknown");
    }
}
