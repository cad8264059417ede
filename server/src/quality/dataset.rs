//! What checks look at: the batches of `raw`, everybody's entries, and the models.

use super::{
    check::Scope,
    expression::{quoted, text},
    kind::Kind,
};
use chrono::NaiveDate;
use std::collections::BTreeMap;

/// A batch or a book that checks name.
struct Dataset {
    name: &'static str,
    columns: &'static [&'static str],
    /// The day that a row belongs to.
    day: &'static str,
    /// The relation in raw whose constraints hold for it.
    table: &'static str,
    /// A common table expression's text; `{judged}`: only answers after this one.
    sql: &'static str,
}

const DATASETS: &[Dataset] = &[
    Dataset {
        name: "bars",
        columns: &[
            "symbol", "timestamp", "session_date", "open", "high", "low", "close", "volume", "vwap", "trade_count", "vendor", "response_id",
        ],
        day: "session_date",
        table: "raw.market_data",
        sql: "select * from raw.market_data where response_id > {judged}",
    },
    Dataset {
        name: "splits",
        columns: &["symbol", "execution_date", "split_from", "split_to", "vendor_id", "response_id"],
        day: "execution_date",
        table: "raw.split",
        sql: "select distinct on (symbol, execution_date) * from raw.split where response_id > {judged}
              order by symbol, execution_date, response_id desc",
    },
    Dataset {
        name: "dividends",
        columns: &[
            "symbol", "ex_dividend_date", "vendor_id", "declaration_date", "record_date", "pay_date", "cash_amount", "currency",
            "distribution_type", "frequency", "response_id", "share_of_close",
        ],
        day: "ex_dividend_date",
        table: "raw.dividend",
        sql: "select distinct on (symbol, ex_dividend_date, vendor_id) dividend.*, dividend.cash_amount / before.close as share_of_close
              from raw.dividend left join lateral (
                  select nullif(close, 0) as close from raw.market_data as bar
                  where bar.symbol = dividend.symbol and bar.\"timestamp\" < dividend.ex_dividend_date::timestamp at time zone 'America/New_York'
                  order by bar.\"timestamp\" desc, bar.response_id desc limit 1) as before on true
              where response_id > {judged}
              order by symbol, ex_dividend_date, vendor_id, response_id desc",
    },
    Dataset {
        name: "activities",
        columns: &[
            "portfolio_id", "account_id", "activity_id", "activity_type", "activity_date", "symbol", "side", "quantity", "price",
            "net_amount", "status", "description", "response_id",
        ],
        day: "activity_date",
        table: "raw.broker_activity",
        sql: "select distinct on (portfolio_id, account_id, activity_id) portfolio_id, account_id, activity_id, activity_type, activity_date,
                  symbol, side, quantity, price, net_amount, status, description, response_id
              from raw.broker_activity where response_id > {judged}
              order by portfolio_id, account_id, activity_id, response_id desc",
    },
    Dataset {
        name: "entries",
        columns: &[
            "portfolio_id", "account_id", "key", "source", "named", "type", "happened_on", "symbol", "shares", "price", "cash", "currency",
            "fill", "base_currency",
        ],
        day: "happened_on",
        table: "",
        sql: ENTRIES,
    },
    Dataset {
        name: "rates",
        columns: &["series_id", "observed_on", "value", "response_id"],
        day: "observed_on",
        table: "raw.economic_observation",
        sql: "select distinct on (series_id, observed_on) series_id, observed_on, value, response_id
              from raw.economic_observation where response_id > {judged} order by series_id, observed_on, response_id desc",
    },
    Dataset {
        name: "exchange_rates",
        columns: &["currency", "quote", "quoted_on", "close", "vendor", "response_id", "change"],
        day: "quoted_on",
        table: "raw.exchange_rate",
        sql: "select * from (
                  select latest.*, close / nullif(lag(close) over (partition by currency, quote order by quoted_on), 0) - 1 as change
                  from (select distinct on (currency, quote, quoted_on) * from raw.exchange_rate
                        order by currency, quote, quoted_on, response_id desc) as latest) as rate
              where response_id > {judged}",
    },
    Dataset {
        name: "reference_closes",
        columns: &["symbol", "session_date", "close", "vendor", "response_id"],
        day: "session_date",
        table: "raw.reference_close",
        sql: "select distinct on (symbol, session_date, vendor) * from raw.reference_close where response_id > {judged}
              order by symbol, session_date, vendor, response_id desc",
    },
    Dataset {
        name: "broker_reports",
        columns: &["portfolio_id", "account_id", "currency", "cash", "equity", "session_date", "response_id"],
        day: "session_date",
        table: "raw.broker_account",
        // Of a broker that is still connected: what was taken away by a person grows old rightly.
        sql: "select distinct on (portfolio_id, account_id) portfolio_id, account_id, currency, cash, equity, session_date, response_id
              from raw.broker_account where response_id > {judged} and not exists (
                  select from book.account join book.connection using (connection_id)
                  where account.portfolio_id = broker_account.portfolio_id and account.account_id = broker_account.account_id
                    and connection.disabled_at is not null)
              order by portfolio_id, account_id, response_id desc",
    },
];

