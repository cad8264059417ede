//! What activities and splits add up to: cash and positions at the close of a session.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::activity::{Activity, Detail, Side};
use crate::simulator::market::{Market, Split};

/// Shares held and what they cost, at average cost as Alpaca reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    pub quantity: Decimal,
    pub cost: Decimal,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statement {
    pub cash: Decimal,
    pub positions: BTreeMap<String, Position>,
}

/// The activities that the broker shows: created by now, and of a day whose session has closed.
pub fn visible(activities: &[Activity], last: NaiveDate, now: DateTime<Utc>) -> Vec<&Activity> {
    activities.iter().filter(|activity| activity.date <= last && activity.created_at <= now).collect()
}

/// Adds up what is visible; a split applies before the trades of its day.
pub fn statement(activities: &[&Activity], market: &Market, last: NaiveDate) -> Statement {
    let mut statement = Statement::default();
    let mut fills: BTreeMap<&str, Vec<(NaiveDate, Side, Decimal, Decimal)>> = BTreeMap::new();
    for activity in activities {
        statement.cash += activity.cash();
        if let Detail::Fill { symbol, side, quantity, price, .. } = &activity.detail {
            fills.entry(symbol).or_default().push((activity.date, *side, *quantity, *price));
        }
    }
    for (symbol, mut fills) in fills {
        fills.sort_by_key(|fill| fill.0);
        let splits = market.listing(symbol).map(|listing| listing.splits_until(last)).unwrap_or_default();
        let position = position(&fills, splits);
        if !position.quantity.is_zero() {
            statement.positions.insert(symbol.to_owned(), position);
        }
    }
    statement
}

fn position(fills: &[(NaiveDate, Side, Decimal, Decimal)], splits: &[Split]) -> Position {
    let mut position = Position::default();
    let mut splits = splits.iter().peekable();
    for (date, side, quantity, price) in fills {
        while let Some(split) = splits.next_if(|split| split.execution_date <= *date) {
            position.quantity = after_split(position.quantity, split);
        }
        match side {
            Side::Buy => {
                position.quantity += quantity;
                position.cost += quantity * price;
            }
            Side::Sell => {
                let kept = position.quantity - quantity;
                position.cost = if position.quantity.is_zero() { Decimal::ZERO } else { position.cost * kept / position.quantity };
                position.quantity = kept;
            }
        }
    }
    for split in splits {
        position.quantity = after_split(position.quantity, split);
    }
    position
}

/// Shares after a split. Exact for every split and lot that the made-up accounts meet.
pub fn after_split(quantity: Decimal, split: &Split) -> Decimal {
    (quantity * Decimal::from(split.to) / Decimal::from(split.from)).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_split_multiplies_shares_before_the_trades_of_its_day_and_leaves_the_cost() {
        let split = Split { execution_date: day("2014-06-09"), from: 1, to: 7 };
        let fills = [
            (day("2014-01-06"), Side::Buy, Decimal::from(10), Decimal::from(560)),
            (day("2014-06-09"), Side::Sell, Decimal::from(35), Decimal::from(93)),
        ];
        let held = position(&fills, &[split]);
        assert_eq!((held.quantity, held.cost), (Decimal::from(35), Decimal::from(2_800)));
        assert_eq!(position(&fills[..1], &[split]).quantity, Decimal::from(70));
    }
}
