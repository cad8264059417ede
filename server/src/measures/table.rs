//! Columns of dated numbers from a CSV file, every fault with its line.

use crate::csv_lines::{Lines, quoted_well};
use chrono::NaiveDate;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// What is wrong with a file, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("{}: it can't be read ({source}). Check the path.", file.display())]
    Unreadable {
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{}:{line}: {what}", file.display())]
    Line { file: PathBuf, line: u64, what: String },
    #[error("{0}")]
    Refused(String),
}

/// A file's text, without the mark that some programs put before it.
pub(super) fn text(file: &Path) -> Result<String, TableError> {
    let bytes = std::fs::read(file).map_err(|source| TableError::Unreadable { file: file.into(), source })?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        TableError::Line { file: file.into(), line, what: "it isn't UTF-8; save the file as UTF-8.".into() }
    })
}

/// What is to be done where the whole header is one column.
pub(super) fn separated(header: &[String]) -> &'static str {
    let is_other = |name: &String| name.contains([';', '\t', '|']);
    if header.iter().any(is_other) { " Separate the columns by commas, and write numbers with a point." } else { "" }
}

/// What kept the first line from being names of columns: without them it would be lost as a row.
fn unnamed(header: &[String], expected: &str) -> Option<String> {
    let is_value = |name: &&String| day(name).is_some() || name.parse::<f64>().is_ok_and(f64::is_finite);
    let value = header.iter().find(is_value)?;
    Some(format!("“{value}” is no name of a column; put a line with the names of the columns first, such as {expected}."))
}

/// A column that is there twice.
pub(super) fn twice(header: &[String]) -> Option<String> {
    let of = |(at, name): (usize, &String)| !name.is_empty() && header.iter().take(at).any(|before| before.eq_ignore_ascii_case(name));
    let (_, name) = header.iter().enumerate().find(|one| of(*one))?;
    Some(format!("the column {name} is there twice; rename or remove one of the two."))
}

/// `2026-11-20`, and nothing shorter.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let is_whole = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    text.parse().ok().filter(|_| is_whole)
}

/// A CSV file with a header.
#[derive(Debug)]
pub struct Table {
    file: PathBuf,
    header: Vec<String>,
    /// Line in the file, and fields.
    rows: Vec<(u64, Vec<String>)>,
}

impl Table {
    /// Reads a file whose first line is like `expected`.
    ///
    /// # Errors
    /// [`TableError`] with file and line.
    pub fn read(file: &Path, expected: &str) -> Result<Self, TableError> {
        let text = text(file)?;
        let line = |line: u64, what: String| TableError::Line { file: file.into(), line, what };
        quoted_well(&text).map_err(|wrong| line(wrong.line, wrong.what.into()))?;
        let mut lines = Lines::of(&text);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().map_err(|error| line(1, error.to_string()))?.iter().map(str::to_owned).collect();
        if header.len() == 1 && !separated(&header).is_empty() {
            return Err(line(1, format!("the header is all one column.{}", separated(&header))));
        }
        if let Some(what) = unnamed(&header, expected) {
            return Err(line(1, what));
        }
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| {
                let at = lines.row(error.position());
                let what = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("it has {len} fields, the header {expected_len}; correct the line.")
                    }
                    _ => error.to_string(),
                };
                line(at, what)
            })?;
            rows.push((lines.row(record.position()), record.iter().map(str::to_owned).collect()));
        }
        Ok(Self { file: file.into(), header, rows })
    }

    /// The name of the first column of numbers.
    ///
    /// # Errors
    /// When there is none beside the date.
    pub fn first_column(&self) -> Result<&str, TableError> {
        self.header.get(1).map(String::as_str).ok_or_else(|| self.wrong(1, "it needs a date column and at least one of numbers.".into()))
    }

    /// A column of numbers by date; what is empty or NA is left out.
    ///
    /// # Errors
    /// An unknown column, a date or a number that can't be read, a date that comes twice.
    pub fn series(&self, column: &str) -> Result<BTreeMap<NaiveDate, f64>, TableError> {
        let place = self.header.iter().skip(1).position(|name| name == column).map(|place| place + 1).ok_or_else(|| {
            let known = self.header.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join(", ");
            self.wrong(1, format!("there is no column {column}; there are: {known}."))
        })?;
        if self.header.iter().skip(1).filter(|name| *name == column).count() > 1 {
            return Err(self.wrong(1, format!("the column {column} is there twice; rename one of the two.")));
        }
        let mut series = BTreeMap::new();
        for (line, fields) in &self.rows {
            let (day, text) = (self.day(*line, &fields[0])?, &fields[place]);
            if is_missing(text) {
                continue;
            }
            let number = self.number(*line, column, text)?;
            if series.insert(day, number).is_some() {
                return Err(self.wrong(*line, format!("{day} is there twice; keep one of the two lines.")));
            }
        }
        Ok(series)
    }

    /// Rows of a file that has these columns and no others: what else there is might change what they mean, as a currency would.
    ///
    /// # Errors
    /// A column that is missing, unknown or there twice.
    pub fn rows_alone<'t, const N: usize>(&'t self, columns: [&'t str; N]) -> Result<Vec<Row<'t, N>>, TableError> {
        let rows = self.rows_of(columns)?;
        match self.header.iter().find(|name| !columns.iter().any(|column| name.eq_ignore_ascii_case(column))) {
            Some(other) => Err(self.wrong(1, format!("the column “{other}” isn't read; remove it, and leave {}.", columns.join(",")))),
            None => Ok(rows),
        }
    }

    /// Rows of a file that has these columns, in any order.
    ///
    /// # Errors
    /// A column that is missing or there twice.
    pub fn rows_of<'t, const N: usize>(&'t self, columns: [&'t str; N]) -> Result<Vec<Row<'t, N>>, TableError> {
        if let Some(what) = twice(&self.header) {
            return Err(self.wrong(1, what));
        }
        let mut places = [0; N];
        for (place, column) in places.iter_mut().zip(columns) {
            let known = self.header.iter().position(|name| name.eq_ignore_ascii_case(column));
            *place = known.ok_or_else(|| self.wrong(1, format!("there is no column {column}; it needs {}.", columns.join(","))))?;
        }
        Ok(self.rows.iter().map(|(line, fields)| Row { table: self, line: *line, fields, places, columns }).collect())
    }

    fn number(&self, line: u64, column: &str, text: &str) -> Result<f64, TableError> {
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| {
            let what = if text.is_empty() { format!("the {column} is empty; fill it in") } else { format!("“{text}” is no number") };
            self.wrong(line, format!("{what}; write it as 0.0123."))
        })
    }

    fn day(&self, line: u64, text: &str) -> Result<NaiveDate, TableError> {
        day(text).ok_or_else(|| self.wrong(line, format!("“{text}” is no date; write it as 2026-11-20.")))
    }

    fn wrong(&self, line: u64, what: String) -> TableError {
        TableError::Line { file: self.file.clone(), line, what }
    }
}

