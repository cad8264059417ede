//! The real binary in real environments: what stops its start, what doesn't, and what a kill leaves behind.

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A value that nobody may ever read in an error.
const SECRET: &str = "s3cr3t-value";
/// A first start makes a Postgres; a loaded machine takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// An empty folder that Postgres's own account may pass through.
fn open_folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// The binary in `folder` with nothing in its environment but `variables` and a path to programs.
fn plumbline(folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("PLUMBLINE_LISTEN", "127.0.0.1:0").envs(variables.iter().copied());
    command
}

fn said(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8(output.stderr.clone()).unwrap())
}

/// A server that said where it is; killed when dropped, and its Postgres with it.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = plumbline(folder, variables).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| Some(line.unwrap().split_once("Plumbline is at http://")?.1.trim_end_matches('/').to_owned()));
        // Read to its end, or a server that says much would wait for us.
        let mut log = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = log.read_to_string(&mut text);
            text
        });
        std::thread::spawn(move || lines.count());
        let Some(address) = address else { panic!("it ended without an address: {}", log.join().unwrap()) };
        Self { child, address }
    }

    fn health(&self) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET /health HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    }

    fn signal(&mut self, signal: Signal) -> Option<i32> {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("it doesn't end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Postgres's note of its process is there while it runs.
fn wait_until_postgres_ended(cluster: &Path) {
    let began = Instant::now();
    while cluster.join("postmaster.pid").exists() {
        assert!(began.elapsed() < PATIENCE, "Postgres still runs");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_wrong_or_missing_value_stops_the_start_in_one_sentence() {
    let folder = open_folder();
    let table: &[(&str, &[(&str, &str)])] = &[
        ("PLUMBLINE_LISTEN", &[("PLUMBLINE_LISTEN", "nowhere")]),
        ("PLUMBLINE_LOG_FORMAT", &[("PLUMBLINE_LOG_FORMAT", "xml")]),
        ("PLUMBLINE_SECRET_KEY", &[("PLUMBLINE_SECRET_KEY", SECRET)]),
        ("PLUMBLINE_SECRET_KEY", &[("DATABASE_URL", "postgres://me:s3cr3t-value@127.0.0.1:1/x")]),
        ("DATABASE_URL", &[("DATABASE_URL", "s3cr3t-value")]),
        ("ALPACA_SECRET_KEY", &[("POLYGON_API_KEY", SECRET), ("ALPACA_API_KEY", SECRET)]),
        ("POLYGON_BASE_URL", &[("POLYGON_API_KEY", SECRET), ("POLYGON_BASE_URL", "http://example.com")]),
        ("PG_BIN_DIR", &[("PG_BIN_DIR", "/nowhere")]),
    ];
    for (name, variables) in table {
        let (code, sentence) = said(&plumbline(folder.path(), variables).output().unwrap());
        assert_eq!(code, Some(2), "{name}: {sentence}");
        assert!(sentence.starts_with(name), "{name}: {sentence}");
        assert_eq!(sentence.lines().count(), 1, "{name}: {sentence}");
        assert!(!sentence.contains(SECRET), "{sentence}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was begun");
}

#[test]
fn the_file_counts_and_the_process_counts_more() {
    let folder = open_folder();
    fs::write(folder.path().join(".env"), "# ours\nPLUMBLINE_LOG_FORMAT=xml\n").unwrap();
    let (code, sentence) = said(&plumbline(folder.path(), &[]).output().unwrap());
    assert_eq!((code, sentence.as_str()), (Some(2), "PLUMBLINE_LOG_FORMAT must be pretty or json.\n"));
    let (_, sentence) = said(&plumbline(folder.path(), &[("PLUMBLINE_LOG_FORMAT", "yaml"), ("PLUMBLINE_DATA", "x")]).output().unwrap());
    assert!(sentence.starts_with("PLUMBLINE_LOG_FORMAT"), "{sentence}");
    fs::write(folder.path().join(".env"), "PLUMBLINE_LOG_FORMAT=json\nPLUMBLINE_LISTEN=nowhere\n").unwrap();
    let (_, sentence) = said(&plumbline(folder.path(), &[("PLUMBLINE_LISTEN", "somewhere")]).output().unwrap());
    assert!(sentence.starts_with("PLUMBLINE_LISTEN"), "{sentence}");
}

#[test]
fn a_database_that_does_not_answer_is_named_without_its_password() {
    let folder = open_folder();
    let key = "07".repeat(32);
    let variables = [("DATABASE_URL", "postgres://me:s3cr3t-value@127.0.0.1:1/x"), ("PLUMBLINE_SECRET_KEY", key.as_str())];
    let (code, sentence) = said(&plumbline(folder.path(), &variables).output().unwrap());
    assert_ne!(code, Some(0));
    assert!(sentence.contains("DATABASE_URL names a database that can't be reached"), "{sentence}");
    assert!(!sentence.contains(SECRET), "{sentence}");
}

#[test]
fn an_empty_folder_becomes_a_server_alone_in_it() {
    let folder = open_folder();
    let mut server = Running::start(folder.path(), &[]);
    assert!(server.health().contains("200"), "{}", server.health());
    let data = folder.path().join("data");
    assert_eq!(fs::metadata(data.join("secret.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(data.join("postgres")).unwrap().permissions().mode() & 0o777, 0o700);

    let (code, sentence) = said(&plumbline(folder.path(), &[]).output().unwrap());
    assert_eq!(code, Some(1), "{sentence}");
    assert!(sentence.contains(&format!("in use by another Plumbline (process {})", server.child.id())), "{sentence}");

    let (code, sentence) = said(&plumbline(folder.path(), &[("PLUMBLINE_LISTEN", &server.address)]).output().unwrap());
    assert_eq!(code, Some(1), "{sentence}");
    assert!(sentence.contains("PLUMBLINE_LISTEN"), "{sentence}");

    let (code, sentence) = said(&plumbline(folder.path(), &[]).arg("migrate").output().unwrap());
    assert_eq!(code, Some(0), "a command works beside the server: {sentence}");

    assert_eq!(server.signal(Signal::SIGTERM), Some(0));
    assert!(!data.join("postgres/postmaster.pid").exists(), "Postgres ended before the server did");
    let (code, sentence) = said(&plumbline(folder.path(), &[]).arg("migrate").output().unwrap());
    assert_eq!(code, Some(0), "a command works without a server, too: {sentence}");
}

#[test]
fn after_a_kill_the_next_start_goes_on() {
    let folder = open_folder();
    let mut server = Running::start(folder.path(), &[]);
    server.signal(Signal::SIGKILL);
    // At once: the old Postgres is still ending.
    let mut server = Running::start(folder.path(), &[]);
    assert!(server.health().contains("200"));

    // Now everything at once, as a power cut does.
    let cluster = folder.path().join("data/postgres");
    let postgres: i32 = fs::read_to_string(cluster.join("postmaster.pid")).unwrap().lines().next().unwrap().parse().unwrap();
    let _ = kill(Pid::from_raw(postgres), Signal::SIGKILL);
    server.signal(Signal::SIGKILL);
    let mut server = Running::start(folder.path(), &[]);
    assert!(server.health().contains("200"));
    assert_eq!(server.signal(Signal::SIGINT), Some(0));
    wait_until_postgres_ended(&cluster);
}

/// Postgres that falls by itself is started again, and the server lives on.
#[test]
fn a_postgres_that_falls_is_raised() {
    let folder = open_folder();
    let mut server = Running::start(folder.path(), &[]);
    let note = folder.path().join("data/postgres/postmaster.pid");
    let number = || fs::read_to_string(&note).ok().and_then(|text| text.lines().next()?.parse::<i32>().ok());
    let first = number().unwrap();
    kill(Pid::from_raw(first), Signal::SIGKILL).unwrap();
    let began = Instant::now();
    while number().is_none_or(|pid| pid == first) {
        assert!(began.elapsed() < PATIENCE, "it isn't raised");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(server.health().contains("200"));
    assert_eq!(server.signal(Signal::SIGTERM), Some(0));
}

#[test]
fn roots_own_folder_sends_the_database_elsewhere_and_says_so() {
    if !geteuid().is_root() {
        return; // a normal user's Postgres runs as that user, who can enter
    }
    let closed = tempfile::tempdir().unwrap();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let mut server = Running::start(closed.path(), &[]);
    assert!(server.health().contains("200"));
    assert_eq!(server.signal(Signal::SIGTERM), Some(0));
    let elsewhere = PathBuf::from(fs::read_to_string(closed.path().join("data/postgres.folder")).unwrap().trim());
    assert!(elsewhere.starts_with("/var/lib/plumbline") && elsewhere.join("postgres/PG_VERSION").exists(), "{elsewhere:?}");
    let mut again = Running::start(closed.path(), &[]);
    assert_eq!(again.signal(Signal::SIGTERM), Some(0));
    fs::remove_dir_all(elsewhere).unwrap();
}
