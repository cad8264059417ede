//! What the environment says, checked before anything starts: wrong or half-set values stop the start with one sentence.

mod environment;
mod parse;
mod secret;
mod variables;

pub use environment::Environment;
pub use secret::{SecretFileError, SecretKey};
pub use variables::{VARIABLES, Variable, example_file};

use crate::ingest::{Credentials, Limits, Vendor};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use url::Url;
use variables as v;

/// One sentence for the person who starts the program: which variable, and what to write instead. Never a value that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// Everything the program reads from its environment, parsed.
#[derive(Debug, Clone)]
pub struct Config {
    pub storage: Storage,
    /// The folder of everything the program keeps itself.
    pub data: PathBuf,
    /// Keys of vendors. Empty: the built-in simulator and its demo.
    pub vendors: Vec<VendorAccess>,
    /// For one call to a vendor.
    pub vendor_timeout: Duration,
    pub listen: SocketAddr,
    /// The origin people type, when a proxy stands before the server.
    pub public_url: Option<Url>,
    /// The built site: `pkg/`, icons.
    pub site: PathBuf,
    /// A dbt project of the person's own, built over ours.
    pub models: Option<PathBuf>,
    pub log: Log,
}

/// Where the data lives.
#[derive(Clone)]
pub enum Storage {
    /// A Postgres of the person's own. Its secrets need a key that doesn't lie beside them.
    External { options: Box<PgConnectOptions>, secret_key: SecretKey },
    /// A private Postgres in the data folder; without a key one is made and kept there.
    Embedded { bin_dir: Option<PathBuf>, secret_key: Option<SecretKey> },
}

/// By hand: sqlx prints the password of its options.
impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::External { .. } => f.write_str("External"),
            Self::Embedded { bin_dir, .. } => f.debug_struct("Embedded").field("bin_dir", bin_dir).finish_non_exhaustive(),
        }
    }
}

/// One vendor's keys and address. They become the first administrator's connection.
#[derive(Debug, Clone)]
pub struct VendorAccess {
    pub vendor: Vendor,
    pub base_url: Url,
    /// Alpaca's market data lives on another host.
    pub data_url: Option<Url>,
    pub credentials: Credentials,
    /// `None`: unlimited.
    pub calls_per_minute: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Directives of `tracing_subscriber::EnvFilter`, checked.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Pretty,
    Json,
}

const DEFAULT_DATA: &str = "./data";
/// Quiet enough to read, with every run, task and request in it.
const DEFAULT_LOG: &str = "info,sqlx=warn,hyper=warn,tower_http=warn";
/// Polygon's free plan.
const POLYGON_CALLS_PER_MINUTE: u32 = 5;
/// Alpaca allows 200 and FRED 120 calls a minute; we stay below, so that a person can still try a key by hand.
const ALPACA_CALLS_PER_MINUTE: u32 = 180;
const FRED_CALLS_PER_MINUTE: u32 = 100;

impl Config {
    /// Parses what was read. Pure.
    ///
    /// # Errors
    /// One sentence that names the variable.
    pub fn parse(environment: &Environment) -> Result<Self, ConfigError> {
        let e = environment;
        Ok(Self {
            storage: storage(e)?,
            data: e.text(&v::PLUMBLINE_DATA).unwrap_or(DEFAULT_DATA).into(),
            vendors: vendors(e)?,
            vendor_timeout: parse::timeout(e.text(&v::PLUMBLINE_VENDOR_TIMEOUT_SECONDS).unwrap_or("60"))?,
            listen: parse::listen(e.text(&v::PLUMBLINE_LISTEN).unwrap_or("127.0.0.1:3000"))?,
            public_url: e.text(&v::PLUMBLINE_PUBLIC_URL).map(parse::origin).transpose()?,
            site: parse::site(e.text(&v::PLUMBLINE_SITE))?,
            models: e.text(&v::PLUMBLINE_MODELS).map(parse::models).transpose()?,
            log: Log {
                filter: parse::log_filter(e.text(&v::PLUMBLINE_LOG).unwrap_or(DEFAULT_LOG))?,
                format: match e.text(&v::PLUMBLINE_LOG_FORMAT) {
                    None | Some("pretty") => LogFormat::Pretty,
                    Some("json") => LogFormat::Json,
                    Some(_) => return Err(ConfigError::new("PLUMBLINE_LOG_FORMAT must be pretty or json.")),
                },
            },
        })
    }

    /// The key of the vendors' secrets: the one that was given, else the data folder's own, made when there is none.
    ///
    /// # Errors
    /// When the data folder's can't be read or written.
    pub fn secret_key(&self) -> Result<SecretKey, SecretFileError> {
        match &self.storage {
            Storage::External { secret_key, .. } | Storage::Embedded { secret_key: Some(secret_key), .. } => Ok(secret_key.clone()),
            Storage::Embedded { secret_key: None, .. } => SecretKey::of_folder(&self.data),
        }
    }

    /// Is there a key in the data folder already?
    pub fn has_secret_file(&self) -> bool {
        self.data.join(secret::KEY_FILE).exists()
    }

