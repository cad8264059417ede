//! The file of transactions: which columns each type needs, and what is said when one is missing.

use super::rows::{Row, Rows};
use crate::measures::TableError;
use app::{
    analytics::ledger::{Kind, Transaction},
    domain::{AccountId, Currency, Symbol},
};
use rust_decimal::Decimal;
use serde::{Deserialize, de::IntoDeserializer};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// The types, as a fault names them.
const TYPES: &str = "buy, sell, short, cover, deposit, withdrawal, dividend, reinvest, interest, fee, tax, transfer_in, transfer_out, opening, split, stock_dividend, spin_off, merger, symbol_change or return_of_capital";

/// Transactions, and the accounts that they name in a column `account`, where there is one.
pub(super) struct Read {
    pub transactions: Vec<Transaction>,
    pub accounts: BTreeSet<AccountId>,
    pub faults: Vec<String>,
}

/// Reads the file. A currency that isn't named is the base currency, unless the symbol's prices are in another one: nobody
/// knows which of the two was meant.
pub(super) fn read(file: &Path, base: Currency, priced_in: &BTreeMap<Symbol, Currency>) -> Result<Read, TableError> {
    let mut rows = Rows::read(file, &["date", "type"])?;
    let mut accounts: BTreeMap<String, AccountId> = BTreeMap::new();
    let transactions = rows.each(|row| {
        let next = AccountId(accounts.len() as i64 + 1);
        let account = *accounts.entry(row.text("account").to_owned()).or_insert(next);
        transaction(row, account, base, priced_in).map(Some)
    });
    Ok(Read { transactions, accounts: accounts.into_values().collect(), faults: rows.faults })
}

/// A row's key sorts as the rows do, so that of one kind and day the earlier row is booked first.
fn key(line: u64) -> String {
    format!("{line:012}")
}

/// The line of a transaction, by its key.
pub(super) fn line(key: &str) -> Option<u64> {
    key.parse().ok()
}

fn transaction(row: &Row<'_>, account: AccountId, base: Currency, priced_in: &BTreeMap<Symbol, Currency>) -> Result<Transaction, String> {
    let traded_on = row.date("date")?;
    let word = row.text("type").to_ascii_lowercase();
    let kind = Kind::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(word.as_str()))
        .map_err(|_| format!("“{word}” is no type; use {TYPES}."))?;
    let symbol = row.symbol("symbol")?;
    let is_reversible = matches!(kind, Kind::Dividend | Kind::Interest | Kind::Fee | Kind::Tax);
    let amount = if is_reversible { row.number("amount")? } else { row.amount("amount")? };
    let (quantity, price) = (row.quantity()?, row.amount("price")?);
    let (fee, tax) = (row.number("fee")?, row.number("tax")?);
    // Of price and amount one may be blank; companies' actions have a price for information only.
    let is_priced = !matches!(kind, Kind::Split | Kind::StockDividend | Kind::SpinOff | Kind::SymbolChange | Kind::TransferOut);
    let amount = match (amount, quantity.zip(price)) {
        (None, Some((quantity, price))) if is_priced => {
            Some(quantity.checked_mul(price).ok_or("quantity × price is too large to be true; correct them.")?)
        }
        (amount, _) => amount,
    };
    let moves_money = [amount, fee, tax].into_iter().flatten().any(|amount| !amount.is_zero());
    let currency = match (row.currency()?, symbol.as_ref().and_then(|symbol| priced_in.get(symbol))) {
        (Some(currency), _) => currency,
        (None, Some(priced)) if *priced != base && moves_money => {
            return Err(format!(
                "it names no currency, and {word} of a symbol with prices in {priced} may mean {priced} or {base}; fill in the currency."
            ));
        }
        (None, _) => base,
    };
    need(kind, &word, symbol.as_ref(), quantity, amount, fee.or(tax))?;
    Ok(Transaction {
        key: key(row.line),
        symbol,
        quantity: quantity.unwrap_or_default(),
        price: price.unwrap_or_default(),
        amount: amount.unwrap_or_default(),
        costs_nothing: amount.is_some_and(|amount| amount.is_zero()),
        fee: fee.unwrap_or_default(),
        tax: tax.unwrap_or_default(),
        ratio: ratio(row)?,
        counter_symbol: row.symbol("counter_symbol")?,
        cost_share: share(row)?,
        lot_id: Some(row.text("lot_id").to_owned()).filter(|name| !name.is_empty()),
        opened_on: if row.text("opened_on").is_empty() { None } else { Some(row.date("opened_on")?) },
        ..Transaction::blank(kind, account, traded_on, currency)
    })
}

/// What a type can't be booked without.
fn need(
    kind: Kind,
    word: &str,
    symbol: Option<&Symbol>,
    quantity: Option<Decimal>,
    amount: Option<Decimal>,
    costs: Option<Decimal>,
) -> Result<(), String> {
    let is_trade = matches!(kind, Kind::Buy | Kind::Sell | Kind::Short | Kind::Cover | Kind::Reinvest);
    let is_action =
        matches!(kind, Kind::Split | Kind::StockDividend | Kind::SpinOff | Kind::Merger | Kind::SymbolChange | Kind::ReturnOfCapital);
    let is_move = matches!(kind, Kind::Opening | Kind::TransferIn | Kind::TransferOut);
    if (is_trade || is_action) && symbol.is_none() {
        return Err(format!("a {word} needs a symbol."));
    }
    if (is_trade || is_move && symbol.is_some()) && quantity.is_none_or(|quantity| quantity.is_zero()) {
        return Err(format!("a {word} of {} needs a quantity above zero.", symbol.map_or("securities", Symbol::as_str)));
    }
    if is_trade && amount.is_none() {
        return Err(format!("a {word} needs a price or an amount."));
    }
    let is_cash = matches!(kind, Kind::Deposit | Kind::Withdrawal | Kind::Dividend | Kind::Interest | Kind::ReturnOfCapital)
        || is_move && symbol.is_none()
        || matches!(kind, Kind::Fee | Kind::Tax) && costs.is_none();
    if is_cash && amount.is_none() {
        return Err(format!("a {word} needs an amount."));
    }
    if matches!(kind, Kind::Deposit | Kind::Withdrawal) && symbol.is_some() {
        return Err(format!("a {word} is of cash; for securities use transfer_in or transfer_out."));
    }
    Ok(())
}

/// `7`, `0.1`, or as a fraction of new and old: `7:1`, `1/10`.
fn ratio(row: &Row<'_>) -> Result<Option<Decimal>, String> {
    let text = row.text("ratio");
    if text.is_empty() {
        return Ok(None);
    }
    let of = |text: &str| super::rows::number(text.trim());
    let parsed = match text.split_once([':', '/']) {
        Some((new, old)) => of(new).zip(of(old)).and_then(|(new, old)| new.checked_div(old)),
        None => of(text),
    };
    let ratio = parsed.filter(|ratio| *ratio > Decimal::ZERO);
    ratio.map(Some).ok_or_else(|| format!("“{text}” is no ratio; write new shares per old, as 7, 0.1 or 1:10."))
}

fn share(row: &Row<'_>) -> Result<Option<Decimal>, String> {
    match row.number("cost_share")? {
        Some(share) if !(Decimal::ZERO..=Decimal::ONE).contains(&share) => {
            Err(format!("the cost_share {share} isn't between 0 and 1; write the part of the cost that moves, such as 0.25."))
        }
        share => Ok(share),
    }
}
