//! `plumbline xirr`: the money-weighted return of dated payments, with every root.

use super::{
    Format,
    table::{Row, Table, TableError},
};
use app::analytics::cashflow::{Payment, money_weighted, roots};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// The money-weighted return (XIRR) of payments from a file.
#[derive(Debug, Args)]
pub struct XirrArgs {
    /// CSV: date, amount; what was paid in is negative
    #[arg(long, value_name = "FILE")]
    flows: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints the rate, or why there is none, and all roots.
///
/// # Errors
/// [`TableError`] with file and line.
pub fn xirr(args: &XirrArgs) -> Result<(), TableError> {
    let table = Table::read(&args.flows, "date,amount")?;
    let payment = |row: Row<'_, 2>| Ok(Payment { on: row.day(0)?, amount: row.number(1)? });
    let payments: Vec<Payment> = table.rows_alone(["date", "amount"])?.into_iter().map(payment).collect::<Result<_, TableError>>()?;
    if payments.is_empty() {
        return Err(TableError::Refused(format!("{}: there are no payments.", args.flows.display())));
    }
    let found = money_weighted(&payments).and_then(|found| found.yearly());
    let roots = roots(&payments).unwrap_or_default();
    match (args.format, found) {
        (Format::Json, found) => say!("{}", json!({ "value": found.as_ref().ok(), "reason": found.as_ref().err(), "roots": roots })),
        (Format::Table, Ok(rate)) => say!("{rate}"),
        (Format::Table, Err(reason)) => say!("– {reason}"),
    }
    Ok(())
}
