//! The kinds of checks with their parameters, in types and as the rules form shows them.

use super::expression::Expression;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An edge of a range: a number, a column of the same row, or a day.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    Number(Decimal),
    Column(String),
    /// The session that is checked.
    Session,
}

impl Bound {
    fn said(&self) -> Value {
        match self {
            Self::Number(number) => Value::String(number.normalize().to_string()),
            Self::Column(column) => Value::String(column.clone()),
            Self::Session => Value::String("session".into()),
        }
    }
}

/// In which direction a number may be unusual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
    Both,
}

/// Which values a set holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    Listed(Vec<String>),
    /// Sessions of the exchange.
    Sessions,
    /// The value of another column of the same row.
    Column(String),
}

/// How a check judges.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    NotNull { columns: Vec<String> },
    Unique { columns: Vec<String> },
    Range { columns: Vec<String>, minimum: Option<Bound>, maximum: Option<Bound>, is_strict: bool },
    Set { column: String, values: Values },
    Pattern { column: String, regex: String },
    Columns { columns: BTreeMap<String, String> },
    RowCount { minimum: Option<i64>, maximum: Option<i64> },
    RowCountAgainstLast { least: f64, most: Option<f64> },
    Fresh { column: String, sessions: u32, by: Vec<String> },
    Referential { columns: Vec<String>, to: String, fields: Vec<String> },
    Balance { total: String, parts: Vec<String>, of: String, by: Vec<String>, tolerance: Decimal },
    Reconcile { of: String },
    SessionGaps,
    DuplicateTransactions,
    Stale { sessions: u32 },
    Jump { most: Decimal },
    CrossSource { tolerance: Decimal },
    Anomaly { value: Option<Expression>, by: Vec<String>, minimum_history: u32, threshold: f64, direction: Direction },
    Sql { sql: String },
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotNull { .. } => "not_null",
            Self::Unique { .. } => "unique",
            Self::Range { .. } => "range",
            Self::Set { .. } => "set",
            Self::Pattern { .. } => "pattern",
            Self::Columns { .. } => "columns",
            Self::RowCount { .. } => "row_count",
            Self::RowCountAgainstLast { .. } => "row_count_against_last",
            Self::Fresh { .. } => "fresh",
            Self::Referential { .. } => "referential",
            Self::Balance { .. } => "balance",
            Self::Reconcile { .. } => "reconcile",
            Self::SessionGaps => "session_gaps",
            Self::DuplicateTransactions => "duplicate_transactions",
            Self::Stale { .. } => "stale",
            Self::Jump { .. } => "jump",
            Self::CrossSource { .. } => "cross_source",
            Self::Anomaly { .. } => "anomaly",
            Self::Sql { .. } => "sql",
        }
    }

    /// Do single rows fail, so that they can be kept out?
    pub fn is_by_row(&self) -> bool {
        kinds().iter().any(|kind| kind.name == self.name() && kind.is_by_row)
    }

    /// Is it judged on one row alone?
    pub fn is_predicate(&self) -> bool {
        matches!(self, Self::NotNull { .. } | Self::Range { .. } | Self::Set { .. } | Self::Pattern { .. })
    }

    pub fn thresholds(&self) -> Value {
        match self {
            Self::Range { minimum, maximum, is_strict, .. } => json!({
                "minimum": minimum.as_ref().map(Bound::said), "maximum": maximum.as_ref().map(Bound::said), "strict": is_strict }),
            Self::Set { values: Values::Listed(values), .. } => json!({ "values": values }),
            Self::Set { values: Values::Sessions, .. } => json!({ "values": "sessions" }),
            Self::Set { values: Values::Column(column), .. } => json!({ "values": column }),
            Self::Pattern { regex, .. } => json!({ "regex": regex }),
            Self::Columns { columns } => json!({ "columns": columns }),
            Self::RowCount { minimum, maximum } => json!({ "minimum": minimum, "maximum": maximum }),
            Self::RowCountAgainstLast { least, most } => json!({ "least": least, "most": most }),
            Self::Fresh { sessions, .. } | Self::Stale { sessions } => json!({ "sessions": sessions }),
            Self::Balance { tolerance, .. } | Self::CrossSource { tolerance } => json!({ "tolerance": tolerance }),
            Self::Jump { most } => json!({ "most": most }),
            Self::Anomaly { minimum_history, threshold, direction, .. } => {
                json!({ "minimum_history": minimum_history, "threshold": threshold, "direction": direction })
            }
            Self::NotNull { .. }
            | Self::Unique { .. }
            | Self::Referential { .. }
            | Self::Reconcile { .. }
            | Self::SessionGaps
            | Self::DuplicateTransactions
            | Self::Sql { .. } => json!({}),
        }
    }
}

/// A kind of check in words, for forms and help.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct KindInfo {
    pub name: &'static str,
    pub description: &'static str,
    /// Single rows fail: they may be quarantined. Otherwise the whole does.
    pub is_by_row: bool,
    pub parameters: &'static [Parameter],
}

/// One parameter of a kind.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Parameter {
    pub name: &'static str,
    /// column, columns, number, share, whole_number, text, list, words, relation, map.
    pub takes: &'static str,
    pub is_required: bool,
    pub description: &'static str,
}

