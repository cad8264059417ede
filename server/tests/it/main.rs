

mod account;
mod ingest;
mod store;
mod visitor;
