//! What a check found, and how it is kept in `ops.check_result`.

use super::check::Check;
use chrono::NaiveDate;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::sync::Arc;

/// Samples and unexpected values kept of each result.
pub const MOST_SAMPLES: usize = 20;
/// Symbols that get a result of their own; the rest share one.
pub const MOST_SYMBOLS: usize = 50;

/// Before the reason of a check that couldn't be made.
const UNMADE: &str = " couldn't be made: ";

/// The message of a check that couldn't be made, for who can't correct it: why is between the rule and its writer.
pub fn without_reason(message: String) -> String {
    match message.split_once(UNMADE) {
        Some((check, _)) => format!("{check} couldn't be made. An administrator can read why and correct it."),
        None => message,
    }
}

/// One row of `ops.check_result`, with the meaning that Great Expectations gives to the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub check: Arc<Check>,
    /// 0: of all.
    pub portfolio_id: i64,
    pub symbol: Option<String>,
    pub passed: bool,
    pub observed: String,
    /// The number that was compared, where there is one.
    pub observed_value: Option<Value>,
    pub elements: u64,
    /// Elements without a value.
    pub missing: u64,
    /// Unexpected ones among those with a value.
    pub failures: u64,
    pub unexpected: Vec<Value>,
    pub samples: Vec<Value>,
    /// Selects all failing rows, ready to paste.
    pub query: Option<String>,
    pub repairs: Vec<Value>,
    pub message: String,
    pub duration_ms: f64,
    /// A person's word that it is known and bearable: it blocks nothing.
    pub acceptance_id: Option<i64>,
}

/// One failing element.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub symbol: String,
    pub sample: Value,
    pub reason: String,
}

/// A result as the command line prints it.
#[derive(Debug, Serialize)]
pub struct Said<'a> {
    pub check: &'a str,
    pub dataset: &'a str,
    pub kind: &'static str,
    pub success: bool,
    pub portfolio_id: i64,
    pub symbol: Option<&'a str>,
    pub observed_value: Option<&'a Value>,
    pub element_count: u64,
    pub missing_count: u64,
    pub missing_percent: Option<f64>,
    pub unexpected_count: u64,
    /// Of all elements.
    pub unexpected_percent_total: Option<f64>,
    /// Of those with a value.
    pub unexpected_percent: Option<f64>,
    pub partial_unexpected_list: &'a [Value],
    pub unexpected_index_query: Option<&'a str>,
    pub message: &'a str,
    pub duration_ms: f64,
}

fn percent(part: u64, of: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    (of > 0).then(|| part as f64 / of as f64 * 100.0)
}

impl Outcome {
    pub fn passing(check: &Arc<Check>, portfolio_id: i64, elements: u64) -> Self {
        let message = match elements {
            0 => "There was nothing to check.".to_owned(),
            _ => format!("{}.", capitalized(&check.expected)),
        };
        Self {
            check: Arc::clone(check),
            portfolio_id,
            symbol: None,
            passed: true,
            observed: format!("{elements} checked, none fails"),
            observed_value: None,
            elements,
            missing: 0,
            failures: 0,
            unexpected: Vec::new(),
            samples: Vec::new(),
            query: None,
            repairs: Vec::new(),
            message,
            duration_ms: 0.0,
            acceptance_id: None,
        }
    }

    pub fn failing(check: &Arc<Check>, portfolio_id: i64, elements: u64, failures: &[(Value, String)]) -> Self {
        let message = match failures {
            [(_, reason)] => reason.clone(),
            [(_, first), rest @ ..] => format!("{first} And {} more.", rest.len()),
            [] => String::new(),
        };
        let failed = failures.len() as u64;
        Self {
            passed: false,
            observed: format!("{failed} of {} fail", elements.max(failed)),
            elements: elements.max(failed),
            failures: failed,
            samples: failures.iter().take(MOST_SAMPLES).map(|(sample, _)| sample.clone()).collect(),
            message,
            ..Self::passing(check, portfolio_id, elements)
        }
    }

    /// A failure of the whole, with the number that was compared.
    pub fn off(check: &Arc<Check>, observed: String, value: Value, message: String) -> Self {
        Self { passed: false, observed, observed_value: Some(value), failures: 1, message, ..Self::passing(check, 0, 1) }
    }

    /// A check that couldn't be made: it fails, says why, and holds nothing up.
    pub fn broken(check: &Arc<Check>, why: &str) -> Self {
        let check = Arc::new(Check { action: super::check::Action::Record, ..Check::clone(check) });
        let message = format!("The check {}{UNMADE}{why}. Correct it, or delete it.", check.name);
        Self { observed: "not made".into(), failures: 0, ..Self::off(&check, String::new(), Value::Null, message) }
    }

