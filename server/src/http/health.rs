//! For whoever watches the process: is it alive, and can it serve.

use super::AppState;
use axum::extract::State;
use http::StatusCode;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "alive"
}

/// The database answers too.
pub(super) async fn ready(State(state): State<AppState>) -> (StatusCode, &'static str) {
    match sqlx::query_scalar!(r#"select 1 as "one!""#).fetch_one(&state.store.pool).await {
        Ok(_) => (StatusCode::OK, "ready"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database doesn't answer")
        }
    }
}
