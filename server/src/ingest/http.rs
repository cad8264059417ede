//! The one HTTP client: asks a vendor, keeps what is no use, tries again when that may help, and logs every attempt.

use bytes::Bytes;
use chrono::Utc;
use reqwest::{Client, header::HeaderValue, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

use super::{
    At, Connection, Credentials, Vendor, VendorError,
    answer::{self, Answer, Body},
    budget, land, pause,
};
use crate::orchestrator::TaskContext;

/// The most that is read of one answer, unpacked. Polygon's grouped day is about 2 MB, fifty years of bars 2 MB.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// How patient the client is; tests are less so.
#[derive(Debug, Clone)]
pub struct Limits {
    pub connect: Duration,
    /// For one attempt, from the first byte sent to the last read.
    pub total: Duration,
    /// The ceiling of the first pause between attempts; it doubles.
    pub backoff: Duration,
    /// Longer waits are handed to the orchestrator; up to this the worker sleeps, since its lease is renewed meanwhile.
    pub longest_wait: Duration,
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(60),
            backoff: Duration::from_secs(1),
            // A budget of five a minute never needs more than its window.
            longest_wait: Duration::from_secs(62),
            body_bytes: MAX_BODY_BYTES,
        }
    }
}

/// On whose behalf a call is made: the ids in every log line and kept answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Caller {
    pub(super) run_id: Option<i64>,
    pub(super) task_id: Option<i64>,
}

impl From<&TaskContext> for Caller {
    fn from(ctx: &TaskContext) -> Self {
        Self { run_id: Some(ctx.run_id), task_id: Some(ctx.task_id) }
    }
}

/// Asks vendors. Cheap to clone; one for the process.
#[derive(Debug, Clone)]
pub struct Http(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    /// For loopback: the simulator is never reached through a proxy.
    direct: Client,
    pool: PgPool,
    limits: Limits,
}

impl Http {
    /// # Errors
    /// When TLS can't be set up, e.g. for lack of the system's certificates.
    pub fn new(pool: PgPool) -> Result<Self, reqwest::Error> {
        Self::with_limits(pool, Limits::default())
    }

