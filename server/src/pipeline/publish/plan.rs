//! Must a portfolio be booked anew from its first day, or does its ledger go on from where it stands? Pure.

use crate::pipeline::ledger::Needs;
use app::{analytics::ledger::SAME_SPLIT_DAYS, domain::PortfolioId};
use chrono::NaiveDate;

/// Where a portfolio's ledger stands.
#[derive(Debug, Clone)]
pub struct Standing {
    pub session_date: NaiveDate,
    /// Rows of ops.change up to this one are in.
    pub change_id: i64,
    pub quarantined: String,
}

/// Rows of ops.change of one kind, symbol and portfolio, together.
#[derive(Debug, Clone)]
pub struct Change {
    pub change_id: i64,
    /// 0: prices and events, for all.
    pub portfolio_id: i64,
    pub symbol: Option<String>,
    pub kind: String,
    pub from_date: NaiveDate,
}

/// What to do with one portfolio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Everything since its first transaction.
    FromScratch,
    /// The sessions after this one.
    ResumeAfter(NaiveDate),
    /// It stands where it should.
    Keep,
}

/// Decides for one portfolio. `needs`: of up to where it stands; `quarantined`: its symbols' bad bars now.
pub fn plan(
    portfolio: PortfolioId,
    standing: Option<&Standing>,
    changes: &[Change],
    needs: &Needs,
    quarantined: &str,
    through: NaiveDate,
) -> Plan {
    let Some(standing) = standing else { return Plan::FromScratch };
    let touches_the_past = |change: &Change| {
        let ours = match change.kind.as_str() {
            "bar" | "split" | "dividend" => change.symbol.as_ref().is_none_or(|symbol| needs.symbols.contains(symbol)),
            "exchange_rate" => change.symbol.as_ref().is_some_and(|currency| needs.currencies.contains(currency)),
            "activity" | "transaction" | "account" => change.portfolio_id == portfolio.get(),
            // Names, rates and what the broker reports are joined later; the ledger doesn't read them.
            _ => false,
        };
        // How an account is kept matters from its first day on, whenever it was changed.
        // A split that is listed late may be one that was entered for an earlier day.
        let is_entered = change.kind == "split"
            && needs.splits.iter().any(|(symbol, on)| {
                let is_near = (*on - change.from_date).num_days().abs() <= SAME_SPLIT_DAYS;
                is_near && change.symbol.as_ref().is_none_or(|of| of == symbol)
            });
        let is_past = change.from_date <= standing.session_date || is_entered || change.kind == "account";
        ours && change.change_id > standing.change_id && is_past
    };
    if standing.quarantined != quarantined || changes.iter().any(touches_the_past) {
        Plan::FromScratch
    } else if through > standing.session_date {
        Plan::ResumeAfter(standing.session_date)
    } else {
        Plan::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    /// A portfolio 7 that traded AAPL and stands at the 19th with change 100; the publication is for the 20th.
    fn check(changes: &[(i64, i64, Option<&str>, &str, u32)], expect: Plan) {
        let standing = Standing { session_date: on(19), change_id: 100, quarantined: "none".into() };
        let changes: Vec<_> = changes
            .iter()
            .map(|(change_id, portfolio_id, symbol, kind, from)| Change {
                change_id: *change_id,
                portfolio_id: *portfolio_id,
                symbol: symbol.map(Into::into),
                kind: (*kind).into(),
                from_date: on(*from),
            })
            .collect();
        let needs = Needs {
            symbols: ["AAPL".to_owned()].into(),
            currencies: ["EUR".to_owned(), "USD".to_owned()].into(),
            splits: vec![("AAPL".to_owned(), on(12))],
        };
        assert_eq!(plan(PortfolioId(7), Some(&standing), &changes, &needs, "none", on(20)), expect);
    }

    #[test]
    fn a_new_session_goes_on() {
        check(&[(101, 0, Some("AAPL"), "bar", 20), (102, 7, None, "activity", 20)], Plan::ResumeAfter(on(19)));
    }

    #[test]
    fn a_change_of_our_past_starts_over() {
        check(&[(101, 0, Some("AAPL"), "bar", 18)], Plan::FromScratch);
        check(&[(101, 0, None, "split", 19)], Plan::FromScratch);
        // It may be the one that was entered for the 12th.
        check(&[(101, 0, Some("AAPL"), "split", 30)], Plan::FromScratch);
        check(&[(101, 7, None, "transaction", 3)], Plan::FromScratch);
        check(&[(101, 7, None, "account", 20)], Plan::FromScratch);
        check(&[(101, 0, Some("EUR"), "exchange_rate", 18)], Plan::FromScratch);
    }

    #[test]
    fn others_changes_and_known_ones_do_not() {
        check(&[(101, 0, Some("MSFT"), "bar", 3)], Plan::ResumeAfter(on(19)));
        check(&[(101, 0, Some("MSFT"), "split", 20)], Plan::ResumeAfter(on(19)));
        check(&[(101, 8, None, "transaction", 3)], Plan::ResumeAfter(on(19)));
        check(&[(100, 7, None, "transaction", 3)], Plan::ResumeAfter(on(19)));
        check(&[(101, 0, Some("GBP"), "exchange_rate", 3), (102, 0, Some("EUR"), "exchange_rate", 20)], Plan::ResumeAfter(on(19)));
        check(&[(101, 0, Some("AAPL"), "instrument", 3), (102, 7, None, "position", 3)], Plan::ResumeAfter(on(19)));
    }

    #[test]
    fn other_prices_in_quarantine_start_over() {
        let standing = Standing { session_date: on(20), change_id: 1, quarantined: "one".into() };
        let none = Needs::default();
        assert_eq!(plan(PortfolioId(7), Some(&standing), &[], &none, "two", on(20)), Plan::FromScratch);
        assert_eq!(plan(PortfolioId(7), Some(&standing), &[], &none, "one", on(20)), Plan::Keep);
        assert_eq!(plan(PortfolioId(7), None, &[], &none, "one", on(20)), Plan::FromScratch);
    }
}