    /// Shows recorded history from `folder` instead of the simulated market, with a database of its own beside the usual one: prices
    /// that were and prices that never were don't mix.
    ///
    /// # Errors
    /// When the environment asks for real data, or there is no such folder.
    pub fn replay(&mut self, folder: &Path) -> Result<(), ConfigError> {
        if !self.is_demo() {
            return Err(ConfigError::new("POLYGON_API_KEY asks for real data and --replay for recorded history: leave one out."));
        }
        if !folder.is_dir() {
            return Err(ConfigError::new(format!("--replay must name a folder with recorded history; {} isn't one.", folder.display())));
        }
        if self.data == Path::new(DEFAULT_DATA) {
            self.data.push(format!("replay-{}", folder.file_name().unwrap_or_default().display()));
        }
        Ok(())
    }

    /// Without vendor keys the program shows simulated prices.
    pub fn is_demo(&self) -> bool {
        self.vendors.is_empty()
    }

    /// How patient the vendors' client is.
    pub fn vendor_limits(&self) -> Limits {
        Limits { total: self.vendor_timeout, ..Limits::default() }
    }

    /// Cookies are `Secure` behind https, and can't be on plain http.
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

fn storage(e: &Environment) -> Result<Storage, ConfigError> {
    let secret_key = e.secret(&v::PLUMBLINE_SECRET_KEY).map(|text| SecretKey::parse(text.expose_secret())).transpose()?;
    let Some(url) = e.secret(&v::DATABASE_URL) else {
        let bin_dir = e.text(&v::PG_BIN_DIR).map(parse::postgres_binaries).transpose()?;
        return Ok(Storage::Embedded { bin_dir, secret_key });
    };
    let options = Box::new(parse::database_url(url.expose_secret())?);
    let secret_key = secret_key.ok_or_else(|| {
        ConfigError::new(
            "PLUMBLINE_SECRET_KEY is missing: with DATABASE_URL it seals the vendors' keys in that database; make one with `openssl rand -base64 32` and keep it.",
        )
    })?;
    Ok(Storage::External { options, secret_key })
}

fn vendors(e: &Environment) -> Result<Vec<VendorAccess>, ConfigError> {
    let found: Vec<VendorAccess> = [polygon(e)?, alpaca(e)?, fred(e)?].into_iter().flatten().collect();
    if !found.is_empty() && !found.iter().any(|access| access.vendor == Vendor::Polygon) {
        return Err(ConfigError::new(
            "POLYGON_API_KEY is missing: prices come from Polygon, so set it beside the other keys, or remove those to see the demo.",
        ));
    }
    Ok(found)
}

fn polygon(e: &Environment) -> Result<Option<VendorAccess>, ConfigError> {
    let base_url = parse::vendor_url(e, &v::POLYGON_BASE_URL, "https://api.polygon.io")?;
    let calls_per_minute = match e.text(&v::POLYGON_CALLS_PER_MINUTE) {
        None => default_budget(&base_url, POLYGON_CALLS_PER_MINUTE),
        Some(text) => parse::budget(text)?,
    };
    Ok(e.secret(&v::POLYGON_API_KEY).map(|key| VendorAccess {
        vendor: Vendor::Polygon,
        base_url,
        data_url: None,
        credentials: Credentials::Key(key),
        calls_per_minute,
    }))
}

fn alpaca(e: &Environment) -> Result<Option<VendorAccess>, ConfigError> {
    let base_url = parse::vendor_url(e, &v::ALPACA_BASE_URL, "https://api.alpaca.markets")?;
    let data_url = parse::vendor_url(e, &v::ALPACA_DATA_URL, "https://data.alpaca.markets")?;
    let credentials = match (e.secret(&v::ALPACA_API_KEY), e.secret(&v::ALPACA_SECRET_KEY)) {
        (None, None) => return Ok(None),
        (Some(key_id), Some(secret_key)) => Credentials::Pair { key_id, secret_key },
        (Some(_), None) => return Err(half_of("ALPACA_SECRET_KEY", "ALPACA_API_KEY")),
        (None, Some(_)) => return Err(half_of("ALPACA_API_KEY", "ALPACA_SECRET_KEY")),
    };
    let calls_per_minute = default_budget(&base_url, ALPACA_CALLS_PER_MINUTE);
    Ok(Some(VendorAccess { vendor: Vendor::Alpaca, base_url, data_url: Some(data_url), credentials, calls_per_minute }))
}

fn fred(e: &Environment) -> Result<Option<VendorAccess>, ConfigError> {
    let base_url = parse::vendor_url(e, &v::FRED_BASE_URL, "https://api.stlouisfed.org/fred")?;
    let calls_per_minute = default_budget(&base_url, FRED_CALLS_PER_MINUTE);
    Ok(e.secret(&v::FRED_API_KEY).map(|key: SecretString| VendorAccess {
        vendor: Vendor::Fred,
        base_url,
        data_url: None,
        credentials: Credentials::Key(key),
        calls_per_minute,
    }))
}

fn half_of(missing: &str, present: &str) -> ConfigError {
    ConfigError::new(format!("{missing} is missing although {present} is set: Alpaca gives both together, so set both or neither."))
}

/// A vendor on this machine is the simulator or a test: nobody counts its calls.
fn default_budget(base_url: &Url, calls_per_minute: u32) -> Option<u32> {
    if parse::is_loopback(base_url) { None } else { Some(calls_per_minute) }
}

#[cfg(test)]
mod tests;
