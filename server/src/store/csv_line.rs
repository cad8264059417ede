//! One line of our CSV of transactions, as text: what an export writes and an import reads. Pure.

use app::activity::model::TransactionForm;
use std::borrow::Cow;

/// The columns in their order: those of `plumbline performance`, then ours.
pub(super) const COLUMNS: [&str; 17] = [
    "date",
    "type",
    "symbol",
    "quantity",
    "price",
    "amount",
    "fee",
    "tax",
    "currency",
    "ratio",
    "counter_symbol",
    "cost_share",
    "lot_id",
    "opened_on",
    "account",
    "note",
    "id",
];

/// A transaction as text, whose it is, and by which id it is known again.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct CsvLine {
    pub form: TransactionForm,
    /// The account's name.
    pub account: String,
    pub id: String,
}

impl CsvLine {
    /// Takes in the field of a column.
    pub fn set(&mut self, column: &str, text: &str) {
        let Self { form, account, id } = self;
        let (place, is_text) = match column {
            "date" => (&mut form.traded_on, false),
            "type" => (&mut form.kind, false),
            "symbol" => (&mut form.symbol, true),
            "quantity" => (&mut form.quantity, false),
            "price" => (&mut form.price, false),
            "amount" => (&mut form.amount, false),
            "fee" => (&mut form.fee, false),
            "tax" => (&mut form.tax, false),
            "currency" => (&mut form.currency, true),
            "ratio" => (&mut form.ratio, false),
            "counter_symbol" => (&mut form.counter_symbol, true),
            "cost_share" => (&mut form.cost_share, false),
            "lot_id" => (&mut form.lot_id, true),
            "opened_on" => (&mut form.opened_on, false),
            "account" => (account, true),
            "note" => (&mut form.note, true),
            "id" => (id, true),
            _ => return,
        };
        (if is_text { unguarded(text) } else { text }).clone_into(place);
    }
}

/// What a spreadsheet would take for the beginning of a formula.
fn begins_a_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// Texts are never formulas: one that looks like one gets an apostrophe before it. So does one that begins with apostrophes before such a
/// sign, so that [`unguarded`] always gives back what was there.
pub(super) fn guarded(text: &str) -> Cow<'_, str> {
    if begins_a_formula(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|rest| begins_a_formula(rest)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_and_every_text_comes_back() {
        for text in ["", "plain", "=1+1", "+49", "-", "@SUM(A1)", "'=1", "''@x", "it's", "'quoted'", "＝1", "a=b"] {
            let written = guarded(text);
            assert!(!written.starts_with(['=', '+', '-', '@', '＝']), "{text}");
            assert_eq!(unguarded(&written), text);
        }
        assert_eq!(guarded("plain"), "plain");
    }

    #[test]
    fn each_column_has_its_place() {
        let read = |column: &str| {
            let mut line = CsvLine::default();
            line.set(column, "7");
            line
        };
        assert!(COLUMNS.iter().all(|column| read(column) != CsvLine::default()));
        assert_eq!(read("isin"), CsvLine::default());
    }
}
