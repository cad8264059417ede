//! One integration binary, one module a subject.

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
