//! Logs on stderr: pretty for people, JSON for machines, each line with the run and request it belongs to; secrets never.

use crate::{
    config::{Log, LogFormat},
    orchestrator::JournalLayer,
};
use std::{io::IsTerminal, panic};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter},
    fmt,
    layer::SubscriberExt,
    registry,
    util::SubscriberInitExt,
};

/// Starts the log. Panics go into it too. Once in a process: a second call changes nothing.
pub fn start(log: &Log) {
    // The filter was checked when the configuration was read.
    let filter = || EnvFilter::builder().parse_lossy(&log.filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let layer = match log.format {
        LogFormat::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        // Each line carries its spans' fields (`run_id`, `task`, `request`).
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(true).boxed(),
    };
    // What a task says is kept from INFO on, however quiet the log is.
    let journal = JournalLayer.with_filter(filter().or(LevelFilter::INFO));
    if registry().with(layer.with_filter(filter())).with(journal).try_init().is_ok() {
        panic::set_hook(Box::new(log_panic));
    }
}

/// A panic is a bug of ours: one line with its place, in the same log as everything else.
fn log_panic(info: &panic::PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("no message");
    let at = info.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(%at, message, "panicked");
}
