//! Our own CSV → transactions, with a reason for every row that isn't taken. Pure.

use super::{
    csv_line::{COLUMNS, CsvLine},
    transaction_input::TransactionInput,
};
use crate::csv_lines::{Lines, quoted_well};
use app::{
    activity::model::RefusedRow,
    domain::{AccountId, Currency},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

/// More rows than a lifetime of trades; a file that is longer isn't one of ours.
const MOST_ROWS: usize = 200_000;
const LONGEST_ID: usize = 200;
/// Before the import key of a row that named an id.
pub(super) const BY_ID: &str = "id:";

/// For whom a file is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    /// Of amounts whose row names none: the portfolio's.
    pub currency: Currency,
    /// Accounts of the portfolio with their names.
    pub accounts: &'a [(AccountId, String)],
    /// Where rows go that name no account, or one that isn't there.
    pub chosen: AccountId,
    /// The market's day.
    pub today: NaiveDate,
}

/// A file as it was understood.
#[derive(Debug, Default, PartialEq)]
pub(super) struct CsvFile {
    pub rows: Vec<CsvRow>,
    pub refused: Vec<Refused>,
}

#[derive(Debug, PartialEq)]
pub(super) struct CsvRow {
    pub line: u64,
    pub account: AccountId,
    pub input: TransactionInput,
    pub id: Option<String>,
    /// By which the row is known again. Of a row with an id: that. Else what the row says and the how-manieth of its kind it is in the
    /// file: two equal trades of a day stay two, and the same file read again brings nothing new. The note doesn't count.
    pub import_key: String,
}

/// A row that can't be read.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    pub row: RefusedRow,
    pub id: Option<String>,
}

impl CsvFile {
    /// Reads a whole file.
    ///
    /// # Errors
    /// A sentence, when the file as a whole can't be read.
    pub fn parse(text: &str, reader: Reader<'_>) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        if text.contains(['\0', '\u{fffd}']) {
            return Err("The letters of the file can't be read. Save it as “CSV UTF-8” and choose it again.".into());
        }
        quoted_well(text).map_err(|wrong| format!("Line {}: {}", wrong.line, wrong.what))?;
        let mut lines = Lines::of(text);
        let mut records = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = records.headers().map_err(|error| format!("The first line can't be read: {error}."))?;
        let columns = columns(header)?;
        let mut file = Self::default();
        let mut seen: HashMap<(AccountId, String), u32> = HashMap::new();
        for record in records.records() {
            if file.rows.len() + file.refused.len() >= MOST_ROWS {
                return Err(format!("The file has more than {MOST_ROWS} rows. Split it, by year for example."));
            }
            let line = lines.row(record.as_ref().map_or_else(csv::Error::position, csv::StringRecord::position));
            let (id, read) = match record {
                Ok(record) => read_row(&record, &columns, reader),
                Err(error) => (None, Err(format!("The line can't be read: {error}."))),
            };
            match read {
                Ok((account, input)) => {
                    let import_key = match &id {
                        Some(id) => format!("{BY_ID}{id}"),
                        None => {
                            let content = content(&input);
                            let occurrence = seen.entry((account, content.clone())).or_default();
                            *occurrence += 1;
                            format!("{}:{occurrence}", hex::encode(Sha256::digest(&content)))
                        }
                    };
                    file.rows.push(CsvRow { line, account, input, id, import_key });
                }
                Err(reason) => file.refused.push(Refused { row: RefusedRow { line, reason }, id }),
            }
        }
        Ok(file)
    }
}

/// The name of each column of the file.
fn columns(header: &csv::StringRecord) -> Result<Vec<&'static str>, String> {
    let expected = COLUMNS.join(",");
    let first = header.iter().next().unwrap_or_default();
    if first.contains(';') || first.contains('\t') {
        return Err(format!(
            "The columns are separated by semicolons or tabs. Save the file with commas, and numbers with a point; the first line is {expected}"
        ));
    }
    let mut columns = Vec::new();
    for name in header {
        let column = COLUMNS.into_iter().find(|column| name.eq_ignore_ascii_case(column));
        let Some(column) = column else {
            return Err(format!("“{}” is no column of ours. The first line is {expected}", name.chars().take(40).collect::<String>()));
        };
        if columns.contains(&column) {
            return Err(format!("The column “{column}” is there twice. The first line is {expected}"));
        }
        columns.push(column);
    }
    match ["date", "type"].into_iter().find(|needed| !columns.contains(needed)) {
        Some(missing) => Err(format!("The column “{missing}” is missing. The first line is {expected}")),
        None => Ok(columns),
    }
}

type Read = Result<(AccountId, TransactionInput), String>;

/// The row's id, and what the row says.
fn read_row(record: &csv::StringRecord, columns: &[&str], reader: Reader<'_>) -> (Option<String>, Read) {
    if record.len() != columns.len() {
        let reason = format!(
            "The row has {} fields, the first line {}. Put quotation marks around a field with commas.",
            record.len(),
            columns.len()
        );
        return (None, Err(reason));
    }
    let mut line = CsvLine::default();
    columns.iter().zip(record).for_each(|(column, text)| line.set(column, text));
    let id = Some(line.id.trim().to_owned()).filter(|id| !id.is_empty());
    if id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
        return (None, Err(format!("The id is longer than {LONGEST_ID} letters. Leave it empty to add the row.")));
    }
    let read = account(line.account.trim(), reader).and_then(|account| Ok((account, understood(&line, reader.currency, reader.today)?)));
    (id, read)
}

/// What a line says.
///
/// # Errors
/// All that is wrong with it, as one text.
pub(super) fn understood(line: &CsvLine, currency: Currency, today: NaiveDate) -> Result<TransactionInput, String> {
    TransactionInput::parse(&line.form, currency, today)
        .map_err(|wrong| wrong.into_iter().map(|field| format!("{}: {}", field.field, field.message)).collect::<Vec<_>>().join(" "))
}

/// The account that a row names, else the chosen one: a file of another portfolio names accounts that aren't here.
fn account(name: &str, reader: Reader<'_>) -> Result<AccountId, String> {
    let named: Vec<AccountId> = reader.accounts.iter().filter(|(_, known)| known == name).map(|(account, _)| *account).collect();
    match named.as_slice() {
        [] => Ok(reader.chosen),
        [account] => Ok(*account),
        several if several.contains(&reader.chosen) => Ok(reader.chosen),
        _ => Err(format!("account: {} accounts are called “{name}”. Choose one of them above.", named.len())),
    }
}

/// What a row says, the same however its numbers are written. What older files can't hold is left out where it is empty, so that
/// they are known again.
pub(super) fn content(input: &TransactionInput) -> String {
    let plain = |number: Decimal| number.normalize().to_string();
    let symbol = |symbol: &Option<app::domain::Symbol>| symbol.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut said = vec![
        input.traded_on.to_string(),
        input.kind.to_owned(),
        symbol(&input.symbol),
        input.quantity.map(plain).unwrap_or_default(),
        input.price.map(plain).unwrap_or_default(),
        plain(input.amount),
        plain(input.fee),
        plain(input.tax),
        input.currency.to_string(),
    ];
    let newer = [
        input.ratio.map(plain).unwrap_or_default(),
        symbol(&input.counter_symbol),
        input.cost_share.map(plain).unwrap_or_default(),
        input.opened_on.map(|day| day.to_string()).unwrap_or_default(),
        input.lot_id.clone().unwrap_or_default(),
    ];
    if newer.iter().any(|text| !text.is_empty()) {
        said.extend(newer);
    }
    said.join("|")
}

#[cfg(test)]
#[path = "csv_file_tests.rs"]
mod tests;
