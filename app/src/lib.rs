//! What a person sees, and what every number means. The contents page.

#![recursion_limit = "512"]

// Pages that one half erased and the other didn't would not hydrate: better no build than that one.
#[cfg(not(erase_components))]
compile_error!(
    "build with `--cfg erase_components`, as .cargo/config.toml says: RUSTFLAGS in the environment replaces it, so add it there"
);

/// Transactions, events and prices → lots, positions, values, returns, risk. Pure.
pub mod analytics;
/// The pipeline's pages, drawn on the server alone.
#[cfg(feature = "ssr")]
pub mod drawn;
/// Typed series → ECharts options.
#[cfg(feature = "ssr")]
pub mod charts;
/// Money, symbols, ids, periods: types that parse.
pub mod domain;
/// The only error a person can meet.
pub mod error;
/// Money, percent, date → text, and nowhere else.
pub mod format;
/// What the UI asks of the server: one trait a slice.
#[cfg(feature = "ssr")]
pub mod ports;
/// Every path, once.
pub mod routes;
/// The document, navigation and scope bar.
pub mod shell;
/// Building blocks of pages.
pub mod ui;

/// Signing in and out, the first administrator.
pub mod account;
/// What happened in it: transactions, entered, corrected, imported.
pub mod activity;
/// How a figure was made, and which ones moved since they were published.
pub mod explain;
/// What it holds.
pub mod holdings;
/// What a portfolio is worth and how it did.
pub mod overview;
/// How a portfolio did: every measure, beside the benchmark.
pub mod performance;
/// What the machine did: runs, tasks, errors.
pub mod pipeline;
/// What was checked and what failed.
pub mod quality;
/// Connections and people.
pub mod settings;
