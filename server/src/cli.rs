//! The roles of the one binary: serve (also without a word), simulate, and commands that do one thing and end.

use crate::{
    application::{self, Application, StartError, Vendors},
    auth, calendar,
    clock::Clock,
    config::{self, Config, ConfigError, Environment},
    db::{Access, Database},
    measures, orchestrator, output, pipeline, quality,
    simulator::{self, SimulatorError, Source},
    store::ExplainArgs,
    telemetry, warehouse,
};
use app::error::AppError;
use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use sqlx::PgPool;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::signal::unix::{SignalKind, signal};

/// Investment analytics you can trust: fetched, checked, computed and shown by one program.
#[derive(Debug, Parser)]
#[command(name = "plumbline", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Serve the pages and run the pipeline (what happens without a word, too)
    Serve(ServeArgs),
    /// Serve the vendors' own protocols from a simulated market or recorded history
    Simulate(simulator::Args),
    /// Bring everything up to a session, such as `run daily --session 2026-11-20`
    Run(AtTime<pipeline::commands::RunArgs>),
    /// Fetch and publish a stretch of history
    Backfill(AtTime<pipeline::commands::BackfillArgs>),
    /// The latest runs, or one with its tasks and attempts
    Runs(pipeline::commands::RunsArgs),
    /// Perform tasks of a run once more
    Clear(AtTime<pipeline::commands::ClearArgs>),
    /// Cancel a run
    Cancel(pipeline::commands::CancelArgs),
    /// Hold a DAG: nothing of it starts
    Pause(pipeline::commands::DagArgs),
    /// Let a paused DAG go on
    Resume(pipeline::commands::DagArgs),
    /// The exchange's sessions: when each opens and closes
    Calendar(calendar::commands::CalendarArgs),
    /// Every measure of a column of returns, from a file
    Metrics(measures::MetricsArgs),
    /// What transactions in a file are worth and how they did: lots, gains, returns, every day
    Performance(measures::PerformanceArgs),
    /// The money-weighted return of dated payments, from a file
    Xirr(measures::XirrArgs),
    /// Where an excess return comes from: allocation, selection, interaction, from a file
    Attribution(measures::AttributionArgs),
    /// How a figure was made, down to the vendor's bytes, such as `explain time_weighted --portfolio 1`
    Explain(ExplainArgs),
    /// The SQL models: list, compile, build, test, docs
    Models(warehouse::commands::ModelsArgs),
    /// The checks: list, run, try out, prove by injected defects
    Checks(quality::commands::ChecksArgs),
    /// People: add one, reset a password, list them
    User(auth::commands::UserArgs),
    /// Bring the database up to date and end
    Migrate,
    /// Print every variable of the environment that is read, as a .env file
    Environment,
}

/// A command of the pipeline at a time of the market's.
#[derive(Debug, Args)]
struct AtTime<T: Args> {
    #[command(flatten)]
    args: T,
    /// Stop the market's clock at an instant, such as 2014-12-31T22:00:00Z
    #[arg(long, value_name = "INSTANT")]
    now: Option<DateTime<Utc>>,
}

#[derive(Debug, Default, Args)]
pub struct ServeArgs {
    /// Address and port to listen on, instead of PLUMBLINE_LISTEN
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Port to listen on, at the same address
    #[arg(long, conflicts_with = "listen")]
    port: Option<u16>,
    /// Stop the market's clock at an instant, such as 2014-12-31T22:00:00Z
    #[arg(long, value_name = "INSTANT")]
    now: Option<DateTime<Utc>>,
    /// Show recorded history from this folder instead of the simulated market
    #[arg(long, value_name = "FOLDER")]
    replay: Option<PathBuf>,
    /// Companies in the simulated market, besides SPY
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    symbols: Option<usize>,
    /// How many years ago the demo's accounts began
    #[arg(long, value_name = "N", conflicts_with = "replay")]
    years: Option<u32>,
    /// Accounts of the demo
    #[arg(long, value_name = "N", conflicts_with = "replay", value_parser = clap::value_parser!(u8).range(1..=9))]
    accounts: Option<u8>,
}

