//! Writes activities down while it keeps cash and shares, so that an account never spends what it doesn't have.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::America::New_York;
use rust_decimal::{Decimal, RoundingStrategy};

use super::activity::{Activity, Detail, Side};
use super::statement::after_split;
use crate::calendar;
use crate::simulator::market::{Dividend, Split};
use crate::simulator::random;

pub struct Book {
    key: u64,
    activities: Vec<Activity>,
    pub cash: Decimal,
    /// Shares by symbol; none at zero.
    pub shares: BTreeMap<String, Decimal>,
    /// Dividends gone ex and not yet paid.
    due: Vec<(NaiveDate, String, Decimal, Decimal)>,
}

impl Book {
    pub fn new(key: u64) -> Self {
        Self { key, activities: Vec::new(), cash: Decimal::ZERO, shares: BTreeMap::new(), due: Vec::new() }
    }

    /// Oldest first by creation.
    pub fn into_activities(mut self) -> Vec<Activity> {
        self.activities.sort_by(|a, b| a.id.cmp(&b.id));
        self.activities
    }

    /// A number that is this account's for an entry of this day.
    pub fn draw(&self, date: NaiveDate, what: &str) -> u64 {
        random::named(random::at(self.key, self.activities.len() as u64), &format!("{date}{what}"))
    }

    pub fn deposit(&mut self, date: NaiveDate, amount: Decimal) {
        self.money("CSD", date, new_york(date, 8, 30), amount, "cash deposit");
    }

    /// Nothing happens where the account has less.
    pub fn withdraw(&mut self, date: NaiveDate, amount: Decimal) {
        if amount > Decimal::ZERO && self.cash >= amount {
            self.money("CSW", date, new_york(date, 15, 10), -amount, "cash withdrawal");
        }
    }

    /// Interest of the month that ended on `date`, credited in the night after it.
    pub fn interest(&mut self, date: NaiveDate, yearly: Decimal) {
        let amount = cents(self.cash * yearly / Decimal::from(12));
        if amount > Decimal::ZERO {
            self.money("INT", date, new_york(date + Days::new(1), 2, 5), amount, "interest on cash");
        }
    }

    /// Buys in one execution, or in two or three when `pieces` says so. Nothing happens where the cash doesn't suffice.
    pub fn buy(&mut self, date: NaiveDate, symbol: &str, quantity: Decimal, price: Decimal, pieces: u32) -> bool {
        let cost = quantity * price;
        if quantity <= Decimal::ZERO || cost > self.cash {
            return false;
        }
        self.fill(date, symbol, Side::Buy, quantity, price, pieces);
        *self.shares.entry(symbol.to_owned()).or_default() += quantity;
        self.cash -= cost;
        true
    }

    /// Sells what is held, and leaves the regulator's fee on the sale for the next day: it counts on the day of the trade
    /// and is created on the day after, as Alpaca does.
    pub fn sell(&mut self, date: NaiveDate, symbol: &str, quantity: Decimal, price: Decimal, pieces: u32) -> bool {
        let held = self.shares.get(symbol).copied().unwrap_or_default();
        if quantity <= Decimal::ZERO || quantity > held {
            return false;
        }
        self.fill(date, symbol, Side::Sell, quantity, price, pieces);
        let proceeds = quantity * price;
        self.cash += proceeds;
        if held == quantity {
            self.shares.remove(symbol);
        } else {
            self.shares.insert(symbol.to_owned(), held - quantity);
        }
        /// Of the proceeds, about what the regulators take on a sale.
        const REGULATORY_FEE: Decimal = Decimal::from_parts(278, 0, 0, false, 7);
        let fee = (proceeds * REGULATORY_FEE).round_dp_with_strategy(2, RoundingStrategy::ToPositiveInfinity);
        self.money("FEE", date, new_york(date + Days::new(1), 1, 40), -fee, "regulatory fee on sales");
        true
    }

    /// Before the trades of the day on which it is in force.
    pub fn split(&mut self, symbol: &str, split: &Split) {
        if let Some(held) = self.shares.get_mut(symbol) {
            *held = after_split(*held, split);
        }
    }

    /// Before the trades of the ex-date: what was held the evening before gets the dividend.
    pub fn goes_ex(&mut self, symbol: &str, dividend: &Dividend) {
        if let Some(held) = self.shares.get(symbol) {
            self.due.push((dividend.pay_date, symbol.to_owned(), *held, dividend.amount));
        }
    }

    /// Pays what is due up to `date`.
    pub fn pay_dividends(&mut self, date: NaiveDate) {
        let (payable, due) = std::mem::take(&mut self.due).into_iter().partition(|due| due.0 <= date);
        self.due = due;
        let payable: Vec<(NaiveDate, String, Decimal, Decimal)> = payable;
        for (pay_date, symbol, quantity, per_share) in payable {
            let amount = cents(quantity * per_share);
            let detail = Detail::Money {
                amount,
                symbol: Some(symbol),
                quantity: Some(quantity),
                per_share: Some(per_share),
                description: "cash dividend",
            };
            self.enter("DIV", pay_date, new_york(pay_date, 1, 19), detail);
            self.cash += amount;
        }
    }

    fn money(&mut self, kind: &str, date: NaiveDate, created_at: DateTime<Utc>, amount: Decimal, description: &'static str) {
        self.cash += amount;
        self.enter(kind, date, created_at, Detail::Money { amount, symbol: None, quantity: None, per_share: None, description });
    }

    fn fill(&mut self, date: NaiveDate, symbol: &str, side: Side, quantity: Decimal, price: Decimal, pieces: u32) {
        let order_id = random::uuid(self.draw(date, "order"), 0);
        let minutes = random::below(self.draw(date, symbol), 180) as i64;
        let mut created_at = calendar::session(date).open_at + TimeDelta::minutes(10 + minutes);
        let mut left = quantity;
        for piece in (1..=pieces.max(1)).rev() {
            let part = if piece == 1 { left } else { (left / Decimal::from(piece)).floor() };
            if part.is_zero() {
                continue;
            }
            left -= part;
            let cumulative = quantity - left;
            let detail =
                Detail::Fill { symbol: symbol.to_owned(), side, quantity: part, price, cumulative, left, order_id: order_id.clone() };
            self.enter("FILL", date, created_at, detail);
            created_at += TimeDelta::milliseconds(2_417);
        }
    }

    fn enter(&mut self, kind: &str, date: NaiveDate, created_at: DateTime<Utc>, detail: Detail) {
        let number = self.activities.len() as u64;
        let created_at = created_at + TimeDelta::milliseconds(random::below(random::at(self.key, number), 900) as i64);
        self.activities.push(Activity::new(self.key, number, kind, date, created_at, detail));
    }
}

/// To the cent, half to even.
pub fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointNearestEven)
}

/// An hour of the day in New York; never one that its clock skips.
fn new_york(date: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
    date.and_time(time).and_local_timezone(New_York).earliest().map_or_else(|| calendar::midnight(date), |at| at.with_timezone(&Utc))
}
