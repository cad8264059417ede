//! Files to take along: each table as CSV, all of them as a workbook. One's own only.

use super::{
    AppState,
    pipeline::{Asked, Problem},
    scope::{benchmark, today_alone},
};
use crate::store::{EXPORTED_TABLES, Exported};
use app::domain::{PortfolioId, Scope};
use axum::{
    Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/plumbline.xlsx", get(workbook)).route("/{file}", get(table))
}

fn scope(asked: &Asked) -> Result<Scope, Problem> {
    today_alone(asked)?;
    let portfolio = asked.number("portfolio")?.map(PortfolioId);
    Ok(Scope { portfolio, benchmark: benchmark(asked)?, ..Scope::default() })
}

/// `transactions.csv`, `holdings.csv` …
async fn table(asked: Asked, Path(file): Path<String>) -> Result<Response, Problem> {
    let name = file.strip_suffix(".csv").unwrap_or_default();
    let found = asked.store.export_csv(asked.user, scope(&asked)?, name).await?;
    let exported = found.ok_or_else(|| {
        Problem::Parameter(format!("There is no file {file}. The files are plumbline.xlsx and {}.csv.", EXPORTED_TABLES.join(".csv, ")))
    })?;
    Ok(sent(exported, name, "csv", "text/csv; charset=utf-8"))
}

async fn workbook(asked: Asked) -> Result<Response, Problem> {
    let exported = asked.store.export_workbook(asked.user, scope(&asked)?).await?;
    Ok(sent(exported, "plumbline", "xlsx", WORKBOOK))
}

fn sent(exported: Exported, what: &str, ending: &str, content_type: &'static str) -> Response {
    let disposition = format!("attachment; filename=\"{}-{what}.{ending}\"", exported.name);
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    (headers, exported.bytes).into_response()
}
