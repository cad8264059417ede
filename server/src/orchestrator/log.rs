//! What attempts say: every line inside a task's span goes into `ops.log` too, in batches, and never keeps the program waiting.

use super::lease::Claimed;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::PgPool;
use std::{
    cell::RefCell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::sleep};
use tracing::{
    Event, Level, Span, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{Layer, layer::Context, registry::LookupSpan};

/// Lines of one attempt that are kept; one more says that the rest was left out.
pub const MOST_LINES: i32 = 2_000;

/// A longer message is cut: a vendor's whole answer belongs to `raw`.
const LONGEST: usize = 4_000;

/// Lines that may wait for the database; beyond it they stay in the program's own log alone.
const WAITING: usize = 8_192;

const BATCH: usize = 100;
const PAUSE: Duration = Duration::from_millis(200);

/// Logs are kept so long after the end of their run.
const KEPT_DAYS: i32 = 90;

/// Tasks that are looked at in one sweep, the oldest first.
const SWEPT: i64 = 500;

struct Line {
    task_id: i64,
    number: i32,
    line: i32,
    at: DateTime<Utc>,
    level: &'static str,
    message: String,
    fields: Value,
}

/// Where the lines of one node go.
#[derive(Debug, Clone)]
pub(super) struct Journal(mpsc::Sender<Line>);

/// The attempt that a span belongs to.
#[derive(Debug, Clone)]
struct Attempt {
    journal: Journal,
    task_id: i64,
    number: i32,
    lines: Arc<AtomicI32>,
}

thread_local! {
    /// The attempt whose span is being made on this thread.
    static OPENING: RefCell<Option<Attempt>> = const { RefCell::new(None) };
}

impl Journal {
    pub(super) fn open() -> (Self, Writer) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), Writer { receiver, batch: Vec::new() })
    }

    /// The span that `make` makes, with all that is said in it written down for the attempt.
    pub(super) fn span(&self, claimed: &Claimed, make: impl FnOnce() -> Span) -> Span {
        let attempt = Attempt { journal: self.clone(), task_id: claimed.task_id, number: claimed.number, lines: Arc::default() };
        OPENING.with_borrow_mut(|opening| *opening = Some(attempt));
        let span = make();
        OPENING.with_borrow_mut(Option::take);
        span
    }
}

impl Attempt {
    fn say(&self, level: Level, message: String, fields: Value) {
        let line = self.lines.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let (message, fields) = match line {
            ..=MOST_LINES => (message, fields),
            line if line == MOST_LINES + 1 => {
                (format!("The attempt said more than {MOST_LINES} lines; the rest was left out."), Value::Object(Map::new()))
            }
            _ => return,
        };
        let level = match level {
            Level::ERROR => "ERROR",
            Level::WARN => "WARN",
            Level::INFO => "INFO",
            _ => "DEBUG",
        };
        let (task_id, number) = (self.task_id, self.number);
        // A full queue leaves a gap in the line numbers.
        let _ = self.journal.0.try_send(Line { task_id, number, line, at: Utc::now(), level, message, fields });
    }
}

/// Reads the lines out of the program's log; one for the whole process.
#[derive(Debug, Clone, Copy, Default)]
pub struct JournalLayer;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for JournalLayer {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let (Some(attempt), Some(span)) = (OPENING.with_borrow_mut(Option::take), context.span(id)) {
            span.extensions_mut().insert(attempt);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let attempt = context.event_scope(event).into_iter().flatten().find_map(|span| span.extensions().get::<Attempt>().cloned());
        if let Some(attempt) = attempt {
            let mut said = Said::default();
            event.record(&mut said);
            attempt.say(*event.metadata().level(), said.message, Value::Object(said.fields));
        }
    }
}

/// An event's message and fields.
#[derive(Default)]
struct Said {
    message: String,
    fields: Map<String, Value>,
}

impl Said {
    fn keep(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = cut(format!("{value:?}"));
        if field.name() == "message" { self.message = text } else { self.keep(field, text.into()) }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let text = cut(value.to_owned());
        if field.name() == "message" { self.message = text } else { self.keep(field, text.into()) }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value.into());
    }
}

