//! Rates: what currencies cost when a session was valued, as it is booked now or was published, and the risk-free rate; back to the bytes.

use super::{Made, Subject, overall, quote::YIELD, row, spans::Wanted};
use crate::store::{Result, Store, published::AsOf};
use app::{
    analytics::ledger::crossed,
    domain::{Currency, PortfolioId, Undefined},
    error::AppError,
    explain::{
        model::Input,
        recipe::{Answer, Exact, Recipe},
    },
    format,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Quotes that are looked through: two currencies' of more than half a year.
const VERSIONS: i64 = 400;

/// Units of a portfolio's currency for one unit of each other one (of pence the pound), by its code.
pub(super) type Rates = BTreeMap<String, Decimal>;

impl Store {
    pub(super) async fn rates_used(&self, portfolio: PortfolioId, as_of: AsOf, session: NaiveDate) -> Result<Rates> {
        struct Row {
            currency: String,
            rate: Decimal,
        }
        let rows = match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Row,
                    "select currency, rate from ledger.rate where portfolio_id = $1 and session_date = $2",
                    portfolio.get(),
                    session,
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Row,
                    r#"select currency, rate as "rate!"
                       from (select distinct on (currency) currency, rate from ops.published_rate
                             where portfolio_id = $1 and session_date = $2 and publication_id <= $3
                             order by currency, publication_id desc) as latest
                       where rate is not null"#,
                    portfolio.get(),
                    session,
                    publication,
                )
                .fetch_all(&self.pool)
                .await?
            }
        };
        Ok(rows.into_iter().map(|row| (row.currency, row.rate.normalize())).collect())
    }

    /// The risk-free rate of a session, back to FRED's answer.
    pub(super) async fn risk_free(&self, subject: &Subject<'_>) -> Result<Made> {
        let (_, session) = subject.session()?;
        let day = session.session_date;
        let rows = self.day_rows(subject, day).await?;
        let mut made = Made {
            value: session.risk_free_rate.map(|rate| Answer::Number(Exact(rate))).ok_or_else(unknown),
            recipe: overall::nothing(&unknown()),
            opens_on: None,
            as_of: day,
            inputs: Vec::new(),
            rows,
            quotes: Vec::new(),
        };
        let Some(rate) = session.risk_free_rate else { return Ok(made) };
        let is_it = |text: &str| Recipe::Percent { text: text.to_owned() }.work_out() == Ok(Answer::Number(Exact(rate)));
        let mut found = None;
        for read_up_to in self.read_up_to(subject, day).await? {
            let known = self.yield_known(day, read_up_to).await?;
            found = known.filter(|known| is_it(&known.value.normalize().to_string()));
            if found.is_some() {
                break;
            }
        }
        let Some(found) = found else {
            made.recipe = Recipe::Nothing { reason: "the observation isn't there any more".into() };
            return Ok(made);
        };
        let quote = self.quote(subject.portfolio.id, found.response_id, &Wanted::Yield { observed_on: found.observed_on }).await?;
        let quoted = quote.as_ref().filter(|quote| quote.field.is_some()).map(|quote| quote.marked.clone()).filter(|text| is_it(text));
        let text = quoted.unwrap_or_else(|| found.value.normalize().to_string());
        let carried = (found.observed_on < day).then(|| format!("carried from {}", format::date(found.observed_on)));
        made.inputs.push(Input::new(format!("{YIELD}, {}", format::date(found.observed_on)), format!("{text} percent")).noting(carried));
        made.recipe = Recipe::Percent { text };
        made.rows.push(row(
            "raw.economic_observation",
            &[
                ("series_id", Some(YIELD.into())),
                ("observed_on", Some(found.observed_on.to_string())),
                ("value", Some(found.value.normalize().to_string())),
                ("response_id", Some(found.response_id.to_string())),
            ],
        ));
        made.quotes.extend(quote);
        Ok(made)
    }

    /// Up to which answers that may have been read which a session shows, the likeliest first: up to those that the publication on the page
    /// had read, or, where it left alone what was there, up to those of the one that wrote it.
    async fn read_up_to(&self, subject: &Subject<'_>, day: NaiveDate) -> Result<Vec<i64>> {
        Ok(sqlx::query_scalar!(
            "select response_id from ops.publication where publication_id in (
                 (select max(publication_id) from ops.publication where publication_id <= $2 and ($1 = any(portfolios) or not keeps_all)),
                 (select max(publication_id) from ops.published_session where session_date = $3 and publication_id <= $2),
                 (select max(publication_id) from ops.published_rate where portfolio_id = $1 and session_date = $3 and publication_id <= $2))
             group by response_id order by response_id desc",
            subject.portfolio.id.get(),
            subject.as_of.mark(),
            day,
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The yield of a session by the rule of staging.risk_free_rates and marts.portfolio_daily: of each day the latest version that is a
    /// yield, of these the last that isn't empty.
    async fn yield_known(&self, day: NaiveDate, read_up_to: i64) -> Result<Option<Observation>> {
        Ok(sqlx::query_as!(
            Observation,
            r#"select observed_on, value as "value!", response_id
               from (select distinct on (observed_on) observed_on, value, response_id from raw.economic_observation
                     where series_id = $1 and observed_on <= $2 and response_id <= $3 and (value is null or value between -5 and 25)
                     order by observed_on desc, response_id desc) as latest
               where value is not null order by observed_on desc limit 1"#,
            YIELD,
            day,
            read_up_to,
        )
        .fetch_optional(&self.pool)
        .await?)
    }

    /// The latest versions of two currencies' quotes, the newest day first.
    async fn quotes_known(&self, currencies: &[String], day: NaiveDate, read_up_to: i64) -> Result<Vec<Version>> {
        Ok(sqlx::query_as!(
            Version,
            r#"select case when quote = 'USD' then currency else quote end as "currency!", quoted_on, close,
                      (case when quote = 'USD' then close else 1 / close end)::numeric(28, 10) as "dollars!", response_id
               from (select distinct on (quoted_on, currency, quote) * from raw.exchange_rate
                     where close > 0 and quoted_on <= $2 and response_id <= $4
                       and (quote = 'USD' and currency = any($1) or currency = 'USD' and quote = any($1))
                     order by quoted_on desc, currency, quote, response_id desc limit $3) as latest
               order by quoted_on desc, response_id desc"#,
            currencies,
            day,
            VERSIONS,
            read_up_to,
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// What a currency cost when a session was valued, back to the vendor's answers.
    pub(super) async fn exchange(&self, subject: &Subject<'_>) -> Result<Made> {
        let (_, session) = subject.session()?;
        let (day, base) = (session.session_date, subject.portfolio.currency.as_str());
        let currency = subject.asked.symbol.as_deref().and_then(|code| Currency::parse(code).ok()).ok_or(AppError::NotFound)?.major();
        let rates = self.rates_used(subject.portfolio.id, subject.as_of, day).await?;
        // Of pence in a portfolio in pounds the pound is one.
        let rate = rate_of(currency.as_str(), base, &rates).ok_or(AppError::NotFound)?;
        let mut made = Made {
            value: Ok(Answer::Price(rate)),
            recipe: Recipe::Nothing { reason: "the day of this rate lies too far back".into() },
            opens_on: None,
            as_of: day,
            inputs: Vec::new(),
            rows: vec![row(
                match subject.as_of {
                    AsOf::Now => "ledger.rate",
                    AsOf::Publication(_) => "ops.published_rate",
                },
                &[("currency", Some(currency.to_string())), ("session_date", Some(day.to_string())), ("rate", Some(rate.to_string()))],
            )],
            quotes: Vec::new(),
        };
        let (pair, mut versions) = ([currency.to_string(), base.to_owned()], Vec::new());
        for read_up_to in self.read_up_to(subject, day).await? {
            versions = self.quotes_known(&pair, day, read_up_to).await?;
            if made_from(&versions, currency.as_str(), base, rate).is_some() {
                break;
            }
        }
        let Some((of, per)) = made_from(&versions, currency.as_str(), base, rate) else { return Ok(made) };
        let dollars = |version: Option<&Version>| version.map_or(Decimal::ONE, |version| version.dollars.normalize());
        made.recipe = Recipe::Crossed { of: dollars(of), base: dollars(per) };
        for version in [of, per].into_iter().flatten() {
            let name = format!("Dollars for one {}, {}", version.currency, format::date(version.quoted_on));
            let carried = (version.quoted_on < day).then(|| format!("carried from {}", format::date(version.quoted_on)));
            made.inputs.push(Input::new(name, version.dollars.normalize().to_string()).noting(carried));
            made.rows.push(row(
                "raw.exchange_rate",
                &[
                    ("currency", Some(version.currency.clone())),
                    ("quoted_on", Some(version.quoted_on.to_string())),
                    ("close", Some(version.close.normalize().to_string())),
                    ("response_id", Some(version.response_id.to_string())),
                ],
            ));
            let wanted = Wanted::Rate { currency: &version.currency, quoted_on: version.quoted_on };
            made.quotes.extend(self.quote(subject.portfolio.id, version.response_id, &wanted).await?);
        }
        Ok(made)
    }
}

/// A yield in one of its versions, in percent.
struct Observation {
    observed_on: NaiveDate,
    value: Decimal,
    response_id: i64,
}

/// A pair of currencies in one of its versions.
struct Version {
    currency: String,
    quoted_on: NaiveDate,
    close: Decimal,
    dollars: Decimal,
    response_id: i64,
}

/// The latest day's versions (newest first) that make the rate that was used; of the dollar there are none.
fn made_from<'v>(versions: &'v [Version], currency: &str, base: &str, rate: Decimal) -> Option<(Option<&'v Version>, Option<&'v Version>)> {
    if currency == base {
        return Some((None, None));
    }
    versions.chunk_by(|a, b| a.quoted_on == b.quoted_on).find_map(|day| {
        let of = |code: &str| -> Vec<Option<&'v Version>> {
            if code == "USD" { vec![None] } else { day.iter().filter(|version| version.currency == code).map(Some).collect() }
        };
        let dollars = |version: Option<&Version>| version.map_or(Decimal::ONE, |version| version.dollars);
        of(currency).into_iter().find_map(|of_currency| {
            let base = of(base).into_iter().find(|of_base| crossed(dollars(of_currency), dollars(*of_base)) == Some(rate))?;
            Some((of_currency, base))
        })
    })
}

fn unknown() -> Undefined {
    Undefined::because("the risk-free rate of this session isn't known")
}

/// What one unit of the currency of some prices costs in the portfolio's; `None` where that wasn't used.
pub(super) fn rate_of(currency: &str, base: &str, rates: &Rates) -> Option<Decimal> {
    let (currency, base) = (Currency::parse(currency).ok()?, Currency::parse(base).ok()?);
    let major = currency.major();
    currency.of_major(if major == base { Decimal::ONE } else { *rates.get(major.as_str())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pence_cost_a_hundredth_of_the_pound() {
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        let rates = Rates::from([("GBP".to_owned(), dec("1.2345678901"))]);
        assert_eq!(rate_of("GBP", "USD", &rates), Some(dec("1.2345678901")));
        assert_eq!(rate_of("GBX", "USD", &rates), Some(dec("0.012345678901")));
        assert_eq!(rate_of("GBX", "GBP", &Rates::new()), Some(dec("0.01")));
        assert_eq!(rate_of("EUR", "USD", &rates), None);
    }
}
