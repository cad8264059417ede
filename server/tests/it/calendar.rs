//! `plumbline calendar` as a shell sees it: sessions on stdout, one sentence and a failure for days that it doesn't hold.

use serde_json::{Value, json};
use std::process::{Command, Output};

/// The binary in an empty folder and an empty environment: no database, no .env.
fn calendar(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    command.current_dir(folder.path()).env_clear().arg("calendar").args(arguments).output().unwrap()
}

#[test]
fn sessions_are_told_in_utc() {
    let output = calendar(&["--from", "2024-11-27", "--to", "2024-12-01", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({ "sessions": [
        { "session_date": "2024-11-27", "open_at": "2024-11-27T14:30:00Z", "close_at": "2024-11-27T21:00:00Z" },
        { "session_date": "2024-11-29", "open_at": "2024-11-29T14:30:00Z", "close_at": "2024-11-29T18:00:00Z" },
    ] });
    assert_eq!(told, expected);
}

#[test]
fn a_person_sees_the_early_close() {
    let output = calendar(&["--from", "2024-11-29", "--to", "2024-11-29"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("2024-11-29 Fri  09:30–13:00  14:30–18:00  early close"), "{text}");
}

#[test]
fn a_wrong_range_is_one_sentence_and_a_failure() {
    for (from, to) in [("2024-02-02", "2024-02-01"), ("1999-12-31", "2000-01-03"), ("2040-12-31", "2041-01-01")] {
        let output = calendar(&["--from", from, "--to", to, "--json"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len(), said.lines().count()), (Some(1), 0, 1), "{said}");
    }
    assert!(!calendar(&["--from", "2024-02-30", "--to", "2024-03-01"]).status.success());
}
