//! The JSON document: money as decimal strings, ratios as numbers, and beside each `null` a reason.

use super::{Booked, PERIODS_A_YEAR, by_symbol, transactions};
use app::{
    analytics::{
        ledger::{Holding, Realized},
        period::{Period, Scope, Session},
    },
    domain::{Currency, Figure, Money},
};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Everything about a period; positions and lots at its end.
pub(super) fn document(booked: &Booked, period: &Period<'_>) -> Value {
    let value = period.sessions.last().and_then(|session| session.value);
    let gain = period.total_gain();
    let (sums, residual) = (booked.sums(period), booked.residual(period));
    let total = gain.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let of_sums = |what| if sums.is_none() { INCOMPLETE } else { what };
    let reasons = [
        ("value", NO_VALUE),
        ("opening_value", NO_VALUE),
        ("total_gain", total.as_str()),
        ("realized_gain", INCOMPLETE),
        ("income", INCOMPLETE),
        ("fees", INCOMPLETE),
        ("fees_in_lots", INCOMPLETE),
        ("fees_paid", INCOMPLETE),
        ("taxes", INCOMPLETE),
        ("unrealized_gain", of_sums(NO_UNREALIZED)),
        ("residual", of_sums("the total gain or a part of it is unknown; see the findings")),
    ];
    let effects = [
        ("realized", of_sums("an exchange rate of the day on which a lot was bought or sold is missing")),
        ("unrealized", of_sums(NO_UNREALIZED)),
        ("cash", of_sums("what the foreign cash cost is unknown: an amount had no exchange rate; see the findings")),
    ];
    let of = |of: fn(&super::Sums) -> Money| sums.as_ref().map(|sums| money(of(sums)));
    let known = |of: fn(&super::Sums) -> Option<Money>| sums.as_ref().and_then(of).map(money);
    let currency_effect = json!({
        "realized": known(|sums| sums.realized_currency),
        "unrealized": known(|sums| sums.unrealized_currency),
        "cash": known(|sums| sums.cash_currency),
    });
    let document = json!({
        "base": booked.base,
        "scope": if booked.scope == Scope::Account { "account" } else { "holdings" },
        "from": period.opening.map(|session| session.date).or(period.sessions.first().map(|session| session.date)),
        "to": period.sessions.last().map(|session| session.date),
        "value": value.map(money),
        "opening_value": period.opening_value().map(money),
        "cash": cash(booked),
        "positions": positions(&booked.yielded.holdings),
        "lots": lots(booked),
        "realized": booked.realized().map(realized).collect::<Vec<_>>(),
        "realized_gain": of(|sums| sums.realized),
        "unrealized_gain": known(|sums| sums.unrealized),
        "income": of(|sums| sums.income),
        "fees": of(|sums| sums.fees),
        "fees_in_lots": of(|sums| sums.fees_in_lots),
        "fees_paid": of(|sums| sums.fees + sums.fees_in_lots),
        "taxes": of(|sums| sums.taxes),
        "currency_effect": with_reasons(currency_effect, &effects),
        "total_gain": gain.ok().map(money),
        "residual": residual.map(money),
        "returns": returns(period),
        "contributions": booked.contributions(period),
        "daily": daily(period),
        "findings": booked.yielded.findings.iter().map(|finding| json!({
            "code": finding.code, "date": finding.session_date, "symbol": finding.symbol,
            "line": finding.key.as_deref().and_then(transactions::line), "message": finding.message,
        })).collect::<Vec<_>>(),
        "reasons": {},
    });
    with_reasons(document, &reasons)
}

const NO_VALUE: &str = "a price or an exchange rate is missing; see the findings";
const NO_COST: &str = "an exchange rate was missing when it was bought";
const NO_UNREALIZED: &str = "a value, or the cost of what is held, is unknown at one of the two ends; see the findings";
const INCOMPLETE: &str =
    "an amount, or the cost of what was closed, had no exchange rate, so sums in base currency are incomplete; see the findings";

