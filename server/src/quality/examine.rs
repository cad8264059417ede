//! The task's checks of a batch from end to end: what is new is judged, results and quarantine are kept, and how far was judged.

use super::{
    bars::{self, Judged, Refusal, Window},
    books,
    catalog::Catalog,
    check::{Action, Check, CheckError, Scope},
    dataset::Batch,
    entries, generic, keep,
    kind::Kind,
    load,
    outcome::{self, Outcome},
    own, reconcile, scan,
    sessions::{self, Expected, OF_SESSIONS},
    sql, stored, suite,
    watermark::{JudgedThrough, first_new_bar, judged_after, judged_before, note_judged},
};
use crate::{
    calendar,
    orchestrator::{TaskContext, TaskError},
};
use chrono::{Days, NaiveDate};
use sqlx::{Acquire, PgConnection, PgPool};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// From so many bars on, a second connection looks at half of the symbols.
const WORTH_A_SECOND: usize = 100_000;
/// So long another connection is waited for.
const PATIENCE: Duration = Duration::from_millis(300);
/// Bars ahead of the session are judged too: so far they may lie on sessions.
const DAYS_AHEAD: u64 = 400;

/// What all checks together say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why nothing may be published, in one sentence; `None`: publish.
    pub blocks_installation: Option<String>,
    pub passed: u32,
    pub total: u32,
    /// Bars of this run that were looked at.
    pub bars: u64,
    /// How long the checks took, without the commit.
    pub duration_ms: u64,
}

