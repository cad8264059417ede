//! Performance for programs: the page's numbers and the whole catalogue as JSON, the days that they are made of as CSV (docs/API.md).

use super::{
    AppState,
    pipeline::{Asked, Problem},
    scope::scope,
};
use app::{error::AppError, performance::model::Daily};
use axum::{
    Json, Router,
    response::{IntoResponse, Response},
    routing::get,
};
use http::header;

/// Longer windows than twenty years of sessions are a slip of the hand.
const LONGEST_WINDOW: usize = 5_040;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/api/performance.json", get(json)).route("/api/performance.csv", get(csv))
}

/// `rolling`: also every measure over windows of this many returns.
async fn json(asked: Asked) -> Result<Response, Problem> {
    let window = match asked.text("rolling").map(|text| text.parse::<usize>()) {
        None => None,
        Some(Ok(window)) if (2..=LONGEST_WINDOW).contains(&window) => Some(window),
        Some(_) => return Err(Problem::Parameter(format!("rolling must be a number of sessions between 2 and {LONGEST_WINDOW}."))),
    };
    let Some(mut found) = asked.store.performance(asked.user, scope(&asked)?).await? else { return Ok(Json(()).into_response()) };
    // Thousands of windows take longer than a request may hold up others.
    let rolled = tokio::task::spawn_blocking(move || {
        window.into_iter().for_each(|window| found.roll(window));
        found
    });
    Ok(Json(rolled.await.map_err(|_| AppError::Internal { reference: "rolling windows".into() }).map_err(Problem::App)?).into_response())
}

async fn csv(asked: Asked) -> Result<Response, Problem> {
    let found = asked.store.performance_without_holdings(asked.user, scope(&asked)?).await?;
    let days = found.as_ref().map_or(&[][..], |found| &found.daily[..]);
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8"), (header::CONTENT_DISPOSITION, "attachment; filename=\"performance.csv\"")];
    Ok((headers, written(days)).into_response())
}

const COLUMNS: &str =
    "date,value,inflow,outflow,net_contributions,return,benchmark_return,risk_free_return,cumulative,benchmark_cumulative,drawdown";

/// Numbers as they read back to the same bits; what is undefined is empty.
fn written(days: &[Daily]) -> String {
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let row = |day: &Daily| {
        [
            day.date.to_string(),
            day.value.map(|value| value.0.to_string()).unwrap_or_default(),
            day.inflow.0.to_string(),
            day.outflow.0.to_string(),
            day.net_contributions.0.to_string(),
            number(day.own),
            number(day.benchmark),
            number(day.risk_free),
            number(day.cumulative),
            number(day.benchmark_cumulative),
            number(day.drawdown),
        ]
        .join(",")
    };
    let lines = std::iter::once(COLUMNS.to_owned()).chain(days.iter().map(row));
    lines.map(|line| line + "\r\n").collect()
}
