//! One integration binary, one module a subject.

mod ingest;
mod orchestrator;
