//! `plumbline checks …`: what is checked, checking what is on file, trying checks before saving them, proving that they catch.

use super::{
    backtest::{UNTOLD, backtest},
    check::Check,
    examine::Error,
    mutate::mutate,
    outcome::Outcome,
    suite,
    trial::all,
};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// The checks on what is fetched and on what is published.
#[derive(Debug, Args)]
pub struct ChecksArgs {
    #[command(subcommand)]
    command: Command,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Name the checks of the project and people's own
    List,
    /// Make all checks on what is on file; nothing is kept
    Run {
        /// As of this session instead of the last one on file
        #[arg(long, value_name = "DATE")]
        session: Option<NaiveDate>,
    },
    /// Make the checks of a file (YAML or JSON) on what is on file, and on the sessions before; nothing is kept
    Try {
        file: PathBuf,
        /// So many sessions are looked back
        #[arg(long, value_name = "N", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=2600))]
        sessions: u32,
    },
    /// Inject known defects into a good batch, in a database of its own, and tell which check caught each
    Mutate,
}

/// Why a command of the checks ended.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("{}: {source}. Name a file that can be read.", file.display())]
    File {
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Check(#[from] Error),
    #[error("{0}")]
    Failed(String),
}

impl From<sqlx::Error> for CommandError {
    fn from(error: sqlx::Error) -> Self {
        Self::Check(error.into())
    }
}

/// Carries the command out and prints what came of it.
///
/// # Errors
/// [`CommandError::Failed`] when a check that holds something up fails, or a defect slips through.
pub async fn run(pool: &PgPool, args: ChecksArgs) -> Result<(), CommandError> {
    let mut connection = pool.acquire().await?;
    match args.command {
        Command::List => list(&mut connection, args.json).await,
        Command::Run { session } => {
            let outcomes = all(&mut connection, Some(pool), session, None).await?;
            print(&outcomes, args.json);
            let failing = outcomes.iter().filter(|outcome| outcome.blocks()).count();
            if failing > 0 { Err(CommandError::Failed(format!("{failing} checks fail that hold something up."))) } else { Ok(()) }
        }
        Command::Try { file, sessions } => attempt(&mut connection, file, sessions, args.json).await,
        Command::Mutate => {
            drop(connection);
            mutated(pool, args.json).await
        }
    }
}

async fn list(connection: &mut PgConnection, as_json: bool) -> Result<(), CommandError> {
    let (own, broken) = suite::own(connection).await?;
    let ours = suite::suite().map_err(Error::from)?;
    let said = |check: &Arc<Check>| {
        json!({
            "name": check.name, "dataset": check.dataset, "kind": check.kind.name(), "severity": check.severity, "action": check.action,
            "scope": check.scope, "dimension": check.dimension, "expected": check.expected, "thresholds": check.thresholds(),
            "is_own": check.is_own,
        })
    };
    if as_json {
        let all: Vec<Value> = ours.iter().chain(&own).map(said).collect();
        say!("{}", Value::Array(all));
    } else {
        for check in ours.iter().chain(&own) {
            let (severity, action, scope) = (check.severity.as_str(), check.action.as_str(), check.scope.as_str());
            say!("{:34} {:22} {:24} {severity:5} {action:10} {scope:12} {}", check.name, check.dataset, check.kind.name(), check.expected);
        }
    }
    for error in broken {
        crate::output::complain(error);
    }
    Ok(())
}

fn print(outcomes: &[Outcome], as_json: bool) {
    if as_json {
        say!("{}", json!(outcomes.iter().map(Outcome::said).collect::<Vec<_>>()));
        return;
    }
    for outcome in outcomes {
        let whose = outcome.symbol.clone().or((outcome.portfolio_id > 0).then(|| format!("portfolio {}", outcome.portfolio_id)));
        let passed = if outcome.passed { "pass" } else { "FAIL" };
        say!(
            "{passed}  {:34} {:14} {:>9} elements {:>6} unexpected {:>8.1} ms  {}",
            outcome.check.name,
            whose.unwrap_or_default(),
            outcome.elements,
            outcome.failures,
            outcome.duration_ms,
            if outcome.passed { "" } else { &outcome.message }
        );
    }
}

async fn attempt(connection: &mut PgConnection, file: PathBuf, sessions: u32, as_json: bool) -> Result<(), CommandError> {
    let text = std::fs::read_to_string(&file).map_err(|source| CommandError::File { file, source })?;
    let checks: Vec<Arc<Check>> =
        suite::read(&text).map_err(Error::from)?.iter().map(|check| Arc::new(Check { is_own: true, ..Check::clone(check) })).collect();
    let outcomes: Vec<Outcome> =
        all(connection, None, None, Some(checks.clone())).await?.into_iter().filter(|outcome| outcome.check.is_own).collect();
    let mut fired = Vec::new();
    for check in &checks {
        fired.push((check, backtest(connection, check, sessions).await?));
    }
    if as_json {
        let fired: BTreeMap<&str, _> = fired.iter().map(|(check, fired)| (check.name.as_str(), fired)).collect();
        say!("{}", json!({ "results": outcomes.iter().map(Outcome::said).collect::<Vec<_>>(), "fired": fired }));
        return Ok(());
    }
    print(&outcomes, false);
    for (check, fired) in fired {
        let Some(fired) = fired else {
            say!("{}: {UNTOLD}", check.name);
            continue;
        };
        say!("{} would have fired on {} of the last {sessions} sessions.", check.name, fired.len());
        for day in fired.iter().rev().take(10) {
            say!("  {}  {} failures  {}", day.session, day.failures, day.sample.clone().unwrap_or_default());
        }
    }
    Ok(())
}

async fn mutated(pool: &PgPool, as_json: bool) -> Result<(), CommandError> {
    let report = mutate(pool).await?;
    if as_json {
        say!("{}", json!(report));
    } else {
        for alarm in &report.false_alarms {
            say!("false alarm on the good batch: {alarm}");
        }
        for mutation in &report.mutations {
            let caught = if mutation.is_caught { "caught" } else { "MISSED" };
            say!("{caught}  {:26} {:60} {}", mutation.defect, mutation.description, mutation.caught_by.join(", "));
        }
    }
    let missed = report.mutations.iter().filter(|mutation| !mutation.is_caught).count();
    if report.is_good() {
        if !as_json {
            say!("All {} defects were caught, and the good batch raised no alarm.", report.mutations.len());
        }
        return Ok(());
    }
    Err(CommandError::Failed(format!(
        "{missed} of {} defects slipped through, and the good batch raised {} false alarms.",
        report.mutations.len(),
        report.false_alarms.len()
    )))
}
