//! Tables as a workbook, a sheet each: numbers as numbers, days as days, texts never formulas. Pure.

use super::table::{Cell, Table};
use rust_decimal::prelude::ToPrimitive;
use rust_xlsxwriter::{ColNum, Format, RowNum, Workbook, Worksheet, XlsxError};
use std::error::Error;

/// What a cell of a workbook holds at most, less a little.
const LONGEST_TEXT: usize = 32_000;
/// In characters.
const COLUMN_WIDTH: f64 = 14.0;

/// The whole file.
///
/// # Errors
/// A table with more rows than a sheet has.
pub fn write(tables: &[Table]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
    let mut workbook = Workbook::new();
    let (bold, day) = (Format::new().set_bold(), Format::new().set_num_format("yyyy-mm-dd"));
    for table in tables {
        let sheet = workbook.add_worksheet();
        sheet.set_name(table.name)?.set_freeze_panes(1, 0)?;
        for (column, name) in (0..).zip(table.columns) {
            sheet.set_column_width(column, COLUMN_WIDTH)?.write_string_with_format(0, column, *name, &bold)?;
        }
        for (number, row) in (1..).zip(&table.rows) {
            for (column, cell) in (0..).zip(row) {
                put(sheet, (number, column), cell, &day)?;
            }
        }
    }
    Ok(workbook.save_to_buffer()?)
}

fn put(sheet: &mut Worksheet, (row, column): (RowNum, ColNum), cell: &Cell, day: &Format) -> Result<(), XlsxError> {
    match cell {
        Cell::Nothing => {}
        Cell::Text(text) => _ = sheet.write_string(row, column, text.chars().take(LONGEST_TEXT).collect::<String>())?,
        // Spreadsheets reckon with 15 digits; a number that no f64 holds stays text.
        Cell::Number(number) => match number.to_f64() {
            Some(number) => _ = sheet.write_number(row, column, number)?,
            None => _ = sheet.write_string(row, column, number.to_string())?,
        },
        Cell::Ratio(ratio) if ratio.is_finite() => _ = sheet.write_number(row, column, *ratio)?,
        Cell::Ratio(_) => {}
        // A sheet's days begin in 1900.
        Cell::Day(date) => match sheet.write_datetime_with_format(row, column, date, day) {
            Ok(_) => {}
            Err(_) => _ = sheet.write_string(row, column, date.to_string())?,
        },
    }
    Ok(())
}
