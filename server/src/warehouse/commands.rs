//! `plumbline models …`: what the models are, what SQL they become, building and testing them by hand.

use super::{Build, Error, Project, Severity, Vars};
use clap::{Args, Subcommand};
use sqlx::PgPool;

/// The SQL models between what vendors said and what the pages show.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Name the models in the order in which they are built.
    List,
    /// Print the SQL of one model, or of all.
    Compile { model: Option<String> },
    /// Build and test all models on what the ledger holds; nothing is kept when a test fails.
    Build {
        /// Keep nothing of what is there.
        #[arg(long)]
        full_refresh: bool,
    },
    /// Test the models as they stand.
    Test,
}

impl ModelsArgs {
    /// Must the caller connect first?
    pub fn needs_database(&self) -> bool {
        matches!(self.command, Command::Build { .. } | Command::Test)
    }
}

/// Carries the command out and prints the outcome.
///
/// # Errors
/// [`Error`], also when a test fails.
pub async fn models(args: ModelsArgs, pool: Option<&PgPool>) -> Result<(), Error> {
    let project = Project::embedded()?;
    let pool = || pool.ok_or_else(|| Error::Unknown("this needs the database: set DATABASE_URL or start the server first".into()));
    match args.command {
        Command::List => {
            for model in project.models() {
                println!("{:26} {}", model.relation(), model.description);
            }
            Ok(())
        }
        Command::Compile { model: wanted } => {
            let chosen: Vec<_> = project.models().iter().filter(|model| wanted.as_ref().is_none_or(|name| *name == model.name)).collect();
            if chosen.is_empty() {
                return Err(Error::Unknown(format!(
                    "there is no model {}: `plumbline models list` names them",
                    wanted.unwrap_or_default()
                )));
            }
            for model in chosen {
                println!("-- {}\n{}\n", model.relation(), project.compiled(model)?);
            }
            Ok(())
        }
        Command::Build { full_refresh } => build(&project, pool()?, full_refresh, true).await,
        Command::Test => build(&project, pool()?, false, false).await,
    }
}

async fn build(project: &Project, pool: &PgPool, full_refresh: bool, models: bool) -> Result<(), Error> {
    let mut tx = pool.begin().await?;
    let vars = Vars::default();
    let mut build = Build::begin(project, &mut tx, full_refresh).await?;
    if models {
        build.models(&mut tx, "staging", &vars).await?;
        build.models(&mut tx, "marts", &vars).await?;
    }
    let verdicts = build.test(&mut tx, &vars).await?;
    for built in build.built() {
        println!("built {:32} {:>9} rows {:>9.1} ms", built.model, built.rows, built.ms);
    }
    for verdict in &verdicts {
        let outcome = match (verdict.passed(), verdict.severity) {
            (true, _) => "pass",
            (false, Severity::Warn) => "warn",
            (false, Severity::Error) => "FAIL",
        };
        println!("{outcome}  {:60} {:>9} rows {:>9.1} ms", verdict.name, verdict.failures, verdict.duration_ms);
    }
    let blocking = verdicts.iter().filter(|verdict| verdict.blocks()).count();
    if blocking > 0 {
        return Err(Error::Unknown(format!("{blocking} of {} tests failed: nothing was kept", verdicts.len())));
    }
    build.put_in_place(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}
