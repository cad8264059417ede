//! What changed since yesterday: the parts of the day's change in value, each from its own column, to the cent. Pure.

use super::model::SinceYesterday;
use crate::analytics::sessions::{PortfolioSession, no_price, no_rate};
use crate::domain::{Figure, Money, Undefined};
use crate::format::{self, shown_money as cents};

/// `sessions`: all since the portfolio's first, ascending. `shown`: the value of the session before the last as it was shown until the
/// last was published; `None` where both were published at once, or it had none.
///
/// # Errors
/// Without a session before, and where one of the two has no value.
pub fn since_yesterday(sessions: &[PortfolioSession], shown: Option<Money>) -> Figure<SinceYesterday> {
    let [.., before, last] = sessions else { return Err(Undefined::because("there is no session before this one")) };
    let (now, then) = (last.value.ok_or_else(no_price)?, before.value.ok_or_else(no_price)?);
    let earned = |session: &PortfolioSession| Some(session.realized + session.unrealized? - session.brought_in);
    let market = earned(last).zip(earned(before)).map(|(last, before)| last - before).ok_or_else(no_price)?;
    let (income, costs) = (last.income - before.income, last.costs - before.costs);
    let currency = last.cash_currency.zip(before.cash_currency).map(|(last, before)| last - before).ok_or_else(no_rate)?;
    let shown = shown.unwrap_or(then);
    let restated = then - shown;
    let residual = now - shown - (restated + market + last.inflow - last.outflow + income - costs + currency);
    let [shown, now, restated, market] = [shown, now, restated, market].map(cents);
    let [inflow, outflow, income] = [last.inflow, last.outflow, income].map(cents);
    let [costs, currency, residual] = [costs, currency, residual].map(cents);
    // Each to the cent, they don't add up to it alone.
    let rounding = format::rounding(now - shown, [restated, market, inflow, -outflow, income, -costs, currency, residual]);
    Ok(SinceYesterday {
        since: before.session_date,
        shown,
        now,
        restated,
        market,
        inflow,
        outflow,
        income,
        costs,
        currency,
        residual,
        rounding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use rust_decimal::Decimal;

    fn session(day: u32, value: Option<i64>) -> PortfolioSession {
        let usd = |amount: i64| Money(Decimal::new(amount, 2));
        PortfolioSession {
            session_date: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
            value: value.map(usd),
            inflow: usd(5_000),
            outflow: usd(0),
            net_contributions: usd(0),
            daily_return: None,
            carried: 0,
            positions: 1,
            unrealized: Some(usd(i64::from(day) * 100)),
            realized: usd(0),
            income: usd(i64::from(day)),
            costs: usd(i64::from(day) * 2),
            brought_in: usd(0),
            cash_currency: Some(usd(0)),
            exact_value: None,
            benchmark_return: None,
            risk_free_rate: None,
        }
    }

    #[test]
    fn the_parts_add_up_to_what_changed_on_screen() {
        // 100.00 was shown, 90.00 stands there now; then 50.00 came in, prices gave 1.00, income 0.01, costs took 0.02, and 0.01 is unexplained.
        let found = since_yesterday(&[session(19, Some(9_000)), session(20, Some(14_100))], Some(Money(Decimal::new(10_000, 2)))).unwrap();
        let cents = |money: Money| (money.0 * Decimal::from(100)).to_string();
        assert_eq!(cents(found.restated), "-1000.00");
        assert_eq!((cents(found.market), cents(found.income), cents(found.costs)), ("100.00".into(), "1.00".into(), "2.00".into()));
        assert_eq!((cents(found.residual), cents(found.change())), ("1.00".into(), "4100.00".into()));
        let sum =
            found.restated + found.market + found.inflow - found.outflow + found.income - found.costs + found.currency + found.residual;
        assert_eq!((sum, found.rounding), (found.change(), Money::ZERO));
    }

    #[test]
    fn parts_of_cents_add_up_to_the_cent() {
        let exact = |units: i64| Money(Decimal::new(units, 4));
        let [mut before, mut last] = [session(19, Some(0)), session(20, Some(0))];
        (before.value, last.value) = (Some(exact(1_000_049)), Some(exact(1_000_147)));
        (before.unrealized, last.unrealized) = (Some(exact(0)), Some(exact(49)));
        (before.income, last.income, before.costs, last.costs) = (exact(0), exact(49), exact(0), exact(0));
        (last.inflow, last.cash_currency) = (exact(0), Some(exact(0)));
        let found = since_yesterday(&[before, last], None).unwrap();
        assert_eq!((found.market, found.income, found.residual), (exact(0), exact(0), exact(0)), "none of them is a cent");
        assert_eq!((found.change(), found.rounding), (exact(100), exact(100)));
    }

    #[test]
    fn without_a_day_before_or_a_price_it_says_so() {
        assert!(since_yesterday(&[session(20, Some(1))], None).is_err());
        assert!(since_yesterday(&[session(19, None), session(20, Some(1))], None).is_err());
        assert!(since_yesterday(&[session(19, Some(1)), session(20, Some(1))], None).unwrap().restated.is_zero());
    }
}