/// What a shell expects of a program that Ctrl-C ended.
const ENDED_BY_SIGNAL: i32 = 130;

/// Why a command ended; one sentence on stderr.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Simulator(#[from] SimulatorError),
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
    #[error(transparent)]
    Calendar(#[from] calendar::commands::CommandError),
    #[error(transparent)]
    Measures(#[from] measures::TableError),
    #[error(transparent)]
    Models(#[from] warehouse::Error),
    #[error(transparent)]
    Checks(#[from] quality::commands::CommandError),
    #[error(transparent)]
    Explain(AppError),
    #[error(transparent)]
    User(#[from] auth::commands::CommandError),
    #[error("The server stopped: {0}.")]
    Io(#[from] std::io::Error),
}

impl Failure {
    /// 2: the environment or a file has to change; 1: anything else.
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Measures(_) => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// Runs what the command line asks for.
pub async fn run(cli: Cli) -> ExitCode {
    match act(cli).await {
        Ok(()) => match output::fault() {
            None => ExitCode::SUCCESS,
            Some(error) => {
                output::complain(format_args!("The result couldn't be written ({error}); write it elsewhere."));
                ExitCode::FAILURE
            }
        },
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

async fn act(cli: Cli) -> Result<(), Failure> {
    match cli.role.unwrap_or(Role::Serve(cli.serve)) {
        Role::Environment => say!("{}", config::example_file().trim_end()),
        Role::Migrate => {
            let database = open(&configure()?, Clock::Real).await?;
            database.close().await;
            say!("The database is up to date.");
        }
        Role::Serve(args) => serve(args).await?,
        Role::Simulate(args) => simulator::run(args).await?,
        Role::Run(at) => conduct(at.now, async |deps| pipeline::commands::run(deps, at.args).await).await?,
        Role::Backfill(at) => conduct(at.now, async |deps| pipeline::commands::backfill(deps, at.args).await).await?,
        Role::Runs(args) => beside(async |pool| pipeline::commands::runs(&pool, args).await).await?,
        Role::Clear(at) => conduct(at.now, async |deps| pipeline::commands::clear(deps, at.args).await).await?,
        Role::Cancel(args) => beside(async |pool| pipeline::commands::cancel(&pool, args).await).await?,
        Role::Pause(args) => beside(async |pool| pipeline::commands::pause(&pool, args).await).await?,
        Role::Resume(args) => beside(async |pool| pipeline::commands::resume(&pool, args).await).await?,
        Role::Calendar(args) => calendar::commands::run(&args)?,
        Role::Metrics(args) => measures::metrics(&args)?,
        Role::Performance(args) => measures::performance(&args)?,
        Role::Attribution(args) => measures::attribution(&args)?,
        Role::Xirr(args) => measures::xirr(&args)?,
        Role::Explain(args) => {
            if let Some(listed) = args.listed() {
                say!("{listed}");
                return Ok(());
            }
            let config = configure()?;
            let database = open(&config, Clock::Real).await?;
            let said = match application::store(&config, Clock::Real, &database) {
                Ok(store) => store.explained(args).await.map_err(|error| Failure::Explain(error.into())),
                Err(error) => Err(error.into()),
            };
            database.close().await;
            say!("{}", said?);
        }
        Role::Models(args) => {
            let config = configure()?;
            let database = if args.needs_database() { Some(open(&config, Clock::Real).await?) } else { None };
            let pool = database.as_ref().map(|database| &database.pool);
            let done = warehouse::commands::models(args, pool, config.models.clone()).await;
            if let Some(database) = database {
                database.close().await;
            }
            done?;
        }
        Role::Checks(args) => {
            let database = open(&configure()?, Clock::Real).await?;
            let done = quality::commands::run(&database.pool, args).await;
            database.close().await;
            done?;
        }
        Role::User(args) => {
            let database = open(&configure()?, Clock::Real).await?;
            let said = auth::commands::run(&database.pool, args).await;
            database.close().await;
            say!("{}", said?);
        }
    }
    Ok(())
}

/// Opens the database alone for the time of one command.
async fn beside(command: impl AsyncFnOnce(PgPool) -> Result<(), pipeline::Error>) -> Result<(), Failure> {
    let database = open(&configure()?, Clock::Real).await?;
    let done = command(database.pool.clone()).await;
    database.close().await;
    Ok(done?)
}

/// Opens what the pipeline needs for the time of one command.
async fn conduct(
    now: Option<DateTime<Utc>>,
    command: impl AsyncFnOnce(pipeline::Deps) -> Result<(), pipeline::Error>,
) -> Result<(), Failure> {
    let config = configure()?;
    let clock = now.map_or(Clock::Real, Clock::Fixed);
    let database = open(&config, clock).await?;
    let opened = match orchestrator::is_served(&database.pool).await {
        // A server performs it, with the vendors that it knows.
        Ok(true) => Vendors::of_server(&config, clock, &database),
        Ok(false) => Vendors::open(&config, clock, &database, Source::default()).await,
        Err(error) => Err(error.into()),
    };
    let done = match opened {
        Ok(vendors) => command(vendors.deps.clone()).await.map_err(Failure::from),
        Err(error) => Err(error.into()),
    };
    database.close().await;
    done
}

/// Configuration and log, which every role needs.
fn configure() -> Result<Config, ConfigError> {
    let environment = Environment::read(Path::new("."))?;
    let config = Config::parse(&environment)?;
    telemetry::start(&config.log);
    for name in &environment.unknown {
        tracing::warn!("{name} isn't a variable of Plumbline: .env.example lists them");
    }
    Ok(config)
}

/// The database for the time of one command, beside a running server or without one.
async fn open(config: &Config, clock: Clock) -> Result<Database, StartError> {
    Ok(Database::open(config, Access::Shared, clock.now().date_naive()).await?)
}

async fn serve(args: ServeArgs) -> Result<(), Failure> {
    let config = args.apply(configure()?)?;
    let stop = stop_signal()?;
    let clock = args.now.map_or(Clock::Real, Clock::Fixed);
    let application = Application::build(config, clock, args.source()).await?;
    application.run_until(stop).await?;
    Ok(())
}

impl ServeArgs {
    /// Where the demo's market comes from.
    fn source(&self) -> Source {
        match (&self.replay, Source::default()) {
            (Some(folder), _) => Source::Replay(folder.clone()),
            (None, Source::Seed { seed, symbols, years, accounts }) => Source::Seed {
                seed,
                symbols: self.symbols.unwrap_or(symbols),
                years: self.years.unwrap_or(years),
                accounts: self.accounts.map_or(accounts, usize::from),
            },
            (None, other) => other,
        }
    }

    /// The configuration with what the command line says instead.
    fn apply(&self, mut config: Config) -> Result<Config, ConfigError> {
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(port) = self.port {
            config.listen.set_port(port);
        }
        if let Some(folder) = &self.replay {
            config.replay(folder)?;
        }
        Ok(config)
    }
}

/// The first SIGINT or SIGTERM, also one during the start. A second one ends the process at once; what was under way is taken up at
/// the next start.
fn stop_signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (first, came) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        tracing::info!("stopping: open requests end first; a second signal ends it at once");
        let _ = first.send(());
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        std::process::exit(ENDED_BY_SIGNAL);
    });
    Ok(async move {
        let _ = came.await;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_means_serve() {
        let cli = Cli::try_parse_from(["plumbline", "--port", "8080", "--now", "2014-12-31T22:00:00Z"]).unwrap();
        assert!(cli.role.is_none());
        let config = cli.serve.apply(Config::parse(&Environment::default()).unwrap()).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(cli.serve.now.unwrap().to_rfc3339(), "2014-12-31T22:00:00+00:00");
        assert!(Cli::try_parse_from(["plumbline", "--port", "1", "--listen", "127.0.0.1:2"]).is_err());
        assert!(Cli::try_parse_from(["plumbline", "serve", "--now", "yesterday"]).is_err());
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
