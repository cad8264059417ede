//! What a check found, and how it is kept in `ops.check_result`.

use super::rules::Rule;
use serde_json::Value;
use sqlx::PgConnection;

/// Samples kept of each result.
pub const MOST_SAMPLES: usize = 20;
/// Symbols that get a result of their own; the rest share one.
pub const MOST_SYMBOLS: usize = 50;

/// One row of `ops.check_result`.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub rule: &'static Rule,
    /// 0: of all.
    pub portfolio_id: i64,
    pub symbol: Option<String>,
    pub passed: bool,
    pub observed: String,
    pub elements: u64,
    pub failures: u64,
    pub samples: Vec<Value>,
    pub message: String,
}

/// One failing element.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub symbol: String,
    pub sample: Value,
    pub reason: String,
}

impl Outcome {
    pub fn passing(rule: &'static Rule, portfolio_id: i64, elements: u64) -> Self {
        let message = match elements {
            0 => "There was nothing to check.".to_owned(),
            _ => format!("{}.", capitalized(rule.expected)),
        };
        let observed = format!("{elements} checked, none fails");
        Self { rule, portfolio_id, symbol: None, passed: true, observed, elements, failures: 0, samples: Vec::new(), message }
    }

    pub fn failing(rule: &'static Rule, portfolio_id: i64, elements: u64, failures: &[(Value, String)]) -> Self {
        let message = match failures {
            [(_, reason)] => reason.clone(),
            [(_, first), rest @ ..] => format!("{first} And {} more.", rest.len()),
            [] => String::new(),
        };
        let failed = failures.len() as u64;
        Self {
            rule,
            portfolio_id,
            symbol: None,
            passed: false,
            observed: format!("{failed} of {} fail", elements.max(failed)),
            elements: elements.max(failed),
            failures: failed,
            samples: failures.iter().take(MOST_SAMPLES).map(|(sample, _)| sample.clone()).collect(),
            message,
        }
    }
}

/// The results of a check whose failures belong to symbols: one a failing symbol, or one that passes.
pub fn by_symbol(rule: &'static Rule, elements: u64, failures: Vec<Failure>) -> Vec<Outcome> {
    if failures.is_empty() {
        return vec![Outcome::passing(rule, 0, elements)];
    }
    let mut symbols: Vec<(String, Vec<(Value, String)>)> = Vec::new();
    for Failure { symbol, sample, reason } in failures {
        match symbols.iter_mut().find(|(name, _)| *name == symbol) {
            Some((_, of_symbol)) => of_symbol.push((sample, reason)),
            None => symbols.push((symbol, vec![(sample, reason)])),
        }
    }
    let rest: Vec<_> = symbols.split_off(symbols.len().min(MOST_SYMBOLS)).into_iter().flat_map(|(_, failures)| failures).collect();
    let mut outcomes: Vec<_> = symbols
        .into_iter()
        .map(|(symbol, failures)| Outcome { symbol: Some(symbol), ..Outcome::failing(rule, 0, elements, &failures) })
        .collect();
    if !rest.is_empty() {
        // Read by all: the sentence names nobody's symbol.
        let message = format!("More symbols fail: expected is that {}; the samples name them.", rule.expected);
        outcomes.push(Outcome { message, ..Outcome::failing(rule, 0, elements, &rest) });
    }
    outcomes
}

/// Writes the results of a run. The caller has deleted what an earlier attempt left.
///
/// # Errors
/// What Postgres says.
pub async fn keep(connection: &mut PgConnection, run_id: i64, outcomes: &[Outcome], duration_ms: f64) -> Result<(), sqlx::Error> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let text = |of: fn(&Outcome) -> &str| outcomes.iter().map(|outcome| of(outcome).to_owned()).collect::<Vec<String>>();
    let samples: Vec<Value> = outcomes.iter().map(|outcome| Value::Array(outcome.samples.clone())).collect();
    let symbols: Vec<Option<String>> = outcomes.iter().map(|outcome| outcome.symbol.clone()).collect();
    sqlx::query!(
        "insert into ops.check_result (run_id, portfolio_id, symbol, check_name, dimension, scope, severity, passed, observed, expected,
                                       elements, failures, samples, message, duration_ms)
         select $1, row.portfolio_id, row.symbol, row.name, row.dimension, row.scope, row.severity, row.passed, row.observed, row.expected,
                row.elements, row.failures, row.samples, row.message, $15
         from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::text[], $10::text[],
                     $11::bigint[], $12::bigint[], $13::jsonb[], $14::text[])
              as row (portfolio_id, symbol, name, dimension, scope, severity, passed, observed, expected, elements, failures, samples, message)",
        run_id,
        &outcomes.iter().map(|outcome| outcome.portfolio_id).collect::<Vec<_>>(),
        &symbols as &[Option<String>],
        &text(|outcome| outcome.rule.name),
        &text(|outcome| outcome.rule.dimension),
        &text(|outcome| outcome.rule.scope),
        &text(|outcome| outcome.rule.severity),
        &outcomes.iter().map(|outcome| outcome.passed).collect::<Vec<_>>(),
        &text(|outcome| &outcome.observed),
        &text(|outcome| outcome.rule.expected),
        &outcomes.iter().map(|outcome| count(outcome.elements)).collect::<Vec<_>>(),
        &outcomes.iter().map(|outcome| count(outcome.failures)).collect::<Vec<_>>(),
        &samples,
        &text(|outcome| &outcome.message),
        duration_ms,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::{super::rules::HELD_ARE_FRESH, *};
    use serde_json::json;

    fn failure(symbol: &str) -> Failure {
        Failure { symbol: symbol.into(), sample: json!({ "symbol": symbol }), reason: format!("{symbol} is late.") }
    }

    #[test]
    fn each_failing_symbol_has_its_result() {
        let outcomes = by_symbol(&HELD_ARE_FRESH, 9, vec![failure("AAPL"), failure("MSFT"), failure("AAPL")]);
        assert_eq!(outcomes.len(), 2);
        assert_eq!((outcomes[0].symbol.as_deref(), outcomes[0].failures), (Some("AAPL"), 2));
        assert_eq!(outcomes[0].message, "AAPL is late. And 1 more.");
        assert_eq!(outcomes[0].observed, "2 of 9 fail");
    }

    #[test]
    fn without_failures_one_result_passes() {
        let outcomes = by_symbol(&HELD_ARE_FRESH, 9, Vec::new());
        assert_eq!(outcomes.len(), 1);
        assert!(outcomes[0].passed);
        assert_eq!(outcomes[0].message, "Every held symbol has a close of the session.");
        assert_eq!(Outcome::passing(&HELD_ARE_FRESH, 0, 0).message, "There was nothing to check.");
    }

    #[test]
    fn hundreds_of_symbols_share_the_last_result() {
        let failures = (0..MOST_SYMBOLS + 30).map(|number| failure(&format!("S{number}"))).collect();
        let outcomes = by_symbol(&HELD_ARE_FRESH, 0, failures);
        assert_eq!(outcomes.len(), MOST_SYMBOLS + 1);
        let last = outcomes.last().unwrap();
        assert_eq!((last.symbol.as_deref(), last.failures, last.samples.len()), (None, 30, MOST_SAMPLES));
    }
}