    /// # Errors
    /// As [`Http::new`].
    pub fn with_limits(pool: PgPool, limits: Limits) -> Result<Self, reqwest::Error> {
        // A second start in the same process finds it installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .connect_timeout(limits.connect)
                .timeout(limits.total)
                .redirect(Policy::none())
                .gzip(true)
                .user_agent(concat!("plumbline/", env!("CARGO_PKG_VERSION")))
        };
        let (client, direct) = (builder().build()?, builder().no_proxy().build()?);
        Ok(Self(Arc::new(Inner { client, direct, pool, limits })))
    }

    /// Asks until there is an answer that `read` understands, at most four times. An answer of no use is kept at once; the
    /// one that is returned is kept by whoever lands it.
    ///
    /// # Errors
    /// The last attempt's.
    pub(super) async fn ask<T>(
        &self,
        caller: Caller,
        connection: &Connection,
        at: At,
        url: &Url,
        read: impl Fn(&[u8]) -> Result<T, VendorError>,
    ) -> Result<(Answer, T), VendorError> {
        let mut ceilings = pause::ceilings(self.0.limits.backoff);
        loop {
            let error = match self.attempt(caller, connection, at, url, &read).await {
                Ok(answered) => return Ok(answered),
                Err(error) => error,
            };
            let Some(ceiling) = ceilings.next().filter(|_| error.is_passing()) else { return Err(error) };
            let pause = match &error {
                VendorError::RateLimited { wait: Some(wait), .. } if *wait > self.0.limits.longest_wait => return Err(error),
                VendorError::RateLimited { wait: Some(wait), .. } => *wait,
                _ => pause::within(ceiling, rand::random()),
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt<T>(
        &self,
        caller: Caller,
        connection: &Connection,
        at: At,
        url: &Url,
        read: &impl Fn(&[u8]) -> Result<T, VendorError>,
    ) -> Result<(Answer, T), VendorError> {
        self.wait_for_budget(connection, at).await?;
        let started = Instant::now();
        let exchanged = self.exchange(connection, at, url).await;
        let (status, bytes) = exchanged.as_ref().map_or((0, 0), |exchange| (exchange.status, exchange.body.len()));
        let judged = exchanged.and_then(|exchange| {
            let Exchange { status, wait, headers, body } = exchange;
            let answer = Answer::pack(at, connection.id.get(), url, status, &headers, &body)?;
            let page = answer::verdict(at, status, wait, &body, &connection.credentials).and_then(|()| read(&body));
            Ok((answer, page))
        });
        let failure = judged.as_ref().map_or_else(Some, |(_, page)| page.as_ref().err());
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Caller { run_id, task_id } = caller;
        let (vendor, endpoint) = (at.vendor.as_str(), at.endpoint);
        match failure {
            None => tracing::debug!(run_id, task_id, vendor, endpoint, status, ms, bytes, "asked"),
            Some(error) => tracing::warn!(run_id, task_id, vendor, endpoint, status, ms, bytes, %error, "asked in vain"),
        }
        let (answer, page) = judged?;
        match page {
            Ok(page) => Ok((answer, page)),
            Err(error) => {
                self.keep(caller, &answer).await?;
                if let VendorError::RateLimited { wait: Some(wait), .. } = &error {
                    budget::block(&self.0.pool, connection, *wait).await?;
                }
                Err(error)
            }
        }
    }

    /// Keeps an answer that nothing is landed from.
    pub(super) async fn keep(&self, caller: Caller, answer: &Answer) -> Result<(), VendorError> {
        land::keep(&mut *self.0.pool.acquire().await?, caller, answer).await?;
        Ok(())
    }

    async fn wait_for_budget(&self, connection: &Connection, at: At) -> Result<(), VendorError> {
        loop {
            let wait = budget::take(&self.0.pool, connection).await?;
            if wait.is_zero() {
                return Ok(());
            }
            if wait > self.0.limits.longest_wait {
                return Err(VendorError::RateLimited { at, wait: Some(wait) });
            }
            tokio::time::sleep(wait).await;
        }
    }

    async fn exchange(&self, connection: &Connection, at: At, url: &Url) -> Result<Exchange, VendorError> {
        let client = if is_loopback(url) { &self.0.direct } else { &self.0.client };
        let request = authorized(client, connection, at, url)?;
        let failed = |error: reqwest::Error| {
            // The address in reqwest's own message may hold FRED's key.
            let source = error.without_url();
            match () {
                () if source.is_timeout() => VendorError::Timeout { at },
                () if source.is_body() || source.is_decode() => VendorError::Cut { at, source },
                () => VendorError::Connect { at, source },
            }
        };
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let wait = pause::said_by_vendor(response.headers(), Utc::now());
        let mut body = Body::new(at, self.0.limits.body_bytes);
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.push(&chunk)?;
        }
        Ok(Exchange { status, wait, headers: std::mem::take(response.headers_mut()), body: body.finish().into() })
    }
}

struct Exchange {
    status: u16,
    wait: Option<Duration>,
    headers: reqwest::header::HeaderMap,
    body: Bytes,
}

/// The request with its keys, marked as sensitive: hyper prints them nowhere.
fn authorized(client: &Client, connection: &Connection, at: At, url: &Url) -> Result<reqwest::RequestBuilder, VendorError> {
    let header = |text: String| {
        let mut value = HeaderValue::from_str(&text).map_err(|_| VendorError::WrongKeys { at })?;
        value.set_sensitive(true);
        Ok::<_, VendorError>(value)
    };
    let plain = |secret: &SecretString| header(secret.expose_secret().to_owned());
    Ok(match (at.vendor, &connection.credentials) {
        (Vendor::Polygon, Credentials::Key(key)) => {
            client.get(url.clone()).header("authorization", header(format!("Bearer {}", key.expose_secret()))?)
        }
        (Vendor::Fred, Credentials::Key(key)) => {
            let mut url = url.clone();
            url.query_pairs_mut().append_pair("api_key", key.expose_secret());
            client.get(url)
        }
        (Vendor::Alpaca, Credentials::Pair { key_id, secret_key }) => {
            client.get(url.clone()).header("apca-api-key-id", plain(key_id)?).header("apca-api-secret-key", plain(secret_key)?)
        }
        _ => return Err(VendorError::WrongKeys { at }),
    })
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
