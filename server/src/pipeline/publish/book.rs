//! Books the portfolios one by one and lands what each yields. One that fails keeps what it had; the others go on.

use super::{Change, Plan, Scope, Standing, attempt::Aim, plan};
use crate::{
    calendar,
    orchestrator::{TaskContext, TaskError},
    pipeline::ledger::{self, Books, Exchange, Landed, Mark, Needs, Prices},
};
use app::{
    analytics::ledger::{Input, State, Yield, book},
    domain::PortfolioId,
};
use chrono::NaiveDate;
use sqlx::{Connection, PgConnection, types::Json};
use std::collections::{BTreeMap, BTreeSet};

/// From this many rows on, and this part of all, the planner is told about them before the marts are built: reading the samples of ten
/// years of fifty portfolios takes as long as booking a day of them.
const ROWS_WORTH_ANALYZING: u64 = 1_000;
const PART_WORTH_ANALYZING: f64 = 0.1;

/// What booking changed.
#[derive(Debug, Default)]
pub(super) struct Booked {
    pub rows: u64,
    /// Each portfolio that was booked, and from when on its numbers may differ.
    pub changed: BTreeMap<PortfolioId, NaiveDate>,
    /// Up to which row of ops.change each of those that had a ledger stood before.
    pub marks: BTreeMap<PortfolioId, i64>,
    /// Those that could not be booked keep what they had.
    pub failed: Vec<PortfolioId>,
}

impl Booked {
    fn note(&mut self, portfolio: PortfolioId, from: NaiveDate) {
        self.changed.entry(portfolio).and_modify(|known| *known = (*known).min(from)).or_insert(from);
    }

    /// What the marts join to every ledger changed from this day on.
    pub async fn changed_for_all(
        &mut self,
        connection: &mut PgConnection,
        from: NaiveDate,
        held_back: &BTreeSet<PortfolioId>,
    ) -> Result<(), sqlx::Error> {
        for portfolio in sqlx::query_scalar!("select portfolio_id from ledger.state").fetch_all(connection).await? {
            let portfolio = PortfolioId(portfolio);
            if !held_back.contains(&portfolio) && !self.failed.contains(&portfolio) {
                self.note(portfolio, from);
            }
        }
        Ok(())
    }
}

/// Leaves for the incremental models what they are to build anew.
pub(super) async fn note_changed(connection: &mut PgConnection, booked: &Booked) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from ledger.changed").execute(&mut *connection).await?;
    sqlx::query!(
        "insert into ledger.changed select * from unnest($1::bigint[], $2::date[])",
        &booked.changed.keys().map(|portfolio| portfolio.get()).collect::<Vec<_>>(),
        &booked.changed.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::raw_sql("analyze ledger.changed").execute(connection).await?;
    Ok(())
}

/// Brings the ledgers of the aim's scope up to its session, but for those that are held back. `is_anew`: what they read of the past is
/// no longer what they read before, since a model changed.
pub(super) async fn portfolios(
    ctx: &TaskContext,
    connection: &mut PgConnection,
    aim: &Aim<'_>,
    held_back: &BTreeSet<PortfolioId>,
    is_anew: bool,
) -> Result<Booked, TaskError> {
    let all =
        sqlx::query_scalar!(r#"select portfolio_id as "id!" from book.portfolio union select portfolio_id from ledger.state order by 1"#);
    let all = all.fetch_all(&mut *connection).await?.into_iter().map(PortfolioId);
    let is_chosen = |id: &PortfolioId| !held_back.contains(id) && (aim.scope == Scope::All || aim.scope == Scope::Portfolio(*id));
    let chosen: Vec<_> = all.filter(is_chosen).collect();
    let mut booking = Booking {
        ctx,
        aim,
        is_anew,
        changes: changes(connection).await?,
        prices: Prices::default(),
        exchange: Exchange::default(),
        booked: Booked::default(),
    };
    for (done, portfolio) in chosen.iter().enumerate() {
        booking.alone(connection, *portfolio).await?;
        ctx.progress(done as u64 + 1, chosen.len() as u64).await?;
    }
    let booked = booking.booked;
    #[expect(clippy::cast_precision_loss, reason = "a part of a few million rows")]
    if booked.rows >= ROWS_WORTH_ANALYZING && booked.rows as f64 >= PART_WORTH_ANALYZING * known_rows(connection).await? {
        sqlx::raw_sql("analyze ledger.portfolio_day, ledger.position, ledger.session").execute(connection).await?;
    }
    Ok(booked)
}

/// As the planner knows them; of a table that was never analyzed none.
async fn known_rows(connection: &mut PgConnection) -> Result<f64, sqlx::Error> {
    let rows = sqlx::query_scalar!(
        r#"select coalesce(sum(greatest(reltuples, 0)), 0)::float8 as "rows!" from pg_class
           where oid in ('ledger.portfolio_day'::regclass, 'ledger.position'::regclass)"#
    );
    rows.fetch_one(connection).await
}

/// The ledgers of a publication, one after the other: they share the changes and the prices that were read.
struct Booking<'a> {
    ctx: &'a TaskContext,
    aim: &'a Aim<'a>,
    is_anew: bool,
    changes: Vec<Change>,
    prices: Prices,
    exchange: Exchange,
    booked: Booked,
}

