//! Data quality for programs and spreadsheets: the page as JSON, its lists as CSV. What the page doesn't show isn't here either.

use super::{
    AppState,
    pipeline::{Asked, Problem},
};
use app::{
    domain::Scope,
    error::AppError,
    quality::model::{CheckRow, Quality},
};
use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;
use std::fmt::Display;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/quality.json", get(json)).route("/api/quality.csv", get(csv))
}

async fn json(asked: Asked) -> Result<Json<Quality>, Problem> {
    Ok(Json(read(&asked).await?))
}

/// `of`: checks (also without it), quarantine or reconciliation.
async fn csv(asked: Asked) -> Result<Response, Problem> {
    let quality = read(&asked).await?;
    let of = asked.text("of").unwrap_or_else(|| "checks".to_owned());
    let table = match of.as_str() {
        "checks" => checks(&quality.checks),
        "quarantine" => quarantine(&quality),
        "reconciliation" => reconciliation(&quality),
        _ => return Err(Problem::Parameter("of must be one of checks, quarantine, reconciliation.".to_owned())),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{of}.csv\"")),
    ];
    Ok((headers, written(&table)).into_response())
}

async fn read(asked: &Asked) -> Result<Quality, Problem> {
    let portfolio = asked.text("portfolio").map(|portfolio| format!("portfolio={portfolio}")).unwrap_or_default();
    let scope = Scope::parse(&portfolio);
    if scope.portfolio.is_none() && !portfolio.is_empty() {
        return Err(Problem::App(AppError::NotFound));
    }
    Ok(asked.store.quality(asked.user, scope).await?)
}

/// The first row names the columns.
type Table = Vec<Vec<String>>;

fn row(cells: &[&dyn Display]) -> Vec<String> {
    cells.iter().map(|cell| cell.to_string()).collect()
}

fn checks(checks: &[CheckRow]) -> Table {
    let names: [&str; 16] = [
        "check",
        "dataset",
        "dimension",
        "scope",
        "severity",
        "action",
        "symbol",
        "passed",
        "accepted",
        "elements",
        "missing",
        "failures",
        "observed",
        "expected",
        "failing_runs",
        "message",
    ];
    let mut table = vec![names.map(str::to_owned).to_vec()];
    table.extend(checks.iter().map(|check| {
        let symbol = check.symbol.as_deref().unwrap_or_default();
        row(&[
            &check.name,
            &check.dataset,
            &check.dimension,
            &check.scope,
            &check.severity,
            &check.action,
            &symbol,
            &check.passed,
            &check.accepted.is_some(),
            &check.elements,
            &check.missing,
            &check.failures,
            &check.observed,
            &check.expected,
            &check.failing_runs,
            &check.message,
        ])
    }));
    table
}

fn quarantine(quality: &Quality) -> Table {
    let names = ["dataset", "symbol", "session_date", "response_id", "run_id", "checks", "reason", "refused", "quarantined_at"];
    let mut table = vec![names.map(str::to_owned).to_vec()];
    table.extend(quality.quarantine.iter().map(|waiting| {
        let refused: Vec<String> = waiting.refused.iter().map(|(name, value)| format!("{name}={value}")).collect();
        row(&[
            &waiting.key.dataset,
            &waiting.key.symbol,
            &waiting.key.session_date,
            &waiting.key.response_id,
            &waiting.run_id,
            &waiting.checks.join(" "),
            &waiting.reason,
            &refused.join("; "),
            &waiting.quarantined_at.to_rfc3339(),
        ])
    }));
    table
}

fn reconciliation(quality: &Quality) -> Table {
    let names = ["portfolio", "account", "symbol", "ours", "broker", "difference", "since", "cause", "explanation"];
    let mut table = vec![names.map(str::to_owned).to_vec()];
    table.extend(quality.reconciliation.iter().map(|found| {
        let symbol = found.symbol.as_deref().unwrap_or_default();
        row(&[
            &found.portfolio_name,
            &found.account_name,
            &symbol,
            &found.derived,
            &found.reported,
            &(found.reported - found.derived),
            &found.since,
            &found.cause,
            &found.explanation,
        ])
    }));
    table
}

/// RFC 4180, every cell neutral to spreadsheets.
fn written(table: &Table) -> String {
    table.iter().map(|row| row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",") + "\r\n").collect()
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe in front; a plain number stays one.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && cell.parse::<rust_decimal::Decimal>().is_err();
    let cell = if is_formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains(['"', ',', '\n', '\r', '\'']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spreadsheet_runs_nothing_of_it() {
        let table =
            vec![["=1+1", "+49 30", "-12.50", "@sum", "plain, with comma", "say \"so\"", "two\nlines", "\t=1"].map(str::to_owned).to_vec()];
        assert_eq!(
            written(&table),
            "\"'=1+1\",\"'+49 30\",-12.50,\"'@sum\",\"plain, with comma\",\"say \"\"so\"\"\",\"two\nlines\",\"'\t=1\"\r\n"
        );
    }
}
