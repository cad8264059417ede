//! Figures of one holding, and the close of one symbol on one session down to the vendor's bytes.

use super::{
    Made, Subject,
    day::not_enough,
    overall,
    prices::PriceUsed,
    rates::{Rates, rate_of},
    row,
    spans::Wanted,
};
use crate::{
    calendar,
    store::{
        Result, Store,
        portfolios::day_return,
        published::{AsOf, Held},
    },
};
use app::{
    domain::{Currency, Figure, Money, Symbol, Undefined},
    error::AppError,
    explain::{
        model::{Input, Quote, Row},
        recipe::{Answer, Exact, Priced, Recipe, Term},
    },
    format,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Versions of a bar that are shown.
const VERSIONS: i64 = 5;

impl Store {
    pub(super) async fn holding(&self, subject: &Subject<'_>) -> Result<Made> {
        let symbol = subject.symbol()?;
        let held = self.held(subject.portfolio.id, subject.as_of, None).await?;
        let mut held = held.into_iter().find(|held| held.symbol == symbol.as_str()).ok_or(AppError::NotFound)?;
        let last = self.last_day(subject.portfolio.id, subject.as_of).await?.ok_or(AppError::NotFound)?;
        let day = last.session_date;
        let mut rows = vec![holding_row(subject, &held, day)];
        let is_abroad = held.currency.as_ref().is_some_and(|currency| *currency != subject.portfolio.currency);
        let (mut rate, mut lacks_rate) = (None, false);
        if let Some(currency) = held.currency.clone().filter(|_| is_abroad) {
            // The mart's rate of pence is rounded once more.
            let (base, rates) = (&subject.portfolio.currency, self.rates_used(subject.portfolio.id, subject.as_of, day).await?);
            let used = rate_of(&currency, base, &rates);
            lacks_rate = used.is_none();
            held.rate = used.or(held.rate);
            rate = held.rate.map(|rate| rate_input(&currency, rate, base, &rates, day));
        }
        let accounts = self.held_by_account(subject, &symbol, day).await?;
        let (value, recipe) = match subject.described.key {
            "holding_quantity" => (
                Ok(Answer::Price(held.quantity.normalize())),
                Recipe::Count { parts: accounts.iter().map(|(_, quantity, _)| *quantity).collect() },
            ),
            "holding_cost" => {
                let cost = held.cost.map(Money).ok_or_else(no_rate);
                let terms = accounts.iter().map(|(account, _, cost)| Term { name: account.clone(), amount: *cost }).collect();
                (cost.map(Answer::Money), Recipe::Sum { terms })
            }
            key => made_of(key, &held, &accounts, is_abroad, last.value, day).ok_or(AppError::NotFound)?,
        };
        let recipe = match &value {
            Ok(value) if subject.described.key == "holding_value" && recipe.work_out().as_ref() != Ok(value) => not_enough(lacks_rate),
            Ok(_) => recipe,
            Err(reason) => overall::nothing(reason),
        };
        let mut inputs = vec![Input::new("Quantity", format::quantity(held.quantity.normalize()))];
        if let Some(close) = held.close {
            let carried = held.priced_on.filter(|on| *on < day).map(|on| format!("carried from {}", format::date(on)));
            inputs.push(Input::new("Close", format::price(close.normalize())).to("close", Some(symbol.as_str()), day).noting(carried));
        }
        if let Some(previous) = held.previous_close {
            let before = calendar::session_before(day);
            inputs.push(Input::new("Close before", format::price(previous.normalize())).to("close", Some(symbol.as_str()), before));
        }
        inputs.push(Input::new("Value", held.value.map_or_else(|| "no price yet".into(), |value| format::money(Money(value)))));
        inputs.extend(rate);
        inputs.push(Input::new("Cost", held.cost.map_or_else(|| "unknown".into(), |cost| format::money(Money(cost)))));
        if let Some(value) = last.value {
            inputs.push(Input::new("Value of the portfolio", format::money(value)).to("session_value", None, day));
        }
        if matches!(subject.described.key, "holding_quantity" | "holding_cost") {
            let account = |(account, quantity, cost): (String, Decimal, Money)| {
                Input::new(account, format!("{} for {}", format::quantity(quantity), format::money(cost)))
            };
            inputs.extend(accounts.into_iter().map(account));
        }
        rows.extend(self.lots(subject, &symbol).await?);
        let (bookings, quotes) = self.bookings(subject, Some(symbol.as_str()), None, day).await?;
        rows.extend(bookings);
        Ok(Made { value, recipe, opens_on: None, as_of: day, inputs, rows, quotes })
    }

    /// What each account held of a symbol at a close, and what it cost.
    async fn held_by_account(&self, subject: &Subject<'_>, symbol: &Symbol, day: NaiveDate) -> Result<Vec<(String, Decimal, Money)>> {
        struct Held {
            name: String,
            quantity: Decimal,
            cost: Decimal,
        }
        let id = subject.portfolio.id.get();
        let held = match subject.as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Held,
                    r#"select coalesce(account.name, 'Account ' || held.account_id) as "name!", quantity, cost from ledger.position as held
                       left join book.account as account on account.portfolio_id = held.portfolio_id and account.account_id = held.account_id
                       where held.portfolio_id = $1 and symbol = $2 and from_date <= $3 and coalesce(to_date >= $3, true) order by held.account_id"#,
                    id,
                    symbol.as_str(),
                    day,
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Held,
                    r#"select coalesce(account.name, 'Account ' || held.account_id) as "name!", quantity, cost
                       from (select distinct on (account_id, from_date) * from ops.published_position
                             where portfolio_id = $1 and symbol = $2 and publication_id <= $4
                             order by account_id, from_date, publication_id desc) as held
                       left join book.account as account on account.portfolio_id = held.portfolio_id and account.account_id = held.account_id
                       where not is_gone and from_date <= $3 and coalesce(to_date >= $3, true) order by held.account_id"#,
                    id,
                    symbol.as_str(),
                    day,
                    publication,
                )
                .fetch_all(&self.pool)
                .await?
            }
        };
        Ok(held.into_iter().map(|held| (held.name, held.quantity.normalize(), Money(held.cost))).collect())
    }

    async fn lots(&self, subject: &Subject<'_>, symbol: &Symbol) -> Result<Vec<Row>> {
        // Of earlier publications the transactions are shown that made them: lots aren't kept.
        if subject.as_of != AsOf::Now {
            return Ok(Vec::new());
        }
        let lots = sqlx::query!(
            "select opened_on, quantity, cost, key from ledger.lot where portfolio_id = $1 and symbol = $2 order by account_id, number limit 50",
            subject.portfolio.id.get(),
            symbol.as_str(),
        )
        .fetch_all(&self.pool)
        .await?;
        let lot = |lot: (NaiveDate, Decimal, Option<String>, String)| {
            let (opened_on, quantity, cost, key) = lot;
            row(
                "ledger.lot",
                &[
                    ("opened_on", Some(opened_on.to_string())),
                    ("quantity", Some(quantity.normalize().to_string())),
                    ("cost", cost),
                    ("key", Some(key)),
                ],
            )
        };
        Ok(lots
            .into_iter()
            .map(|found| lot((found.opened_on, found.quantity, found.cost.map(|cost| cost.normalize().to_string()), found.key)))
            .collect())
    }

    /// The close that a session was valued at, back to where it was said.
    pub(super) async fn close(&self, subject: &Subject<'_>) -> Result<Made> {
        let symbol = subject.symbol()?;
        let day = match subject.asked.session {
            // Nothing was published of a later one: its close isn't the last one carried.
            Some(day) if subject.sessions.last().is_some_and(|last| day > last.session_date) => return Err(AppError::NotFound.into()),
            Some(day) => day,
            None => subject.session()?.1.session_date,
        };
        if !self.may_see(subject.portfolio.id, &symbol).await? {
            return Err(AppError::NotFound.into());
        }
        let name = symbol.as_str().to_owned();
        let Some(price) = self.prices_used(std::slice::from_ref(&name), subject.as_of, day).await?.remove(&name) else {
            let reason = Undefined::because("no price yet");
            let recipe = overall::nothing(&reason);
            return Ok(Made {
                value: Err(reason),
                recipe,
                opens_on: None,
                as_of: day,
                inputs: Vec::new(),
                rows: Vec::new(),
                quotes: Vec::new(),
            });
        };
        let quote = self.quote(subject.portfolio.id, price.response_id, &Wanted::Close { symbol: &name, session: price.priced_on }).await?;
        let quoted = quote.as_ref().filter(|quote| quote.field.is_some()).map(|quote| quote.marked.clone());
        let recipe = Recipe::Quoted { text: quoted.unwrap_or_else(|| price.traded.to_string()), splits: price.splits.clone() };
        let mut inputs = vec![Input::new("As traded", format::price(price.traded))];
        if price.priced_on < day {
            inputs.push(Input::new("Carried", format!("the last close, of {}", format::date(price.priced_on))));
        }
        inputs.extend(price.splits.iter().map(|(from, to)| Input::new("Split since then", format!("{to} for {from}"))));
        let mut rows = self.bars(&symbol, &price, subject.as_of).await?;
        let mut quotes: Vec<Quote> = quote.into_iter().collect();
        if let Some((row, answer)) = self.beside(subject, &symbol, price.priced_on).await? {
            inputs.extend(row.columns.iter().find(|(name, _)| name == "close").map(|(_, close)| Input::new("A second vendor says", close)));
            rows.push(row);
            quotes.extend(answer);
        }
        Ok(Made { value: Ok(Answer::Price(price.close)), recipe, opens_on: None, as_of: day, inputs, rows, quotes })
    }

    /// The versions of a bar, the one that is used marked, what was set aside, and what a person entered.
    async fn bars(&self, symbol: &Symbol, price: &PriceUsed, as_of: AsOf) -> Result<Vec<Row>> {
        let (name, day) = (symbol.as_str(), price.priced_on);
        let versions = sqlx::query!(
            r#"select bar.response_id, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.vendor, answer.fetched_at as "fetched_at?", answer.run_id as "run_id?"
               from raw.market_data as bar left join raw.vendor_response as answer using (response_id)
               where bar.symbol = $1 and bar."timestamp" = $2
                 -- What came later wasn't known.
                 and bar.response_id <= coalesce((select nullif(response_id, 0) from ops.publication where publication_id = $4), bar.response_id)
               order by bar.response_id desc limit $3"#,
            name,
            calendar::midnight(day),
            VERSIONS,
            as_of.mark(),
        )
        .fetch_all(&self.pool)
        .await?;
        let number = |number: Option<Decimal>| number.map(|number| number.normalize().to_string());
        let mut rows: Vec<Row> = versions
            .into_iter()
            .map(|bar| {
                row(
                    "raw.market_data",
                    &[
                        ("used", (bar.response_id == price.response_id).then(|| "yes".into())),
                        ("session_date", Some(day.to_string())),
                        ("open", number(bar.open)),
                        ("high", number(bar.high)),
                        ("low", number(bar.low)),
                        ("close", number(bar.close)),
                        ("volume", number(bar.volume)),
                        ("vendor", Some(bar.vendor)),
                        ("response_id", Some(bar.response_id.to_string())),
                        ("fetched_at", bar.fetched_at.map(|at| at.to_rfc3339())),
                        ("run_id", bar.run_id.map(|run| run.to_string())),
                    ],
                )
            })
            .collect();
        let set_aside = sqlx::query!(
            "select check_name, reason, response_id, quarantined_at, released_at, discarded_at, note from ops.quarantine
             where dataset = 'bars' and symbol = $1 and session_date = $2 order by quarantined_at",
            name,
            day,
        );
        for found in set_aside.fetch_all(&self.pool).await? {
            let instant = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.to_rfc3339());
            rows.push(row(
                "ops.quarantine",
                &[
                    ("check", Some(found.check_name)),
                    ("reason", Some(found.reason)),
                    ("response_id", Some(found.response_id.to_string())),
                    ("quarantined_at", instant(Some(found.quarantined_at))),
                    ("released_at", instant(found.released_at)),
                    ("discarded_at", instant(found.discarded_at)),
                    ("note", found.note),
                ],
            ));
        }
        let by_hand = sqlx::query!(
            r#"select version, close, is_deleted, note, entered_at, person.display_name as "who?" from book.price
               left join auth."user" as person on person.user_id = entered_by where symbol = $1 and session_date = $2 order by version desc"#,
            name,
            day,
        );
        for entered in by_hand.fetch_all(&self.pool).await? {
            rows.push(row(
                "book.price",
                &[
                    ("close", Some(entered.close.normalize().to_string())),
                    ("version", Some(entered.version.to_string())),
                    ("taken_back", entered.is_deleted.then(|| "yes".into())),
                    ("note", Some(entered.note)),
                    ("entered_by", entered.who),
                    ("entered_at", Some(entered.entered_at.to_rfc3339())),
                ],
            ));
        }
        Ok(rows)
    }
}

