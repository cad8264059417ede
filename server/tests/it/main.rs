//! Integration tests: one binary.

mod account;
mod ingest;
mod store;
mod visitor;
