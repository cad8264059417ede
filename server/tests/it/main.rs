//! One integration binary, one module a subject.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on says where; clippy's own exception stops at helpers")]

mod account;
mod books;
mod browser;
mod calendar;
mod chaos;
mod chromium;
mod commands;
mod desk;
mod environment;
mod explain;
mod faults;
mod fixed_ports;
mod hostile;
mod ingest;
mod kills;
mod market;
mod measures;
mod models;
mod operations;
mod orchestrator;
mod pages;
mod performance;
mod pipeline;
mod publish;
mod quality;
mod quality_rules;
mod repair;
mod replay;
mod same_bits;
mod store;
mod support;
mod surfaces;
mod tidy;
mod visitor;
