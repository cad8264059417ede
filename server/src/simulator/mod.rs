//! The vendors' own wire protocols on loopback: Polygon.io/Massive, Alpaca and FRED on one port, for the demo, for tests
//! and for replaying real history.
//!
//! Two sources make the same `Market`: `seed` invents one, `replay` reads one. The handlers below know neither. Nothing
//! after the clock's last completed session is served, and what was served never changes while the clock goes on.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

use crate::clock::Clock;

/// Alpaca's trading and market data.
pub mod alpaca;
/// `plumbline simulate`.
pub mod args;
/// What a request asks for.
pub mod asked;
/// The broker's accounts.
pub mod broker;
/// What the handlers share.
pub mod exchange;
/// Which answers go wrong.
pub mod faults;
/// FRED's observations.
pub mod fred;
/// Keys, vendors and their refusals.
pub mod gate;
/// Numbers into text.
pub mod json;
/// Listings, bars, events: one shape for both sources.
pub mod market;
/// How an answer goes wrong.
pub mod misbehave;
/// Polygon.io/Massive.
pub mod polygon;
/// Chance that is the same everywhere.
pub mod random;
/// A market read from files.
pub mod replay;
/// A market made from a seed.
pub mod seed;
/// Who is listed in a made market.
pub mod universe;
#[cfg(test)]
mod wire_tests;

pub use args::{Args, run};
pub use faults::{Faults, FaultsError};

use exchange::{Accounts, Exchange};
use faults::Prankster;
use gate::Keeper;
use market::{Dividend, Split};

/// Where the market comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Invented: `symbols` companies and SPY; `accounts` demo accounts that began `years` ago.
    Seed { seed: u64, symbols: usize, years: u32, accounts: usize },
    /// Real history from a folder: see `replay`.
    Replay(PathBuf),
}

impl Source {
    /// How many accounts the broker keeps.
    pub fn accounts(&self) -> usize {
        match self {
            Self::Seed { accounts, .. } => *accounts,
            Self::Replay(_) => 1,
        }
    }

    /// What can be refused before anything is made: numbers out of bounds.
    ///
    /// # Errors
    /// [`SimulatorError::Options`].
    pub fn check(&self) -> Result<(), SimulatorError> {
        let Self::Seed { symbols, years, accounts, .. } = self else { return Ok(()) };
        let wrong = if !(1..=MOST_SYMBOLS).contains(symbols) {
            format!("--symbols must be between 1 and {MOST_SYMBOLS}")
        } else if !(1..=MOST_YEARS).contains(years) {
            format!("--years must be between 1 and {MOST_YEARS}")
        } else if !(1..=100).contains(accounts) {
            "--accounts must be between 1 and 100".to_owned()
        } else {
            return Ok(());
        };
        Err(SimulatorError::Options(wrong))
    }
}

impl Default for Source {
    fn default() -> Self {
        Self::Seed { seed: 1, symbols: 25, years: 5, accounts: 1 }
    }
}

#[derive(Debug, Clone)]
pub struct Options {
    pub source: Source,
    pub clock: Clock,
    pub faults: Faults,
    /// 0: any free one.
    pub port: u16,
}

