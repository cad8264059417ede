//! Plumbline's server, in the order in which data meets it.
#![deny(clippy::print_stdout, clippy::print_stderr, reason = "they panic where nothing can be written: `say!` doesn't")]

/// Standard output, and who reads no further.
#[macro_use]
pub mod output;
/// The roles of the one binary.
pub mod cli;
/// What the environment says, checked before anything starts.
pub mod config;
/// The market's clock.
pub mod clock;
/// Logs: pretty or JSON, secrets never.
pub mod telemetry;
/// Postgres: pool, migrations, partitions, and a private one where none is named.
pub mod db;
/// Secrets at rest.
pub mod vault;
/// Sessions of the exchange.
pub mod calendar;
/// Lines of people's CSV files.
pub mod csv_lines;
/// Vendors' bytes → `raw`.
pub mod ingest;
/// The vendors' own wire protocols on loopback: demo, tests, replay of real history.
pub mod simulator;
/// Schedule → tick → run → task → attempt. Knows nothing of markets.
pub mod orchestrator;
/// Checks on what was fetched: verdicts, quarantine, reconciliation.
pub mod quality;
/// The measures on a person's own files, without any database.
pub mod measures;
/// Reads `server/warehouse/`: renders, orders, builds and tests the SQL models.
pub mod warehouse;
/// Our DAGs: extract → validate → publish. The only conductor.
pub mod pipeline;
/// `app::ports` with SQL, one file a slice.
pub mod store;
/// Who may: passwords, sessions, the first administrator.
pub mod auth;
/// Pages, server functions, health.
pub mod http;
/// Everything behind the listening address, started in order and stopped in reverse.
pub mod application;
