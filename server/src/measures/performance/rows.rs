//! Rows of a CSV file by the names of their columns; every fault of every row is kept with its line.

use super::super::table::{TableError, day, separated, text, twice};
use crate::csv_lines::{Lines, quoted_well};
use app::domain::{Currency, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Of a quantity.
const MOST_DECIMALS: u32 = 10;

/// A file's rows, and what is wrong with them.
pub(super) struct Rows {
    file: PathBuf,
    pub header: Vec<String>,
    /// Line in the file, and fields.
    rows: Vec<(u64, Vec<String>)>,
    pub faults: Vec<String>,
}

/// One row; what can't be read of it is `Err` with what to do.
pub(super) struct Row<'r> {
    pub line: u64,
    header: &'r [String],
    fields: &'r [String],
}

impl Rows {
    /// Reads a file whose header has at least these columns; others may be missing, or be there for somebody else.
    pub fn read(file: &Path, needed: &[&str]) -> Result<Self, TableError> {
        let refused = |line: u64, what: &str| TableError::Line { file: file.into(), line, what: what.into() };
        let text = text(file)?;
        quoted_well(&text).map_err(|wrong| refused(wrong.line, wrong.what))?;
        let mut lines = Lines::of(&text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| refused(1, &error.to_string()))?;
        let header: Vec<String> = header.iter().map(str::to_ascii_lowercase).collect();
        let missing: Vec<&str> = needed.iter().copied().filter(|column| !header.iter().any(|name| name == column)).collect();
        if !missing.is_empty() {
            let what = format!("there is no column {}; the header needs {}.{}", missing.join(", "), needed.join(","), separated(&header));
            return Err(refused(1, &what));
        }
        if let Some(what) = twice(&header) {
            return Err(refused(1, &what));
        }
        let mut found = Self { file: file.into(), header, rows: Vec::new(), faults: Vec::new() };
        for record in reader.records() {
            let record = record.map_err(|error| refused(lines.row(error.position()), &error.to_string()))?;
            let line = lines.row(record.position());
            if record.len() > found.header.len() {
                let what = format!("it has {} fields, the header {}; put texts with commas into quotes.", record.len(), found.header.len());
                found.fault(line, &what);
            } else if record.iter().any(|field| !field.is_empty()) {
                found.rows.push((line, record.iter().map(str::to_owned).collect()));
            }
        }
        Ok(found)
    }

    /// Reads each row; those that can't be read become faults.
    pub fn each<T>(&mut self, mut read: impl FnMut(&Row<'_>) -> Result<Option<T>, String>) -> Vec<T> {
        let mut all = Vec::with_capacity(self.rows.len());
        for (line, fields) in std::mem::take(&mut self.rows) {
            match read(&Row { line, header: &self.header, fields: &fields }) {
                Ok(one) => all.extend(one),
                Err(what) => self.fault(line, &what),
            }
        }
        all
    }

    pub fn fault(&mut self, line: u64, what: &str) {
        self.faults.push(format!("{}:{line}: {what}", self.file.display()));
    }
}

impl Row<'_> {
    /// Empty where the row or the whole file doesn't have it.
    pub fn text(&self, column: &str) -> &str {
        let place = self.header.iter().position(|name| name == column);
        place.and_then(|place| self.fields.get(place)).map_or("", String::as_str)
    }

    pub fn date(&self, column: &str) -> Result<NaiveDate, String> {
        let text = self.text(column);
        day(text).ok_or_else(|| format!("“{text}” is no {column}; write it as 2026-11-20."))
    }

    /// `None`: it is empty.
    pub fn number(&self, column: &str) -> Result<Option<Decimal>, String> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        number(text).map(Some).ok_or_else(|| format!("“{text}” is no {column}; write it as 1234.56."))
    }

    /// A number that isn't below zero.
    pub fn amount(&self, column: &str) -> Result<Option<Decimal>, String> {
        match self.number(column)? {
            Some(number) if number < Decimal::ZERO => {
                Err(format!("the {column} {number} is below zero; write it without the sign, since the type says the direction."))
            }
            number => Ok(number),
        }
    }

    /// How many shares; more decimals than are kept would be rounded away.
    pub fn quantity(&self) -> Result<Option<Decimal>, String> {
        match self.amount("quantity")? {
            Some(quantity) if quantity.normalize().scale() > MOST_DECIMALS => {
                Err(format!("the quantity {quantity} has more than {MOST_DECIMALS} decimals; round it."))
            }
            quantity => Ok(quantity),
        }
    }

    pub fn symbol(&self, column: &str) -> Result<Option<Symbol>, String> {
        let text = self.text(column);
        if text.is_empty() { Ok(None) } else { Symbol::parse(text).map(Some).map_err(|error| format!("{error}.")) }
    }

    pub fn currency(&self) -> Result<Option<Currency>, String> {
        let text = self.text("currency");
        if text.is_empty() { Ok(None) } else { Currency::parse(text).map(Some).map_err(|error| format!("{error}.")) }
    }

    /// Every field by its column, for files whose columns are names of their own.
    pub fn by_column(&self) -> BTreeMap<&str, &str> {
        self.header.iter().map(String::as_str).zip(self.fields.iter().map(String::as_str)).collect()
    }
}

/// A decimal, also in the form 1.5e-3.
pub(super) fn number(text: &str) -> Option<Decimal> {
    Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text)).ok()
}