impl Default for Options {
    fn default() -> Self {
        Self { source: Source::default(), clock: Clock::Real, faults: Faults::none(), port: 0 }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    #[error("the simulator can't listen on port {port}: choose another with --port")]
    Port { port: u16, source: std::io::Error },
    #[error("the simulator's address can't be used: {0}")]
    Address(#[from] url::ParseError),
    #[error("the simulator stopped")]
    Stopped(#[source] std::io::Error),
    #[error("can't read {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("{}, line {line}: {problem}", path.display())]
    Line { path: PathBuf, line: u64, problem: String },
    #[error("{0}")]
    Options(String),
}

/// Most companies that an invented market has: three letters after the Q name them.
const MOST_SYMBOLS: usize = 10_000;
const MOST_YEARS: u32 = 15;

/// A simulator that serves until it is stopped or dropped.
#[derive(Debug)]
pub struct Running {
    url: Url,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// "http://127.0.0.1:40123/": the base URL of every vendor.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Closes the port; connections that are open don't hold it back.
    pub fn stop(mut self) {
        self.end();
    }

    /// Waits until the server ends by itself, which it does on an error only.
    async fn ended(&mut self) -> Result<(), SimulatorError> {
        match (&mut self.task).await {
            Ok(served) => served.map_err(SimulatorError::Stopped),
            Err(broken) => Err(SimulatorError::Stopped(std::io::Error::other(broken))),
        }
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Nobody listens any more where the server has ended by itself.
            let _ = stop.send(());
        }
        self.task.abort();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// Reads or makes the market and serves it on loopback.
///
/// # Errors
/// A file that can't be read or understood (with its line), options out of range, a port that is taken.
pub async fn start(options: Options) -> Result<Running, SimulatorError> {
    let exchange = Arc::new(open(&options.source, options.clock)?);
    let port = options.port;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|source| SimulatorError::Port { port, source })?;
    let addr = listener.local_addr().map_err(|source| SimulatorError::Port { port, source })?;
    let url = Url::parse(&format!("http://{addr}"))?;
    let (stop, stopped) = oneshot::channel();
    let app = router(Arc::clone(&exchange), options.faults);
    let task = tokio::spawn(async move {
        let serving = axum::serve(listener, app).with_graceful_shutdown(async {
            // A dropped sender means the same as a message.
            let _ = stopped.await;
        });
        tokio::select! {
            served = serving.into_future() => served,
            never = exchange.forget_when_quiet() => match never {},
        }
    });
    Ok(Running { url, stop: Some(stop), task })
}

/// The market and the accounts of a source.
///
/// # Errors
/// As `start`.
pub fn open(source: &Source, clock: Clock) -> Result<Exchange, SimulatorError> {
    match source {
        Source::Seed { seed, symbols, years, accounts } => {
            source.check()?;
            let accounts = Accounts::Demo { seed: *seed, years: *years, count: *accounts };
            Ok(Exchange::new(seed::market(*seed, *symbols), accounts, clock))
        }
        Source::Replay(folder) => {
            let market = replay::market(folder)?;
            let accounts = match broker::activities_file::read(folder, &market)? {
                Some(activities) => Accounts::Recorded(Arc::new(activities)),
                None => Accounts::Small,
            };
            Ok(Exchange::new(market, accounts, clock))
        }
    }
}

/// All vendors on one port: their paths don't meet.
pub fn router(exchange: Arc<Exchange>, faults: Faults) -> Router {
    let keeper = Keeper { exchange: Arc::clone(&exchange), prankster: Prankster::new(faults) };
    Router::new()
        .route("/v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}", get(polygon::bars::range))
        .route("/v2/aggs/ticker/{ticker}/prev", get(polygon::bars::previous))
        .route("/v2/aggs/grouped/locale/us/market/stocks/{date}", get(polygon::bars::grouped))
        .route("/v3/reference/tickers", get(polygon::reference::list))
        .route("/v3/reference/tickers/{ticker}", get(polygon::reference::details))
        .route("/v3/reference/splits", get(polygon::events::old_path::<Split>))
        .route("/stocks/v1/splits", get(polygon::events::new_path::<Split>))
        .route("/v3/reference/dividends", get(polygon::events::old_path::<Dividend>))
        .route("/stocks/v1/dividends", get(polygon::events::new_path::<Dividend>))
        .route("/v1/marketstatus/now", get(polygon::status::now))
        .route("/v1/marketstatus/upcoming", get(polygon::status::upcoming))
        .route("/v2/account", get(alpaca::trading::account))
        .route("/v2/positions", get(alpaca::trading::positions))
        .route("/v2/positions/{symbol}", get(alpaca::trading::one_position))
        .route("/v2/account/activities", get(alpaca::activities::all))
        .route("/v2/account/activities/{activity_type}", get(alpaca::activities::of_type))
        .route("/v2/clock", get(alpaca::trading::clock))
        .route("/v2/calendar", get(alpaca::trading::calendar_days))
        .route("/v2/stocks/bars", get(alpaca::data::of_many))
        .route("/v2/stocks/{symbol}/bars", get(alpaca::data::of_one))
        .route("/series/observations", get(fred::observations))
        .route("/fred/series/observations", get(fred::observations))
        .fallback(gate::no_such_path)
        .with_state(exchange)
        .layer(axum::middleware::from_fn_with_state(keeper, gate::keep))
}
