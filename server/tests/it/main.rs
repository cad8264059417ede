//! One integration binary, one module a subject.

#![allow(clippy::unwrap_used, reason = "a test that can't go on stops where it is; clippy knows only plain #[test] functions")]

mod account;
mod environment;
mod fixed_ports;
mod ingest;
mod market;
mod models;
mod orchestrator;
mod pages;
mod publish;
mod quality;
mod store;
mod tidy;
mod visitor;