/// Postgres keeps no text with a NUL in it.
pub(super) fn cut(text: String) -> String {
    let text = if text.contains('\0') { text.replace('\0', "␀") } else { text };
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Takes lines to the database.
pub(super) struct Writer {
    receiver: mpsc::Receiver<Line>,
    /// Taken from the queue, and not known to be written.
    batch: Vec<Line>,
}

impl Writer {
    /// Writes for as long as it is polled; what it held then is written by [`Writer::flush`].
    pub(super) async fn write(&mut self, pool: &PgPool) {
        loop {
            if self.batch.is_empty() && self.receiver.recv_many(&mut self.batch, BATCH).await == 0 {
                return std::future::pending().await;
            }
            if self.batch.len() < BATCH {
                sleep(PAUSE).await;
                while self.batch.len() < BATCH
                    && let Ok(line) = self.receiver.try_recv()
                {
                    self.batch.push(line);
                }
            }
            while let Err(error) = self.insert(pool).await {
                // Outside of every attempt's span.
                tracing::debug!(%error, "lines of attempts wait for the database");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// What is left at the end; what can't be written now stays in the program's own log.
    pub(super) async fn flush(&mut self, pool: &PgPool) {
        loop {
            while self.batch.len() < BATCH
                && let Ok(line) = self.receiver.try_recv()
            {
                self.batch.push(line);
            }
            if self.batch.is_empty() || self.insert(pool).await.is_err() {
                return;
            }
        }
    }

    async fn insert(&mut self, pool: &PgPool) -> Result<(), sqlx::Error> {
        let lines = &self.batch;
        let tasks: Vec<i64> = lines.iter().map(|line| line.task_id).collect();
        let numbers: Vec<i32> = lines.iter().map(|line| line.number).collect();
        let places: Vec<i32> = lines.iter().map(|line| line.line).collect();
        let times: Vec<DateTime<Utc>> = lines.iter().map(|line| line.at).collect();
        let levels: Vec<&str> = lines.iter().map(|line| line.level).collect();
        let messages: Vec<&str> = lines.iter().map(|line| line.message.as_str()).collect();
        let fields: Vec<Value> = lines.iter().map(|line| line.fields.clone()).collect();
        sqlx::query!(
            "insert into ops.log (task_id, number, line, at, level, message, fields)
             select * from unnest($1::bigint[], $2::int[], $3::int[], $4::timestamptz[], $5::text[], $6::text[], $7::jsonb[])
             on conflict do nothing",
            &tasks,
            &numbers,
            &places,
            &times,
            &levels as &[&str],
            &messages as &[&str],
            &fields,
        )
        .execute(pool)
        .await?;
        self.batch.clear();
        Ok(())
    }
}

/// Deletes the lines of runs that ended long ago; answers of how many tasks.
///
/// # Errors
/// What Postgres says.
pub async fn forget_old_logs(pool: &PgPool) -> Result<u64, sqlx::Error> {
    // From one task with lines to the next along the primary key: the table itself isn't read.
    let deleted = sqlx::query_scalar!(
        r#"with recursive spoke as (
               (select task_id from ops.log order by task_id limit 1)
               union all
               select (select log.task_id from ops.log where log.task_id > spoke.task_id order by log.task_id limit 1)
               from spoke where spoke.task_id is not null),
           oldest as (select task_id from spoke where task_id is not null limit $2),
           old as (
               select task_id from oldest join ops.task using (task_id) join ops.run using (run_id)
               where run.ended_at < clock_timestamp() - make_interval(days => $1)),
           gone as (delete from ops.log where task_id in (select task_id from old) returning task_id)
           select count(distinct task_id) as "count!" from gone"#,
        KEPT_DAYS,
        SWEPT,
    )
    .fetch_one(pool)
    .await?;
    Ok(u64::try_from(deleted).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_into_postgres() {
        assert_eq!(cut("short".into()), "short");
        assert_eq!(cut("a\0b".into()), "a␀b");
        assert_eq!(cut("é".repeat(LONGEST + 5)).chars().count(), LONGEST + 1);
    }

    #[tokio::test]
    async fn an_attempt_that_never_stops_talking_is_cut_off_once() {
        let (journal, mut writer) = Journal::open();
        let attempt = Attempt { journal, task_id: 1, number: 1, lines: Arc::default() };
        for _ in 0..MOST_LINES + 50 {
            attempt.say(Level::INFO, "again".into(), Value::Null);
        }
        let mut said = Vec::new();
        while let Ok(line) = writer.receiver.try_recv() {
            said.push(line.message);
        }
        assert_eq!(said.len(), 2_001);
        assert!(said[2_000].contains("the rest was left out"));
    }
}
