//! The files of prices and of exchange rates.

use super::rows::{Rows, number};
use crate::measures::TableError;
use app::{
    analytics::ledger::{Closes, Rates},
    domain::{Currency, Symbol},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Closes by symbol, and in which currency each symbol's are.
pub(super) struct Prices {
    pub closes: Closes,
    pub days: BTreeSet<NaiveDate>,
    pub currencies: BTreeMap<Symbol, Currency>,
    /// Symbols whose rows name no currency.
    pub unnamed: BTreeSet<Symbol>,
    pub faults: Vec<String>,
}

/// Reads `date,symbol,close[,currency]`. An empty close is a missing one: the last is carried.
pub(super) fn prices(file: &Path, base: Currency) -> Result<Prices, TableError> {
    let mut rows = Rows::read(file, &["date", "symbol", "close"])?;
    let (mut closes, mut currencies) = (BTreeMap::<Symbol, BTreeMap<NaiveDate, Decimal>>::new(), BTreeMap::new());
    let (mut days, mut unnamed) = (BTreeSet::new(), BTreeSet::new());
    rows.each(|row| -> Result<Option<()>, String> {
        let (day, named) = (row.date("date")?, row.currency()?);
        let symbol = row.symbol("symbol")?.ok_or("it names no symbol; fill it in.")?;
        if named.is_none() {
            unnamed.insert(symbol.clone());
        }
        let currency = named.unwrap_or(base);
        let known = *currencies.entry(symbol.clone()).or_insert(currency);
        if known != currency {
            return Err(format!("the prices of {symbol} are in {known} above and in {currency} here; use one currency for a symbol."));
        }
        days.insert(day);
        if row.text("close").eq_ignore_ascii_case("na") {
            return Ok(None);
        }
        let Some(close) = row.number("close")? else { return Ok(None) };
        if close <= Decimal::ZERO {
            return Err(format!("the close {close} isn't above zero; correct it, or leave it empty so that the last one is carried."));
        }
        if closes.entry(symbol.clone()).or_default().insert(day, close).is_some() {
            return Err(format!("{symbol} has two closes on {day}; keep one of the two lines."));
        }
        Ok(None)
    });
    let closes = closes.into_iter().map(|(symbol, closes)| (symbol, closes.into_iter().collect())).collect();
    Ok(Prices { closes, days, currencies, unnamed, faults: rows.faults })
}

/// Exchange rates and the file's faults.
pub(super) struct Exchange {
    pub rates: Rates,
    pub faults: Vec<String>,
}

/// Reads exchange rates in one of three forms:
/// `date,currency,rate`: units of the base currency for one unit of `currency`;
/// `date,pair,rate`: `EURUSD` (or `EUR/USD`, `C:EURUSD`): dollars for one euro; pairs without the base currency aren't needed;
/// `date,EURUSD,GBPUSD,…`: a column for each pair.
pub(super) fn rates(file: &Path, base: Currency) -> Result<Exchange, TableError> {
    let mut rows = Rows::read(file, &["date"])?;
    let has = |column: &str| rows.header.iter().any(|name| name == column);
    let (by_currency, by_pair) = (has("currency") && has("rate"), has("pair") && has("rate"));
    if !by_currency && !by_pair && !rows.header.iter().any(|name| pair(name).is_some()) {
        let what = "it needs the columns date,currency,rate, or date,pair,rate, or date and a column for each pair such as EURUSD.";
        return Err(TableError::Line { file: file.into(), line: 1, what: what.into() });
    }
    let mut rates: BTreeMap<Currency, BTreeMap<NaiveDate, Decimal>> = BTreeMap::new();
    rows.each(|row| -> Result<Option<()>, String> {
        let day = row.date("date")?;
        let mut found: Vec<(Currency, Currency, &str)> = Vec::new();
        if by_currency {
            let currency = row.currency()?.ok_or("it names no currency; fill it in.")?;
            if currency.is_minor() {
                return Err(format!("{currency} is a hundredth of {}; give the rate of {} instead.", currency.major(), currency.major()));
            }
            found.push((currency, base, row.text("rate")));
        } else if by_pair {
            let (from, to) = pair(row.text("pair")).ok_or_else(|| format!("“{}” is no pair; write it as EURUSD.", row.text("pair")))?;
            found.push((from, to, row.text("rate")));
        } else {
            found.extend(row.by_column().into_iter().filter_map(|(name, text)| pair(name).map(|(from, to)| (from, to, text))));
        }
        for (from, to, text) in found.into_iter().filter(|(.., text)| !text.is_empty() && !text.eq_ignore_ascii_case("na")) {
            let rate = number(text).filter(|rate| *rate > Decimal::ZERO);
            let rate = rate.ok_or_else(|| format!("“{text}” is no rate; write a number above zero, such as 1.0875."))?;
            let (currency, rate) = if to == base {
                (from, Some(rate))
            } else if from == base {
                (to, Decimal::ONE.checked_div(rate))
            } else {
                continue;
            };
            if currency == base {
                if rate != Some(Decimal::ONE) {
                    return Err(format!("a rate of {base} to itself is 1; remove the line."));
                }
                continue;
            }
            let rate = rate.ok_or_else(|| format!("“{text}” is too small to be a rate; correct it."))?;
            if rates.entry(currency).or_default().insert(day, rate).is_some() {
                return Err(format!("{currency} has two rates on {day}; keep one of the two."));
            }
        }
        Ok(None)
    });
    let rates = rates.into_iter().map(|(currency, rates)| (currency, rates.into_iter().collect())).collect();
    Ok(Exchange { rates, faults: rows.faults })
}

/// `EURUSD`, `EUR/USD`, `EUR-USD` or `C:EURUSD`: the currency that is priced and the one in which it is.
fn pair(text: &str) -> Option<(Currency, Currency)> {
    let text = text.trim().to_ascii_uppercase();
    let letters: String =
        text.strip_prefix("C:").unwrap_or(&text).chars().filter(|letter| !matches!(letter, '/' | '-' | '_' | '.')).collect();
    let (from, to) = letters.split_at_checked(3).filter(|_| letters.len() == 6)?;
    Some((Currency::parse(from).ok()?, Currency::parse(to).ok()?)).filter(|(from, to)| !from.is_minor() && !to.is_minor())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Rates, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("fx.csv");
        std::fs::write(&file, text).unwrap();
        let found = rates(&file, Currency::USD).unwrap();
        (found.rates, found.faults)
    }

    #[test]
    fn three_forms_say_the_same() {
        let day: NaiveDate = "2024-01-02".parse().unwrap();
        let expected = Rates::from([(Currency::parse("EUR").unwrap(), vec![(day, "1.25".parse().unwrap())])]);
        for text in [
            "date,currency,rate\n2024-01-02,EUR,1.25\n2024-01-02,USD,1\n",
            "date,pair,rate\n2024-01-02,C:EURUSD,1.25\n2024-01-02,EURGBP,0.9\n",
            "date,pair,rate\n2024-01-02,USD/EUR,0.8\n",
            "Date,EURUSD,GBPUSD\n2024-01-02,1.25,\n",
        ] {
            let (rates, faults) = read(text);
            assert!(faults.is_empty(), "{faults:?}");
            assert_eq!(rates, expected, "{text}");
        }
    }

    #[test]
    fn every_wrong_row_is_named() {
        let (_, faults) =
            read("date,currency,rate\n2024-01-02,EUR,0\n2024-1-2x,EUR,1\n2024-01-03,GBX,0.01\n2024-01-03,EUR,1\n2024-01-03,EUR,2\n");
        let lines: Vec<bool> = [":2: “0” is no rate", ":3: ", ":4: GBX is a hundredth of GBP", ":6: EUR has two rates"]
            .iter()
            .zip(&faults)
            .map(|(words, fault)| fault.contains(words))
            .collect();
        assert_eq!(lines, [true; 4], "{faults:?}");
    }
}
