//! The JSON document: money as decimal strings, ratios as numbers, and beside each `null` a reason.

use super::{Booked, PERIODS_A_YEAR, by_symbol, transactions};
use app::{
    analytics::{
        ledger::{Holding, Realized},
        period::{Period, Scope},
    },
    domain::{Currency, Figure, Money},
};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Everything about a period; positions and lots at its end.
pub(super) fn document(booked: &Booked, period: &Period<'_>) -> Value {
    let mut reasons = Map::new();
    let value = period.sessions.last().and_then(|session| session.value);
    if value.is_none() {
        reasons.insert("value".into(), json!("a price or an exchange rate is missing; see the findings"));
    }
    let gain = period.total_gain();
    if let Err(reason) = &gain {
        reasons.insert("total_gain".into(), json!(reason));
    }
    let (sums, residual) = (booked.sums(period), booked.residual(period));
    if sums.is_none() {
        let reason = "an amount had no exchange rate, so sums in base currency are incomplete; see the findings";
        for key in ["income", "fees", "fees_in_lots", "fees_paid", "taxes", "realized_gain", "residual"] {
            reasons.insert(key.into(), json!(reason));
        }
    } else if residual.is_none() {
        reasons.insert("residual".into(), json!("the total gain or a part of it is unknown; see the findings"));
    }
    let of = |of: fn(&super::Sums) -> Money| sums.as_ref().map(|sums| money(of(sums)));
    let known = |of: fn(&super::Sums) -> Option<Money>| sums.as_ref().and_then(of).map(money);
    json!({
        "base": booked.base,
        "scope": if booked.scope == Scope::Account { "account" } else { "holdings" },
        "from": period.opening.map(|session| session.date).or(period.sessions.first().map(|session| session.date)),
        "to": period.sessions.last().map(|session| session.date),
        "value": value.map(money),
        "opening_value": period.opening_value().map(money),
        "cash": cash(booked),
        "positions": positions(&booked.yielded.holdings),
        "lots": lots(booked),
        "realized": booked.yielded.realized.iter().filter(|part| booked.from.is_none_or(|from| part.closed_on > from)).map(realized).collect::<Vec<_>>(),
        "realized_gain": of(|sums| sums.realized),
        "unrealized_gain": known(|sums| sums.unrealized),
        "income": of(|sums| sums.income),
        "fees": of(|sums| sums.fees),
        "fees_in_lots": of(|sums| sums.fees_in_lots),
        "fees_paid": of(|sums| sums.fees + sums.fees_in_lots),
        "taxes": of(|sums| sums.taxes),
        "currency_effect": {
            "realized": of(|sums| sums.realized_currency),
            "unrealized": known(|sums| sums.unrealized_currency),
            "cash": known(|sums| sums.cash_currency),
        },
        "total_gain": gain.ok().map(money),
        "residual": residual.map(money),
        "returns": returns(period),
        "contributions": booked.contributions(period),
        "daily": period.sessions.iter().map(|session| json!({
            "date": session.date, "value": session.value.map(money), "inflow": money(session.inflow), "outflow": money(session.outflow),
            "return": session.daily_return,
        })).collect::<Vec<_>>(),
        "findings": booked.yielded.findings.iter().map(|finding| json!({
            "code": finding.code, "date": finding.session_date, "symbol": finding.symbol,
            "line": finding.key.as_deref().and_then(transactions::line), "message": finding.message,
        })).collect::<Vec<_>>(),
        "reasons": reasons,
    })
}

/// At least two decimals, more where there are more.
pub(super) fn money(amount: Money) -> String {
    amount.plain()
}

fn decimal(amount: Decimal) -> String {
    Money(amount).plain()
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

/// By currency, over all accounts; holdings have no cash.
pub(super) fn cash(booked: &Booked) -> BTreeMap<Currency, String> {
    let mut sums: BTreeMap<Currency, Money> = BTreeMap::new();
    if booked.scope == Scope::Account {
        booked.state.cash.values().flatten().for_each(|(currency, cash)| *sums.entry(*currency).or_default() += *cash);
    }
    sums.into_iter().map(|(currency, cash)| (currency, money(cash))).collect()
}

fn positions(holdings: &[Holding]) -> Vec<Value> {
    let position = |held: Vec<&Holding>| -> Option<Value> {
        let one = *held.first()?;
        let sum = |of: fn(&Holding) -> Option<Money>| held.iter().map(|held| of(held)).sum::<Option<Money>>();
        let quantity: Decimal = held.iter().map(|held| held.quantity).sum();
        let (cost, value) = (sum(|held| held.cost), sum(|held| held.market_value));
        let average = cost.and_then(|cost| cost.0.checked_div(quantity)).map(|average| average.round_dp(10));
        Some(json!({
            "symbol": one.symbol,
            "quantity": plain(quantity),
            "cost_basis": cost.map(money),
            "average_cost": average.map(decimal),
            "price": one.price.map(|(_, price)| plain(price)),
            "price_date": one.price.map(|(day, _)| day),
            "price_currency": one.currency,
            "rate": one.rate.map(plain),
            "market_value": value.map(money),
            "unrealized_gain": sum(|held| held.unrealized).map(money),
            "currency_effect": sum(|held| held.currency_effect).map(money),
        }))
    };
    by_symbol(holdings, |held| &held.symbol).into_values().filter_map(position).collect()
}

fn lots(booked: &Booked) -> Vec<Value> {
    let lot = |lot: &app::analytics::ledger::Lot| {
        let cost = Some(lot.cost).filter(|_| !lot.is_unconverted);
        json!({
            "symbol": lot.symbol, "opened_on": lot.opened_on, "quantity": plain(lot.quantity), "cost": cost.map(money),
            "lot_id": lot.lot_id, "line": transactions::line(&lot.key),
            "local_cost": lot.local_cost.map(|local| decimal(local.amount)), "local_currency": lot.local_cost.map(|local| local.currency),
        })
    };
    booked.state.lots.iter().map(lot).collect()
}

fn realized(part: &Realized) -> Value {
    json!({
        "symbol": part.symbol, "opened_on": part.opened_on, "closed_on": part.closed_on, "quantity": plain(part.quantity),
        "proceeds": money(part.proceeds), "cost": money(part.cost), "gain": money(part.gain()), "term": part.term(),
        "price_effect": part.currency_effect.map(|effect| money(part.gain() - effect)),
        "currency_effect": part.currency_effect.map(money), "line": transactions::line(&part.key),
    })
}

/// Each a number or null; the reasons of those that are null stand beside them.
fn returns(period: &Period<'_>) -> Value {
    let returns = period.returns(PERIODS_A_YEAR);
    let named: [(&str, Figure<f64>); 4] = [
        ("time_weighted", returns.time_weighted),
        ("money_weighted", returns.money_weighted),
        ("modified_dietz", returns.modified_dietz),
        ("annualized", returns.annualized),
    ];
    let mut document: Map<String, Value> = named.iter().map(|(key, figure)| ((*key).into(), json!(figure.as_ref().ok()))).collect();
    let reasons: Map<String, Value> =
        named.iter().filter_map(|(key, figure)| Some(((*key).into(), json!(figure.as_ref().err()?)))).collect();
    document.insert("reasons".into(), Value::Object(reasons));
    let without = period.sessions.iter().filter(|session| session.daily_return.is_none()).count();
    document.insert("sessions".into(), json!(period.sessions.len()));
    document.insert("without_return".into(), json!(without));
    Value::Object(document)
}
