//! docs/WORKED-EXAMPLES.md: stories that a person can check by hand, told by the ledger itself. The sums on the left of each table are
//! worked out here as they are written, and must give what the ledger gives.

mod arithmetic;
mod stories;

use super::*;
use crate::{
    analytics::period::{Period, Returns, Scope, sessions},
    domain::{AccountId, Currency, Money, Symbol},
};
use arithmetic::worked_out;
use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

/// Rewrites the document.
const COMMAND: &str = "WRITE_DOCS=1 cargo test -p app --features ssr worked_examples";

/// A story: who does what on which day, at which prices, and what comes of it.
struct Example {
    title: &'static str,
    says: &'static str,
    /// Date, and a transaction as `type [SYMBOL] [name=value …]`.
    book: &'static [(&'static str, &'static str)],
    /// A symbol with the currency of its prices, and its closes.
    closes: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    /// A currency and its rates in dollars.
    rates: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    scope: Scope,
    /// A measure and how to work it out by hand.
    by_hand: &'static [(&'static str, &'static str)],
    /// Codes of what is reported.
    reported: &'static [&'static str],
}

const PLAIN: Example =
    Example { title: "", says: "", book: &[], closes: &[], rates: &[], scope: Scope::Account, by_hand: &[], reported: &[] };

struct Told {
    state: State,
    yielded: Yield,
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}
fn name(symbol: &str) -> Symbol {
    Symbol::parse(symbol).unwrap()
}
fn money(amount: Option<Money>) -> String {
    amount.map_or("unknown".into(), |amount| {
        let mut shown = amount.0.round_dp(4).normalize();
        if shown.scale() < 2 {
            shown.rescale(2);
        }
        shown.to_string()
    })
}

fn transaction((number_of, (day, text)): (usize, &(&str, &str))) -> Transaction {
    let mut words = text.split_whitespace();
    let kind: Kind = serde_json::from_value(words.next().unwrap().into()).unwrap();
    let mut transaction =
        Transaction { key: format!("{number_of:03}"), ..Transaction::blank(kind, AccountId(1), date(day), Currency::USD) };
    for word in words {
        match word.split_once('=') {
            None => transaction.symbol = Some(name(word)),
            Some(("quantity", value)) => transaction.quantity = number(value),
            Some(("amount", value)) => transaction.amount = number(value),
            Some(("fee", value)) => transaction.fee = number(value),
            Some(("tax", value)) => transaction.tax = number(value),
            Some(("ratio", value)) => transaction.ratio = Some(number(value)),
            Some(("counter_symbol", value)) => transaction.counter_symbol = Some(name(value)),
            Some(("cost_share", value)) => transaction.cost_share = Some(number(value)),
            Some(("lot_id", value)) => transaction.lot_id = Some(value.into()),
            Some(("currency", value)) => transaction.currency = Currency::parse(value).unwrap(),
            Some((other, _)) => panic!("{other}"),
        }
    }
    transaction
}

impl Example {
    fn told(&self, cost_basis: CostBasis) -> Told {
        let transactions: Vec<Transaction> = self.book.iter().enumerate().map(transaction).collect();
        let pairs = |of: &[(&str, &str)]| of.iter().map(|(day, number_of)| (date(day), number(number_of))).collect::<Vec<_>>();
        let symbol = |text: &str| name(text.split(' ').next().unwrap());
        let closes: Closes = self.closes.iter().map(|(heading, closes)| (symbol(heading), pairs(closes))).collect();
        let quoted = |heading: &str| heading.split_once(' ').map(|(_, currency)| Currency::parse(currency).unwrap());
        let currencies: BTreeMap<Symbol, Currency> =
            self.closes.iter().filter_map(|(heading, _)| Some((symbol(heading), quoted(heading)?))).collect();
        let rates: Rates = self.rates.iter().map(|(currency, rates)| (Currency::parse(currency).unwrap(), pairs(rates))).collect();
        let days: BTreeSet<NaiveDate> =
            closes.values().flatten().map(|(day, _)| *day).chain(transactions.iter().map(|one| one.traded_on)).collect();
        let days: Vec<NaiveDate> = days.into_iter().collect();
        let accounts = BTreeMap::from([(AccountId(1), AccountRules { cost_basis, allows_short: true, sells_short: false })]);
        let input = Input {
            sessions: &days,
            accounts: &accounts,
            transactions: &transactions,
            splits: &[],
            dividends: &[],
            closes: &closes,
            base: Currency::USD,
            currencies: &currencies,
            rates: &rates,
        };
        let (state, yielded) = book(State::default(), &input);
        Told { state, yielded }
    }

