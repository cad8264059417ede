//! Reads a declaration of a check; whatever it has wrong is named with the check and the field.

use super::{
    check::{Action, Check, CheckError, Scope, Severity},
    dataset,
    expression::Expression,
    kind::{Bound, Direction, Kind, Values, kinds},
};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::{cell::RefCell, collections::BTreeSet, str::FromStr};

const DIMENSIONS: [&str; 6] = ["freshness", "completeness", "accuracy", "schema", "consistency", "uniqueness"];
const LONGEST_NAME: usize = 60;
/// Longer queries are models: put them there and check those.
const LONGEST_SQL: usize = 20_000;
const LONGEST_REGEX: usize = 300;

/// The fields of a declaration, with those that were asked for.
struct Fields<'a> {
    check: String,
    of: &'a Map<String, Value>,
    asked: RefCell<BTreeSet<&'static str>>,
}

type Read<T> = Result<T, CheckError>;

impl Fields<'_> {
    fn wrong<T>(&self, field: &str, what: impl Into<String>) -> Read<T> {
        Err(CheckError { check: self.check.clone(), field: field.to_owned(), what: what.into() })
    }

    fn get(&self, field: &'static str) -> Option<&Value> {
        self.asked.borrow_mut().insert(field);
        self.of.get(field).filter(|value| !value.is_null())
    }

    fn text(&self, field: &'static str) -> Read<Option<&str>> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.contains('\0') => self.wrong(field, "holds a zero byte"),
            Some(Value::String(text)) => Ok(Some(text.trim())),
            Some(_) => self.wrong(field, "isn't a text"),
        }
    }

    fn needed(&self, field: &'static str) -> Read<&str> {
        self.text(field)?.filter(|text| !text.is_empty()).map_or_else(|| self.wrong(field, "is missing"), Ok)
    }

    fn word<T>(&self, field: &'static str, words: &[&str], read: fn(&str) -> Option<T>, otherwise: T) -> Read<T> {
        match self.text(field)? {
            None => Ok(otherwise),
            Some(word) => read(word).map_or_else(|| self.wrong(field, format!("is {word:?}, not one of {}", words.join(", "))), Ok),
        }
    }

    fn decimal(&self, field: &'static str) -> Read<Option<Decimal>> {
        self.get(field)
            .map_or(Ok(None), |value| number(value).map_or_else(|| self.wrong(field, "isn't a number"), |number| Ok(Some(number))))
    }

    /// A number of `from ..= to`.
    fn float(&self, field: &'static str, from: f64, to: f64) -> Read<Option<f64>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let number =
            value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok())).filter(|number| number.is_finite());
        match number {
            Some(number) if (from..=to).contains(&number) => Ok(Some(number)),
            Some(number) => self.wrong(field, format!("is {number}, outside of {from} to {to}")),
            None => self.wrong(field, "isn't a number"),
        }
    }

    fn whole(&self, field: &'static str) -> Read<Option<i64>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        let whole = value.as_i64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
        whole.filter(|number| *number >= 0).map_or_else(|| self.wrong(field, "isn't a whole number from 0 on"), |whole| Ok(Some(whole)))
    }

    fn small(&self, field: &'static str, least: u32, otherwise: u32) -> Read<u32> {
        match self.whole(field)? {
            None => Ok(otherwise),
            Some(number) => match u32::try_from(number) {
                Ok(number) if (least..=2_600).contains(&number) => Ok(number),
                _ => self.wrong(field, format!("is {number}, outside of {least} to 2600")),
            },
        }
    }

    /// `columns`, a list or one; or `column`.
    fn columns(&self, dataset: &str) -> Read<Vec<String>> {
        let (field, value) = match (self.get("columns"), self.get("column")) {
            (Some(value), None) => ("columns", value),
            (None, Some(value)) => ("column", value),
            (Some(_), Some(_)) => return self.wrong("columns", "and column are both there; name one of them"),
            (None, None) => return self.wrong("columns", "is missing"),
        };
        self.names(field, value, Some(dataset))
    }

    fn names(&self, field: &str, value: &Value, dataset: Option<&str>) -> Read<Vec<String>> {
        let names: Option<Vec<&str>> = match value {
            Value::String(one) => Some(one.split(',').map(str::trim).collect()),
            Value::Array(several) => several.iter().map(Value::as_str).collect(),
            _ => None,
        };
        let Some(names) = names.filter(|names| !names.is_empty() && names.iter().all(|name| !name.is_empty())) else {
            return self.wrong(field, "isn't the name of a column, nor a list of such names");
        };
        for name in &names {
            self.known(field, name, dataset)?;
        }
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// Is it a column of the dataset? Models say so only when they are there.
    fn known(&self, field: &str, column: &str, dataset: Option<&str>) -> Read<()> {
        if !is_name(column) {
            return self.wrong(field, format!("names {column:?}, which can't be a column"));
        }
        match dataset.and_then(dataset::columns) {
            Some(columns) if !columns.contains(&column) => {
                self.wrong(field, format!("names {column}, but {} has {}", dataset.unwrap_or_default(), columns.join(", ")))
            }
            _ => Ok(()),
        }
    }

    fn expression(&self, field: &'static str, dataset: &str, read: fn(&str) -> Result<Expression, String>) -> Read<Option<Expression>> {
        let Some(text) = self.text(field)?.filter(|text| !text.is_empty()) else { return Ok(None) };
        let expression = read(text).or_else(|what| self.wrong(field, what))?;
        for column in &expression.columns {
            self.known(field, column, Some(dataset))?;
        }
        Ok(Some(expression))
    }

    fn bound(&self, field: &'static str, dataset: &str) -> Read<Option<Bound>> {
        let Some(value) = self.get(field) else { return Ok(None) };
        if let Some(number) = number(value) {
            return Ok(Some(Bound::Number(number)));
        }
        match value.as_str() {
            Some("session") => Ok(Some(Bound::Session)),
            Some(column) if is_name(column) => self.known(field, column, Some(dataset)).map(|()| Some(Bound::Column(column.to_owned()))),
            _ => self.wrong(field, "isn't a number, nor the name of a column"),
        }
    }

    fn relation(&self, field: &'static str) -> Read<String> {
        let name = self.needed(field)?;
        let parts: Vec<&str> = name.split('.').collect();
        let known = ["staging", "marts", "ledger"];
        match parts.as_slice() {
            [schema, table] if known.contains(schema) && is_name(table) => Ok(name.to_owned()),
            [one] if dataset::columns(one).is_some() => Ok(name.to_owned()),
            _ => self.wrong(field, format!("is {name:?}, not a dataset nor a table of {}", known.join(", "))),
        }
    }

    fn kind(&self, dataset: &str) -> Read<Kind> {
        let kind = self.needed("kind")?;
        Ok(match kind {
            "not_null" => Kind::NotNull { columns: self.columns(dataset)? },
            "unique" => Kind::Unique { columns: self.columns(dataset)? },
            "range" => self.range(dataset)?,
            "set" => Kind::Set { column: self.one_column(dataset)?, values: self.values(dataset)? },
            "pattern" => {
                let regex = self.needed("regex")?;
                if regex.len() > LONGEST_REGEX {
                    return self.wrong("regex", format!("is longer than {LONGEST_REGEX} letters"));
                }
                if let Err(error) = regex_syntax::parse(regex) {
                    let said = error.to_string();
                    return self.wrong("regex", format!("isn't a regular expression ({})", said.lines().last().unwrap_or_default().trim()));
                }
                Kind::Pattern { column: self.one_column(dataset)?, regex: regex.to_owned() }
            }
            "columns" => {
                let Some(Value::Object(columns)) = self.get("columns") else {
                    return self.wrong("columns", "isn't a map of names and types");
                };
                let typed = columns.iter().map(|(name, of)| of.as_str().map(|of| (name.clone(), of.to_owned()))).collect::<Option<_>>();
                match typed {
                    Some(columns) => Kind::Columns { columns },
                    None => return self.wrong("columns", "has a type that isn't a text"),
                }
            }
            "row_count" => {
                let (minimum, maximum) = (self.whole("min")?, self.whole("max")?);
                if minimum.is_none() && maximum.is_none() {
                    return self.wrong("min", "and max are both missing");
                }
                if minimum.zip(maximum).is_some_and(|(least, most)| least > most) {
                    return self.wrong("min", "is above max");
                }
                Kind::RowCount { minimum, maximum }
            }
            "row_count_against_last" => match self.float("min", 0.0, 1.0)? {
                Some(least) => Kind::RowCountAgainstLast { least, most: self.float("max", 1.0, 1e6)? },
                None => return self.wrong("min", "is missing"),
            },
            "fresh" => Kind::Fresh { column: self.one_column(dataset)?, sessions: self.small("sessions", 0, 0)?, by: self.by(dataset)? },
            "referential" => {
                let columns = self.columns(dataset)?;
                let to = self.relation("to")?;
                let fields = match self.get("fields") {
                    Some(value) => self.names("fields", value, Some(&to))?,
                    None => columns.clone(),
                };
                if fields.len() != columns.len() {
                    return self.wrong("fields", "has another number of names than columns");
                }
                Kind::Referential { columns, to, fields }
            }
            "balance" => {
                let total = self.needed("total")?.to_owned();
                self.known("total", &total, Some(dataset))?;
                let parts = self.get("parts").map_or(Ok(Vec::new()), |value| self.names("parts", value, Some(dataset)))?;
                let by = self.by(dataset)?;
                if by.is_empty() {
                    return self.wrong("by", "is missing");
                }
                let tolerance = self.decimal("tolerance")?.unwrap_or(Decimal::new(1, 2));
                Kind::Balance { total, parts, of: self.relation("of")?, by, tolerance }
            }
            "reconcile" => match self.needed("of")? {
                of @ ("positions" | "cash") => Kind::Reconcile { of: of.to_owned() },
                other => return self.wrong("of", format!("is {other:?}, not one of positions, cash")),
            },
            "session_gaps" => Kind::SessionGaps,
            "duplicate_transactions" => Kind::DuplicateTransactions,
            "stale" => Kind::Stale { sessions: self.small("sessions", 2, 5)? },
            "jump" => Kind::Jump { most: self.share("max", Decimal::new(4, 1))? },
            "cross_source" => Kind::CrossSource { tolerance: self.share("tolerance", Decimal::new(1, 2))? },
            "anomaly" => Kind::Anomaly {
                value: self.expression("value", dataset, Expression::value)?,
                by: self.by(dataset)?,
                minimum_history: self.small("minimum_history", 3, 8)?,
                threshold: self.float("threshold", 1.0, 1e6)?.unwrap_or(6.0),
                direction: self.word("direction", &["up", "down", "both"], direction, Direction::Both)?,
            },
            "sql" => {
                let sql = self.needed("sql")?.trim_end_matches(|letter: char| letter == ';' || letter.is_whitespace());
                if sql.len() > LONGEST_SQL {
                    return self.wrong("sql", format!("is longer than {LONGEST_SQL} letters"));
                }
                Kind::Sql { sql: sql.to_owned() }
            }
            other => {
                let known: Vec<&str> = kinds().iter().map(|kind| kind.name).collect();
                return self.wrong("kind", format!("is {other:?}, not one of {}", known.join(", ")));
            }
        })
    }

    fn range(&self, dataset: &str) -> Read<Kind> {
        let (minimum, maximum) = (self.bound("min", dataset)?, self.bound("max", dataset)?);
        match (&minimum, &maximum) {
            (None, None) => return self.wrong("min", "and max are both missing"),
            (Some(Bound::Number(least)), Some(Bound::Number(most))) if least > most => return self.wrong("min", "is above max"),
            _ => {}
        }
        let is_strict = match self.get("strict") {
            None => false,
            Some(Value::Bool(strict)) => *strict,
            Some(Value::String(word)) if word == "true" || word == "false" => word == "true",
            Some(_) => return self.wrong("strict", "isn't true or false"),
        };
        Ok(Kind::Range { columns: self.columns(dataset)?, minimum, maximum, is_strict })
    }

    fn values(&self, dataset: &str) -> Read<Values> {
        match self.get("values") {
            Some(Value::String(word)) if word == "sessions" => Ok(Values::Sessions),
            Some(Value::Object(map)) => match map.get("column").and_then(Value::as_str) {
                Some(column) => self.known("values", column, Some(dataset)).map(|()| Values::Column(column.to_owned())),
                None => self.wrong("values", "names no column"),
            },
            Some(Value::Array(list)) if !list.is_empty() => {
                let plain = |value: &Value| match value {
                    Value::String(text) if !text.contains('\0') => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                };
                list.iter()
                    .map(plain)
                    .collect::<Option<_>>()
                    .map_or_else(|| self.wrong("values", "holds more than texts and numbers"), |listed| Ok(Values::Listed(listed)))
            }
            _ => self.wrong("values", "isn't a list with values"),
        }
    }

    fn one_column(&self, dataset: &str) -> Read<String> {
        let mut columns = self.columns(dataset)?;
        match (columns.pop(), columns.is_empty()) {
            (Some(column), true) => Ok(column),
            _ => self.wrong("column", "names more than one"),
        }
    }

    fn by(&self, dataset: &str) -> Read<Vec<String>> {
        self.get("by").map_or(Ok(Vec::new()), |value| self.names("by", value, Some(dataset)))
    }

    fn share(&self, field: &'static str, otherwise: Decimal) -> Read<Decimal> {
        match self.decimal(field)? {
            None => Ok(otherwise),
            Some(share) if share > Decimal::ZERO && share <= Decimal::ONE => Ok(share),
            Some(share) => self.wrong(field, format!("is {share}, not a share above 0 and up to 1")),
        }
    }
}

