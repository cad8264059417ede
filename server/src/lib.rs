//! Plumbline's server, in the order in which data meets it.

/// Everything behind the listening address, started in order and stopped in reverse.
pub mod application;
/// Who may: passwords, sessions, the first administrator.
pub mod auth;
/// Sessions of the exchange.
pub mod calendar;
/// The roles of the one binary.
pub mod cli;
/// The market's clock.
pub mod clock;
/// What the environment says, checked before anything starts.
pub mod config;
/// Postgres: pool, migrations, partitions, and a private one where none is named.
pub mod db;
/// Pages, server functions, health.
pub mod http;
/// Vendors' bytes → `raw`.
pub mod ingest;
/// Schedule → tick → run → task → attempt. Knows nothing of markets.
pub mod orchestrator;
/// Our DAGs: extract → validate → publish. The only conductor.
pub mod pipeline;
/// Checks on what was fetched: verdicts, quarantine, reconciliation.
pub mod quality;
/// The vendors' own wire protocols on loopback: demo, tests, replay of real history.
pub mod simulator;
/// `app::ports` with SQL, one file a slice.
pub mod store;
/// Logs: pretty or JSON, secrets never.
pub mod telemetry;
/// Secrets at rest.
pub mod vault;
/// Reads `server/warehouse/`: renders, orders, builds and tests the SQL models.
pub mod warehouse;
