//! The Postgres of a Plumbline that was killed: it is given time to end, told to when nobody told it, and its note is cleared when
//! the number in it is somebody else's now.

use super::child::is_postgres_of;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Returns once no Postgres runs on the cluster, or after `patience`; whether it can start then, Postgres itself decides.
///
/// We hold the data folder's lock, so whatever still runs there has lost its Plumbline.
pub(super) async fn wait_until_gone(cluster: &Path, patience: Duration) {
    let note = cluster.join("postmaster.pid");
    let began = Instant::now();
    let mut was_told = false;
    while began.elapsed() < patience {
        let Some(pid) = fs::read_to_string(&note).ok().as_deref().and_then(noted_pid) else { return };
        match is_postgres_of(pid, cluster) {
            Some(true) if !was_told => {
                was_told = true;
                tracing::info!(pid, "stopping the Postgres of a Plumbline that was killed");
                let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
            }
            Some(true) => {}
            // After a restart of the machine or container the number may be anybody's. Postgres would refuse to start beside it;
            // it still refuses when somebody is attached to the cluster's shared memory.
            Some(false) => {
                let _ = fs::remove_file(&note);
                return;
            }
            None => return,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The first line of postmaster.pid; below 2 it would name init or a whole group.
fn noted_pid(text: &str) -> Option<i32> {
    text.lines().next()?.trim().parse().ok().filter(|pid| *pid > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_number_and_refuses_dangerous_ones() {
        assert_eq!(noted_pid("4711\n/srv/data/postgres\n"), Some(4711));
        for text in ["", "\n", "0", "-1", "1", "many"] {
            assert_eq!(noted_pid(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn a_number_that_is_not_postgres_is_forgotten() {
        let cluster = tempfile::tempdir().unwrap();
        let note = cluster.path().join("postmaster.pid");
        fs::write(&note, format!("{}\n", std::process::id())).unwrap();
        wait_until_gone(cluster.path(), Duration::from_secs(1)).await;
        assert!(!note.exists());
    }
}
