//! One integration binary: black-box tests of the parts together.

mod account;
mod fixed_ports;
mod ingest;
mod pages;
mod store;
mod visitor;
