//! What a ledger is made of: transactions, events, prices, rates, and how accounts are kept.

use crate::domain::{AccountId, Currency, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What kind of thing happened. The names are those of the CSV and of `staging.transactions`; the order is that in which the
/// transactions of one session are booked, those of one kind by their key. docs/LEDGER.md says what each moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `ratio` new shares for one old, in force before the session's trades; below 1: a reverse split. The cost stays.
    /// `amount`: what was paid for the fraction of a share that is left, which is thereby sold.
    Split,
    /// `ratio` new shares for each held, or `quantity` new shares in all. No income: the cost spreads over more shares.
    StockDividend,
    /// `counter_symbol` comes to `ratio` shares for each held (or `quantity` in all), and takes `cost_share` of the cost and
    /// the days of opening along. `amount`: what was paid for a fraction of the new shares.
    SpinOff,
    /// All shares (or `quantity`) go. For `counter_symbol`, `ratio` for one: cost and days of opening go along. For `amount`
    /// alone: a sale. For both: the part of the cost that `amount` is of `amount` and the new shares' value is sold.
    Merger,
    /// Shares of `symbol` are called `counter_symbol` from now on.
    SymbolChange,
    /// `amount` comes as cash and lessens the cost of each lot by its shares; what exceeds a lot's cost is realized.
    ReturnOfCapital,
    /// A balance from before the first transaction: cash (`amount`), or securities as with [`Kind::TransferIn`].
    Opening,
    Deposit,
    /// Cash (`amount`), or securities at the session's close: `amount` is the cost that comes along, `opened_on` the day.
    TransferIn,
    /// Buys back what was sold short.
    Cover,
    /// Opens a lot for `amount` and `fee`; where shares are owed, they are bought back first.
    Buy,
    /// A dividend of `amount` that bought `quantity` shares at once: income and purchase, no cash moves but fee and tax.
    Reinvest,
    Sell,
    /// Sells what isn't held, where the account allows it.
    Short,
    Dividend,
    Interest,
    Fee,
    Tax,
    /// Cash, or securities at the session's close with their lots.
    TransferOut,
    Withdrawal,
}

/// One transaction, cleaned by staging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The broker's activity id, or "book:" and our transaction's number.
    pub key: String,
    pub account: AccountId,
    /// The day as entered; one without a session counts on the next session.
    pub traded_on: NaiveDate,
    pub kind: Kind,
    /// `None`: cash.
    pub symbol: Option<Symbol>,
    pub quantity: Decimal,
    /// Per share, raw.
    pub price: Decimal,
    /// The money before fee and tax, positive; the kind gives the direction. For dividends and interest a negative amount is
    /// a reversal. Of a transfer or opening of securities: the cost that comes along.
    pub amount: Decimal,
    /// An amount of 0 was named: securities that come in cost nothing. Else no amount means that they cost what they are worth.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub costs_nothing: bool,
    pub fee: Decimal,
    pub tax: Decimal,
    /// Of price, amount, fee and tax, and of the cash that moves.
    pub currency: Currency,
    /// Shares for one share; see the kinds of corporate actions.
    pub ratio: Option<Decimal>,
    /// What a spin-off, merger or symbol change yields.
    pub counter_symbol: Option<Symbol>,
    /// The part of the cost that goes to `counter_symbol`, from 0 to 1.
    pub cost_share: Option<Decimal>,
    /// Of what opens a lot: the lot's name. Of what closes some, under [`CostBasis::Specific`]: which.
    pub lot_id: Option<String>,
    /// Of securities that come in: when they were bought, for the holding period; `None`: on the day they come.
    pub opened_on: Option<NaiveDate>,
}

impl Transaction {
    /// One that moves nothing yet: a start for those who fill in the rest.
    pub fn blank(kind: Kind, account: AccountId, traded_on: NaiveDate, currency: Currency) -> Self {
        let zero = Decimal::ZERO;
        Self {
            key: String::new(),
            account,
            traded_on,
            kind,
            symbol: None,
            quantity: zero,
            price: zero,
            amount: zero,
            costs_nothing: false,
            fee: zero,
            tax: zero,
            currency,
            ratio: None,
            counter_symbol: None,
            cost_share: None,
            lot_id: None,
            opened_on: None,
        }
    }
}

/// New shares per old: `to / from`, in force before the session's trades.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    pub symbol: Symbol,
    pub execution_date: NaiveDate,
    pub from: Decimal,
    pub to: Decimal,
}

/// A cash dividend: receivable by who held at the close before the ex-date, from the ex-date to the pay date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dividend {
    pub symbol: Symbol,
    pub ex_date: NaiveDate,
    pub pay_date: Option<NaiveDate>,
    pub cash_amount: Decimal,
    /// `None`: the currency of the symbol's prices.
    pub currency: Option<Currency>,
}

/// Raw closes: symbol → session → close. Only good ones: quarantined rows are not in. Those before the first booked session
/// serve to carry a price into it.
pub type Closes = BTreeMap<Symbol, Vec<(NaiveDate, Decimal)>>;

/// Exchange rates: currency → day → units of the base currency for one unit of it. Each is carried forward; before the first
/// one whatever needs it is undefined. A ledger that goes on from a state needs the last one before its first session too.
/// Minor units (`GBX`) use the rate of their major currency.
pub type Rates = BTreeMap<Currency, Vec<(NaiveDate, Decimal)>>;

/// Which lots a sale closes. The names are those of the command line and of `book.account`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// The oldest first.
    #[default]
    Fifo,
    /// The newest first.
    Lifo,
    /// The highest cost per share first, of equals the oldest.
    Hifo,
    /// All shares cost the same; holding periods go by the oldest first.
    Average,
    /// Those that the sale names by `lot_id`; without a name the oldest first.
    Specific,
}

/// How an account is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountRules {
    pub cost_basis: CostBasis,
    /// Short sales are booked.
    pub allows_short: bool,
    /// A sale of more than is held is a short sale too, as brokers report it; needs `allows_short`.
    pub sells_short: bool,
}

/// What a ledger is made of, for one portfolio. Nothing needs to be sorted, except that `sessions` ascend.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// The sessions to book, ascending; all after the state's last one.
    pub sessions: &'a [NaiveDate],
    pub accounts: &'a BTreeMap<AccountId, AccountRules>,
    /// Those whose session is among `sessions`; earlier ones are in the state already and are refused as findings.
    pub transactions: &'a [Transaction],
    pub splits: &'a [Split],
    pub dividends: &'a [Dividend],
    pub closes: &'a Closes,
    /// The portfolio's currency, in which everything is counted.
    pub base: Currency,
    /// In which currency each symbol's closes are; one that isn't here: in `base`.
    pub currencies: &'a BTreeMap<Symbol, Currency>,
    pub rates: &'a Rates,
}
