//! Contributions by hand, and laws over random books: the column adds up to the return, the money to the gain, over any range.

use super::*;
use crate::{
    analytics::{
        ledger::{
            AccountRules, Closes, Kind, PortfolioDay, Rates, Transaction, Yield,
            laws::histories::{History, currency, day, histories, symbol},
        },
        period::{Scope, sessions},
        returns::cumulative_return,
    },
    domain::AccountId,
};
use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;

pub(super) const ACCOUNT: AccountId = AccountId(1);

pub(super) fn usd(amount: i64) -> Money {
    Money(amount.into())
}

pub(super) fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-14, "{found} is not {expected}");
}

/// Three sessions of AAPL (dollars) and SAP (euros): 10,000 put in, 6,000 into AAPL, 3,000 euros at 1.00 into SAP, 1,000 left.
fn three_days(more: Vec<Transaction>) -> History {
    let buy = |key: &str, of: usize, quantity: i64, amount: i64| Transaction {
        key: key.into(),
        symbol: Some(symbol(of)),
        quantity: quantity.into(),
        amount: amount.into(),
        ..Transaction::blank(Kind::Buy, ACCOUNT, day(0), currency(0))
    };
    let deposit = Transaction { key: "d".into(), amount: 10_000.into(), ..Transaction::blank(Kind::Deposit, ACCOUNT, day(0), currency(0)) };
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    let series = |closes: [&str; 3]| closes.iter().zip(0..).map(|(close, on)| (day(on), number(close))).collect::<Vec<_>>();
    History {
        sessions: vec![day(0), day(1), day(2)],
        accounts: [(ACCOUNT, AccountRules::default())].into(),
        transactions: [vec![deposit, buy("a", 0, 60, 6_000), buy("s", 2, 30, 3_000)], more].concat(),
        splits: Vec::new(),
        dividends: Vec::new(),
        closes: Closes::from([(symbol(0), series(["100", "110", "110"])), (symbol(2), series(["100", "100", "95"]))]),
        currencies: [(symbol(2), currency(1))].into(),
        rates: Rates::from([(currency(1), series(["1", "1.1", "1.1"]))]),
    }
}

fn sums(days: &[PortfolioDay], opening: Option<NaiveDate>, closing: NaiveDate) -> Option<Sums> {
    let on = |date| days.iter().find(|day| day.session_date == date);
    let (last, first) = (on(closing)?, opening.and_then(on));
    let before = first.map(|day| day.totals).unwrap_or_default();
    let cash = |day: Option<&PortfolioDay>| day.map_or(Some(Money::ZERO), |day| day.cash_currency);
    Some(Sums {
        income: last.totals.income - before.income,
        costs: last.totals.costs - before.costs,
        cash_currency: cash(Some(last))? - cash(first)?,
    })
}

pub(super) fn told(yielded: &Yield, scope: Scope, from: Option<NaiveDate>, to: Option<NaiveDate>) -> Option<Contributions> {
    of_range(yielded, scope, (from, to), Contributions::of)
}

fn of_range<T>(
    yielded: &Yield,
    scope: Scope,
    (from, to): (Option<NaiveDate>, Option<NaiveDate>),
    of: impl FnOnce(&Period<'_>, &[Member<'_>], Option<Sums>) -> T,
) -> Option<T> {
    let all = sessions(&yielded.days, scope);
    let period = Period::of(&all, from, to).ok()?;
    let members: Vec<Member<'_>> = yielded
        .courses
        .iter()
        .map(|course| Member { course, group: Some(if course.symbol.as_str() < "B" { "A" } else { "others" }) })
        .collect();
    let known = sums(&yielded.days, period.opening.map(|session| session.date), period.sessions.last()?.date)
        .map(|sums| if scope == Scope::Holdings { Sums { cash_currency: Money::ZERO, ..sums } } else { sums });
    Some(of(&period, &members, known))
}

pub(super) fn part(found: &Contributions, of: usize) -> &Part {
    &found.parts.iter().find(|(name, _)| *name == symbol(of)).unwrap().1
}

