//! The pipeline as JSON, for programs.

use super::{AppState, answer, live::live};
use crate::{
    auth::AuthSession,
    store::{Error, LogQuestion, RunFilter, Store},
};
use app::{domain::UserId, error::AppError};
use axum::{
    Json, Router,
    extract::{FromRequestParts, Path, RawQuery},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, request::Parts};
use serde::Serialize;
use std::{collections::BTreeMap, str::FromStr};
use tower_sessions::session::Id;
use url::form_urlencoded;

/// Rows of one answer, unless fewer are asked for.
const MOST_ROWS: i64 = 100;
const MOST_LINES: i64 = 2_000;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/dags", get(dags))
        .route("/runs", get(runs))
        .route("/runs/{id}", get(run))
        .route("/runs/{id}/logs", get(logs))
        .route("/runs/{id}/live", get(live))
        .route("/grid", get(grid))
        .route("/ticks", get(ticks))
        .route("/durations", get(durations))
        .route("/nodes", get(nodes))
        .route("/alerts", get(alerts))
        .route("/audit", get(audit))
}

/// A signed-in person, the store, and what the address says after its question mark.
pub(super) struct Asked {
    pub(super) user: UserId,
    /// Of the sign-in session.
    pub(super) session: Option<Id>,
    pub(super) store: Store,
    query: BTreeMap<String, String>,
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let session = AuthSession::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let user = session.user.as_ref().map(|person| person.id).ok_or_else(|| answer::refusal(&AppError::SignInRequired))?;
        let RawQuery(query) = RawQuery::from_request_parts(parts, state).await.unwrap_or(RawQuery(None));
        let query: BTreeMap<String, String> = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect();
        // Postgres' texts can't hold it, and no name of ours does.
        if let Some((name, _)) = query.iter().find(|(_, value)| value.contains('\0')) {
            return Err(Problem::Parameter(format!("{} must not hold the character NUL.", name.replace('\0', ""))).into_response());
        }
        Ok(Self { user, session: session.session.id(), store: state.store.clone(), query })
    }
}

/// Why there is no answer.
pub(super) enum Problem {
    /// A parameter, in a sentence.
    Parameter(String),
    App(AppError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::App(error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Parameter(sentence) | Self::App(AppError::Refused(sentence)) => {
                (StatusCode::BAD_REQUEST, Json(AppError::Refused(sentence))).into_response()
            }
            Self::App(error) => answer::refusal(&error),
        }
    }
}

type Answer<T> = Result<Json<T>, Problem>;

impl Asked {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.query.get(name).filter(|value| !value.is_empty()).cloned()
    }

    fn needed(&self, name: &str) -> Result<String, Problem> {
        self.text(name).ok_or_else(|| Problem::Parameter(format!("The parameter {name} is missing. Add it to the address.")))
    }

    pub(super) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::Parameter(format!("{name} must be a number, such as 12.")))
    }

    fn limit(&self, most: i64) -> Result<i64, Problem> {
        match self.number("limit")? {
            None => Ok(most),
            Some(limit) if (1..=most).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::Parameter(format!("limit must be between 1 and {most}."))),
        }
    }

    /// One of the DAGs that there are.
    async fn dag(&self, dag: String) -> Result<String, Problem> {
        let dags = self.store.dags(self.user).await?;
        if dags.iter().any(|known| known.dag == dag) {
            return Ok(dag);
        }
        let names: Vec<String> = dags.into_iter().map(|known| known.dag).collect();
        Err(Problem::Parameter(format!("There is no DAG {dag}. The DAGs are: {}.", names.join(", "))))
    }
}

pub(super) fn number(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::Parameter("A run is named by its number, such as 12.".to_owned()))
}

async fn dags(asked: Asked) -> Answer<impl Serialize> {
    Ok(Json(asked.store.dags(asked.user).await?))
}

const STATES: [&str; 5] = ["queued", "running", "success", "failed", "cancelled"];

async fn runs(asked: Asked) -> Answer<impl Serialize> {
    let state = asked.text("state");
    if state.as_ref().is_some_and(|state| !STATES.contains(&state.as_str())) {
        return Err(Problem::Parameter(format!("state must be one of {}.", STATES.join(", "))));
    }
    let dag = match asked.text("dag") {
        Some(dag) => Some(asked.dag(dag).await?),
        None => None,
    };
    let filter = RunFilter { dag, state, before: asked.number("before")?, limit: asked.limit(MOST_ROWS)? };
    Ok(Json(asked.store.list_runs(asked.user, filter).await?))
}

async fn run(asked: Asked, Path(id): Path<String>) -> Answer<impl Serialize> {
    Ok(Json(asked.store.run(asked.user, number(&id)?, asked.number("task")?).await?))
}

async fn logs(asked: Asked, Path(id): Path<String>) -> Answer<impl Serialize> {
    asked.needed("task")?;
    let (attempt, after) = (asked.number("attempt")?, asked.number("after")?);
    if after.is_some() && attempt.is_none() {
        let sentence = "Each attempt counts its lines from 1: name the attempt that after is about, too, such as attempt=1.";
        return Err(Problem::Parameter(sentence.to_owned()));
    }
    let question = LogQuestion {
        task: asked.number("task")?.unwrap_or_default(),
        attempt,
        after: after.unwrap_or(0),
        limit: asked.limit(MOST_LINES)?,
    };
    Ok(Json(asked.store.log(asked.user, number(&id)?, question).await?))
}

async fn grid(asked: Asked) -> Answer<impl Serialize> {
    let dag = asked.dag(asked.needed("dag")?).await?;
    Ok(Json(asked.store.grid(asked.user, &dag, asked.number("before")?).await?))
}

/// With `at`: why the schedule did or didn't run then. Without: what comes and what was decided.
async fn ticks(asked: Asked) -> Result<Response, Problem> {
    match (asked.text("schedule"), asked.text("at")) {
        (Some(schedule), Some(at)) => Ok(Json(asked.store.explain_tick(asked.user, &schedule, &at).await?).into_response()),
        (None, Some(_)) => Err(Problem::Parameter("Name the schedule, too: schedule=daily_open.".to_owned())),
        (schedule, None) => {
            let mut all = asked.store.schedules(asked.user).await?;
            if let Some(schedule) = schedule {
                all.retain(|known| known.name == schedule);
                if all.is_empty() {
                    return Err(Problem::Parameter(format!("There is no schedule {schedule}. Leave it out to see all.")));
                }
            }
            Ok(Json(all).into_response())
        }
    }
}

async fn durations(asked: Asked) -> Answer<impl Serialize> {
    let dag = asked.dag(asked.needed("dag")?).await?;
    Ok(Json(asked.store.durations(asked.user, &dag).await?))
}

async fn nodes(asked: Asked) -> Answer<impl Serialize> {
    Ok(Json(asked.store.nodes(asked.user).await?))
}

async fn alerts(asked: Asked) -> Answer<impl Serialize> {
    Ok(Json(asked.store.alerts(asked.user).await?))
}

async fn audit(asked: Asked) -> Answer<impl Serialize> {
    Ok(Json(asked.store.audit_trail(asked.user, asked.limit(MOST_ROWS)?, asked.number("before")?).await?))
}