/// Says beside a document's nulls why they are none.
fn with_reasons(mut document: Value, reasons: &[(&str, &str)]) -> Value {
    let of: Map<String, Value> =
        reasons.iter().filter(|(key, _)| document[*key].is_null()).map(|(key, reason)| ((*key).into(), json!(reason))).collect();
    if !of.is_empty() {
        document["reasons"] = Value::Object(of);
    }
    document
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

fn daily(period: &Period<'_>) -> Vec<Value> {
    let day = |(session, before): (&Session, Option<Money>)| {
        let no_return = match (before, session.value) {
            _ if session.is_unconverted => "what moved is unknown: an amount had no exchange rate",
            (None, _) => "the value before is unknown",
            (_, None) => NO_VALUE,
            _ => "no capital was at work",
        };
        let document = json!({
            "date": session.date, "value": session.value.map(money), "inflow": money(session.inflow), "outflow": money(session.outflow),
            "return": session.daily_return,
        });
        with_reasons(document, &[("value", NO_VALUE), ("return", no_return)])
    };
    period.steps().map(day).collect()
}

fn positions(holdings: &[Holding]) -> Vec<Value> {
    let position = |held: Vec<&Holding>| -> Option<Value> {
        let one = *held.first()?;
        let sum = |of: fn(&Holding) -> Option<Money>| held.iter().map(|held| of(held)).sum::<Option<Money>>();
        let quantity: Decimal = held.iter().map(|held| held.quantity).sum();
        let (cost, value) = (sum(|held| held.cost), sum(|held| held.market_value));
        let average = cost.and_then(|cost| cost.0.checked_div(quantity)).map(|average| average.round_dp(10));
        let position = json!({
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
        });
        let (unpriced, unrated) = ("it has no price yet", "its currency has no exchange rate yet");
        let no_value = if one.price.is_none() { unpriced } else { unrated };
        let no_gain = if value.is_none() { no_value } else { NO_COST };
        let no_average = if cost.is_none() { NO_COST } else { "as many shares are owed as are held" };
        let no_effect = if one.rate.is_none() { unrated } else { NO_COST };
        let reasons =
            [("cost_basis", NO_COST), ("average_cost", no_average), ("price", unpriced), ("price_date", unpriced), ("rate", unrated)];
        let of_worth = [("market_value", no_value), ("unrealized_gain", no_gain), ("currency_effect", no_effect)];
        Some(with_reasons(position, &[&reasons[..], &of_worth].concat()))
    };
    by_symbol(holdings, |held| &held.symbol).into_values().filter_map(position).collect()
}

fn lots(booked: &Booked) -> Vec<Value> {
    let lot = |lot: &app::analytics::ledger::Lot| {
        let cost = Some(lot.cost).filter(|_| !lot.is_unconverted);
        let document = json!({
            "symbol": lot.symbol, "opened_on": lot.opened_on, "quantity": plain(lot.quantity), "cost": cost.map(money),
            "lot_id": lot.lot_id, "line": transactions::line(&lot.key),
            "local_cost": lot.local_cost.map(|local| decimal(local.amount)), "local_currency": lot.local_cost.map(|local| local.currency),
        });
        with_reasons(document, &[("cost", NO_COST)])
    };
    booked.state.lots.iter().map(lot).collect()
}

fn realized(part: &Realized) -> Value {
    let effect = part.gain().zip(part.currency_effect);
    let document = json!({
        "symbol": part.symbol, "opened_on": part.opened_on, "closed_on": part.closed_on, "quantity": plain(part.quantity),
        "proceeds": part.proceeds.map(money), "cost": part.cost.map(money), "gain": part.gain().map(money), "term": part.term(),
        "price_effect": effect.map(|(gain, effect)| money(gain - effect)),
        "currency_effect": part.currency_effect.map(money), "line": transactions::line(&part.key),
    });
    let unsold = "an exchange rate was missing when it was sold";
    let no_gain = if part.cost.is_none() { NO_COST } else { unsold };
    let no_effect = "an exchange rate was missing when it was bought or sold";
    let reasons = [("proceeds", unsold), ("cost", NO_COST), ("gain", no_gain), ("price_effect", no_effect), ("currency_effect", no_effect)];
    with_reasons(document, &reasons)
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