/// What the currency of a holding's prices costs, with the way to how it was made: of pence it is the pound's.
fn rate_input(currency: &str, rate: Decimal, base: &str, rates: &Rates, day: NaiveDate) -> Input {
    let major = Currency::parse(currency).map(|currency| currency.major().to_string()).unwrap_or_default();
    match rates.get(&major) {
        Some(rate) => Input::new(format!("{base} for one {major}"), rate.to_string())
            .to("exchange_rate", Some(&major), day)
            .noting((major != *currency).then(|| format!("one {currency} is a hundredth of it"))),
        // In pounds pence have their rate without anybody's answer; older versions kept no other.
        None => Input::new(format!("{base} for one {currency}"), rate.normalize().to_string()),
    }
}

/// A holding's figure as its page says it, and what it is worked out from.
fn made_of(
    key: &str,
    held: &Held,
    accounts: &[(String, Decimal, Money)],
    is_abroad: bool,
    whole: Option<Money>,
    day: NaiveDate,
) -> Option<(Figure<Answer>, Recipe)> {
    let no_price = || Undefined::because("no price yet");
    let number = |number: f64| Answer::Number(Exact(number));
    let value = held.value.map(Money).ok_or_else(no_price);
    let known_cost = held.cost.map(Money).ok_or_else(no_rate);
    let cost = known_cost.clone().unwrap_or_default();
    let gain = value.clone().and_then(|value| Ok(value - known_cost?));
    let (part, whole_value) = (value.clone().unwrap_or_default(), whole.unwrap_or_default());
    Some(match key {
        "holding_value" => {
            let (symbol, price) = (held.symbol.clone(), held.close.unwrap_or_default());
            let recipe = match held.rate.filter(|_| is_abroad) {
                Some(rate) => {
                    let priced = |(name, quantity, _): &(String, Decimal, Money)| Priced {
                        symbol: name.clone(),
                        quantity: *quantity,
                        price,
                        rate: Some(rate),
                    };
                    Recipe::Each { positions: accounts.iter().map(priced).collect() }
                }
                None => {
                    let priced = Priced { symbol, quantity: held.quantity, price, rate: None };
                    Recipe::Worth { positions: vec![priced], cash: Money::ZERO, receivable: Money::ZERO }
                }
            };
            (value.map(Answer::Money), recipe)
        }
        "holding_weight" => {
            let weight = value.and_then(|value| weight(value, whole));
            (weight.map(number), Recipe::Share { part, whole: whole_value })
        }
        "holding_day_return" => {
            let (close, previous) = (Money(held.close.unwrap_or_default()), Money(held.previous_close.unwrap_or_default()));
            let found = day_return(held.close, held.previous_close, held.priced_on, day);
            (found.map(number), Recipe::Share { part: close - previous, whole: previous })
        }
        "holding_gain" => {
            let terms = vec![Term { name: "Value".into(), amount: part }, Term { name: "Cost".into(), amount: -cost }];
            (gain.map(Answer::Money), Recipe::Sum { terms })
        }
        "holding_gain_share" => {
            let whole = cost.abs();
            let share = gain.clone().and_then(|gain| gain.share_of(whole).ok_or_else(|| Undefined::because("the cost is zero")));
            (share.map(number), Recipe::Share { part: gain.unwrap_or_default(), whole })
        }
        _ => return None,
    })
}

