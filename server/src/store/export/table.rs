//! A table on its way out: columns with names, cells with types.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// One value of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Nothing,
    /// Never a formula, whatever it begins with.
    Text(String),
    /// Money, prices, quantities: exact.
    Number(Decimal),
    /// Ratios and returns, as fractions.
    Ratio(f64),
    Day(NaiveDate),
}

/// Rows under the names of their columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// As in the address and on the sheet.
    pub name: &'static str,
    pub columns: &'static [&'static str],
    /// As wide as `columns` each.
    pub rows: Vec<Vec<Cell>>,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(text) }
    }
}

impl From<Decimal> for Cell {
    fn from(number: Decimal) -> Self {
        Self::Number(number.normalize())
    }
}

impl From<f64> for Cell {
    fn from(ratio: f64) -> Self {
        Self::Ratio(ratio)
    }
}

impl From<i32> for Cell {
    fn from(count: i32) -> Self {
        Self::Number(count.into())
    }
}

impl From<NaiveDate> for Cell {
    fn from(day: NaiveDate) -> Self {
        Self::Day(day)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

/// A row of cells, each from what it is.
macro_rules! row {
    ($($value:expr),+ $(,)?) => { vec![$(crate::store::export::table::Cell::from($value)),+] };
}
pub(super) use row;
