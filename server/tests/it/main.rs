//! One integration binary, one module a subject.

mod ingest;
mod market;
mod models;
mod orchestrator;
mod pipeline;
mod publish;