const fn needs(name: &'static str, takes: &'static str, description: &'static str) -> Parameter {
    Parameter { name, takes, is_required: true, description }
}

const fn may(name: &'static str, takes: &'static str, description: &'static str) -> Parameter {
    Parameter { name, takes, is_required: false, description }
}

const COLUMNS: Parameter = needs("columns", "columns", "one column or several");
const COLUMN: Parameter = needs("column", "column", "the column");

/// All kinds with their parameters, in the order of the form.
pub const fn kinds() -> &'static [KindInfo] {
    KINDS
}

const KINDS: &[KindInfo] = &[
    KindInfo { name: "not_null", description: "every element has a value", is_by_row: true, parameters: &[COLUMNS] },
    KindInfo { name: "unique", description: "no combination of these columns is there twice", is_by_row: true, parameters: &[COLUMNS] },
    KindInfo {
        name: "range",
        description: "values lie between two edges",
        is_by_row: true,
        parameters: &[
            COLUMNS,
            may("min", "number", "the least value, or the name of a column"),
            may("max", "number", "the largest value, or the name of a column; \"session\": the session that is checked"),
            may("strict", "words", "true: the edges themselves are outside"),
        ],
    },
    KindInfo {
        name: "set",
        description: "values are among those listed",
        is_by_row: true,
        parameters: &[
            COLUMN,
            needs("values", "list", "the values; \"sessions\": sessions of the exchange; {\"column\": name}: that column's"),
        ],
    },
    KindInfo {
        name: "pattern",
        description: "texts match a regular expression",
        is_by_row: true,
        parameters: &[COLUMN, needs("regex", "text", "the regular expression; begin with ^ and end with $ to match all of a text")],
    },
    KindInfo {
        name: "columns",
        description: "these columns are there, with these types",
        is_by_row: false,
        parameters: &[needs("columns", "map", "names with the types that Postgres gives them")],
    },
    KindInfo {
        name: "row_count",
        description: "there are at least and at most so many rows",
        is_by_row: false,
        parameters: &[may("min", "whole_number", "the least number"), may("max", "whole_number", "the largest number")],
    },
    KindInfo {
        name: "row_count_against_last",
        description: "a session has about as many rows as the one before it",
        is_by_row: false,
        parameters: &[
            needs("min", "share", "the least share of the last session's rows"),
            may("max", "number", "the largest share of the last session's rows"),
        ],
    },
    KindInfo {
        name: "fresh",
        description: "the latest day isn't older than so many sessions",
        is_by_row: false,
        parameters: &[
            needs("column", "column", "the day"),
            may("sessions", "whole_number", "how many sessions it may be behind; 0 without"),
            may("by", "columns", "of each of these apart, such as portfolio_id"),
        ],
    },
    KindInfo {
        name: "referential",
        description: "what is named exists elsewhere",
        is_by_row: true,
        parameters: &[
            COLUMNS,
            needs("to", "relation", "where it must exist, such as marts.portfolio_daily"),
            may("fields", "columns", "the columns there; the same names without"),
        ],
    },
    KindInfo {
        name: "balance",
        description: "a total equals the sum of its parts",
        is_by_row: true,
        parameters: &[
            needs("total", "column", "the total"),
            may("parts", "columns", "columns of the same row that belong to it"),
            needs("of", "relation", "whose quantity × close belongs to it"),
            needs("by", "columns", "what the two have in common"),
            may("tolerance", "number", "the largest difference; 0.01 without"),
        ],
    },
    KindInfo {
        name: "reconcile",
        description: "what the transactions explain equals what the broker reports",
        is_by_row: false,
        parameters: &[needs("of", "words", "positions or cash")],
    },
    KindInfo { name: "session_gaps", description: "no session is missing while a symbol is held", is_by_row: false, parameters: &[] },
    KindInfo { name: "duplicate_transactions", description: "no transaction is on file twice", is_by_row: false, parameters: &[] },
    KindInfo {
        name: "stale",
        description: "a close doesn't stay the same for so many sessions",
        is_by_row: true,
        parameters: &[may("sessions", "whole_number", "so many; 5 without")],
    },
    KindInfo {
        name: "jump",
        description: "a close doesn't jump, unless a split explains it",
        is_by_row: true,
        parameters: &[may("max", "share", "the largest jump; 0.4 without")],
    },
    KindInfo {
        name: "cross_source",
        description: "a second vendor says about the same close",
        is_by_row: true,
        parameters: &[may("tolerance", "share", "the largest difference; 0.01 without")],
    },
    KindInfo {
        name: "anomaly",
        description: "a number of the session is as on the same weekday before",
        is_by_row: false,
        parameters: &[
            may("value", "text", "the number, such as sum(volume); the number of rows without"),
            may("by", "columns", "of each of these apart, such as portfolio_id"),
            may("minimum_history", "whole_number", "so many of the same weekday have to be known; 8 without"),
            may("threshold", "number", "so many times the usual deviation; 6 without"),
            may("direction", "words", "up, down or both"),
        ],
    },
    KindInfo {
        name: "sql",
        description: "a query of your own selects what must not exist",
        is_by_row: true,
        parameters: &[needs("sql", "text", "one select; columns portfolio_id and symbol say whose rows they are")],
    },
];