#[test]
fn a_day_is_weight_times_return_and_a_rate_is_told_apart() {
    let (_, yielded) = three_days(Vec::new()).told();
    let first = told(&yielded, Scope::Account, Some(day(0)), Some(day(1))).unwrap();
    // 6,000 of 10,000 gained 10 %; 3,000 gained 10 % by the rate alone.
    let (apple, sap) = (part(&first, 0), part(&first, 2));
    near(apple.contribution.unwrap().whole, 0.06);
    near(apple.average_weight.unwrap(), 0.6);
    near(apple.own_return.clone().unwrap(), 0.1);
    near(sap.contribution.unwrap().currency, 0.03);
    near(sap.contribution.unwrap().price, 0.0);
    near(first.rest.contribution.unwrap(), 0.0);
    near(first.rest.average_weight.unwrap(), 0.1);
    near(first.whole.clone().unwrap(), 0.09);
    assert_eq!(sap.gain.clone().unwrap().unrealized, usd(300));
    // Over both days: 900 and then −165 of 10,900, linked to 10,735 / 10,000 − 1.
    let both = told(&yielded, Scope::Account, Some(day(0)), None).unwrap();
    near(both.whole.clone().unwrap(), 0.0735);
    near(part(&both, 2).own_return.clone().unwrap(), 0.95 * 1.1 - 1.0);
    let k = |r: f64| libm::log1p(r) / r;
    near(part(&both, 0).contribution.unwrap().whole, 0.06 * k(0.09) / k(0.0735));
    assert!(both.residual().unwrap().abs() < 1e-15);
    assert_eq!(part(&both, 2).gain.clone().unwrap().total, usd(135));
    // From the beginning on, the deposit is the first day's capital, and no weight is one of nothing.
    let whole = told(&yielded, Scope::Account, None, None).unwrap();
    near(whole.whole.unwrap(), 0.0735);
    assert_eq!(whole.rest.gain, Ok(RestGain::default()));
}

#[test]
fn income_and_costs_stand_beside_the_price() {
    let on = |key: &str, kind, amount: i64, of: Option<usize>| Transaction {
        key: key.into(),
        amount: amount.into(),
        symbol: of.map(symbol),
        ..Transaction::blank(kind, ACCOUNT, day(2), currency(0))
    };
    let dividend = Transaction { tax: 15.into(), ..on("x", Kind::Dividend, 100, Some(0)) };
    let (_, yielded) = three_days(vec![dividend, on("y", Kind::Interest, 20, None), on("z", Kind::Fee, 7, None)]).told();
    let found = told(&yielded, Scope::Account, Some(day(1)), None).unwrap();
    let apple = part(&found, 0);
    let contribution = apple.contribution.unwrap();
    near(contribution.income, 100.0 / 10_900.0);
    near(contribution.costs, -15.0 / 10_900.0);
    near(contribution.price, 0.0);
    near(apple.own_return.clone().unwrap(), 85.0 / 6_600.0);
    assert_eq!(apple.gain.clone().unwrap(), Gain { total: usd(85), income: usd(100), costs: usd(15), ..Gain::default() });
    near(found.rest.contribution.unwrap(), 13.0 / 10_900.0);
    assert_eq!(found.rest.gain.clone().unwrap(), RestGain { total: usd(13), income: usd(20), costs: usd(7), ..RestGain::default() });
    assert_eq!(found.groups.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["A", "others"]);
}

#[test]
fn what_cannot_be_linked_still_has_its_money() {
    let fee = Transaction { key: "f".into(), amount: 20_000.into(), ..Transaction::blank(Kind::Fee, ACCOUNT, day(2), currency(0)) };
    let (_, yielded) = three_days(vec![fee]).told();
    let found = told(&yielded, Scope::Account, Some(day(0)), None).unwrap();
    assert!(found.whole.as_ref().unwrap_err().0.contains("everything was lost"), "{:?}", found.whole);
    assert!(found.parts.iter().all(|(_, part)| part.contribution.is_none() && part.gain.is_ok()));
    assert_eq!(found.gain.clone().unwrap(), usd(-19_265));
    let text = serde_json::to_value(&found).unwrap();
    assert!(text["total"].is_null() && text["reason"].is_string() && text["gain"] == "-19265.00", "{text}");
}

#[test]
fn the_document_adds_up_and_names_the_rest() {
    let (_, yielded) = three_days(Vec::new()).told();
    let text = serde_json::to_value(told(&yielded, Scope::Account, None, None).unwrap()).unwrap();
    let rows = text["parts"].as_array().unwrap();
    let sum: f64 = rows.iter().map(|row| row["contribution"].as_f64().unwrap()).sum();
    near(sum, text["total"].as_f64().unwrap());
    let rest = rows.last().unwrap();
    assert!(rest["symbol"].is_null() && rest["name"] == REST && rest["gain"]["rounding"] == "0.00", "{rest}");
    assert_eq!(rows[0]["gain"]["total"], "600.00");
    assert_eq!(text["sectors"].as_array().unwrap().len(), 2);
}

