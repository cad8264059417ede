//! Results of checks as the page shows them: without what only others have.

use super::super::{Result, Store};
use crate::quality::{is_personal, without_reason};
use app::quality::model::{CheckRow, Repair};
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many runs are looked at to say since when a check has failed.
const RUNS: i64 = 250;

/// Who looks: what may be shown.
pub(super) struct Eyes<'a> {
    pub(super) portfolios: &'a [i64],
    pub(super) symbols: &'a BTreeSet<&'a str>,
    /// May see the query that finds all rows of a check of all portfolios.
    pub(super) is_administrator: bool,
}

/// The latest run's checks, its number and when it ran.
pub(super) struct Latest {
    pub(super) run_id: Option<i64>,
    pub(super) checked_at: Option<DateTime<Utc>>,
    pub(super) checks: Vec<CheckRow>,
}

impl Store {
    pub(super) async fn latest_results(&self, mine: &[i64], symbols: &[String], is_administrator: bool) -> Result<Latest> {
        let results = sqlx::query_file!("src/store/quality/check_results.sql", mine, symbols, self.today()).fetch_all(&self.pool).await?;
        let known: BTreeSet<&str> = symbols.iter().map(String::as_str).collect();
        let eyes = Eyes { portfolios: mine, symbols: &known, is_administrator };
        let (run_id, checked_at) = (results.first().map(|row| row.run_id), results.iter().map(|row| row.checked_at).max());
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let mut checks: Vec<CheckRow> = results
            .into_iter()
            .map(|row| {
                // Values without a key can't be told apart: of what all share they may be another person's.
                let is_mine = row.portfolio_id != 0 || row.symbol.is_some();
                CheckRow {
                    query: row.query.filter(|_| row.portfolio_id != 0 || eyes.is_administrator),
                    unexpected: if is_mine { texts(&row.unexpected) } else { Vec::new() },
                    samples: eyes.samples(&row.samples, row.portfolio_id == 0 && is_personal(&row.dataset, &row.kind)),
                    repairs: eyes.repairs(&row.repairs),
                    thresholds: named(&row.thresholds),
                    name: row.check_name,
                    kind: row.kind,
                    dataset: row.dataset,
                    dimension: row.dimension,
                    scope: row.scope,
                    severity: row.severity,
                    action: row.action,
                    portfolio: row.portfolio_id,
                    symbol: row.symbol,
                    passed: row.passed,
                    observed: row.observed,
                    expected: row.expected,
                    elements: count(row.elements),
                    missing: count(row.missing),
                    failures: count(row.failures),
                    message: if eyes.is_administrator { row.message } else { without_reason(row.message) },
                    failing_runs: u32::from(!row.passed),
                    failing_since: None,
                    accepted: row.accepted,
                }
            })
            .collect();
        self.failing_since(mine, symbols, &mut checks).await?;
        Ok(Latest { run_id, checked_at, checks })
    }

