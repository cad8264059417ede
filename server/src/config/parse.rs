//! Text → value, one function a kind of variable. Each error is the whole sentence.

use super::{ConfigError, Environment, Variable};
use sqlx::postgres::PgConnectOptions;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use url::{Host, Url};

/// A vendor's timeout.
pub(super) fn timeout(text: &str) -> Result<Duration, ConfigError> {
    match text.parse() {
        Ok(seconds @ 1..=600) => Ok(Duration::from_secs(seconds)),
        _ => Err(ConfigError::new("PLUMBLINE_VENDOR_TIMEOUT_SECONDS must be a whole number of seconds from 1 to 600.")),
    }
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, ConfigError> {
    text.replacen("localhost:", "127.0.0.1:", 1)
        .parse()
        .map_err(|_| ConfigError::new("PLUMBLINE_LISTEN must be an address with a port, such as 127.0.0.1:3000 or 0.0.0.0:8080."))
}

pub(super) fn origin(text: &str) -> Result<Url, ConfigError> {
    let is_origin = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    Url::parse(text)
        .ok()
        .filter(is_origin)
        .ok_or_else(|| ConfigError::new("PLUMBLINE_PUBLIC_URL must be an origin without a path, such as https://plumbline.example.com."))
}

pub(super) fn log_filter(text: &str) -> Result<String, ConfigError> {
    tracing_subscriber::EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|_| ConfigError::new("PLUMBLINE_LOG must hold log directives, such as info or info,server::ingest=debug."))
}

/// The default may be missing (pages then work without scripts); a folder that was named must be there.
pub(super) fn site(text: Option<&str>) -> Result<PathBuf, ConfigError> {
    match text {
        Some(folder) if !Path::new(folder).is_dir() => {
            Err(ConfigError::new("PLUMBLINE_SITE must name the folder of the built site; build it with `make site`."))
        }
        Some(folder) => Ok(folder.into()),
        None => Ok("target/site".into()),
    }
}

/// What is in it may be broken; that is said where it is built.
pub(super) fn models(folder: &str) -> Result<PathBuf, ConfigError> {
    if Path::new(folder).join("dbt_project.yml").is_file() {
        Ok(folder.into())
    } else {
        Err(ConfigError::new(format!(
            "PLUMBLINE_MODELS must name the folder of a dbt project, the one with its dbt_project.yml; {folder} has none."
        )))
    }
}

pub(super) fn postgres_binaries(text: &str) -> Result<PathBuf, ConfigError> {
    let folder = PathBuf::from(text);
    if folder.join("initdb").is_file() && folder.join("postgres").is_file() {
        Ok(folder)
    } else {
        Err(ConfigError::new(
            "PG_BIN_DIR must name the folder that holds PostgreSQL's initdb and postgres, such as /usr/lib/postgresql/15/bin.",
        ))
    }
}

/// The password in it is never repeated, so the parser's own message isn't either.
pub(super) fn database_url(text: &str) -> Result<PgConnectOptions, ConfigError> {
    let sentence = || ConfigError::new("DATABASE_URL must look like postgres://user:password@host:5432/plumbline.");
    let url = Url::parse(text).map_err(|_| sentence())?;
    let names_database = !url.path().trim_start_matches('/').is_empty();
    if !matches!(url.scheme(), "postgres" | "postgresql") || !names_database {
        return Err(sentence());
    }
    text.parse().map_err(|_| sentence())
}

pub(super) fn budget(text: &str) -> Result<Option<u32>, ConfigError> {
    match text.parse::<u32>() {
        _ if text == "unlimited" => Ok(None),
        Ok(calls) if calls > 0 => Ok(Some(calls)),
        _ => Err(ConfigError::new("POLYGON_CALLS_PER_MINUTE must be a whole number above zero, or unlimited.")),
    }
}

/// A vendor's address. Keys never travel unencrypted, except to this machine itself (the simulator).
pub(super) fn vendor_url(e: &Environment, variable: &Variable, default: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(e.text(variable).unwrap_or(default)).ok().filter(|url| {
        url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && (url.scheme() == "https" || url.scheme() == "http" && is_loopback(url))
    });
    url.ok_or_else(|| {
        ConfigError::new(format!(
            "{} must be an https address such as {default}; plain http works for this machine only (http://127.0.0.1:4010).",
            variable.name
        ))
    })
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