proptest! {
    /// Over any range of any book: what the parts and the rest contribute is the return, what they gained is the gain, and what is left
    /// after income, costs and rates on cash is rounding.
    #[test]
    fn the_column_adds_up(history in histories(), from in proptest::option::of(0..40_u64), length in 0..40_u64, holdings in any::<bool>()) {
        // Holdings alone have no dividends that are due: files, of which they are measured, announce none.
        let dividends = if holdings { Vec::new() } else { history.dividends.clone() };
        let (_, yielded) = History { dividends, ..history }.told();
        let (scope, to) = (if holdings { Scope::Holdings } else { Scope::Account }, from.map(|from| day(from + length)));
        let Some(found) = told(&yielded, scope, from.map(day), to) else { return Ok(()) };
        if let Ok(whole) = &found.whole {
            let parts: Vec<f64> = found.parts.iter().map(|(_, part)| part.contribution.unwrap().whole).collect();
            let size = parts.iter().chain([whole]).map(|part| part.abs()).sum::<f64>();
            prop_assert!(found.residual().unwrap().abs() <= 1e-12 * (1.0 + size), "{:?} {found:?}", found.residual());
            let grouped: f64 = found.groups.iter().map(|(_, group)| group.contribution.unwrap().whole).sum();
            prop_assert!((grouped - parts.iter().sum::<f64>()).abs() <= 1e-12 * (1.0 + size));
        }
        if let (Ok(gain), Ok(rest)) = (&found.gain, &found.rest.gain) {
            let held: Money = found.parts.iter().map(|(_, part)| part.gain.clone().unwrap().total).sum();
            prop_assert_eq!(held + rest.total, *gain);
            let most = Money(Decimal::new(10, 4));
            prop_assert!(rest.rounding <= most && -rest.rounding <= most, "{:?}", rest);
            let grouped: Money = found.groups.iter().map(|(_, group)| group.gain.clone().unwrap().total).sum();
            prop_assert_eq!(grouped, held);
        }
    }

    /// What is realized is what the ledger realized, and the rest of the gain is the change of the unrealized one.
    #[test]
    fn gains_are_those_of_the_books(history in histories()) {
        let (_, yielded) = history.told();
        let Some(last) = yielded.days.last() else { return Ok(()) };
        let Some(found) = told(&yielded, Scope::Account, None, None) else { return Ok(()) };
        let Ok(gains) = found.parts.iter().map(|(_, part)| part.gain.clone()).collect::<Result<Vec<_>, _>>() else { return Ok(()) };
        prop_assert_eq!(gains.iter().map(|gain| gain.realized).sum::<Money>(), last.totals.realized);
        if let (Some(unrealized), None) = (last.unrealized, last.last_unconverted) {
            let apart = gains.iter().map(|gain| gain.unrealized).sum::<Money>() - unrealized + last.totals.brought_in;
            let most = Money(Decimal::new(10, 4));
            prop_assert!(apart <= most && -apart <= most, "{apart:?}");
        }
        for held in &yielded.holdings {
            let course = yielded.courses.iter().find(|course| course.symbol == held.symbol).unwrap();
            prop_assert_eq!(course.closes.last().map(|(on, _)| *on), Some(last.session_date));
        }
    }

    /// Each number of a row is worked out again from the row's sessions, to the last bit.
    #[test]
    fn rows_are_worked_out_again(history in histories(), from in proptest::option::of(0..40_u64), length in 0..40_u64) {
        let (_, yielded) = history.told();
        let range = (from.map(day), from.map(|from| day(from + length)));
        let bits = |number: Option<f64>| number.map(f64::to_bits);
        of_range(&yielded, Scope::Account, range, |period, members, sums| {
            let found = Contributions::of(period, members, sums);
            let rows = found.parts.iter().map(|(symbol, part)| (Whose::Holding(symbol.as_str()), part));
            let groups = found.groups.iter().map(|(group, part)| (Whose::Group(group), part));
            for (whose, part) in rows.chain(groups) {
                let steps = Contributions::steps(period, members, whose);
                prop_assert_eq!(bits(weighed(&steps)), bits(part.average_weight));
                if part.contribution.is_some() {
                    prop_assert_eq!(bits(contributed(&steps)), bits(part.contribution.map(|part| part.whole)));
                }
                if let Ok(own) = &part.own_return {
                    let again = cumulative_return(steps.iter().map(|step| step.own_return)).unwrap().cumulative;
                    prop_assert_eq!(again.to_bits(), own.to_bits());
                }
            }
            let steps = Contributions::steps(period, members, Whose::Rest);
            prop_assert_eq!(bits(weighed(&steps)), bits(found.rest.average_weight));
            if found.rest.contribution.is_some() {
                prop_assert_eq!(bits(contributed(&steps)), bits(found.rest.contribution));
            }
            Ok(())
        }).unwrap_or(Ok(()))?;
    }
}

fn weighed(steps: &[Step]) -> Option<f64> {
    average_weight(steps.iter().filter_map(|step| Some(step.before / step.portfolio_before?)))
}

fn contributed(steps: &[Step]) -> Option<f64> {
    let whole = cumulative_return(steps.iter().map(|step| step.portfolio_return)).ok()?.cumulative;
    Some(linked_over_days(whole, steps.iter().filter_map(|step| Some((step.portfolio_return?, step.gain / step.capital)))))
}
