//! Everything behind the listening address, started in order and stopped in reverse.

use crate::{
    clock::Clock,
    config::{Config, SecretFileError, Storage},
    db::{Access, Database, DatabaseError},
    vault::Vault,
};
use axum::{Router, routing::get};
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
}

/// A started server: its port is open, its database ready.
pub struct Application {
    listener: TcpListener,
    router: Router,
    database: Database,
    began: Instant,
    /// Seals vendors' secrets.
    pub vault: Arc<Vault>,
}

impl Application {
    /// Opens port and database, in this order: a port in use is known at once, before anything was started.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn build(config: Config, clock: Clock) -> Result<Self, StartError> {
        let began = Instant::now();
        let address = config.listen;
        let listener = TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })?;
        let database = Database::open(&config, Access::Sole, clock.now().date_naive()).await?;
        let vault = Arc::new(open_vault(&config, &database).await?);
        let router = Router::new().route("/health", get(|| async { "ok" }));
        Ok(Self { listener, router, database, began, vault })
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
        println!("Plumbline is at http://{}", self.address()?);
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
        self.database.close().await;
        served
    }
}

/// The vault under the installation's key. A key made anew beside sealed secrets could open none of them, so that is
/// refused; the demo's own are sealed anew at each start.
async fn open_vault(config: &Config, database: &Database) -> Result<Vault, StartError> {
    if let Storage::Embedded { secret_key: None, .. } = config.storage
        && !config.has_secret_file()
        && sqlx::query_scalar!(r#"select exists(select from book.connection where origin <> 'demo') as "exists!""#)
            .fetch_one(&database.pool)
            .await?
    {
        return Err(StartError::SecretLost);
    }
    Ok(Vault::new(config.secret_key()?.bytes()))
}
