//! The process of the private Postgres: a thread that lives as long as it does, starts it again when it fell, stops it with us.
//!
//! The kernel's "signal me when my parent dies" follows the parent's thread, not its process; a thread of tokio's blocking pool
//! would end after ten idle seconds and take Postgres along.

use super::{EmbeddedError, home::Home};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    ffi::OsString,
    fs::File,
    io,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Settings of the private Postgres. What isn't here is PostgreSQL's default; `fsync` and `synchronous_commit` above all stay on.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "40"),
    ("shared_buffers", "128MB"),
    ("work_mem", "16MB"),
    // No replicas of a private database: tables built and filled in one transaction (every publication) then skip the write-ahead log.
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("wal_compression", "on"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    // Compiling plans costs more than it saves on queries of milliseconds.
    ("jit", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
];

/// Between two starts of a Postgres that fell.
const PAUSE: Duration = Duration::from_millis(250);
/// A fast shutdown writes a checkpoint; one that takes longer is cut short, and the next start recovers from the log.
const SHUTDOWN: Duration = Duration::from_secs(30);

/// The command line after `postgres`.
pub(super) fn arguments(home: &Home) -> Result<Vec<OsString>, EmbeddedError> {
    let mut arguments: Vec<OsString> = vec!["-D".into(), home.cluster().into(), "-k".into(), home.socket_folder()?.into()];
    for (name, value) in SETTINGS {
        arguments.extend(["-c".into(), format!("{name}={value}").into()]);
    }
    Ok(arguments)
}

#[derive(Default)]
struct State {
    /// Not reaped yet while it is here, so its number can't be another process's.
    child: Option<Child>,
    is_stopping: bool,
    last_failure: Option<String>,
}

/// Keeps Postgres running until dropped.
pub(super) struct Supervisor {
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    pub(super) fn start(mut command: Command, arguments: Vec<OsString>, log: File) -> Self {
        command.args(arguments);
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let thread = thread::spawn(move || supervise(&shared, &mut command, &log));
        Self { state, thread: Some(thread) }
    }

    /// How it ended, if it ever ended by itself.
    pub(super) fn last_failure(&self) -> Option<String> {
        locked(&self.state).last_failure.clone()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        locked(&self.state).is_stopping = true;
        send(&self.state, Signal::SIGINT); // PostgreSQL's "fast" shutdown
        let began = Instant::now();
        let mut is_cut_short = false;
        while self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            if began.elapsed() > SHUTDOWN && !is_cut_short {
                is_cut_short = true;
                send(&self.state, Signal::SIGQUIT); // "immediate"
            }
            thread::sleep(Duration::from_millis(5));
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn supervise(state: &Mutex<State>, command: &mut Command, log: &File) {
    loop {
        {
            let mut state = locked(state);
            if state.is_stopping {
                return;
            }
            match spawn(command, log) {
                Ok(child) => state.child = Some(child),
                Err(error) => state.last_failure = Some(error.to_string()),
            }
        }
        if let Some(status) = wait(state) {
            let mut state = locked(state);
            if state.is_stopping {
                return;
            }
            tracing::warn!(%status, "the private Postgres ended by itself and is started again");
            state.last_failure = Some(status.to_string());
        }
        thread::sleep(PAUSE);
    }
}

fn spawn(command: &mut Command, log: &File) -> io::Result<Child> {
    command.stdout(Stdio::from(log.try_clone()?)).stderr(Stdio::from(log.try_clone()?)).spawn()
}

/// Looks ten times a second instead of blocking in `wait`, so that the process is only reaped under the lock that `send` takes.
fn wait(state: &Mutex<State>) -> Option<ExitStatus> {
    loop {
        {
            let mut state = locked(state);
            let status = state.child.as_mut()?.try_wait().ok()?;
            if status.is_some() {
                state.child = None;
                return status;
            }
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn send(state: &Mutex<State>, signal: Signal) {
    if let Some(pid) = locked(state).child.as_ref().and_then(|child| i32::try_from(child.id()).ok()) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// The state is plain data: a thread that panicked can't have left it half changed.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is `pid` a Postgres of this cluster? `None` where that can't be asked.
pub(super) fn is_postgres_of(pid: i32, cluster: &Path) -> Option<bool> {
    use std::os::unix::ffi::OsStrExt;
    let said = if cfg!(target_os = "linux") {
        std::fs::read(format!("/proc/{pid}/cmdline")).ok()
    } else {
        let output = Command::new("ps").args(["-o", "command=", "-p", &pid.to_string()]).output().ok()?;
        Some(output.stdout)
    };
    let cluster = cluster.as_os_str().as_bytes();
    Some(said.is_some_and(|said| said.windows(cluster.len()).any(|window| window == cluster)))
}