    /// What the ledger says about a measure; `measure, lifo` asks under another cost basis.
    fn measure(&self, measure: &str) -> f64 {
        let (measure, basis) = measure.split_once(", ").unwrap_or((measure, "fifo"));
        let told = self.told(serde_json::from_value(basis.into()).unwrap());
        let last = told.yielded.days.last().unwrap();
        let (what, of) = measure.split_once(" of ").unwrap_or((measure, ""));
        let held = || told.yielded.holdings.iter().find(|held| held.symbol.as_str() == of);
        let all = sessions(&told.yielded.days, self.scope);
        let period = Period::of(&all, None, None).unwrap();
        let Returns { time_weighted, money_weighted, modified_dietz, .. } = period.returns(252.0);
        let amount = |money: Money| money.0.to_f64().unwrap();
        match what {
            "value" => amount(period.sessions.last().unwrap().value.unwrap()),
            "total gain" => amount(period.total_gain().unwrap()),
            "cash" if of.is_empty() => amount(last.cash.unwrap()),
            "cash" => amount(told.state.cash[&AccountId(1)][&Currency::parse(of).unwrap()]),
            "realized gain" => amount(last.totals.realized),
            "currency effect in it" => amount(last.totals.realized_currency),
            "unrealized gain" => amount(last.unrealized.unwrap()),
            "currency effect within" => amount(last.unrealized_currency.unwrap()),
            "currency effect on cash" => amount(last.cash_currency.unwrap()),
            "gain brought along" => amount(last.totals.brought_in),
            "income" => amount(last.totals.income),
            "fees and taxes" => amount(last.totals.costs),
            "inflows" => amount(last.totals.inflow),
            "shares" => held().unwrap().quantity.to_f64().unwrap(),
            "cost" => amount(held().unwrap().cost.unwrap()),
            "carried closes" => last.carried.into(),
            "time-weighted return" => time_weighted.unwrap(),
            "money-weighted return" => money_weighted.unwrap(),
            "modified Dietz return" => modified_dietz.unwrap(),
            other => panic!("{other}"),
        }
    }

    fn write(&self, page: &mut String) {
        writeln!(page, "\n## {}\n\n{}\n\n| day | what | |\n|---|---|---|", self.title, self.says).unwrap();
        for (day, text) in self.book {
            let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
            writeln!(page, "| {day} | {kind} | {} |", rest.replace('=', " ").replace(" amount", ", amount").replace(" fee", ", fee"))
                .unwrap();
        }
        let told = self.told(CostBasis::Fifo);
        let columns = self.closes.iter().chain(self.rates);
        let heading: String = columns.clone().map(|(heading, _)| format!(" {heading} |")).collect();
        let lines = "---:|".repeat(self.closes.len() + self.rates.len());
        writeln!(page, "\n| close of |{heading} value | in | out | return |\n|---|{lines}---:|---:|---:|---:|").unwrap();
        for session in sessions(&told.yielded.days, self.scope) {
            let at = |of: &[(&str, &str)]| of.iter().find(|(day, _)| date(day) == session.date).map_or("–", |(_, close)| close).to_owned();
            let closes: String = columns.clone().map(|(_, closes)| format!(" {} |", at(closes))).collect();
            let flow = |amount: Money| if amount.is_zero() { String::new() } else { money(Some(amount)) };
            let daily = session.daily_return.map_or("none".into(), |r| format!("{:.4} %", r * 100.0 + 0.0));
            let (inflow, outflow) = (flow(session.inflow), flow(session.outflow));
            writeln!(page, "| {} |{closes} {} | {inflow} | {outflow} | {daily} |", session.date, money(session.value)).unwrap();
        }
        writeln!(page, "\n| measure | by hand | ledger |\n|---|---|---:|").unwrap();
        for (measure, sum) in self.by_hand {
            let value = self.measure(measure);
            let shown = if measure.contains("return") { format!("{:.6} %", value * 100.0 + 0.0) } else { format!("{:.4}", value + 0.0) };
            let shown =
                if shown.contains('.') && !shown.contains('%') { shown.trim_end_matches('0').trim_end_matches('.') } else { &shown };
            writeln!(page, "| {measure} | {} | {shown} |", sum.replace('*', "×").replace(" - ", " − ")).unwrap();
        }
        for finding in &told.yielded.findings {
            writeln!(page, "\nReported as `{}`: {}", finding.code, finding.message).unwrap();
        }
    }
}

#[test]
fn worked_examples_work_out() {
    for example in stories::ALL {
        let told = example.told(CostBasis::Fifo);
        let codes: Vec<&str> = told.yielded.findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(codes, example.reported, "{}", example.title);
        for (measure, sum) in example.by_hand {
            let (by_hand, ledger) = (worked_out(sum), example.measure(measure));
            // Money is kept with four decimals.
            let precision = if measure.contains("return") { 1e-9 } else { 0.00006 };
            assert!((by_hand - ledger).abs() <= precision, "{}: {measure}: {sum} is {by_hand}, the ledger says {ledger}", example.title);
        }
    }
}

#[test]
fn the_document_of_worked_examples_is_up_to_date() {
    let mut page = format!(
        "# Worked examples\n\nStories with small numbers, told by the ledger of `app/src/analytics` and worked out by hand beside it. A test writes this page and fails\nwhen it differs: `{COMMAND}` rewrites it.\n\nEach begins with nothing, in dollars, under FIFO where nothing else is said. Flows in are at work from the start of their session, flows out\nuntil its end: return = (value + out) / (value before + in) − 1. [LEDGER.md](LEDGER.md) says what each type of transaction moves.\n"
    );
    stories::ALL.iter().for_each(|example| example.write(&mut page));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/WORKED-EXAMPLES.md");
    if std::env::var_os("WRITE_DOCS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    assert!(fs::read_to_string(&file).unwrap_or_default() == page, "docs/WORKED-EXAMPLES.md differs; rewrite it: {COMMAND}");
}
