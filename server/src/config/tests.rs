//! What each value of each variable does to the start.

use super::*;

fn parse(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::parse(&Environment::of(pairs.iter().copied()))
}

/// A value that nobody may ever read in an error.
const SECRET: &str = "s3cr3t-value";

#[test]
fn nothing_set_is_the_demo_on_an_embedded_postgres() {
    let config = parse(&[]).unwrap();
    assert!(config.is_demo());
    assert!(!config.is_https());
    assert!(matches!(config.storage, Storage::Embedded { bin_dir: None, secret_key: None }));
    assert_eq!(config.listen.to_string(), "127.0.0.1:3000");
    assert_eq!(config.data, PathBuf::from("./data"));
    assert_eq!(config.site, PathBuf::from("target/site"));
    assert_eq!(config.log.format, LogFormat::Pretty);
    assert!(parse(&[("POLYGON_API_KEY", ""), ("DATABASE_URL", " "), ("PLUMBLINE_LISTEN", "")]).unwrap().is_demo(), "empty is unset");
}

#[test]
fn wrong_values_are_refused_in_one_sentence_that_names_the_variable() {
    let database = ("DATABASE_URL", "postgres://me:s3cr3t-value@localhost/plumbline");
    let table: &[(&str, &[(&str, &str)])] = &[
        ("PLUMBLINE_LISTEN", &[("PLUMBLINE_LISTEN", "3000")]),
        ("PLUMBLINE_LISTEN", &[("PLUMBLINE_LISTEN", "127.0.0.1:70000")]),
        ("PLUMBLINE_LISTEN", &[("PLUMBLINE_LISTEN", "example.com")]),
        ("PLUMBLINE_PUBLIC_URL", &[("PLUMBLINE_PUBLIC_URL", "plumbline.example.com")]),
        ("PLUMBLINE_PUBLIC_URL", &[("PLUMBLINE_PUBLIC_URL", "https://example.com/plumbline")]),
        ("PLUMBLINE_PUBLIC_URL", &[("PLUMBLINE_PUBLIC_URL", "ftp://example.com")]),
        ("PLUMBLINE_LOG", &[("PLUMBLINE_LOG", "info,=,x=loud")]),
        ("PLUMBLINE_LOG_FORMAT", &[("PLUMBLINE_LOG_FORMAT", "xml")]),
        ("PLUMBLINE_SITE", &[("PLUMBLINE_SITE", "/no/such/folder")]),
        ("PLUMBLINE_MODELS", &[("PLUMBLINE_MODELS", "/no/such/folder")]),
        ("PG_BIN_DIR", &[("PG_BIN_DIR", "/no/such/folder")]),
        ("PLUMBLINE_SECRET_KEY", &[("PLUMBLINE_SECRET_KEY", SECRET)]),
        ("PLUMBLINE_SECRET_KEY", &[database]),
        ("DATABASE_URL", &[("DATABASE_URL", "s3cr3t-value@localhost")]),
        ("DATABASE_URL", &[("DATABASE_URL", "mysql://me:s3cr3t-value@localhost/x")]),
        ("DATABASE_URL", &[("DATABASE_URL", "postgres://me:s3cr3t-value@localhost")]),
        ("DATABASE_URL", &[("DATABASE_URL", "postgres://me:s3cr3t-value@localhost:port/x")]),
        ("POLYGON_BASE_URL", &[("POLYGON_API_KEY", SECRET), ("POLYGON_BASE_URL", "api.polygon.io")]),
        ("POLYGON_BASE_URL", &[("POLYGON_API_KEY", SECRET), ("POLYGON_BASE_URL", "http://api.polygon.io")]),
        ("POLYGON_BASE_URL", &[("POLYGON_API_KEY", SECRET), ("POLYGON_BASE_URL", "https://api.polygon.io?apiKey=s3cr3t-value")]),
        ("POLYGON_CALLS_PER_MINUTE", &[("POLYGON_CALLS_PER_MINUTE", "0")]),
        ("POLYGON_CALLS_PER_MINUTE", &[("POLYGON_CALLS_PER_MINUTE", "many")]),
        ("ALPACA_SECRET_KEY", &[("POLYGON_API_KEY", SECRET), ("ALPACA_API_KEY", SECRET)]),
        ("ALPACA_API_KEY", &[("POLYGON_API_KEY", SECRET), ("ALPACA_SECRET_KEY", SECRET)]),
        ("ALPACA_BASE_URL", &[("ALPACA_BASE_URL", "file:///etc/passwd")]),
        ("ALPACA_DATA_URL", &[("ALPACA_DATA_URL", "https://")]),
        ("FRED_BASE_URL", &[("FRED_BASE_URL", "https://user:s3cr3t-value@fred")]),
        ("POLYGON_API_KEY", &[("FRED_API_KEY", SECRET)]),
    ];
    for (name, pairs) in table {
        let sentence = parse(pairs).expect_err(name).to_string();
        assert!(sentence.starts_with(name), "{pairs:?} → {sentence}");
        assert!(sentence.ends_with('.') && !sentence.contains('\n'), "{sentence}");
        assert!(!sentence.contains(SECRET), "{sentence}");
    }
}

#[test]
fn keys_become_accesses_with_their_budgets() {
    let keys = [("POLYGON_API_KEY", SECRET), ("ALPACA_API_KEY", "id"), ("ALPACA_SECRET_KEY", SECRET), ("FRED_API_KEY", SECRET)];
    let config = parse(&keys).unwrap();
    let budgets: Vec<_> = config.vendors.iter().map(|access| (access.vendor, access.calls_per_minute)).collect();
    assert_eq!(budgets, [(Vendor::Polygon, Some(5)), (Vendor::Alpaca, Some(180)), (Vendor::Fred, Some(100))]);
    assert_eq!(config.vendors[1].data_url.as_ref().unwrap().as_str(), "https://data.alpaca.markets/");
    assert!(!config.is_demo());
    assert!(!format!("{config:?}").contains(SECRET), "no secret in a debug print");

    let local = parse(&[("POLYGON_API_KEY", "test-1"), ("POLYGON_BASE_URL", "http://127.0.0.1:4010")]).unwrap();
    assert_eq!(local.vendors[0].calls_per_minute, None);
    let counted = parse(&[("POLYGON_API_KEY", "test-1"), ("POLYGON_CALLS_PER_MINUTE", "50")]).unwrap();
    assert_eq!(counted.vendors[0].calls_per_minute, Some(50));
}

#[test]
fn an_external_database_comes_with_its_key() {
    let key = "07".repeat(32);
    let config = parse(&[("DATABASE_URL", "postgres://me:s3cr3t-value@localhost/plumbline"), ("PLUMBLINE_SECRET_KEY", &key)]).unwrap();
    let Storage::External { options, secret_key } = &config.storage else { panic!("{:?}", config.storage) };
    assert_eq!(options.get_database(), Some("plumbline"));
    assert!(!format!("{config:?}").contains(SECRET), "no password in a debug print");
    assert_eq!(secret_key.bytes(), &[7; 32]);
    assert!(parse(&[("PLUMBLINE_PUBLIC_URL", "https://x.example")]).unwrap().is_https());
}

#[test]
fn the_example_file_is_this_table() {
    let written = include_str!("../../../.env.example");
    assert_eq!(written, example_file(), "write it anew: cargo run -p server -- environment > .env.example");
    let mut names: Vec<_> = VARIABLES.iter().map(|variable| variable.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), VARIABLES.len(), "each variable once");
}
