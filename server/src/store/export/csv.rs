//! A table as CSV: commas, points, UTF-8, numbers that read back to the same. Pure.

use super::{
    super::csv_line::guarded,
    table::{Cell, Table},
};
use std::{borrow::Cow, error::Error};

/// The whole file.
///
/// # Errors
/// Never in practice: it is written into memory.
pub fn write(table: &Table) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.columns)?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| text(cell).into_owned()))?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

fn text(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Nothing => Cow::Borrowed(""),
        Cell::Text(text) => guarded(text),
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Ratio(ratio) => Cow::Owned(ratio.to_string()),
        Cell::Day(day) => Cow::Owned(day.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::table::row, *};
    use chrono::NaiveDate;
    use rust_decimal::Decimal;

    #[test]
    fn numbers_are_plain_and_texts_no_formulas() {
        let day: NaiveDate = "2026-03-09".parse().unwrap();
        let number: Decimal = "-1234.5000".parse().unwrap();
        let rows = vec![row![day, number, 0.1_f64 + 0.2, "=A1".to_owned(), "a,\"b\"\nc".to_owned(), None::<i32>]];
        let table = Table { name: "t", columns: &["day", "number", "ratio", "note", "more", "none"], rows };
        let written = String::from_utf8(write(&table).unwrap()).unwrap();
        assert_eq!(written, "day,number,ratio,note,more,none\n2026-03-09,-1234.5,0.30000000000000004,'=A1,\"a,\"\"b\"\"\nc\",\n");
    }
}