/// Why checks couldn't be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A person's own query that couldn't run.
    #[error("{0}")]
    Own(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl From<Error> for TaskError {
    fn from(error: Error) -> Self {
        match error {
            Error::Check(_) | Error::Own(_) => Self::Final(Box::new(error)),
            Error::Database(error) => error.into(),
        }
    }
}

/// All that one examination found.
#[derive(Debug, Default)]
pub struct Examined {
    pub outcomes: Vec<Outcome>,
    pub judged: Judged,
    /// What was on file of all portfolios; none where it couldn't be read.
    pub books: Option<books::Books>,
}

/// Checks what is on file for `session`, keeps the results, quarantines prices that can't be right, and frees those that a
/// split explains by now. Repeating it within a run replaces the results. Doesn't complete the task.
///
/// # Errors
/// [`TaskError::Fenced`] when another worker took the task over; what Postgres says.
pub async fn validate(ctx: &TaskContext, session: NaiveDate) -> Result<Verdict, TaskError> {
    let started = Instant::now();
    let mut step = ctx.begin().await?;
    let before = judged_before(&mut step, ctx.task_id).await?;
    let after = judged_after(&mut step).await?;
    // What is judged was committed by the tasks before this one, so another connection sees the same.
    let mut examined = examine(&mut step, Some(&ctx.pool), ctx.run_id, session, before, None).await?;
    // First, so that a better price that came since ends the wait at once.
    stored::lapse(&mut step, Some(ctx.run_id), session).await?;
    keep::quarantine(&mut step, ctx.run_id, &examined.judged).await?;
    if let Some(books) = &examined.books {
        reconcile::keep(&mut step, ctx.run_id, session, books).await?;
    }
    sqlx::query!("delete from ops.check_result where run_id = $1 and dimension <> 'model'", ctx.run_id).execute(&mut *step).await?;
    outcome::keep(&mut step, ctx.run_id, &examined.outcomes).await?;
    outcome::forget_old(&mut step).await?;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    // Where rows couldn't even be read nothing was judged: the next run begins where this one did.
    let through = if examined.books.is_some() { after } else { before };
    note_judged(&mut step, ctx.run_id, through).await?;
    ctx.commit(step, &through, examined.outcomes.len() as u64).await?;
    let bars = examined.judged.looked.iter().map(|symbol| u64::try_from(symbol.rows).unwrap_or_default()).sum();
    tracing::info!(run_id = ctx.run_id, %session, bars, checks = examined.outcomes.len(), duration_ms, "checked");
    let blocking = examined.outcomes.extract_if(.., |outcome| outcome.blocks() && stops_all(&outcome.check)).collect::<Vec<_>>();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Ok(Verdict {
        passed: count(examined.outcomes.iter().filter(|outcome| outcome.passed).count()),
        total: count(examined.outcomes.len() + blocking.len()),
        blocks_installation: blocking.into_iter().next().map(|outcome| outcome.message),
        bars,
        duration_ms,
    })
}

/// Does a failure hold up everything?
fn stops_all(check: &Check) -> bool {
    check.action == Action::Fail || check.scope == Scope::Installation
}

/// Makes all checks on a batch. Writes nothing. `beside`: the pool, where what is judged is committed, so that another connection may look
/// at half of a large batch. `instead`: of people's rules.
pub async fn examine(
    connection: &mut PgConnection,
    beside: Option<&PgPool>,
    run_id: i64,
    session: NaiveDate,
    before: JudgedThrough,
    instead: Option<Vec<Arc<Check>>>,
) -> Result<Examined, Error> {
    // Compiling these queries takes Postgres longer than running them.
    sqlx::query!("set local jit = off").execute(&mut *connection).await?;
    let suite = suite::suite()?;
    let (own, broken) = match instead {
        Some(checks) => (checks, Vec::new()),
        None => suite::own(connection).await?,
    };
    // Rows of another shape than is expected can't be read at all.
    let shapes: Vec<&Arc<Check>> = suite.iter().filter(|check| matches!(check.kind, Kind::Columns { .. })).collect();
    let mut shaped = Vec::new();
    for check in &shapes {
        shaped.extend(generic::checked(connection, &check.dataset, &[check], &Batch::whole(session)).await?.outcomes);
    }
    if shaped.iter().any(Outcome::blocks) {
        return Ok(Examined { outcomes: shaped, judged: Judged::default(), books: None });
    }
    let symbols = load::symbols(connection).await?;
    let from = first_new_bar(connection, before).await?;
    let books = load::books(connection, run_id).await?;
    let first = from.unwrap_or(session).min(session) - Days::new(scan::LEAD_DAYS);
    let batch = Batch {
        judged_response: before.judged_response,
        session,
        sessions: calendar::sessions(first, session + Days::new(DAYS_AHEAD)),
        relations: BTreeMap::new(),
        dated: BTreeMap::new(),
    };
    let window = Window { symbols: &symbols, from, batch: &batch };
    let spans = entries::held_spans(&books.entries, &books.splits, session);
    let reported = books.reports.iter().filter_map(|report| report.positions.as_ref()).flat_map(|positions| positions.keys());
    let held: BTreeSet<&str> =
        spans.iter().filter(|(_, (_, to))| *to == session).map(|(symbol, _)| symbol).chain(reported).map(String::as_str).collect();

    let catalog = Catalog::read(connection).await?;
    let mut outcomes: Vec<Outcome> = shaped;
    outcomes.extend(suite.iter().filter_map(|check| catalog.proves(check)));
    let of_rows = |check: &&Arc<Check>| {
        catalog.proves(check).is_none() && !check.is_of_models() && !is_made_elsewhere(check) && !shapes.contains(check)
    };
    let (of_bars, rest): (Vec<_>, Vec<_>) = suite.iter().filter(of_rows).cloned().partition(|check| is_scanned(check));
    let worth = from.map_or(0, |from| calendar::sessions(from, session).len() * symbols.len());
    let mut second = match beside.filter(|_| worth >= WORTH_A_SECOND && symbols.len() > 1) {
        // A pool that is busy isn't waited for: one connection does it as well.
        Some(pool) => tokio::time::timeout(PATIENCE, pool.acquire()).await.ok().and_then(Result::ok),
        None => None,
    };
    if let Some(second) = second.as_deref_mut() {
        sqlx::query!("set jit = off").execute(second).await?;
    }
    let mut judged = bars::judged(connection, second.as_deref_mut(), &window, &of_bars, &books.splits).await?;
    if let Some(second) = second.as_deref_mut() {
        sqlx::query!("reset jit").execute(second).await?;
    }
    drop(second);
    // A close that is refused is none: a session of which all are isn't there.
    let refused: BTreeSet<&str> =
        judged.refusals.iter().filter(|refusal| refusal.session_date == session).map(|refusal| refusal.symbol.as_str()).collect();
    outcomes.extend(sessions::freshness(connection, &window, &Expected::of_suite()?, &held, &refused).await?);
    let complete = suite::named("sessions_are_complete")?;
    outcomes.extend(sessions::gaps(connection, &window, &complete, &spans, &judged.looked).await?);
    outcomes.extend(books::checked(&books, session)?);
    for (dataset, checks) in by_dataset(&rest) {
        let found = generic::checked(connection, dataset, &checks, &batch).await?;
        outcomes.extend(found.outcomes);
        judged.refusals.extend(found.refusals);
    }
    outcomes.append(&mut judged.outcomes);

    for error in broken {
        let check = Check { name: error.check.clone(), is_own: true, ..Check::clone(&complete) };
        outcomes.push(Outcome::broken(&Arc::new(check), &format!("{} {}", error.field, error.what)));
    }
    let own: Vec<Arc<Check>> = own.into_iter().filter(|check| !check.is_of_models()).collect();
    for (dataset, checks) in by_dataset(&own) {
        let owned: Vec<Arc<Check>> = checks.into_iter().map(Arc::clone).collect();
        own_of(connection, dataset, &owned, &window, &books, &spans, &mut outcomes, &mut judged).await?;
    }

    let accepted = outcome::accepted(connection, session).await?;
    outcome::accept(&mut outcomes, &accepted);
    for refusal in &mut judged.refusals {
        refusal.acceptance_id = accepted.iter().find(|word| word.lets_in(&refusal.check, &refusal.symbol)).map(|word| word.id);
    }
    let blocked = blocked_symbols(connection, &outcomes, &batch).await?;
    judged.refusals.extend(blocked);
    Ok(Examined { outcomes, judged, books: Some(books) })
}

/// A person's checks of one dataset, apart: what fails to run is told, and everything else goes on. Together first; where that fails, each
/// alone, so that one is named.
#[expect(clippy::too_many_arguments, reason = "what an examination knows")]
async fn own_of(
    connection: &mut PgConnection,
    dataset: &str,
    checks: &[Arc<Check>],
    window: &Window<'_>,
    books: &books::Books,
    spans: &BTreeMap<String, (NaiveDate, NaiveDate)>,
    outcomes: &mut Vec<Outcome>,
    judged: &mut Judged,
) -> Result<(), Error> {
    match own_together(connection, dataset, checks, window, books, spans).await {
        Ok(found) => {
            outcomes.extend(found.outcomes);
            judged.refusals.extend(found.refusals);
            Ok(())
        }
        Err(Error::Database(error)) if error.as_database_error().is_some() && !crate::orchestrator::is_outage(&error) => match checks {
            [check] => {
                let why = error.as_database_error().map_or_else(String::new, sql::reason);
                outcomes.push(Outcome::broken(check, &why));
                Ok(())
            }
            several => {
                for check in several {
                    Box::pin(own_of(connection, dataset, std::slice::from_ref(check), window, books, spans, outcomes, judged)).await?;
                }
                Ok(())
            }
        },
        Err(error) => Err(error),
    }
}

async fn own_together(
    connection: &mut PgConnection,
    dataset: &str,
    checks: &[Arc<Check>],
    window: &Window<'_>,
    books: &books::Books,
    spans: &BTreeMap<String, (NaiveDate, NaiveDate)>,
) -> Result<generic::Found, Error> {
    let mut apart = connection.begin().await?;
    sql::execute(&mut apart, own::LIMIT.to_owned()).await?;
    let (scanned, rest): (Vec<_>, Vec<_>) = checks.iter().cloned().partition(|check| is_scanned(check));
    let mut found = generic::Found::default();
    if !scanned.is_empty() {
        let judged = bars::judged(&mut apart, None, window, &scanned, &books.splits).await?;
        found.outcomes.extend(judged.outcomes);
        found.refusals.extend(judged.refusals);
    }
    let (mut plain, mut twice) = (Vec::new(), Vec::new());
    for check in &rest {
        match &check.kind {
            Kind::SessionGaps => found.outcomes.extend(sessions::gaps(&mut apart, window, check, spans, &[]).await?),
            Kind::DuplicateTransactions => twice.push(check),
            Kind::Reconcile { of } => {
                found.outcomes.extend(books::reconciled_by(check, of == "cash", books, window.batch.session));
            }
            _ => plain.push(check),
        }
    }
    let portfolios: BTreeSet<i64> = books.entries.iter().map(|entry| entry.portfolio_id).collect();
    for check in twice {
        for portfolio in &portfolios {
            let entries: Vec<_> = books.entries.iter().filter(|entry| entry.portfolio_id == *portfolio).cloned().collect();
            found.outcomes.push(books::twice(check, *portfolio, &entries));
        }
    }
    let generic = generic::checked(&mut apart, dataset, &plain, window.batch).await?;
    found.outcomes.extend(generic.outcomes);
    found.refusals.extend(generic.refusals);
    apart.rollback().await?;
    Ok(found)
}

/// Judged by the pass over the bars?
pub fn is_scanned(check: &Check) -> bool {
    check.dataset == "bars" && (check.kind.is_predicate() || scan::is_compared(check))
}

/// Whose sentence needs more than its declaration: sessions and books.
fn is_made_elsewhere(check: &Check) -> bool {
    !check.is_own && (OF_SESSIONS.contains(&check.name.as_str()) || books::OF_BOOKS.contains(&check.name.as_str()))
}

pub fn by_dataset(checks: &[Arc<Check>]) -> BTreeMap<&str, Vec<&Arc<Check>>> {
    let mut datasets: BTreeMap<&str, Vec<&Arc<Check>>> = BTreeMap::new();
    for check in checks {
        datasets.entry(check.dataset.as_str()).or_default().push(check);
    }
    datasets
}

/// All new bars of symbols that a failure blocks: the last good close is carried.
async fn blocked_symbols(connection: &mut PgConnection, outcomes: &[Outcome], batch: &Batch) -> Result<Vec<Refusal>, sqlx::Error> {
    let blocking: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| outcome.blocks() && outcome.check.scope == Scope::Symbol && outcome.check.dataset == "bars")
        .collect();
    let symbols: Vec<String> = blocking.iter().filter_map(|outcome| outcome.symbol.clone()).collect();
    if symbols.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query!(
        r#"select symbol, session_date, response_id, to_jsonb(bar) as "refused!" from raw.market_data as bar where symbol = any($1) and response_id > $2"#,
        &symbols,
        batch.judged_response
    )
    .fetch_all(connection)
    .await?;
    let mut refusals = Vec::new();
    for row in rows {
        for outcome in blocking.iter().filter(|outcome| outcome.symbol.as_deref() == Some(&row.symbol)) {
            refusals.push(Refusal {
                acceptance_id: None,
                dataset: "bars",
                symbol: row.symbol.clone(),
                session_date: row.session_date,
                row_key: String::new(),
                response_id: row.response_id,
                check: outcome.check.name.clone(),
                reason: outcome.message.clone(),
                refused: row.refused.clone(),
            });
        }
    }
    Ok(refusals)
}
