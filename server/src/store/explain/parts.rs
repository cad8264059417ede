//! Figures that are sums of parts: what changed since yesterday, a sector, cash, what is owed.

use super::{Made, Subject, overall, rates::rate_of};
use crate::store::{
    Result, Store,
    published::{AsOf, LastDay},
};
use app::{
    domain::{Figure, Money, Undefined},
    error::AppError,
    explain::{
        model::Input,
        recipe::{Answer, Exact, Priced, Recipe, Term},
    },
    format,
    overview::yesterday::since_yesterday,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

fn term(name: &str, amount: Money) -> Term {
    Term { name: name.into(), amount }
}

/// As inputs, without those that are nothing.
fn said(terms: &[Term]) -> Vec<Input> {
    let some = terms.iter().filter(|term| !term.amount.is_zero());
    some.map(|term| Input::new(&term.name, format::signed_money(term.amount))).collect()
}

impl Store {
    /// From what was shown for the session before to what is shown now.
    pub(super) async fn since_yesterday(&self, subject: &Subject<'_>) -> Result<Made> {
        let sessions = &subject.sessions;
        let last = sessions.last().ok_or(AppError::NotFound)?;
        let before = sessions.len().checked_sub(2).and_then(|before| sessions.get(before));
        let shown = self.shown_before(subject.portfolio.id, subject.as_of, sessions).await?;
        let (value, recipe, mut inputs) = match since_yesterday(sessions, shown) {
            Ok(of) => {
                let terms = vec![
                    term("Restatements", of.restated),
                    term("Market moves", of.market),
                    term("Paid in", of.inflow),
                    term("Taken out", -of.outflow),
                    term("Income", of.income),
                    term("Fees and taxes", -of.costs),
                    term("Currency, of cash", of.currency),
                    term("Not explained", of.residual),
                    term("Rounding", of.rounding),
                ];
                let shown = Input::new(format!("Shown for {}", format::date(of.since)), format::money(of.shown));
                // Its explanation would be that of another number.
                let shown = if of.restated.is_zero() {
                    shown.to("session_value", None, of.since)
                } else {
                    shown.noting(Some("restated since; the page of restatements says why".into()))
                };
                let mut inputs = vec![shown, Input::new("Value now", format::money(of.now)).to("session_value", None, last.session_date)];
                inputs.extend(said(&terms));
                (Ok(Answer::Money(of.change())), Recipe::Sum { terms }, inputs)
            }
            Err(reason) => (Err(reason.clone()), overall::nothing(&reason), Vec::new()),
        };
        let mut rows = self.day_rows(subject, last.session_date).await?;
        let mut quotes = Vec::new();
        if let Some(before) = before {
            inputs.extend(self.moves(subject, before.session_date, last.session_date).await?);
            rows.extend(self.day_rows(subject, before.session_date).await?);
            let (bookings, answers) = self.bookings(subject, None, Some(before.session_date), last.session_date).await?;
            rows.extend(bookings);
            quotes = answers;
        }
        Ok(Made { value, recipe, opens_on: before.map(|before| before.session_date), as_of: last.session_date, inputs, rows, quotes })
    }

    /// A sector's share; "Cash" is one.
    pub(super) async fn sector(&self, subject: &Subject<'_>) -> Result<Made> {
        let sector = subject.asked.sector.as_deref().ok_or(AppError::NotFound)?;
        let last = self.last_day(subject.portfolio.id, subject.as_of).await?.ok_or(AppError::NotFound)?;
        let day = last.session_date;
        let (sectors, held) =
            tokio::try_join!(self.sectors(subject.portfolio.id, subject.as_of), self.held(subject.portfolio.id, subject.as_of, None))?;
        let shown = sectors.into_iter().find(|weight| weight.sector == sector).ok_or(AppError::NotFound)?;
        let (mut parts, mut inputs) = (Vec::new(), Vec::new());
        for held in held.iter().filter(|held| held.sector == sector) {
            if let Some(value) = held.value.map(Money) {
                inputs.push(Input::new(&held.symbol, format::money(value)).to("holding_value", Some(&held.symbol), day));
                parts.push(Term { name: held.symbol.clone(), amount: value });
            }
        }
        if sector == "Cash" {
            for (name, key, amount) in [("Cash", "cash", last.cash), ("Receivable dividends", "receivable", last.receivable)] {
                let amount = amount.unwrap_or_default();
                inputs.push(Input::new(name, format::money(amount)).to(key, None, day));
                parts.push(term(name, amount));
            }
        }
        if let Some(value) = last.value {
            inputs.push(Input::new("Value of the portfolio", format::money(value)).to("session_value", None, day));
        }
        let value = Ok(Answer::Number(Exact(shown.weight)));
        let recipe = Recipe::ShareOfSum { parts, whole: last.value.unwrap_or_default() };
        let rows = self.day_rows(subject, day).await?;
        Ok(Made { value, recipe, opens_on: None, as_of: day, inputs, rows, quotes: Vec::new() })
    }

    /// Cash of each account and currency at the last close, as the ledger has it now; `None` where a rate of it isn't kept: cash alone keeps
    /// none.
    async fn cash_by_account(&self, subject: &Subject<'_>, day: NaiveDate) -> Result<Option<Vec<Priced>>> {
        let rows = sqlx::query!(
            r#"select coalesce(account.name, 'Account ' || cash.account_id) as "name!", currency, amount from ledger.cash as cash
               left join book.account as account on account.portfolio_id = cash.portfolio_id and account.account_id = cash.account_id
               where cash.portfolio_id = $1 order by cash.account_id, currency"#,
            subject.portfolio.id.get(),
        );
        let (rows, rates) = (rows.fetch_all(&self.pool).await?, self.rates_used(subject.portfolio.id, subject.as_of, day).await?);
        let base = &subject.portfolio.currency;
        let priced = |(name, currency, amount): (String, String, Decimal)| {
            let rate = if currency == *base { None } else { Some(rate_of(&currency, base, &rates)?) };
            Some(Priced { symbol: format!("{name}, {currency}"), quantity: amount.normalize(), price: Decimal::ONE, rate })
        };
        Ok(rows.into_iter().map(|row| priced((row.name, row.currency, row.amount))).collect())
    }

    /// Cash, or dividends that are due, at a close: by account at the last one, else the day before's and what moved since.
    pub(super) async fn balance(&self, subject: &Subject<'_>) -> Result<Made> {
        let (before, session) = subject.session()?;
        let (key, name) = (subject.described.key, subject.described.name);
        let (id, day) = (subject.portfolio.id, session.session_date);
        let now = self.day(id, subject.as_of, Some(day)).await?.ok_or(AppError::NotFound)?;
        let then = match before {
            Some(before) => self.day(id, subject.as_of, Some(before.session_date)).await?,
            None => None,
        };
        let of = |of: &LastDay| if key == "cash" { of.cash } else { of.receivable };
        let value: Figure<Money> = of(&now).ok_or_else(|| Undefined::because("a currency of it has no rate"));
        // Before the first session there was nothing.
        let opening = then.as_ref().map_or(Some(Money::ZERO), of);
        let mut inputs: Vec<Input> = Vec::new();
        let recipe = match (&value, opening) {
            (Ok(value), Some(opening)) => {
                let terms = vec![term("At the close before", opening), term("What moved since", *value - opening)];
                if let Some(before) = before {
                    inputs.push(Input::new(format!("{name}, {}", format::date(before.session_date)), format::money(opening)).to(
                        key,
                        None,
                        before.session_date,
                    ));
                }
                inputs.push(Input::new("What moved since", format::signed_money(*value - opening)));
                Recipe::Sum { terms }
            }
            (Ok(value), None) => Recipe::Sum { terms: vec![term(name, *value)] },
            (Err(reason), _) => overall::nothing(reason),
        };
        let is_last = subject.sessions.last().is_some_and(|last| last.session_date == day);
        let parts = if key == "cash" && subject.as_of == AsOf::Now && is_last { self.cash_by_account(subject, day).await? } else { None };
        let recipe = match (&value, parts) {
            (Ok(value), Some(positions)) => {
                let is_home = positions.iter().all(|part| part.rate.is_none());
                let by_account = Recipe::Worth { positions: positions.clone(), cash: Money::ZERO, receivable: Money::ZERO };
                // Of one currency it is a sum, and must agree; several are rounded together.
                if is_home || by_account.work_out() == Ok(Answer::Money(*value)) {
                    inputs.extend(positions.into_iter().map(|part| {
                        let rate = part.rate.map(|rate| format!(" × {rate}")).unwrap_or_default();
                        Input::new(part.symbol, format!("{}{rate}", format::money(Money(part.quantity))))
                    }));
                    by_account
                } else {
                    recipe
                }
            }
            _ => recipe,
        };
        let mut rows = self.day_rows(subject, day).await?;
        let (bookings, quotes) = self.bookings(subject, None, before.map(|before| before.session_date), day).await?;
        rows.extend(bookings);
        Ok(Made {
            value: value.map(Answer::Money),
            recipe,
            opens_on: before.map(|before| before.session_date),
            as_of: day,
            inputs,
            rows,
            quotes,
        })
    }
}