    /// Says of each failing check in how many runs in a row it has failed.
    async fn failing_since(&self, mine: &[i64], symbols: &[String], checks: &mut [CheckRow]) -> Result<()> {
        let names: Vec<String> = checks.iter().filter(|check| !check.passed).map(|check| check.name.clone()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let rows = sqlx::query!(
            r#"select check_name, portfolio_id, symbol, run_id, bool_and(passed) as "passed!", min(checked_at) as "checked_at!"
               from ops.check_result
               where check_name = any($1) and portfolio_id = any(0 || $2::bigint[]) and (symbol is null or symbol = any($3))
                 and run_id > coalesce((
                     select distinct run_id from ops.check_result where not is_of_models and portfolio_id = any(0 || $2::bigint[])
                     order by run_id desc offset $4 limit 1), 0)
               group by check_name, portfolio_id, symbol, run_id order by run_id desc"#,
            &names,
            mine,
            symbols,
            RUNS,
        )
        .fetch_all(&self.pool)
        .await?;
        let told: Vec<Told> = rows
            .into_iter()
            .map(|row| Told {
                of: (row.check_name, row.portfolio_id, row.symbol),
                run_id: row.run_id,
                passed: row.passed,
                at: row.checked_at,
            })
            .collect();
        for check in checks.iter_mut().filter(|check| !check.passed) {
            if let Some((runs, since)) = streak(&told, &(check.name.clone(), check.portfolio, check.symbol.clone())) {
                (check.failing_runs, check.failing_since) = (runs, Some(since));
            }
        }
        Ok(())
    }

    /// Failing checks of the latest run that concern this person and nobody accepted.
    pub(in crate::store) async fn open_findings(&self, mine: &[i64]) -> Result<u32> {
        let failing = sqlx::query_scalar!(
            r#"select count(*) as "count!" from ops.check_result
               where not passed and severity <> 'info'
                 and run_id = case when is_of_models
                     then (select max(run_id) from ops.check_result where is_of_models and portfolio_id = any(0 || $1::bigint[]))
                     else (select max(run_id) from ops.check_result where not is_of_models and portfolio_id = any(0 || $1::bigint[])) end
                 and portfolio_id = any(0 || $1::bigint[])
                 and (symbol is null or symbol = 'SPY'
                      or exists (select from book.transaction as entered where entered.portfolio_id = any($1) and entered.symbol = check_result.symbol)
                      or exists (select from raw.broker_activity as told where told.portfolio_id = any($1) and told.symbol = check_result.symbol)
                      or exists (select from raw.broker_position as held where held.portfolio_id = any($1) and held.symbol = check_result.symbol))
                 and not exists (
                     select from book.acceptance
                     where acceptance.check_name = check_result.check_name and acceptance.portfolio_id = check_result.portfolio_id
                       and (acceptance.symbol is null or acceptance.symbol = check_result.symbol) and (acceptance.session_date is null
                          or check_result.failures = 1 and check_result.samples -> 0 ->> 'session_date' = acceptance.session_date::text)
                       and acceptance.revoked_at is null and acceptance.expires_on >= $2)"#,
            mine,
            self.today()
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(u32::try_from(failing).unwrap_or(u32::MAX))
    }
}

type Of = (String, i64, Option<String>);

/// What one run said of one check, portfolio and symbol.
struct Told {
    of: Of,
    run_id: i64,
    passed: bool,
    at: DateTime<Utc>,
}

/// Runs in a row up to the latest in which `of` failed, and when the first of them was. `told`: the latest first. A run that checked
/// the name and doesn't list a symbol found nothing wrong with it.
fn streak(told: &[Told], of: &Of) -> Option<(u32, DateTime<Utc>)> {
    let mut runs: Vec<i64> = told.iter().filter(|told| (&told.of.0, told.of.1) == (&of.0, of.1)).map(|told| told.run_id).collect();
    runs.dedup();
    let failing: BTreeMap<i64, DateTime<Utc>> =
        told.iter().filter(|told| told.of == *of && !told.passed).map(|told| (told.run_id, told.at)).collect();
    let streak: Vec<DateTime<Utc>> = runs.iter().map_while(|run| failing.get(run).copied()).collect();
    Some((u32::try_from(streak.len()).unwrap_or(u32::MAX), *streak.last()?))
}

impl Eyes<'_> {
    fn sees(&self, symbol: Option<&str>, portfolio: Option<i64>) -> bool {
        symbol.is_none_or(|symbol| self.symbols.contains(symbol)) && portfolio.is_none_or(|portfolio| self.portfolios.contains(&portfolio))
    }

    /// Does a row name nothing that only others have? `is_personal`: it must name a portfolio of ours, since it is somebody's.
    pub(super) fn sees_row(&self, row: &Value, is_personal: bool) -> bool {
        let named = |name: &str| [row.get(name), row.get("of").and_then(|of| of.get(name))].into_iter().flatten();
        let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
        let portfolios: Vec<Option<i64>> = named("portfolio_id").filter(|value| !value.is_null()).map(number).collect();
        let symbols = named("symbol").filter_map(Value::as_str).filter(|symbol| !symbol.is_empty());
        let is_ours = |portfolio: &Option<i64>| portfolio.is_some_and(|portfolio| self.portfolios.contains(&portfolio));
        portfolios.iter().all(is_ours)
            && (!is_personal || !portfolios.is_empty())
            && symbols.into_iter().all(|symbol| self.symbols.contains(symbol))
    }

    /// Failing rows by key, without those that name what only others have.
    fn samples(&self, samples: &Value, is_personal: bool) -> Vec<BTreeMap<String, String>> {
        let row = |sample: &Value| match sample {
            Value::Object(_) => named(sample),
            other => BTreeMap::from([("value".to_owned(), text(other))]),
        };
        samples
            .as_array()
            .map(|samples| samples.iter().filter(|sample| self.sees_row(sample, is_personal)).map(row).collect())
            .unwrap_or_default()
    }

    /// What of it can be offered; a repair of a kind that this page doesn't know is left out.
    fn repairs(&self, repairs: &Value) -> Vec<Repair> {
        let offers = repairs.as_array().into_iter().flatten().filter_map(|offer| serde_json::from_value::<Repair>(offer.clone()).ok());
        offers
            .filter(|offer| match offer {
                Repair::Fetch { symbol, .. } | Repair::Price { symbol, .. } => self.sees(Some(symbol), None),
                Repair::Transaction(missing) => self.sees(None, Some(missing.portfolio)),
                Repair::Correct { portfolio, .. } | Repair::Activities { portfolio, .. } | Repair::Openings { portfolio } => {
                    self.sees(None, Some(*portfolio))
                }
                Repair::Accept => true,
            })
            .collect()
    }
}

/// A value as text; decimals as the columns keep them, without their zeros.
fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.contains('.').then(|| text.parse::<Decimal>()) {
        Some(Ok(number)) => number.normalize().to_string(),
        _ => text,
    }
}