/// The entries with the names of their columns plain: there the macro's marks of what isn't null stand in the way.
const ENTRIES: &str = concat!(
    "select entry.\"portfolio_id!\" as portfolio_id, entry.\"account_id!\" as account_id, entry.\"key!\" as key, entry.\"source!\" as source,
            entry.\"named!\" as named, entry.type, entry.\"happened_on!\" as happened_on, entry.symbol, entry.shares, entry.price, entry.cash,
            entry.\"currency!\" as currency, entry.fill, portfolio.base_currency
     from (\n",
    include_str!("entries.sql"),
    "\n) as entry join book.portfolio on portfolio.portfolio_id = entry.\"portfolio_id!\""
);

fn find(name: &str) -> Option<&'static Dataset> {
    DATASETS.iter().find(|dataset| dataset.name == name)
}

/// The columns of a dataset; `None`: a model, which says so when it is there.
pub fn columns(name: &str) -> Option<&'static [&'static str]> {
    find(name).map(|dataset| dataset.columns)
}

/// Has it this column? Of models it is taken on trust here.
pub fn has_column(name: &str, column: &str) -> bool {
    columns(name).is_none_or(|columns| columns.contains(&column))
}

/// The column with the day that a row belongs to.
pub fn day_of(name: &str) -> &'static str {
    find(name).map_or("session_date", |dataset| dataset.day)
}

/// The table whose constraints hold for what is looked at.
pub fn table_of(name: &str) -> Option<&'static str> {
    find(name).map(|dataset| dataset.table).filter(|table| !table.is_empty())
}

/// Whose rows can be kept out of the numbers one by one.
pub fn can_quarantine(name: &str) -> bool {
    matches!(name, "bars" | "splits" | "dividends")
}

/// What a model has without saying whose it is: prices and events, for all.
const SHARED_MODELS: [&str; 7] = [
    "staging.prices",
    "staging.splits",
    "staging.dividends",
    "staging.instruments",
    "staging.risk_free_rates",
    "staging.exchange_rates",
    "ledger.session",
];

/// Are its rows somebody's? Of a query of one's own nobody knows.
pub fn is_personal(dataset: &str, kind: &str) -> bool {
    let holds_portfolios = match columns(dataset) {
        Some(columns) => columns.contains(&"portfolio_id"),
        None => dataset.contains('.') && !SHARED_MODELS.contains(&dataset),
    };
    holds_portfolios || kind == "sql"
}

/// How wide a failure reaches where the declaration doesn't say.
pub fn default_scope(name: &str, kind: &Kind) -> Scope {
    match columns(name) {
        None if kind.is_by_row() && is_personal(name, kind.name()) && !matches!(kind, Kind::Sql { .. }) => Scope::Portfolio,
        None => Scope::Installation,
        Some(_) if !kind.is_by_row() => Scope::Installation,
        Some(columns) if columns.contains(&"portfolio_id") => Scope::Portfolio,
        Some(columns) if columns.contains(&"symbol") => Scope::Symbol,
        Some(_) => Scope::Row,
    }
}

/// Can a check of this kind look at it?
pub fn fits(name: &str, kind: &Kind) -> Result<(), String> {
    let only = match kind {
        Kind::SessionGaps | Kind::Stale { .. } | Kind::Jump { .. } => "bars",
        Kind::DuplicateTransactions => "entries",
        Kind::Reconcile { .. } => "broker_reports",
        Kind::CrossSource { .. } => "reference_closes",
        _ => return Ok(()),
    };
    if name == only { Ok(()) } else { Err(format!("is {}, which looks at {only} alone", kind.name())) }
}

/// Where the batch of this run begins and what it is checked against.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Answers up to this one were judged.
    pub judged_response: i64,
    pub session: NaiveDate,
    /// The sessions that bars of the batch may lie on.
    pub sessions: Vec<NaiveDate>,
    /// Where models are now: `marts.holdings` → `marts.holdings__new`.
    pub relations: BTreeMap<String, String>,
    /// Models with a session_date, of which only days from then on changed.
    pub dated: BTreeMap<String, NaiveDate>,
}

impl Batch {
    /// Everything on file, as of a session.
    pub fn whole(session: NaiveDate) -> Self {
        Self { judged_response: 0, session, sessions: Vec::new(), relations: BTreeMap::new(), dated: BTreeMap::new() }
    }

    /// The rows of this run, as a query.
    pub fn rows(&self, dataset: &str) -> String {
        match self.dated.get(dataset) {
            Some(from) => format!("select * from {} where session_date >= date '{from}'", self.relation(dataset)),
            None => self.rows_after(dataset, self.judged_response),
        }
    }

    /// All rows on file, as a query.
    pub fn all_rows(&self, dataset: &str) -> String {
        self.rows_after(dataset, 0)
    }

    fn rows_after(&self, dataset: &str, judged: i64) -> String {
        match find(dataset) {
            Some(dataset) => dataset.sql.replace("{judged}", &judged.to_string()),
            None => format!("select * from {}", self.relation(dataset)),
        }
    }

    /// A model's name, quoted, where it is now.
    pub fn relation(&self, model: &str) -> String {
        let now = self.relations.get(model).map_or(model, String::as_str);
        now.split('.').map(quoted).collect::<Vec<_>>().join(".")
    }

    /// The sessions as an array that Postgres hashes.
    pub fn sessions_sql(&self) -> String {
        let days: Vec<String> = self.sessions.iter().map(ToString::to_string).collect();
        format!("{}::date[]", text(&format!("{{{}}}", days.join(","))))
    }
}