    pub fn said(&self) -> Said<'_> {
        Said {
            check: &self.check.name,
            dataset: &self.check.dataset,
            kind: self.check.kind.name(),
            success: self.passed,
            portfolio_id: self.portfolio_id,
            symbol: self.symbol.as_deref(),
            observed_value: self.observed_value.as_ref(),
            element_count: self.elements,
            missing_count: self.missing,
            missing_percent: percent(self.missing, self.elements),
            unexpected_count: self.failures,
            unexpected_percent_total: percent(self.failures, self.elements),
            unexpected_percent: percent(self.failures, self.elements.saturating_sub(self.missing)),
            partial_unexpected_list: &self.unexpected,
            unexpected_index_query: self.query.as_deref(),
            message: &self.message,
            duration_ms: self.duration_ms,
        }
    }

    /// Does it hold up what is in its scope?
    pub fn blocks(&self) -> bool {
        use super::check::Action;
        !self.passed && self.acceptance_id.is_none() && matches!(self.check.action, Action::Block | Action::Fail)
    }
}

/// The results of a check whose failures belong to symbols: one a failing symbol, or one that passes.
pub fn by_symbol(check: &Arc<Check>, elements: u64, failures: Vec<Failure>) -> Vec<Outcome> {
    if failures.is_empty() {
        return vec![Outcome::passing(check, 0, elements)];
    }
    let mut symbols: Vec<(String, Vec<(Value, String)>)> = Vec::new();
    for Failure { symbol, sample, reason } in failures {
        match symbols.iter_mut().rev().find(|(name, _)| *name == symbol) {
            Some((_, of_symbol)) => of_symbol.push((sample, reason)),
            None => symbols.push((symbol, vec![(sample, reason)])),
        }
    }
    let rest: Vec<_> = symbols.split_off(symbols.len().min(MOST_SYMBOLS)).into_iter().flat_map(|(_, failures)| failures).collect();
    let mut outcomes: Vec<_> = symbols
        .into_iter()
        .map(|(symbol, failures)| Outcome { symbol: Some(symbol), ..Outcome::failing(check, 0, elements, &failures) })
        .collect();
    if !rest.is_empty() {
        // Read by all: the sentence names nobody's symbol.
        let message = format!("More symbols fail: expected is that {}; the samples name them.", check.expected);
        outcomes.push(Outcome { message, ..Outcome::failing(check, 0, elements, &rest) });
    }
    outcomes
}

/// What people declared bearable, applied: a failure of it stays told and blocks nothing.
pub fn accept(outcomes: &mut [Outcome], accepted: &[Accepted]) {
    for outcome in outcomes.iter_mut().filter(|outcome| !outcome.passed) {
        outcome.acceptance_id = accepted.iter().find(|word| word.covers(outcome)).map(|word| word.id);
    }
}

/// A person's word that a failure is known and bearable until a day.
#[derive(Debug, Clone)]
pub struct Accepted {
    pub id: i64,
    pub check: String,
    pub portfolio_id: i64,
    pub symbol: Option<String>,
}

impl Accepted {
    fn covers(&self, outcome: &Outcome) -> bool {
        self.check == outcome.check.name
            && (self.portfolio_id == 0 || self.portfolio_id == outcome.portfolio_id)
            && (self.symbol.is_none() || self.symbol == outcome.symbol)
    }

    /// Is a refused row of this symbol let in?
    pub fn lets_in(&self, check: &str, symbol: &str) -> bool {
        self.check == check && self.portfolio_id == 0 && self.symbol.as_deref().is_none_or(|accepted| accepted == symbol)
    }
}

/// All that is bearable on a day.
pub async fn accepted(connection: &mut PgConnection, on: NaiveDate) -> Result<Vec<Accepted>, sqlx::Error> {
    sqlx::query!(
        "select acceptance_id, check_name, portfolio_id, symbol from book.acceptance
         where revoked_at is null and expires_on >= $1 and session_date is null order by acceptance_id",
        on
    )
    .map(|row| Accepted { id: row.acceptance_id, check: row.check_name, portfolio_id: row.portfolio_id, symbol: row.symbol })
    .fetch_all(connection)
    .await
}

