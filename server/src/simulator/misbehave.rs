//! Spoils an answer that was already right, as `faults` decided.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, StatusCode, header};
use futures::StreamExt;
use futures::stream;

use super::faults::{Kind, Mischief};
use super::gate::Vendor;

/// A slow body comes in so many pieces.
const DRIPS: usize = 90;
/// What a proxy in front of a vendor says when it is out of order.
const GATEWAY_PAGE: &str =
    "<!DOCTYPE html>\n<html><head><title>Just a moment</title></head><body><h1>Service temporarily unavailable</h1></body></html>\n";

pub async fn spoil(response: Response<Body>, mischief: Mischief, vendor: Vendor, request_id: &str) -> Response<Body> {
    let Some(kind) = mischief.kind else { return response };
    match kind {
        Kind::RateLimit => {
            let mut refusal = vendor.rate_limited(request_id);
            refusal.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            refusal
        }
        Kind::RateLimitBare => vendor.rate_limited(request_id),
        Kind::ServerError => vendor.server_error(request_id),
        Kind::Html200 => html(),
        Kind::SlowDrip => with_body(response, |bytes| drip(bytes, mischief.drip())).await,
        Kind::TruncatedJson => with_body(response, |bytes| Body::from(half(&bytes))).await,
        Kind::Cut => cut(response).await,
        Kind::DuplicatePages | Kind::LoopPages | Kind::ForeignHost | Kind::LateCorrection => response,
    }
}

fn html() -> Response<Body> {
    let mut response = Response::new(Body::from(GATEWAY_PAGE));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

async fn bytes_of(body: Body) -> Bytes {
    // The bodies are ours and lie in memory: reading them can't fail.
    axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default()
}

async fn with_body(response: Response<Body>, change: impl FnOnce(Bytes) -> Body) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, change(bytes_of(body).await))
}

fn half(bytes: &Bytes) -> Bytes {
    bytes.slice(..bytes.len() / 2)
}

fn drip(bytes: Bytes, total: Duration) -> Body {
    let size = bytes.len().div_ceil(DRIPS).max(1);
    let pieces: Vec<Bytes> = (0..bytes.len()).step_by(size).map(|at| bytes.slice(at..(at + size).min(bytes.len()))).collect();
    let pause = total / u32::try_from(pieces.len().max(1)).unwrap_or(1);
    Body::from_stream(stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, Infallible>(piece)
    }))
}

/// Announces the whole length, sends half, and breaks the connection.
async fn cut(response: Response<Body>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let bytes = bytes_of(body).await;
    parts.status = StatusCode::OK;
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    let sent = half(&bytes);
    let pieces = stream::iter([Ok(sent)]).chain(stream::once(async {
        // The first half must leave before the connection goes.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    }));
    Response::from_parts(parts, Body::from_stream(pieces))
}
