//! Explanations and restatements as JSON, and the bytes of vendors' answers, for programs.

use super::{
    AppState,
    pipeline::{Asked, Problem},
    scope::scope,
};
use crate::{calendar, store::Question};
use app::{
    domain::Symbol,
    error::AppError,
    explain::{
        model::{Asked as Figure, Explanation},
        restated::Restatements,
    },
    performance::model::Rolled,
};
use axum::{
    Json, Router,
    extract::Path,
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{Datelike, NaiveDate};
use http::header;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/explain/{figure}", get(explain))
        .route("/api/explain/response/{id}", get(bytes))
        .route("/api/restatements.json", get(restatements))
}

async fn explain(Path(figure): Path<String>, asked: Asked) -> Result<Json<Explanation>, Problem> {
    let figure = figure.strip_suffix(".json").ok_or(Problem::App(AppError::NotFound))?;
    rolling(&asked)?;
    let figure = Figure {
        figure: figure.to_owned(),
        scope: scope(&asked)?,
        symbol: asked.text("symbol"),
        session: session(&asked)?,
        sector: asked.text("sector"),
        rolling: asked.text("rolling"),
        window: asked.text("window"),
    };
    Ok(Json(asked.store.explain(asked.user, &figure).await?))
}

async fn restatements(asked: Asked) -> Result<Json<Restatements>, Problem> {
    let page = asked.number("page")?.unwrap_or(1);
    Ok(Json(asked.store.restatements(asked.user, scope(&asked)?, page).await?))
}

/// What isn't offered is refused, instead of another window's answer.
fn rolling(asked: &Asked) -> Result<(), Problem> {
    asked.text("rolling").map_or(Ok(()), |key| Rolled::measure(&key).map(drop)).map_err(Problem::Parameter)?;
    asked.text("window").map_or(Ok(()), |window| Rolled::sessions(&window).map(drop)).map_err(Problem::Parameter)
}

fn session(asked: &Asked) -> Result<Option<NaiveDate>, Problem> {
    let unreadable = |_| Problem::Parameter("session must be a day such as 2026-11-20.".to_owned());
    let day: Option<NaiveDate> = asked.text("session").map(|day| day.parse().map_err(unreadable)).transpose()?;
    match day {
        Some(day) if day < calendar::FIRST_DAY || day.year() > 2200 => {
            Err(Problem::Parameter("session must be a day on which something was traded, such as 2026-11-20.".to_owned()))
        }
        day => Ok(day),
    }
}

/// The body as it came, of an answer from which something of one's own was read.
async fn bytes(Path(id): Path<i64>, asked: Asked) -> Result<Response, Problem> {
    let portfolio = asked.store.portfolio_of(asked.user, scope(&asked)?).await?;
    let question = Question {
        portfolio,
        response_id: id,
        symbol: asked.text("symbol").and_then(|symbol| Symbol::parse(&symbol).ok()),
        session: session(&asked)?,
        activity: asked.text("activity"),
        series: asked.text("series"),
        currency: asked.text("currency"),
    };
    let body = asked.store.answer_bytes(&question).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"answer-{id}.json\"")),
    ];
    Ok((headers, body).into_response())
}