/// Writes the results of a run. The caller has deleted what an earlier attempt left.
///
/// # Errors
/// What Postgres says.
pub async fn keep(connection: &mut PgConnection, run_id: i64, outcomes: &[Outcome]) -> Result<(), sqlx::Error> {
    let rows: Vec<Value> = outcomes
        .iter()
        .map(|outcome| {
            let check = &outcome.check;
            json!({
                "portfolio_id": outcome.portfolio_id, "symbol": outcome.symbol, "check_name": check.name, "dimension": check.dimension,
                "scope": check.scope, "severity": check.severity, "passed": outcome.passed, "observed": outcome.observed,
                "expected": check.expected, "elements": outcome.elements, "failures": outcome.failures, "samples": cut_all(&outcome.samples),
                "message": outcome.message, "duration_ms": outcome.duration_ms, "dataset": check.dataset, "kind": check.kind.name(),
                "action": check.action, "missing": outcome.missing, "observed_value": outcome.observed_value,
                "unexpected": cut_all(&outcome.unexpected), "query": outcome.query, "thresholds": check.thresholds(), "repairs": outcome.repairs,
                "acceptance_id": outcome.acceptance_id,
            })
        })
        .collect();
    sqlx::query!(
        "insert into ops.check_result (run_id, portfolio_id, symbol, check_name, dimension, scope, severity, passed, observed, expected,
                                       elements, failures, samples, message, duration_ms, dataset, kind, action, missing, observed_value,
                                       unexpected, query, thresholds, repairs, acceptance_id)
         select $1, portfolio_id, symbol, check_name, dimension, scope, severity, passed, observed, expected,
                elements, failures, samples, message, duration_ms, dataset, kind, action, missing, observed_value,
                unexpected, query, thresholds, repairs, acceptance_id
         from jsonb_populate_recordset(null::ops.check_result, $2)",
        run_id,
        Value::Array(rows),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Texts of rows are kept to be looked at: nobody reads a megabyte, and twenty of them would be kept in every run.
const LONGEST_TEXT: usize = 500;

fn cut_all(values: &[Value]) -> Vec<Value> {
    values.iter().map(cut).collect()
}

fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) if text.chars().count() > LONGEST_TEXT => Value::String(text.chars().take(LONGEST_TEXT).chain(['…']).collect()),
        Value::Array(values) => Value::Array(cut_all(values)),
        Value::Object(fields) => Value::Object(fields.iter().map(|(name, value)| (name.clone(), cut(value))).collect()),
        other => other.clone(),
    }
}

/// Results are looked back at for a year; older ones go, with what the runs built.
///
/// # Errors
/// What Postgres says.
pub async fn forget_old(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with kept as (select min(run_id) as run_id from ops.run where created_at > now() - interval '400 days'),
              forgotten as (delete from ops.model_run where run_id < (select run_id from kept))
         delete from ops.check_result where run_id < (select run_id from kept)"
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::suite::named, *};

    #[test]
    fn long_texts_are_cut() {
        let cut = cut(&json!({ "note": "x".repeat(2_000), "of": ["y"], "number": 1 }));
        assert_eq!(cut["note"].as_str().map(|text| text.chars().count()), Some(LONGEST_TEXT + 1));
        assert_eq!((cut["of"][0].as_str(), cut["number"].as_i64()), (Some("y"), Some(1)));
    }

    fn failure(symbol: &str) -> Failure {
        Failure { symbol: symbol.into(), sample: json!({ "symbol": symbol }), reason: format!("{symbol} is late.") }
    }

    #[test]
    fn each_failing_symbol_has_its_result() {
        let held = named("held_are_fresh").unwrap();
        let outcomes = by_symbol(&held, 9, vec![failure("AAPL"), failure("MSFT"), failure("AAPL")]);
        assert_eq!(outcomes.len(), 2);
        assert_eq!((outcomes[0].symbol.as_deref(), outcomes[0].failures), (Some("AAPL"), 2));
        assert_eq!(outcomes[0].message, "AAPL is late. And 1 more.");
        assert_eq!(outcomes[0].observed, "2 of 9 fail");
    }

    #[test]
    fn without_failures_one_result_passes() {
        let held = named("held_are_fresh").unwrap();
        let outcomes = by_symbol(&held, 9, Vec::new());
        assert_eq!(outcomes.len(), 1);
        assert!(outcomes[0].passed);
        assert_eq!(outcomes[0].message, "Every held symbol has a close of the session.");
        assert_eq!(Outcome::passing(&held, 0, 0).message, "There was nothing to check.");
    }

    #[test]
    fn hundreds_of_symbols_share_the_last_result() {
        let held = named("held_are_fresh").unwrap();
        let failures = (0..MOST_SYMBOLS + 30).map(|number| failure(&format!("S{number}"))).collect();
        let outcomes = by_symbol(&held, 0, failures);
        assert_eq!(outcomes.len(), MOST_SYMBOLS + 1);
        let last = outcomes.last().unwrap();
        assert_eq!((last.symbol.as_deref(), last.failures, last.samples.len()), (None, 30, MOST_SAMPLES));
    }

    #[test]
    fn percents_are_those_of_great_expectations() {
        let outcome = Outcome { missing: 20, failures: 8, ..Outcome::passing(&named("volume_is_possible").unwrap(), 0, 100) };
        let said = outcome.said();
        assert_eq!((said.missing_percent, said.unexpected_percent, said.unexpected_percent_total), (Some(20.0), Some(10.0), Some(8.0)));
        assert_eq!(Outcome::passing(&named("volume_is_possible").unwrap(), 0, 0).said().unexpected_percent, None);
    }
}
