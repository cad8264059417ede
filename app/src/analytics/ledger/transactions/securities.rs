//! Trades, short sales, reinvested dividends, and securities that come in or leave with their lots.

use super::{
    super::{
        booking::Booking,
        courses::Moved,
        input::{AccountRules, Kind, Transaction},
        position::Trade,
    },
    Sums,
};
use crate::domain::{Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;

impl Booking<'_> {
    pub(super) fn trade(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, rules: AccountRules) {
        if !self.is_trade(session, transaction) {
            return;
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        let held = self.positions[number].quantity;
        let is_sale = transaction.kind == Kind::Sell;
        if is_sale && !(rules.allows_short && rules.sells_short) && transaction.quantity > held {
            return self.oversold(session, transaction, symbol, held);
        }
        if is_sale && !self.lot_is_known(session, transaction, number, transaction.quantity.min(held)) {
            return;
        }
        self.exchange_shares(session, transaction, number, is_sale);
    }

    /// Sells what isn't held, or buys it back.
    pub(super) fn trade_short(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, rules: AccountRules) {
        if !self.is_trade(session, transaction) {
            return;
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        let held = self.positions[number].quantity;
        let (quantity, day) = (transaction.quantity.normalize(), transaction.traded_on);
        if transaction.kind == Kind::Cover {
            let owed = (-held).max(Decimal::ZERO);
            if quantity > owed {
                let message = format!(
                    "{quantity} {symbol} are bought back on {day} but only {} are owed; enter the missing short sale, or a purchase for the rest.",
                    owed.normalize()
                );
                return self.finding(session, "not_held", Some(transaction), message);
            }
            if self.lot_is_known(session, transaction, number, quantity) {
                self.exchange_shares(session, transaction, number, false);
            }
            return;
        }
        if !rules.allows_short {
            let message = format!(
                "{quantity} {symbol} are sold short on {day}, which this account doesn't allow; allow it in the account's settings."
            );
            return self.finding(session, "short_not_allowed", Some(transaction), message);
        }
        if held > Decimal::ZERO {
            let message =
                format!("{quantity} {symbol} are sold short on {day} while {} are held; enter a sale of those first.", held.normalize());
            return self.finding(session, "held_long", Some(transaction), message);
        }
        self.exchange_shares(session, transaction, number, true);
    }

    /// The shares that a dividend bought: income and a purchase for the same amount.
    pub(super) fn reinvest(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol) {
        if !self.is_trade(session, transaction) {
            return;
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        let sums = self.sums(session, transaction);
        self.totals.income += sums.base_amount;
        self.settle(transaction, &sums, symbol);
        self.move_cash(transaction, sums.currency, sums.amount, sums.base_amount);
        self.moves(Some(symbol), Moved::income(sums.base_amount));
        self.exchange_shares(session, transaction, number, false);
    }

    fn is_trade(&mut self, session: NaiveDate, transaction: &Transaction) -> bool {
        let is_trade = transaction.quantity > Decimal::ZERO && transaction.amount >= Decimal::ZERO;
        if !is_trade {
            self.incomplete(session, transaction, "needs a quantity above zero and an amount that isn't negative");
        }
        is_trade
    }

    /// Whether the lot that a transaction names holds enough; says so if it doesn't.
    pub(super) fn lot_is_known(&mut self, session: NaiveDate, transaction: &Transaction, number: usize, quantity: Decimal) -> bool {
        let name = transaction.lot_id.as_deref();
        let available = self.positions[number].available(name);
        if available >= quantity {
            return true;
        }
        let message = format!(
            "{} {} leave the lot “{}” on {} but it holds {}; name another lot or correct the quantity.",
            quantity.normalize(),
            self.positions[number].symbol,
            name.unwrap_or_default(),
            transaction.traded_on,
            available.normalize()
        );
        self.finding(session, "unknown_lot", Some(transaction), message);
        false
    }

    /// Shares for money. The fee is in the lot's cost, or lessens the proceeds; the tax is in no lot.
    fn exchange_shares(&mut self, session: NaiveDate, transaction: &Transaction, number: usize, is_sale: bool) {
        let sums = self.sums(session, transaction);
        let (quantity, cost, base_cost) = if is_sale {
            (-transaction.quantity, sums.fee - sums.amount, sums.base_fee - sums.base_amount)
        } else {
            (transaction.quantity, sums.amount + sums.fee, sums.base_amount + sums.base_fee)
        };
        // Nobody puts capital in by buying back what is owed, nor by letting a dividend buy shares.
        let is_capital = transaction.kind == Kind::Buy && !self.positions[number].quantity.is_sign_negative();
        let trade = self.traded(session, transaction, number, &sums, (quantity, cost, base_cost));
        let realized = self.change(number, |position| position.trade(&trade));
        self.realize(realized);
        self.totals.fees_in_lots += sums.base_fee;
        self.totals.costs += sums.base_tax;
        self.totals.taxes += sums.base_tax;
        self.move_cash(transaction, sums.currency, -cost - sums.tax, -base_cost - sums.base_tax);
        let place = self.positions[number].place;
        let moved = if is_capital { Moved::invested(base_cost) } else { Moved::net(base_cost) };
        self.moved.extend([(place, moved), (place, Moved::costs(sums.base_tax))]);
    }

    /// A trade in the words of a position: its cost is told in base currency and in that of the symbol's prices.
    pub(super) fn traded<'t>(
        &mut self,
        session: NaiveDate,
        transaction: &'t Transaction,
        number: usize,
        sums: &Sums,
        (quantity, cost, base_cost): (Decimal, Decimal, Money),
    ) -> Trade<'t> {
        let abroad = self.abroad(session, self.positions[number].place);
        let local_cost = abroad.and_then(|abroad| {
            if abroad.currency == sums.currency { Some(cost) } else { self.exchange.local(base_cost, abroad.currency, session) }
        });
        let (day, key) = (session, transaction.key.as_str());
        let name = |kinds: &[Kind]| transaction.lot_id.as_deref().filter(|_| kinds.contains(&transaction.kind));
        let opens = name(&[Kind::Buy, Kind::Reinvest, Kind::Short, Kind::TransferIn, Kind::Opening]);
        let closes = name(&[Kind::Sell, Kind::Cover]);
        Trade {
            day,
            key,
            opened_on: session,
            quantity,
            cost: base_cost,
            is_unconverted: sums.is_unconverted,
            local_cost,
            abroad,
            opens,
            closes,
        }
    }

    /// Securities come in at the close's market value; the cost that comes along says how much of it is gain of before.
    pub(super) fn securities_in(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol) {
        if transaction.quantity <= Decimal::ZERO {
            return self.incomplete(session, transaction, "needs a quantity above zero");
        }
        let opened_on = transaction.opened_on.unwrap_or(session);
        if opened_on > session {
            return self.incomplete(session, transaction, "brings securities that were bought after they came");
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        let place = self.positions[number].place;
        let sums = self.sums(session, transaction);
        let has_cost = sums.amount > Decimal::ZERO || transaction.costs_nothing;
        let known_cost = Some(sums.base_amount).filter(|_| has_cost);
        // Without a price the cost stands in for the flow; the missing price is reported at the close.
        let known_worth = self.worth(session, place, transaction.quantity).or(known_cost);
        if known_worth.is_none() {
            self.miss(session);
        }
        let worth = known_worth.unwrap_or_default();
        let cost = known_cost.unwrap_or(worth);
        let trade = if has_cost {
            self.traded(session, transaction, number, &sums, (transaction.quantity, sums.amount, cost))
        } else {
            let base = Sums { currency: self.exchange.base, is_unconverted: known_worth.is_none(), ..sums };
            self.traded(session, transaction, number, &base, (transaction.quantity, cost.0, cost))
        };
        // Into a short position they come to close it.
        let is_owed = self.positions[number].quantity.is_sign_negative();
        let realized = self.change(number, |position| position.trade(&Trade { opened_on, ..trade }));
        self.realize(realized);
        self.net_flow += worth;
        self.totals.brought_in += worth - cost;
        let moved = if is_owed { Moved::net(worth) } else { Moved::invested(worth) };
        self.moved.extend([(place, moved), (place, Moved::costs(sums.base_fee + sums.base_tax))]);
        self.pay(transaction, &sums, Decimal::ZERO, Money::ZERO);
    }

    /// Securities leave at the close's market value; no gain is realized, their unrealized one leaves with them.
    pub(super) fn securities_out(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol) {
        if transaction.quantity <= Decimal::ZERO {
            return self.incomplete(session, transaction, "needs a quantity above zero");
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        let held = self.positions[number].quantity;
        if transaction.quantity > held {
            return self.oversold(session, transaction, symbol, held);
        }
        if !self.lot_is_known(session, transaction, number, transaction.quantity) {
            return;
        }
        let (place, lot_id) = (self.positions[number].place, transaction.lot_id.as_deref());
        let lots = self.change(number, |position| position.take(transaction.quantity, lot_id));
        let cost: Money = lots.iter().map(|lot| lot.cost).sum();
        let worth = self.worth(session, place, transaction.quantity);
        if lots.iter().any(|lot| lot.is_unconverted) {
            // How much gain leaves with them is unknown; without a worth so is the flow.
            self.last_unconverted = Some(session);
            self.is_unconverted_now |= worth.is_none();
        }
        let worth = worth.unwrap_or(cost);
        self.net_flow -= worth;
        self.totals.brought_in -= worth - cost;
        let sums = self.sums(session, transaction);
        self.moved.extend([(place, Moved::net(-worth)), (place, Moved::costs(sums.base_fee + sums.base_tax))]);
        self.pay(transaction, &sums, Decimal::ZERO, Money::ZERO);
    }
}