fn no_rate() -> Undefined {
    Undefined::because("a rate was missing when it was bought")
}

/// A holding's share of the portfolio.
pub(in crate::store) fn weight(value: Money, whole: Option<Money>) -> Figure<f64> {
    whole.and_then(|whole| value.share_of(whole)).ok_or_else(|| Undefined::because("the portfolio has no value yet"))
}

fn holding_row(subject: &Subject<'_>, held: &Held, day: NaiveDate) -> Row {
    let table = match subject.as_of {
        AsOf::Now => "marts.holdings".to_owned(),
        AsOf::Publication(publication) => format!("ops.published_position and ops.published_price up to publication {publication}"),
    };
    row(
        &table,
        &[
            ("portfolio_id", Some(subject.portfolio.id.to_string())),
            ("symbol", Some(held.symbol.clone())),
            ("session_date", Some(day.to_string())),
            ("name", Some(held.name.clone())),
            ("sector", Some(held.sector.clone())),
            ("quantity", Some(held.quantity.normalize().to_string())),
            ("cost", held.cost.map(|cost| cost.normalize().to_string())),
            ("currency", held.currency.clone()),
            ("rate", held.rate.map(|rate| rate.normalize().to_string())),
            ("close", held.close.map(|close| close.normalize().to_string())),
            ("priced_on", held.priced_on.map(|on| on.to_string())),
            ("value", held.value.map(|value| value.normalize().to_string())),
            ("previous_close", held.previous_close.map(|close| close.normalize().to_string())),
        ],
    )
}
