//! `AppError` → HTTP, in this one place: leptos answers 500 for every error of a server function.

use crate::store::reference;
use app::error::AppError;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use std::any::Any;

/// Marks leptos' errors, whose body is an `AppError`.
const SERVER_FUNCTION_ERROR: &str = "serverfnerror";
/// An error's sentences are short; what is longer is none of ours.
const ERROR_BYTES: usize = 256 * 1024;

/// Gives an error of a server function its own status.
pub(super) async fn with_status(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    // A form without WASM is redirected back to its page, with the error in the query.
    if !response.headers().contains_key(SERVER_FUNCTION_ERROR) || response.status().is_redirection() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match to_bytes(body, ERROR_BYTES).await {
        Ok(bytes) => bytes,
        Err(error) => return Problem(AppError::Internal { reference: reference(&error) }).into_response(),
    };
    if let Ok(error) = serde_json::from_slice::<AppError>(&bytes) {
        parts.status = status(&error);
        parts.headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// A server function's refusal, as the browser's side of it reads it.
pub(super) fn refusal(error: &AppError) -> Response {
    (status(error), axum::Json(error)).into_response()
}

/// A handler panicked: the log has where, the person a reference.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    let error = std::io::Error::other(format!("a request panicked: {}", text.unwrap_or("without a message")));
    Problem(AppError::Internal { reference: reference(&error) }).into_response()
}

/// An error as a plain page, where no page of ours can be drawn.
pub(super) struct Problem(pub AppError);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (status(&self.0), [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], self.0.to_string()).into_response()
    }
}

fn status(error: &AppError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
