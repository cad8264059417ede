//! Every variable the program reads, once: what reads it, `.env.example` and the tests all follow this table.

/// One variable of the environment.
#[derive(Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: &'static str,
    /// Plain sentences for `.env.example`.
    pub doc: &'static str,
    /// What `.env.example` shows, commented out.
    pub example: &'static str,
}

macro_rules! variables {
    ($($name:ident = $example:literal, $doc:literal;)*) => {
        $(pub(super) const $name: Variable = Variable { name: stringify!($name), doc: $doc, example: $example };)*
        /// All of them, in the order of `.env.example`.
        pub const VARIABLES: &[Variable] = &[$($name),*];
    };
}

variables! {
    POLYGON_API_KEY = "", "Key of Polygon.io (now Massive): prices, splits, dividends, names. Without any vendor key the program shows simulated prices.";
    POLYGON_BASE_URL = "https://api.polygon.io", "Address of Polygon's API; https://api.massive.com works too.";
    POLYGON_CALLS_PER_MINUTE = "5", "Calls a minute that your Polygon plan allows: a number, or unlimited. Default 5, the free plan.";
    ALPACA_API_KEY = "", "Alpaca's key pair: account, positions, activities. Set both or neither.";
    ALPACA_SECRET_KEY = "", "The pair's secret half.";
    ALPACA_BASE_URL = "https://api.alpaca.markets", "Address of Alpaca's trading API; https://paper-api.alpaca.markets for a paper account.";
    ALPACA_DATA_URL = "https://data.alpaca.markets", "Address of Alpaca's market data.";
    FRED_API_KEY = "", "Key of FRED: the three-month Treasury rate behind Sharpe ratio and alpha. Without it they stay empty.";
    FRED_BASE_URL = "https://api.stlouisfed.org/fred", "Address of FRED's API.";
    PLUMBLINE_VENDOR_TIMEOUT_SECONDS = "60", "How long one call to a vendor may take before it is tried again: 1 to 600.";
    DATABASE_URL = "postgres://plumbline:password@localhost:5432/plumbline", "A Postgres of your own (15 or newer). Without it a private one runs in the data folder.";
    PLUMBLINE_SECRET_KEY = "", "Seals the vendors' keys in the database: 32 bytes as base64 or hex, made with `openssl rand -base64 32`. Needed with DATABASE_URL; otherwise one is made and kept in the data folder.";
    PLUMBLINE_LISTEN = "127.0.0.1:3000", "Address and port to listen on.";
    PLUMBLINE_PUBLIC_URL = "https://plumbline.example.com", "What people type, when a proxy stands before the server. With https the cookies are marked Secure.";
    PLUMBLINE_DATA = "./data", "Folder of everything the program keeps itself.";
    PLUMBLINE_SITE = "target/site", "Folder of the built site (`make site`).";
    PLUMBLINE_MODELS = "./my-models", "Folder of a dbt project with models of your own, built over ours after each publication. They see all portfolios of the installation.";
    PLUMBLINE_LOG = "info,sqlx=warn", "What is logged: directives such as info or info,server::ingest=debug.";
    PLUMBLINE_LOG_FORMAT = "pretty", "How: pretty, or json, one object a line.";
    PG_BIN_DIR = "/usr/lib/postgresql/15/bin", "Folder with initdb and postgres for the private database, where they aren't found by themselves.";
}

/// The text of `.env.example`; `plumbline environment` prints it.
pub fn example_file() -> String {
    let head = "# What Plumbline reads from its environment. Copy to .env and set what you need; everything has a default.\n";
    VARIABLES.iter().fold(head.to_owned(), |text, variable| {
        format!("{text}\n# {doc}\n#{name}={example}\n", doc = variable.doc, name = variable.name, example = variable.example)
    })
}
