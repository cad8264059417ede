//! How a figure was made: from what a page shows back over the rows and the publication to the vendor's bytes. It follows stored keys.

mod address;
mod beside;
mod catalogue;
mod command;
mod contribution;
mod day;
mod holding;
mod overall;
mod parts;
mod periods;
mod prices;
mod quote;
mod rates;
mod reasons;
mod restated;
mod rows;
mod spans;

pub use command::ExplainArgs;
pub(super) use holding::weight;
pub use quote::Question;

use super::{Error, Result, Store, published::AsOf, scope::Owned};
use crate::calendar;
use app::{
    analytics::sessions::PortfolioSession,
    domain::{Figure, Money, PortfolioId, Scope, Symbol, UserId},
    error::AppError,
    explain::{
        figures::{Described, Unit},
        model::{Asked, Explanation, Input, Quote, Row, Trail},
        recipe::{Answer, Recipe},
        restated::Restatements,
    },
    format,
    overview::figures::overview_figures,
    ports::Explanations,
};
use async_trait::async_trait;
use chrono::NaiveDate;
use overall::Ground;

pub(super) struct PgExplanations(pub Store);

#[async_trait]
impl Explanations for PgExplanations {
    async fn explain(&self, user: UserId, asked: Asked) -> Result<Explanation, AppError> {
        Ok(self.0.explain(user, &asked).await?)
    }

    async fn restatements(&self, user: UserId, scope: Scope, page: u32) -> Result<Restatements, AppError> {
        Ok(self.0.restatements(user, scope, page).await?)
    }
}

/// What is being explained: a portfolio's figure, from the sessions as they are or were published.
struct Subject<'a> {
    asked: &'a Asked,
    described: Described,
    portfolio: Owned,
    as_of: AsOf,
    sessions: Vec<PortfolioSession>,
    restated: Vec<NaiveDate>,
    restated_benchmark: Vec<NaiveDate>,
}

/// What an explanation says beyond its figure's description.
struct Made {
    value: Figure<Answer>,
    recipe: Recipe,
    opens_on: Option<NaiveDate>,
    as_of: NaiveDate,
    inputs: Vec<Input>,
    rows: Vec<Row>,
    quotes: Vec<Quote>,
}

impl Subject<'_> {
    /// The session that is asked for, or the last, and the one before it.
    fn session(&self) -> Result<(Option<&PortfolioSession>, &PortfolioSession)> {
        let at = match self.asked.session {
            Some(day) => self.sessions.iter().position(|session| session.session_date == day),
            None => self.sessions.len().checked_sub(1),
        };
        let at = at.ok_or(AppError::NotFound)?;
        let session = self.sessions.get(at).ok_or(AppError::NotFound)?;
        Ok((at.checked_sub(1).and_then(|before| self.sessions.get(before)), session))
    }

    fn symbol(&self) -> Result<Symbol> {
        let symbol = self.asked.symbol.as_deref().ok_or(AppError::NotFound)?;
        Ok(Symbol::parse(symbol).map_err(|_| AppError::NotFound)?)
    }

    fn is_restated(&self, session: NaiveDate) -> bool {
        self.restated.contains(&session)
    }
}

impl Store {
    /// Explains a figure of one's own.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for what there is not, or is another's.
    pub async fn explain(&self, user: UserId, asked: &Asked) -> Result<Explanation> {
        self.steadily(user, asked.scope, || Box::pin(self.explain_once(user, asked))).await
    }

    async fn explain_once(&self, user: UserId, asked: &Asked) -> Result<Explanation> {
        let described = catalogue::described(asked).ok_or(AppError::NotFound)?;
        let portfolio = self.owned(user, asked.scope).await?;
        let as_of = match self.as_of(portfolio.id, asked.scope.as_known_on).await?.ok_or(AppError::NotFound)? {
            AsOf::Now => self.shown_now(portfolio.id).await?,
            known => known,
        };
        let (sessions, restated, restated_benchmark, publication) = tokio::try_join!(
            self.sessions(portfolio.id, as_of, asked.scope.benchmark),
            self.restated(portfolio.id, as_of),
            self.restated_benchmark(portfolio.id, as_of, asked.scope.benchmark),
            self.trail(&portfolio, as_of),
        )?;
        if as_of == AsOf::Now && !sessions.is_empty() {
            self.assert_booked(portfolio.id).await?;
        }
        let subject = Subject { asked, described, portfolio, as_of, sessions, restated, restated_benchmark };
        let made = match described.key {
            "close" => self.close(&subject).await?,
            "value" | "session_value" => self.session_value(&subject).await?,
            "daily_return" | "day_return" | "day_change" => self.day_figure(&subject).await?,
            "benchmark_day_return" => self.benchmark_day(&subject).await?,
            "since_yesterday" => self.since_yesterday(&subject).await?,
            "sector_weight" => self.sector(&subject).await?,
            "cash" | "receivable" => self.balance(&subject).await?,
            "risk_free_rate" => self.risk_free(&subject).await?,
            "exchange_rate" => self.exchange(&subject).await?,
            key if key.starts_with("contribution") => self.contribution(&subject).await?,
            key if key.starts_with("holding_") => self.holding(&subject).await?,
            _ => self.overall(&subject).await?,
        };
        let Subject { portfolio, .. } = subject;
        let about = address::about(asked, made.as_of);
        let symbol = about.iter().find(|(name, _)| name == "symbol").map(|(_, symbol)| symbol.clone());
        Ok(Explanation {
            figure: asked.figure.clone(),
            name: address::name(asked, &described),
            portfolio: portfolio.id,
            symbol,
            about,
            opens_on: made.opens_on,
            as_of: made.as_of,
            as_known_on: asked.scope.as_known_on,
            shown: shown(&made.value, described.unit, &portfolio.currency),
            currency: portfolio.currency,
            value: made.value,
            method: described.method.into(),
            formula: described.formula.into(),
            conventions: described.conventions.iter().map(|convention| (*convention).to_owned()).collect(),
            recipe: made.recipe,
            inputs: made.inputs,
            rows: made.rows,
            quotes: made.quotes,
            publication,
        })
    }

