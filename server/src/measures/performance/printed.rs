//! The same for people: a table a part.

use super::{
    Booked, PERIODS_A_YEAR,
    document::{cash, money},
};
use app::{
    analytics::{
        contribution::{Contributions, REST},
        period::Period,
    },
    domain::{Figure, Money},
};

pub(super) fn print(booked: &Booked, period: &Period<'_>) {
    let unknown = || "–".to_owned();
    let shown = |amount: Option<Money>| amount.map_or_else(unknown, money);
    let last = period.sessions.last();
    let opened = period.opening.or(period.sessions.first()).map_or_else(unknown, |session| session.date.to_string());
    let line = |name: &str, text: String| say!("{name:<18} {text:>20}");
    say!("{opened} to {}, in {}", last.map_or_else(unknown, |session| session.date.to_string()), booked.base);
    line("value", shown(last.and_then(|session| session.value)));
    cash(booked).into_iter().for_each(|(currency, amount)| line(&format!("cash {currency}"), amount));
    let sums = booked.sums(period);
    let of = |of: fn(&super::Sums) -> Option<Money>| shown(sums.as_ref().and_then(of));
    line("realized gain", of(|sums| Some(sums.realized)));
    line("unrealized gain", of(|sums| sums.unrealized));
    line("income", of(|sums| Some(sums.income)));
    line("fees", of(|sums| Some(sums.fees)));
    line("fees in lots", of(|sums| Some(sums.fees_in_lots)));
    line("taxes", of(|sums| Some(sums.taxes)));
    line("currency on cash", of(|sums| sums.cash_currency));
    line("total gain", shown(period.total_gain().ok()));
    line("residual", shown(booked.residual(period)));
    let returns = period.returns(PERIODS_A_YEAR);
    let ratio = |name: &str, figure: Figure<f64>| match figure {
        Ok(value) => line(name, format!("{value}")),
        Err(reason) => say!("{name:<18} {:>20}  {reason}", "–"),
    };
    ratio("time-weighted", returns.time_weighted);
    ratio("money-weighted", returns.money_weighted);
    ratio("modified Dietz", returns.modified_dietz);
    ratio("annualized", returns.annualized);
    say!("\n{:<12} {:>16} {:>16} {:>16} {:>16}", "symbol", "quantity", "cost", "market value", "unrealized");
    for held in &booked.yielded.holdings {
        let (cost, value, gain) = (shown(held.cost), shown(held.market_value), shown(held.unrealized));
        say!("{:<12} {:>16} {cost:>16} {value:>16} {gain:>16}", held.symbol.as_str(), held.quantity.normalize());
    }
    contributions(&booked.contributions(period));
    if !booked.yielded.findings.is_empty() {
        say!("\nFindings:");
    }
    booked.yielded.findings.iter().for_each(|finding| say!("{} {}: {}", finding.session_date, finding.code, finding.message));
}

/// What each symbol brought to the time-weighted return and to the gain; the last line is what no holding brought.
fn contributions(found: &Contributions) {
    let ratio = |of: Option<f64>| of.map_or_else(|| "–".to_owned(), |of| format!("{of:.8}"));
    let line = |name: &str, [weight, own, contribution]: [Option<f64>; 3], gain: Option<Money>| {
        let gain = gain.map_or_else(|| "–".to_owned(), money);
        say!("{name:<24} {:>12} {:>14} {:>14} {gain:>16}", ratio(weight), ratio(own), ratio(contribution));
    };
    say!("\n{:<24} {:>12} {:>14} {:>14} {:>16}", "contribution of", "weight", "return", "contribution", "gain");
    for (symbol, part) in &found.parts {
        let own = part.own_return.as_ref().ok().copied();
        line(
            symbol.as_str(),
            [part.average_weight, own, part.contribution.map(|part| part.whole)],
            part.gain.as_ref().ok().map(|gain| gain.total),
        );
    }
    line(REST, [found.rest.average_weight, None, found.rest.contribution], found.rest.gain.as_ref().ok().map(|gain| gain.total));
    line("All", [None, None, found.whole.as_ref().ok().copied()], found.gain.as_ref().ok().copied());
}
