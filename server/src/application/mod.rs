//! Everything behind the listening address, started in order and stopped in reverse.

mod conductor;
mod vendors;

pub use vendors::Vendors;

use crate::{
    auth,
    clock::Clock,
    config::{Config, SecretFileError, Storage},
    db::{Access, Database, DatabaseError},
    http::{self, AppState},
    pipeline,
    simulator::{SimulatorError, Source},
    store::Store,
};
use axum::Router;
use conductor::PipelineConductor;
use leptos::config::LeptosOptions;
use sqlx::PgPool;
use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

/// Requests that are open when the server stops get this long; live streams end with it.
const DRAIN: Duration = Duration::from_secs(5);

/// Why the server doesn't start. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{address} can't be listened on ({source}): is Plumbline running there already? Open it, or choose another address in PLUMBLINE_LISTEN."
    )]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Secret(#[from] SecretFileError),
    #[error(
        "secret.key is gone from the data folder, and the vendors' keys in the database can't be opened without it: put it back, or set PLUMBLINE_SECRET_KEY to what it held."
    )]
    SecretLost,
    #[error("The server couldn't start: {0}.")]
    Failed(#[from] sqlx::Error),
    #[error("The vendors' client couldn't start ({0}): are the system's certificates installed (Debian: ca-certificates)?")]
    Client(#[from] reqwest::Error),
    #[error(transparent)]
    Simulator(#[from] SimulatorError),
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
}

/// A started server: its port is open, its database ready, its pipeline at work.
pub struct Application {
    listener: TcpListener,
    router: Router,
    database: Database,
    pipeline: pipeline::Handle,
    vendors: Vendors,
    /// What people type in front of a path.
    origin: String,
    setup_token: Option<String>,
    began: Instant,
}

/// What pages are made from, for a command beside a running server or without one.
///
/// # Errors
/// One sentence that says what to do.
pub fn store(config: &Config, clock: Clock, database: &Database) -> Result<Store, StartError> {
    let vendors = Vendors::of_server(config, clock, database)?;
    let conductor = PipelineConductor { deps: vendors.deps, keys: vendors.keys };
    Ok(Store::new(database.pool.clone(), clock, Arc::new(conductor), config.is_demo()))
}

impl Application {
    /// Opens port and database, in this order: a port in use is known at once, before anything was started. The pipeline goes on
    /// behind the pages, which show how far it is.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn build(config: Config, clock: Clock, source: Source) -> Result<Self, StartError> {
        let began = Instant::now();
        // Before there is a database that nobody will use.
        source.check()?;
        let address = config.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
        let database = Database::open(&config, Access::Sole, clock.now().date_naive()).await?;
        refuse_lost_key(&config, &database).await?;
        let vendors = Vendors::open(&config, clock, &database, source).await?;
        let pipeline = pipeline::start(vendors.deps.clone()).await?;
        let conductor = PipelineConductor { deps: vendors.deps.clone(), keys: vendors.keys.clone() };
        let store = Store::new(database.pool.clone(), clock, Arc::new(conductor), config.is_demo());
        let leptos = LeptosOptions::builder()
            .output_name("plumbline")
            .site_root(config.site.display().to_string())
            .site_pkg_dir("pkg")
            .site_addr(address)
            .build();
        let router = http::router(AppState { leptos, store, is_https: config.is_https() });
        let setup_token = auth::setup::issue(&database.pool).await?;
        let origin = match &config.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", listener.local_addr().map_err(|source| StartError::Listen { address, source })?),
        };
        Ok(Self { listener, router, database, pipeline, vendors, origin, setup_token, began })
    }

    /// Where it listens; the real port when 0 was asked for.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then ends in reverse order: requests, pipeline, database.
    ///
    /// # Errors
    /// What the system says when it can't accept connections.
    pub async fn run_until(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        if let Some(token) = &self.setup_token {
            say!("There is no administrator yet. To become the first, open {}/setup and enter {token}", self.origin);
        }
        say!("Plumbline is at {}", self.origin);
        let sweeper = tokio::spawn(sweep_hourly(self.database.pool.clone()));
        tracing::info!(milliseconds = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX), "ready");
        let (draining, drained) = tokio::sync::oneshot::channel();
        let server = axum::serve(self.listener, self.router).with_graceful_shutdown(async move {
            stop.await;
            let _ = draining.send(());
        });
        let patience = async {
            let _ = drained.await;
            tokio::time::sleep(DRAIN).await;
        };
        let served = tokio::select! { served = server => served, () = patience => Ok(()) };
        sweeper.abort();
        self.pipeline.stop().await;
        drop(self.vendors);
        self.database.close().await;
        served
    }
}

/// Sign-in sessions and failures that are over.
async fn sweep_hourly(pool: PgPool) {
    loop {
        if let Err(error) = auth::sweep(&pool).await {
            tracing::warn!(%error, "what is over at the door couldn't be swept; the next hour tries again");
        }
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
}

/// A key made anew beside sealed secrets could open none of them; the demo's own are sealed anew at each start.
async fn refuse_lost_key(config: &Config, database: &Database) -> Result<(), StartError> {
    if let Storage::Embedded { secret_key: None, .. } = config.storage
        && !config.has_secret_file()
        && sqlx::query_scalar!(r#"select exists(select from book.connection where origin <> 'demo') as "exists!""#)
            .fetch_one(&database.pool)
            .await?
    {
        return Err(StartError::SecretLost);
    }
    Ok(())
}
