//! `plumbline performance`: what a file of transactions is worth and how it did, by the same ledger as every page.

mod document;
mod market;
mod printed;
mod rows;
mod transactions;

use super::{Format, date, in_order, table::TableError};
use app::{
    analytics::{
        contribution::{self, Contributions, Member},
        ledger::{AccountRules, CostBasis, Input, PortfolioDay, Rates, Realized, State, Yield, book},
        period::{Period, Scope, Session, sessions},
        returns::SESSIONS_A_YEAR,
    },
    domain::{Currency, Money, Symbol},
};
use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// What a file of transactions is worth, day by day, and how it did.
#[derive(Debug, Args)]
pub struct PerformanceArgs {
    /// CSV: date,type,symbol,quantity,price,amount,fee,tax,currency[,ratio][,counter_symbol][,cost_share][,lot_id]; see docs/LEDGER.md
    #[arg(long, value_name = "FILE")]
    transactions: PathBuf,
    /// CSV of unadjusted closes: date,symbol,close[,currency]
    #[arg(long, value_name = "FILE")]
    prices: PathBuf,
    /// CSV of exchange rates: date,currency,rate (base currency for one unit), or date,pair,rate (EURUSD), or a column a pair
    #[arg(long, value_name = "FILE")]
    fx: Option<PathBuf>,
    /// The currency in which everything is counted
    #[arg(long, value_name = "CURRENCY", default_value = "USD", value_parser = base)]
    base: Currency,
    /// Measure from this day's close on; without it from the first transaction on
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<NaiveDate>,
    /// The last day
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<NaiveDate>,
    /// Which lots a sale closes
    #[arg(long, value_enum, default_value_t)]
    cost_basis: Basis,
    /// The whole account, or its holdings without cash
    #[arg(long, value_enum, default_value_t)]
    scope: Measured,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn base(text: &str) -> Result<Currency, String> {
    let currency = Currency::parse(text).map_err(|error| error.to_string())?;
    if currency.is_minor() { Err(format!("{currency} is a hundredth of {0}; use {0}", currency.major())) } else { Ok(currency) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Basis {
    /// The oldest first
    #[default]
    Fifo,
    /// The newest first
    Lifo,
    /// The highest cost per share first
    Hifo,
    /// All shares cost the same
    Average,
    /// Those that the sale names by lot_id
    Specific,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Measured {
    /// Cash counts; deposits and withdrawals are flows
    #[default]
    Account,
    /// No cash: purchases come in, sales and income go out
    Holdings,
}

/// A booked file, before anything is printed.
struct Booked {
    base: Currency,
    scope: Scope,
    state: State,
    yielded: Yield,
    /// In the scope, from the first transaction on.
    sessions: Vec<Session>,
    from: Option<NaiveDate>,
}

/// Prints value, lots, gains, returns and every day.
///
/// # Errors
/// [`TableError`] that names every wrong line of the files.
pub fn performance(args: &PerformanceArgs) -> Result<(), TableError> {
    in_order(args.from, args.to)?;
    let booked = booked(args)?;
    let period = Period::of(&booked.sessions, booked.from, args.to);
    let period = period.map_err(|reason| TableError::Refused(format!("{reason}; choose another --from or --to.")))?;
    match args.format {
        Format::Json => say!("{}", document::document(&booked, &period)),
        Format::Table => printed::print(&booked, &period),
    }
    Ok(())
}

fn booked(args: &PerformanceArgs) -> Result<Booked, TableError> {
    let prices = market::prices(&args.prices, args.base)?;
    let mut read = transactions::read(&args.transactions, args.base, &prices.currencies)?;
    let exchange = args.fx.as_ref().map(|file| market::rates(file, args.base)).transpose()?;
    let mut faults = std::mem::take(&mut read.faults);
    faults.extend(prices.faults);
    let (rates, wrong) = exchange.map_or_else(|| (Rates::new(), Vec::new()), |exchange| (exchange.rates, exchange.faults));
    faults.extend(wrong);
    let abroad = read.transactions.iter().filter(|transaction| transaction.currency != args.base);
    let doubtful: BTreeSet<(&Symbol, Currency)> = abroad
        .filter_map(|transaction| Some((transaction.symbol.as_ref()?, transaction.currency)))
        .filter(|(symbol, _)| prices.unnamed.contains(*symbol))
        .collect();
    faults.extend(doubtful.into_iter().map(|(symbol, currency)| {
        format!(
            "{}: the prices of {symbol} name no currency, and it is traded in {currency}; add a column currency to the prices, with {currency} or {}.",
            args.prices.display(),
            args.base
        )
    }));
    if !faults.is_empty() {
        return Err(TableError::Refused(faults.join("\n")));
    }
    let first = read.transactions.iter().map(|transaction| transaction.traded_on).min();
    let first = first.ok_or_else(|| TableError::Refused(format!("{}: there are no transactions.", args.transactions.display())))?;
    let days: BTreeSet<NaiveDate> = prices.days.into_iter().chain(read.transactions.iter().map(|one| one.traded_on)).collect();
    let days: Vec<NaiveDate> = days.into_iter().filter(|day| *day >= first && args.to.is_none_or(|to| *day <= to)).collect();
    let cost_basis = match args.cost_basis {
        Basis::Fifo => CostBasis::Fifo,
        Basis::Lifo => CostBasis::Lifo,
        Basis::Hifo => CostBasis::Hifo,
        Basis::Average => CostBasis::Average,
        Basis::Specific => CostBasis::Specific,
    };
    // A short sale is one that says so; selling more than is held stays a mistake.
    let rules = AccountRules { cost_basis, allows_short: true, sells_short: false };
    let accounts = read.accounts.into_iter().map(|account| (account, rules)).collect();
    let input = Input {
        sessions: &days,
        accounts: &accounts,
        transactions: &read.transactions,
        splits: &[],
        dividends: &[],
        closes: &prices.closes,
        base: args.base,
        currencies: &prices.currencies,
        rates: &rates,
    };
    let (state, yielded) = book(State::default(), &input);
    let scope = if args.scope == Measured::Account { Scope::Account } else { Scope::Holdings };
    let sessions = sessions(&yielded.days, scope);
    // What lies before everything opens with nothing.
    let from = args.from.filter(|from| *from >= first);
    Ok(Booked { base: args.base, scope, state, yielded, sessions, from })
}

/// Sums of a period: what the days of its two ends say, apart.
struct Sums {
    realized: Money,
    /// `None`: of a closed lot a rate is missing.
    realized_currency: Option<Money>,
    income: Money,
    fees: Money,
    fees_in_lots: Money,
    taxes: Money,
    /// Change of the unrealized gain, without what securities brought along; `None`: unknown.
    unrealized: Option<Money>,
    unrealized_currency: Option<Money>,
    cash_currency: Option<Money>,
}

impl Booked {
    fn day(&self, date: NaiveDate) -> Option<&PortfolioDay> {
        self.yielded.days.iter().find(|day| day.session_date == date)
    }

    /// Closed in the period.
    fn realized(&self) -> impl Iterator<Item = &Realized> {
        self.yielded.realized.iter().filter(|part| self.from.is_none_or(|from| part.closed_on > from))
    }

    /// `None`: an amount had no rate, so the sums are incomplete.
    fn sums(&self, period: &Period<'_>) -> Option<Sums> {
        let last = self.day(period.sessions.last()?.date)?;
        let opening = period.opening.and_then(|session| self.day(session.date));
        // A state in which nothing is known to be missing, or the same things as at the opening.
        if last.last_unconverted != opening.and_then(|day| day.last_unconverted) {
            return None;
        }
        let before = opening.map(|day| day.totals).unwrap_or_default();
        let of = |of: fn(&PortfolioDay) -> Option<Money>| {
            let opened = opening.map_or(Some(Money::ZERO), of)?;
            Some(of(last)? - opened)
        };
        let (taxes, costs) = (last.totals.taxes - before.taxes, last.totals.costs - before.costs);
        Some(Sums {
            realized: last.totals.realized - before.realized,
            realized_currency: self.realized().map(|part| part.currency_effect).sum(),
            income: last.totals.income - before.income,
            fees: costs - taxes,
            fees_in_lots: last.totals.fees_in_lots - before.fees_in_lots,
            taxes,
            unrealized: of(|day| day.unrealized.map(|unrealized| unrealized - day.totals.brought_in)),
            unrealized_currency: of(|day| day.unrealized_currency),
            cash_currency: if self.scope == Scope::Holdings { Some(Money::ZERO) } else { of(|day| day.cash_currency) },
        })
    }

    /// The period by holding.
    fn contributions(&self, period: &Period<'_>) -> Contributions {
        let members: Vec<Member<'_>> = self.yielded.courses.iter().map(|course| Member { course, group: None }).collect();
        let sums = self.sums(period).and_then(|sums| {
            let Sums { income, fees, taxes, cash_currency, .. } = sums;
            Some(contribution::Sums { income, costs: fees + taxes, cash_currency: cash_currency? })
        });
        Contributions::of(period, &members, sums)
    }

    /// The total gain less all of its parts: 0 unless something is wrong.
    fn residual(&self, period: &Period<'_>) -> Option<Money> {
        let (gain, sums) = (period.total_gain().ok()?, self.sums(period)?);
        Some(gain - sums.realized - sums.unrealized? - sums.income + sums.fees + sums.taxes - sums.cash_currency?)
    }
}

/// Sessions in a year, for the annualized return.
const PERIODS_A_YEAR: f64 = SESSIONS_A_YEAR;

/// The symbols' positions over all accounts, for whom the file's accounts are one.
fn by_symbol<T>(rows: &[T], symbol: impl Fn(&T) -> &Symbol) -> BTreeMap<&Symbol, Vec<&T>> {
    let mut by_symbol: BTreeMap<&Symbol, Vec<&T>> = BTreeMap::new();
    rows.iter().for_each(|row| by_symbol.entry(symbol(row)).or_default().push(row));
    by_symbol
}
