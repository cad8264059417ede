//! `plumbline simulate`: the simulator as a program of its own.

use std::path::PathBuf;

use chrono::{DateTime, Utc};

use super::{Faults, Options, SimulatorError, Source, start};
use crate::clock::Clock;

/// Serves the vendors' wire protocols (Polygon/Massive, Alpaca, FRED) on loopback. Keys that begin with demo- or test- are
/// accepted.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Serve the history in this folder (bars.csv, corporate_actions.csv, spy_total_return.csv, treasury_3_month.csv and,
    /// where there is one, activities.csv) instead of an invented market
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seed", "symbols", "years", "accounts"])]
    pub replay: Option<PathBuf>,
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 8765)]
    pub port: u16,
    /// The market's clock stands at this instant (2014-12-31T22:00:00Z) instead of going
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<DateTime<Utc>>,
    /// Misbehave: kind[@seconds][:times|probability|always], separated by commas. Kinds: rate_limit, rate_limit_bare,
    /// server_error, slow_drip, cut, truncated_json, html_200, duplicate_pages, loop_pages, foreign_host, late_correction
    #[arg(long, value_name = "KINDS")]
    pub faults: Option<Faults>,
    /// What the invented market is made from
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Companies in the invented market, besides SPY
    #[arg(long, default_value_t = 25)]
    pub symbols: usize,
    /// How many years ago the demo accounts began
    #[arg(long, default_value_t = 5)]
    pub years: u32,
    /// Demo accounts: the key demo-2 opens the second one
    #[arg(long, default_value_t = 1)]
    pub accounts: usize,
}

impl From<Args> for Options {
    fn from(args: Args) -> Self {
        let Args { seed, symbols, years, accounts, .. } = args;
        Self {
            source: args.replay.map_or(Source::Seed { seed, symbols, years, accounts }, Source::Replay),
            clock: args.now.map_or(Clock::Real, Clock::Fixed),
            faults: args.faults.unwrap_or_default(),
            port: args.port,
        }
    }
}

/// Serves until the process is asked to stop. The first line on standard output ends with the base URL.
///
/// # Errors
/// As `start`.
pub async fn run(args: Args) -> Result<(), SimulatorError> {
    let mut running = start(args.into()).await?;
    // Clients put their paths straight behind it.
    say!("Vendor simulator: {}", running.url().as_str().trim_end_matches('/'));
    tokio::select! {
        ended = running.ended() => ended,
        stop = asked_to_stop() => stop.map_err(SimulatorError::Stopped),
    }
}

async fn asked_to_stop() -> std::io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupt = tokio::signal::ctrl_c() => interrupt,
    }
}