fn direction(word: &str) -> Option<Direction> {
    match word {
        "up" => Some(Direction::Up),
        "down" => Some(Direction::Down),
        "both" => Some(Direction::Both),
        _ => None,
    }
}

fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).ok()
        }
        Value::String(text) => Decimal::from_str(text.trim()).ok(),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

impl Check {
    /// Reads one declaration, of the suite or of a person.
    ///
    /// # Errors
    /// The first thing that is wrong, with the check and the field.
    pub fn parse(declared: &Value) -> Result<Self, CheckError> {
        let unnamed = || "without a name".to_owned();
        let Some(of) = declared.as_object() else {
            return Err(CheckError { check: unnamed(), field: "it".into(), what: "isn't a map of fields".into() });
        };
        let check = of.get("name").and_then(Value::as_str).map_or_else(unnamed, str::to_owned);
        let fields = Fields { check, of, asked: RefCell::default() };
        let name = fields.needed("name")?.to_owned();
        if !is_name(&name) || name.len() > LONGEST_NAME {
            return fields.wrong("name", "takes lower-case letters, digits and underscores, beginning with a letter, up to 60");
        }
        let dataset = fields.relation("dataset")?;
        let kind = fields.kind(&dataset)?;
        let severity = fields.word("severity", Severity::WORDS, Severity::from_word, Severity::Warn)?;
        let action = fields.word("action", Action::WORDS, Action::from_word, Action::Record)?;
        let default_scope = dataset::default_scope(&dataset, &kind);
        let scope = fields.word("scope", Scope::WORDS, Scope::from_word, default_scope)?;
        let info = kinds().iter().find(|info| info.name == kind.name());
        if action == Action::Quarantine && !(kind.is_by_row() && dataset::can_quarantine(&dataset)) {
            let what = format!(
                "is quarantine, but a check of the kind {} on {dataset} fails as a whole or its rows can't be kept out",
                kind.name()
            );
            return fields.wrong("action", what);
        }
        if action == Action::Block && scope == Scope::Row {
            return fields.wrong("action", "is block, which needs the scope symbol, portfolio or installation; rows are quarantined");
        }
        dataset::fits(&dataset, &kind).or_else(|what| fields.wrong("kind", what))?;
        if action == Action::Block && scope == Scope::Symbol && dataset != "bars" {
            return fields
                .wrong("action", "is block, which only bars know of a symbol: choose the scope portfolio or installation, or record it");
        }
        if scope == Scope::Symbol && !dataset::has_column(&dataset, "symbol")
            || scope == Scope::Portfolio && !dataset::has_column(&dataset, "portfolio_id")
        {
            return fields.wrong("scope", format!("is {}, but {dataset} doesn't say which", scope.as_str()));
        }
        let filter = fields.expression("where", &dataset, Expression::condition)?;
        let mostly = fields.float("mostly", 0.0, 1.0)?.unwrap_or(1.0);
        let dimension = fields.text("dimension")?.unwrap_or("accuracy").to_owned();
        if !DIMENSIONS.contains(&dimension.as_str()) {
            return fields.wrong("dimension", format!("is {dimension:?}, not one of {}", DIMENSIONS.join(", ")));
        }
        let plain = info.map_or("it holds", |info| info.description);
        let expected = fields.text("expected")?.filter(|text| !text.is_empty()).unwrap_or(plain).trim_end_matches('.').to_owned();
        let asked = fields.asked.borrow().clone();
        if let Some(unknown) = of.keys().find(|key| !asked.contains(key.as_str())) {
            return fields.wrong(unknown, format!("isn't a field of the kind {}", kind.name()));
        }
        Ok(Self { name, dataset, kind, filter, mostly, severity, action, scope, dimension, expected, is_own: false })
    }
}
