//! Our own CSV → transactions, with a reason for every row that isn't taken. Pure.

use super::transaction_input::TransactionInput;
use app::activity::model::{RefusedRow, TransactionForm};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sha2::{Digest, Sha256};
use std::collections::HashMap;

const COLUMNS: [&str; 10] = ["date", "type", "symbol", "quantity", "price", "amount", "fee", "tax", "currency", "note"];
/// More rows than anybody types; a longer history is imported year by year.
const MOST_ROWS: usize = 10_000;

/// A file as it was understood.
#[derive(Debug, Default, PartialEq)]
pub struct CsvFile {
    pub rows: Vec<CsvRow>,
    pub refused: Vec<RefusedRow>,
}

#[derive(Debug, PartialEq)]
pub struct CsvRow {
    pub input: TransactionInput,
    /// What the row says and the how-manieth of its kind it is in the file: two equal trades of a day stay two, and the
    /// same file read again brings nothing new. The note doesn't count.
    pub import_key: String,
}

impl CsvFile {
    /// Reads a whole file; `currency` is the portfolio's, `today` the market's day.
    ///
    /// # Errors
    /// A sentence, when the file as a whole can't be read.
    pub fn parse(text: &str, currency: &str, today: NaiveDate) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = reader.headers().map_err(|error| format!("The first line can't be read: {error}."))?;
        let columns = columns(header)?;
        let mut file = Self::default();
        let mut seen: HashMap<String, u32> = HashMap::new();
        for record in reader.records() {
            if file.rows.len() + file.refused.len() >= MOST_ROWS {
                return Err(format!("The file has more than {MOST_ROWS} rows. Split it, by year for example."));
            }
            let (line, read) = match record {
                Ok(record) => (record.position().map_or(0, csv::Position::line), read_row(&record, &columns, currency, today)),
                Err(error) => (error.position().map_or(0, csv::Position::line), Err(format!("The line can't be read: {error}."))),
            };
            match read {
                Ok(input) => {
                    let content = content(&input, currency);
                    let occurrence = seen.entry(content.clone()).or_default();
                    *occurrence += 1;
                    let import_key = format!("{}:{occurrence}", hex::encode(Sha256::digest(&content)));
                    file.rows.push(CsvRow { input, import_key });
                }
                Err(reason) => file.refused.push(RefusedRow { line, reason }),
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
        return Err(format!("The columns are separated by semicolons or tabs. Save the file with commas; the first line is {expected}"));
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

fn read_row(record: &csv::StringRecord, columns: &[&str], currency: &str, today: NaiveDate) -> Result<TransactionInput, String> {
    if record.len() != columns.len() {
        return Err(format!(
            "The row has {} fields, the first line {}. Put quotation marks around a field with commas.",
            record.len(),
            columns.len()
        ));
    }
    let field = |name: &str| columns.iter().position(|column| *column == name).and_then(|at| record.get(at)).unwrap_or_default().to_owned();
    let stated = field("currency");
    if !stated.is_empty() && !stated.eq_ignore_ascii_case(currency) {
        return Err(format!(
            "The currency is {}, the portfolio's is {currency}. Convert the row, or leave it out.",
            stated.chars().take(10).collect::<String>()
        ));
    }
    let form = TransactionForm {
        account: String::new(),
        traded_on: field("date"),
        kind: field("type"),
        symbol: field("symbol"),
        quantity: field("quantity"),
        price: field("price"),
        amount: field("amount"),
        fee: field("fee"),
        tax: field("tax"),
        note: field("note"),
    };
    TransactionInput::parse(&form, today).map_err(|wrong| wrong.into_iter().map(|field| field.message).collect::<Vec<_>>().join(" "))
}

/// What a row says, the same however its numbers are written.
fn content(input: &TransactionInput, currency: &str) -> String {
    let plain = |number: Decimal| number.normalize().to_string();
    [
        input.traded_on.to_string(),
        input.kind.to_owned(),
        input.symbol.as_ref().map(ToString::to_string).unwrap_or_default(),
        input.quantity.map(plain).unwrap_or_default(),
        input.price.map(plain).unwrap_or_default(),
        plain(input.amount),
        plain(input.fee),
        plain(input.tax),
        currency.to_owned(),
    ]
    .join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "date,type,symbol,quantity,price,amount,fee,tax,currency,note\n";

    fn read(text: &str) -> Result<CsvFile, String> {
        CsvFile::parse(text, "USD", "2026-11-20".parse().unwrap())
    }

    #[test]
    fn equal_trades_stay_two_and_are_known_again() {
        let file = format!("{HEADER}2026-03-09,buy,AAPL,10,227.52,,1,,USD,first\n2026-03-09,buy,AAPL,10.0,\"227.520\",,1.00,,,second\n");
        let (first, again) = (read(&file).unwrap(), read(&file).unwrap());
        assert_eq!(first, again);
        assert_eq!(first.rows.len(), 2);
        assert_ne!(first.rows[0].import_key, first.rows[1].import_key);
        assert_eq!(first.rows[0].import_key.split(':').next(), first.rows[1].import_key.split(':').next());
    }

    #[test]
    fn spreadsheets_write_marks_and_line_ends_of_their_own() {
        let file = read("\u{feff}Date,Type,Amount\r\n2026-03-09,Deposit,\"1,000.00\"\r\n\r\n").unwrap();
        assert_eq!((file.rows.len(), file.refused.len()), (1, 0));
    }

    #[test]
    fn every_row_that_is_not_taken_has_its_line_and_reason() {
        let rows = "2026-03-09,deposit,,,,100,,,USD,\n2027-01-01,deposit,,,,100,,,USD,\n2026-03-09,deposit,,,,100,,,EUR,\n2026-03-09,buy\n";
        let file = read(&format!("{HEADER}{rows}")).unwrap();
        assert_eq!(file.rows.len(), 1);
        assert_eq!(file.refused.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 4, 5]);
        assert!(file.refused[1].reason.contains("EUR"));
    }

    #[test]
    fn a_file_that_is_not_ours_is_refused_as_a_whole() {
        for (text, word) in [
            ("", "missing"),
            ("date;type;amount\n", "semicolons"),
            ("date,amount\n", "“type”"),
            ("date,type,isin\n", "“isin”"),
            ("date,type,date\n", "twice"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        let long = format!("date,type,amount\n{}", "2026-03-09,deposit,1\n".repeat(10_001));
        assert!(read(&long).unwrap_err().contains("10000"));
    }
}