impl Booking<'_> {
    /// One portfolio behind a savepoint: numbers of its own that no column holds cost nobody else a publication.
    async fn alone(&mut self, connection: &mut PgConnection, portfolio: PortfolioId) -> Result<(), sqlx::Error> {
        let mut savepoint = connection.begin().await?;
        match self.one(&mut savepoint, portfolio).await {
            Ok(landed) => {
                savepoint.commit().await?;
                self.booked.rows += landed.rows;
                if let Some(from) = landed.changed_from {
                    self.booked.note(portfolio, from);
                }
                Ok(())
            }
            Err(error) if is_of_the_data(&error) => {
                savepoint.rollback().await?;
                self.failed(portfolio, &error);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn failed(&mut self, portfolio: PortfolioId, error: &dyn std::error::Error) {
        tracing::error!(run_id = self.ctx.run_id, portfolio = portfolio.get(), %error, "this portfolio could not be booked");
        self.booked.failed.push(portfolio);
    }

    async fn one(&mut self, connection: &mut PgConnection, portfolio: PortfolioId) -> Result<Landed, sqlx::Error> {
        let through = self.aim.through;
        let stored = sqlx::query!(
            r#"select session_date, state as "state: Json<serde_json::Value>", change_id, quarantined from ledger.state where portfolio_id = $1"#,
            portfolio.get()
        )
        .fetch_optional(&mut *connection)
        .await?;
        // A state that an older version wrote in another shape is booked anew.
        let stored = stored.and_then(|row| {
            let standing = Standing { session_date: row.session_date, change_id: row.change_id, quarantined: row.quarantined };
            serde_json::from_value::<State>(row.state.0).ok().map(|state| (standing, state))
        });
        let standing = stored.as_ref().map(|(standing, _)| standing);
        if let Some(standing) = standing {
            self.booked.marks.insert(portfolio, standing.change_id);
        }
        let standing = standing.filter(|_| !self.is_anew);
        let needs = match standing {
            Some(standing) => ledger::needs_through(connection, portfolio, standing.session_date).await?,
            None => Needs::default(),
        };
        let quarantined =
            ledger::quarantined(connection, &needs.symbols, standing.map_or(through, |standing| standing.session_date)).await?;
        let decided = plan(portfolio, standing, &self.changes, &needs, &quarantined, through);
        let (state, resumed_after) = match (decided, stored) {
            (Plan::Keep, _) => {
                sqlx::query!("update ledger.state set change_id = $2 where portfolio_id = $1", portfolio.get(), self.aim.change_id)
                    .execute(connection)
                    .await?;
                return Ok(Landed::default());
            }
            (Plan::ResumeAfter(day), Some((_, state))) => (state, Some(day)),
            _ => (State::default(), None),
        };
        let mut books = ledger::books(connection, portfolio, &state, through).await?;
        let first =
            resumed_after.and_then(|day| day.succ_opt()).or(books.transactions.iter().map(|transaction| transaction.traded_on).min());
        let sessions = first.map(|first| calendar::sessions(first, through)).unwrap_or_default();
        if sessions.is_empty() {
            return ledger::clear(connection, portfolio, self.aim.publication_id).await;
        }
        self.prices.read(connection, &self.ctx.pool, &state, &books, through).await?;
        self.exchange.fill(connection, &state, &mut books, through).await?;
        let symbols = &needs.symbols | &books.traded;
        // Away from the threads that answer requests; what a portfolio's data could break there stays its own.
        let (prices, findings) = (std::mem::take(&mut self.prices), books.findings.clone());
        let outcome = tokio::task::spawn_blocking(move || {
            let result = booked(state, &sessions, &books, &prices);
            (result, prices)
        })
        .await;
        let (state, mut yielded) = match outcome {
            Ok((result, read)) => {
                self.prices = read;
                result
            }
            Err(error) => {
                self.failed(portfolio, &error);
                return Ok(Landed::default());
            }
        };
        yielded.findings.extend(findings);
        let quarantined = ledger::quarantined(connection, &symbols, through).await?;
        let mark = Mark { change_id: self.aim.change_id, quarantined, publication_id: self.aim.publication_id };
        let landed = ledger::land(connection, portfolio, (&state, &yielded), resumed_after, &mark).await?;
        // A close that moves no day's value by a cent still stands beside its holding.
        Ok(Landed { changed_from: Some(landed.changed_from.unwrap_or(through)), ..landed })
    }
}

/// Postgres' class 22: a value that doesn't fit. A retry meets it again.
fn is_of_the_data(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("22")),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => true,
        _ => false,
    }
}

fn booked(state: State, sessions: &[NaiveDate], books: &Books, prices: &Prices) -> (State, Yield) {
    book(
        state,
        &Input {
            sessions,
            accounts: &books.accounts,
            transactions: &books.transactions,
            splits: &books.splits,
            dividends: &books.dividends,
            closes: prices.closes(),
            base: books.base,
            currencies: &books.currencies,
            rates: &books.rates,
        },
    )
}

/// What came in since the ledger that is furthest behind, by portfolio, symbol and kind.
async fn changes(connection: &mut PgConnection) -> Result<Vec<Change>, sqlx::Error> {
    // Grouped by the watermarks in between too: a change that one ledger holds must not hide a later one that it doesn't.
    sqlx::query_as!(
        Change,
        r#"select max(change_id) as "change_id!", portfolio_id, symbol, kind, min(from_date) as "from_date!"
           from (select change.*, (select count(*) from (select distinct change_id from ledger.state) as mark
                                   where mark.change_id < change.change_id) as stretch
                 from ops.change where change_id > coalesce((select min(change_id) from ledger.state), 0)) as change
           group by stretch, portfolio_id, symbol, kind"#
    )
    .fetch_all(connection)
    .await
}
