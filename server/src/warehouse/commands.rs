//! `plumbline models …`: what the models are, what SQL they become, building and testing them by hand.

use super::{
    Build, Error, Project, Vars, docs, limits, own, select,
    walk::{Outcome, Step, steps},
};
use clap::{Args, Subcommand};
use serde_json::json;
use sqlx::{Connection, PgPool};
use std::{collections::BTreeSet, path::PathBuf};

/// The SQL models between what vendors said and what the pages show, and those of PLUMBLINE_MODELS over them.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    #[command(subcommand)]
    command: Command,
    /// Only these: a name, +name, name+2, tag:x, a folder; a space joins, a comma intersects
    #[arg(long, short, global = true, value_name = "WHAT", num_args = 1..)]
    select: Vec<String>,
    /// But not these
    #[arg(long, global = true, value_name = "WHAT", num_args = 1..)]
    exclude: Vec<String>,
    /// As JSON, for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Name the models in the order in which they are built
    List,
    /// Print the SQL of the models
    Compile {
        /// The same as --select
        what: Vec<String>,
    },
    /// Unit tests, models and tests, each model before what reads it; nothing of ours is kept when a test fails
    Build {
        /// Keep nothing of what is there
        #[arg(long)]
        full_refresh: bool,
    },
    /// Test the models as they stand
    Test,
    /// Write a page about all models, with their lineage, and the same as JSON
    Docs {
        /// Where to
        #[arg(long, value_name = "FOLDER", default_value = "models-docs")]
        to: PathBuf,
    },
}

impl ModelsArgs {
    /// Must the caller connect first?
    pub fn needs_database(&self) -> bool {
        matches!(self.command, Command::Build { .. } | Command::Test)
    }
}

/// Carries the command out and prints the outcome. `folder`: a person's own package.
///
/// # Errors
/// [`Error`], also when a test fails.
pub async fn models(args: ModelsArgs, pool: Option<&PgPool>, folder: Option<PathBuf>) -> Result<(), Error> {
    let pool = pool.cloned();
    let done = limits::apart(async move || carry_out(args, pool.as_ref(), folder).await).await;
    done.map_err(|error| Error::Unknown(error.to_string()))?
}

async fn carry_out(args: ModelsArgs, pool: Option<&PgPool>, folder: Option<PathBuf>) -> Result<(), Error> {
    let project = Project::with_own(folder.as_deref())?;
    let pool = || pool.ok_or_else(|| Error::Unknown("this needs the database: set DATABASE_URL or start the server first".into()));
    let mut select = args.select;
    if let Command::Compile { what } = &args.command {
        select.extend(what.iter().cloned());
    }
    let chosen = select::chosen(&project, &select, &args.exclude)?;
    match args.command {
        Command::List => list(&project, &chosen, args.json),
        Command::Compile { .. } => compile(&project, &chosen, args.json),
        Command::Build { full_refresh } => build(&project, pool()?, &chosen, full_refresh, args.json).await,
        Command::Test => {
            let tests = chosen.into_iter().filter(|step| !matches!(step, Step::Model(_))).collect();
            build(&project, pool()?, &tests, false, args.json).await
        }
        Command::Docs { to } => {
            let page = docs::write(&project, &chosen, &to)?;
            say!("{}", page.display());
            Ok(())
        }
    }
}

fn models_of<'p>(project: &'p Project, chosen: &'p BTreeSet<Step>) -> impl Iterator<Item = &'p super::Model> {
    project.models().iter().enumerate().filter(|(at, _)| chosen.contains(&Step::Model(*at))).map(|(_, model)| model)
}

fn list(project: &Project, chosen: &BTreeSet<Step>, as_json: bool) -> Result<(), Error> {
    if as_json {
        say!("{}", docs::catalog(project, chosen)?);
        return Ok(());
    }
    for model in models_of(project, chosen) {
        say!("{:32} {:11} {}", model.relation(), model.materialized.as_str(), model.description);
    }
    Ok(())
}

fn compile(project: &Project, chosen: &BTreeSet<Step>, as_json: bool) -> Result<(), Error> {
    let models: Vec<_> = models_of(project, chosen).collect();
    if models.is_empty() {
        return Err(Error::Unknown("only tests are named; `plumbline models list` names the models".into()));
    }
    let mut texts = serde_json::Map::new();
    for model in models {
        let text = project.compiled(model)?;
        if as_json {
            texts.insert(model.relation(), text.into());
        } else {
            say!("-- {}\n{text}\n", model.relation());
        }
    }
    if as_json {
        say!("{}", serde_json::Value::Object(texts));
    }
    Ok(())
}

async fn build(project: &Project, pool: &PgPool, chosen: &BTreeSet<Step>, full_refresh: bool, as_json: bool) -> Result<(), Error> {
    let (mut outcomes, is_good) = ours(project, pool, chosen, full_refresh).await?;
    if is_good {
        outcomes.extend(own::carry_out(project, pool, chosen, full_refresh).await?);
    }
    let bad = outcomes.iter().filter(|outcome| outcome.is_bad()).count();
    if as_json {
        say!("{}", json!({ "kept": is_good, "failed": bad, "results": outcomes }));
    } else {
        outcomes.iter().for_each(print);
    }
    match (bad, is_good) {
        (0, _) => Ok(()),
        (_, false) => Err(Error::Unknown(format!("{bad} of {} failed: nothing was kept", outcomes.len()))),
        (_, true) => Err(Error::Unknown(format!("{bad} of {} failed: those models of yours stay as they were", outcomes.len()))),
    }
}

/// All of ours in one transaction, kept only when nothing failed. Each model stands behind a savepoint, so that after one that Postgres
/// refuses the others are still tried.
async fn ours(project: &Project, pool: &PgPool, chosen: &BTreeSet<Step>, full_refresh: bool) -> Result<(Vec<Outcome>, bool), Error> {
    let vars = Vars::default();
    let (mut outcomes, mut failed, mut is_good) = (Vec::new(), BTreeSet::new(), true);
    let mut tx = pool.begin().await?;
    let mut build = Build::begin(project, &mut tx, full_refresh).await?;
    for steps in steps(project, chosen).into_iter().filter(|steps| !steps.is_own) {
        let mut savepoint = tx.begin().await?;
        let (done, stays) = steps.carry_out(&mut build, &mut savepoint, &vars, &mut failed).await;
        outcomes.extend(done);
        if stays {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
        is_good &= stays;
    }
    if is_good {
        build.put_in_place(&mut tx).await?;
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    Ok((outcomes, is_good))
}

fn print(outcome: &Outcome) {
    let status = if outcome.is_bad() { outcome.status.to_uppercase() } else { outcome.status.to_owned() };
    say!("{status:6} {:9} {:60} {:>9} rows {:>9.1} ms", outcome.kind, outcome.name, outcome.rows, outcome.ms);
    if let Some(message) = &outcome.message {
        say!("       {message}");
    }
}