/// One line, its fields in the order that was asked for.
#[derive(Debug)]
pub struct Row<'t, const N: usize> {
    table: &'t Table,
    line: u64,
    fields: &'t [String],
    places: [usize; N],
    columns: [&'t str; N],
}

impl<const N: usize> Row<'_, N> {
    pub fn text(&self, at: usize) -> &str {
        self.places.get(at).and_then(|place| self.fields.get(*place)).map_or("", String::as_str)
    }

    /// # Errors
    /// When it is none.
    pub fn number(&self, at: usize) -> Result<f64, TableError> {
        self.table.number(self.line, self.columns.get(at).copied().unwrap_or_default(), self.text(at))
    }

    /// # Errors
    /// When it is none.
    pub fn day(&self, at: usize) -> Result<NaiveDate, TableError> {
        self.table.day(self.line, self.text(at))
    }
}

fn is_missing(text: &str) -> bool {
    text.is_empty() || text.eq_ignore_ascii_case("na")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table, TableError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("returns.csv");
        std::fs::write(&file, text).unwrap();
        Table::read(&file, "date,fund")
    }

    fn refused(text: &str, expect: &str) {
        let error = table(text).and_then(|table| table.series(table.first_column()?)).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn reads_columns_by_name_and_leaves_out_what_is_missing() {
        let table = table("\u{feff}date, fund ,index\n2026-01-30,0.01,NA\n2026-02-27,,-2e-3\n").unwrap();
        assert_eq!(table.series("fund").unwrap(), [("2026-01-30".parse().unwrap(), 0.01)].into());
        assert_eq!(table.series("index").unwrap(), [("2026-02-27".parse().unwrap(), -0.002)].into());
        assert_eq!(table.first_column().unwrap(), "fund");
    }

    #[test]
    fn faults_are_named_with_their_line() {
        refused("date,r\n2026-01-30,x\n", "returns.csv:2: “x” is no number");
        refused("date,r\n2026-01-30,NaN\n", ":2: ");
        refused("date,r\n30.1.2026,0.1\n", "is no date");
        refused("date,r\n2026-01-30,0.1\n2026-01-30,0.2\n", ":3: 2026-01-30 is there twice");
        refused("date,r\n2026-01-30,0.1,0.2\n", ":2: it has 3 fields, the header 2");
        refused("date,r\r\n\r\n2026-01-30,x\r\n", "returns.csv:3: “x” is no number");
        refused("date,r\n\n2026-01-30,\"0.1\n2026-02-27,0.2\n", "returns.csv:3: a quotation mark opens a field here");
        refused("date\n2026-01-30\n", "at least one of numbers");
        refused("", "at least one of numbers");
        refused(
            "2026-01-30,0.1\n2026-02-27,0.2\n",
            "returns.csv:1: “2026-01-30” is no name of a column; put a line with the names of the columns first, such as date,fund.",
        );
        refused("date,0.1\n2026-02-27,0.2\n", ":1: “0.1” is no name");
        refused("date,r\n2026-1-30,0.1\n", ":2: “2026-1-30” is no date");
        assert!(Table::read(Path::new("/nowhere/at/all.csv"), "").unwrap_err().to_string().contains("Check the path"));
    }
}