fn texts(values: &Value) -> Vec<String> {
    values.as_array().map(|values| values.iter().map(text).collect()).unwrap_or_default()
}

/// A JSON object's fields as text; what is null is left out.
pub(super) fn named(fields: &Value) -> BTreeMap<String, String> {
    let fields = fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    fields.map(|(name, value)| (name.clone(), text(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use serde_json::json;

    #[test]
    fn samples_and_repairs_name_only_what_is_ones_own() {
        let symbols = BTreeSet::from(["AAPL"]);
        let eyes = Eyes { portfolios: &[1], symbols: &symbols, is_administrator: true };
        let all = json!([{ "symbol": "AAPL", "close": "-1.5000000000" }, { "symbol": "TSLA" }, { "portfolio_id": 2 }, { "portfolio_id": 1, "symbol": "" }, "plain"]);
        let shown: Vec<Vec<String>> = eyes.samples(&all, false).iter().map(|row| row.values().cloned().collect()).collect();
        assert_eq!(shown, [vec!["-1.5", "AAPL"], vec!["1", ""], vec!["plain"]]);
        assert!(eyes.samples(&json!(null), false).is_empty());
        // What is somebody's must say that it is ours, also within an anomaly's group.
        let grouped =
            json!([{ "of": { "portfolio_id": "2" }, "number": 7 }, { "of": { "portfolio_id": "1" }, "number": 8 }, { "number": 9 }]);
        let shown: Vec<Vec<String>> = eyes.samples(&grouped, true).iter().map(|row| row.values().cloned().collect()).collect();
        assert_eq!(shown.len(), 1, "{shown:?}");
        let repairs = json!([
            { "kind": "fetch", "symbol": "TSLA", "from": "2026-11-20", "to": "2026-11-20" },
            { "kind": "price", "symbol": "AAPL", "session": "2026-11-20" },
            { "kind": "openings", "portfolio": 2 },
            { "kind": "accept" },
            { "kind": "sing" },
            7
        ]);
        let session = "2026-11-20".parse().unwrap();
        assert_eq!(eyes.repairs(&repairs), [Repair::Price { symbol: "AAPL".into(), session }, Repair::Accept]);
    }

    #[test]
    fn a_check_has_failed_since_the_first_of_its_last_failures() {
        let at: DateTime<Utc> = "2026-11-20T22:00:00Z".parse().unwrap();
        let told = |run_id: i64, symbol: Option<&str>, passed| Told {
            of: ("held_are_fresh".into(), 0, symbol.map(str::to_owned)),
            run_id,
            passed,
            at: at + TimeDelta::days(run_id),
        };
        let runs = [
            told(9, Some("AAPL"), false),
            told(8, Some("AAPL"), false),
            told(8, Some("MSFT"), false),
            told(7, None, true),
            told(6, Some("AAPL"), false),
        ];
        let of = |symbol: &str| ("held_are_fresh".to_owned(), 0, Some(symbol.to_owned()));
        assert_eq!(streak(&runs, &of("AAPL")), Some((2, at + TimeDelta::days(8))));
        assert_eq!(streak(&runs, &of("MSFT")), None, "not in the latest run");
    }
}
