//! `plumbline`: one binary, several roles. What each does is in `cli`.

use clap::Parser;
use server::cli::{Cli, run};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    // One TLS implementation for everything; it can only be set once, and nobody before us did.
    let _ = rustls::crypto::ring::default_provider().install_default();
    run(Cli::parse()).await
}