    /// After an update, until all is booked anew, the pages still stand, but not what they were made from.
    async fn assert_booked(&self, portfolio: PortfolioId) -> Result<()> {
        let is_booked = crate::pipeline::ledger::is_of_this_shape(&self.pool).await?
            && sqlx::query_scalar!(r#"select exists (select from ledger.state where portfolio_id = $1) as "is!""#, portfolio.get())
                .fetch_one(&self.pool)
                .await?;
        if is_booked {
            return Ok(());
        }
        Err(Error::refused("After an update this portfolio is being booked anew; come back when that is published, in some minutes."))
    }

    /// A figure of the range.
    async fn overall(&self, subject: &Subject<'_>) -> Result<Made> {
        let values: Vec<Money> = self.position_values(subject.portfolio.id, subject.as_of).await?.into_iter().flatten().collect();
        let range = subject.asked.scope.range;
        let figures = overview_figures(&subject.sessions, &values, range).ok_or(AppError::NotFound)?;
        let ground = Ground {
            sessions: &subject.sessions,
            position_values: &values,
            figures: &figures,
            range,
            restated: &subject.restated,
            restated_benchmark: &subject.restated_benchmark,
        };
        if let Some(of) = periods::of_period(subject.asked, &ground) {
            let rows = self.day_rows(subject, of.as_of).await?;
            return Ok(Made { rows, ..of.into() });
        }
        let value = overall::said(subject.described.key, &figures, &subject.sessions, range).ok_or(AppError::NotFound)?;
        let recipe = match &value {
            Ok(_) => overall::recipe(subject.described.key, &ground).ok_or(AppError::NotFound)?,
            Err(reason) => overall::nothing(reason),
        };
        let mut inputs = overall::inputs(subject.described.key, &recipe, &ground);
        let mut rows = self.day_rows(subject, figures.as_of).await?;
        if let Recipe::Concentration { .. } = &recipe {
            for held in self.held(subject.portfolio.id, subject.as_of, Some(10)).await? {
                let said = held.value.map_or_else(|| "no price yet".into(), |value| format::money(Money(value)));
                inputs.push(Input::new(held.symbol.clone(), said).to("close", Some(&held.symbol), figures.as_of));
            }
        } else if figures.opens_on != figures.as_of {
            rows.extend(self.day_rows(subject, figures.opens_on).await?);
        }
        let since_first = matches!(subject.described.key, "total_gain" | "money_weighted");
        Ok(Made {
            value,
            recipe,
            opens_on: Some(if since_first { figures.since } else { figures.opens_on }),
            as_of: figures.as_of,
            inputs,
            rows,
            quotes: Vec::new(),
        })
    }

    /// The publication that shows the figure, and what it went through.
    async fn trail(&self, portfolio: &Owned, as_of: AsOf) -> Result<Option<Trail>> {
        let row = sqlx::query!(
            r#"select publication.publication_id, published_at, program, publication.run_id, checks_passed, checks_total,
                      run.dag as "dag?", task.name as "task?",
                      (select coalesce(array_agg(distinct check_name), '{}') from ops.check_result as result
                       where result.run_id = publication.run_id and not passed and portfolio_id in (0, $1)) as "failed!"
               from ops.publication as publication
               left join ops.run as run on run.run_id = publication.run_id
               left join ops.task as task on task.run_id = publication.run_id and task.name = 'publish'
               where publication.publication_id <= $2 and ($1 = any(portfolios) or not keeps_all)
               order by publication.publication_id desc limit 1"#,
            portfolio.id.get(),
            as_of.mark(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| Trail {
            publication_id: row.publication_id,
            published_at: row.published_at,
            published_on: calendar::new_york_date(row.published_at),
            program: row.program,
            run_id: row.run_id,
            dag: row.dag.unwrap_or_default(),
            task: row.task,
            checks_passed: row.checks_passed,
            checks_total: row.checks_total,
            failed: row.failed,
        }))
    }
}

/// As it stands on the pages.
fn shown(value: &Figure<Answer>, unit: Unit, currency: &str) -> String {
    match (value, unit) {
        (Err(reason), _) => format!("– ({reason})"),
        (Ok(Answer::Money(money)), Unit::SignedMoney) => format!("{} {currency}", format::signed_money(*money)),
        (Ok(Answer::Money(money)), _) => format!("{} {currency}", format::money(*money)),
        (Ok(Answer::Price(quantity)), Unit::Quantity) => format::quantity(*quantity),
        (Ok(Answer::Price(price)), _) => format::price(*price),
        (Ok(Answer::Number(number)), Unit::Percent) => format::percent(number.0),
        (Ok(Answer::Number(number)), Unit::Ratio) => format::ratio(number.0),
        (Ok(Answer::Number(number)), Unit::Share) => format::share(number.0),
        (Ok(Answer::Number(number)), Unit::Index) => format::index(number.0),
        (Ok(Answer::Number(number)), _) => format::signed_percent(number.0),
    }
}

/// A row as it is shown: its table, its columns, what is null left out.
fn row(table: &str, columns: &[(&str, Option<String>)]) -> Row {
    let columns = columns.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?))).collect();
    Row { table: table.to_owned(), columns }
}
