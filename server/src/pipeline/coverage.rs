//! Which days were asked for and answered, so that no run asks again for what is known, nor forgets what isn't.

use chrono::{Days, NaiveDate};
use sqlx::PgPool;
use std::collections::BTreeMap;

/// What is asked for, as in `ops.coverage.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bars,
    Splits,
    Dividends,
    Details,
    Rates,
    ExchangeRates,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Splits => "splits",
            Self::Dividends => "dividends",
            Self::Details => "details",
            Self::Rates => "rates",
            Self::ExchangeRates => "exchange_rates",
        }
    }
}

/// First and last day, both asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: NaiveDate,
    pub(super) to: NaiveDate,
}

impl Span {
    /// Both as one, where they touch; else the one that was known, since what lies between wasn't asked for.
    fn joined(self, more: Self) -> Self {
        let touches = more.from <= self.to + Days::new(1) && self.from <= more.to + Days::new(1);
        if touches { Self { from: self.from.min(more.from), to: self.to.max(more.to) } } else { self }
    }
}

/// By subject. Another connection's answers don't count: the next one may know better, and the simulator knows nothing.
pub(super) async fn load(pool: &PgPool, connection_id: i64, kind: Kind) -> Result<BTreeMap<String, Span>, sqlx::Error> {
    let rows = sqlx::query!(
        "select subject, from_date, to_date from ops.coverage where connection_id = $1 and kind = $2",
        connection_id,
        kind.as_str()
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|row| (row.subject, Span { from: row.from_date, to: row.to_date })).collect())
}

/// Notes that `span` was answered for all `subjects`. Called after the answers are committed: whoever is killed in between asks
/// once more, which changes nothing.
pub(super) async fn note<'a>(
    pool: &PgPool,
    connection_id: i64,
    kind: Kind,
    subjects: impl IntoIterator<Item = &'a str>,
    span: Span,
) -> Result<(), sqlx::Error> {
    let known = load(pool, connection_id, kind).await?;
    let spans = subjects.into_iter().map(|subject| (subject, known.get(subject).map_or(span, |known| known.joined(span))));
    write(pool, connection_id, kind, spans).await
}

/// As [`note`], for what has no past: the answer of `span` takes the place of the one before.
pub(super) async fn replace<'a>(
    pool: &PgPool,
    connection_id: i64,
    kind: Kind,
    subjects: impl IntoIterator<Item = &'a str>,
    span: Span,
) -> Result<(), sqlx::Error> {
    write(pool, connection_id, kind, subjects.into_iter().map(|subject| (subject, span))).await
}

async fn write<'a>(pool: &PgPool, connection_id: i64, kind: Kind, spans: impl Iterator<Item = (&'a str, Span)>) -> Result<(), sqlx::Error> {
    let (mut names, mut froms, mut tos) = (Vec::new(), Vec::new(), Vec::new());
    for (subject, span) in spans {
        names.push(subject.to_owned());
        froms.push(span.from);
        tos.push(span.to);
    }
    sqlx::query!(
        "insert into ops.coverage (connection_id, kind, subject, from_date, to_date)
         select $1, $2, subject, from_date, to_date from unnest($3::text[], $4::date[], $5::date[]) as span (subject, from_date, to_date)
         on conflict (connection_id, kind, subject) do update set from_date = excluded.from_date, to_date = excluded.to_date",
        connection_id,
        kind.as_str(),
        &names,
        &froms,
        &tos,
    )
    .execute(pool)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_join_where_they_touch() {
        let span = |from: &str, to: &str| Span { from: from.parse().unwrap(), to: to.parse().unwrap() };
        let known = span("2026-01-05", "2026-01-09");
        assert_eq!(known.joined(span("2026-01-10", "2026-01-12")), span("2026-01-05", "2026-01-12"));
        assert_eq!(known.joined(span("2026-01-01", "2026-01-06")), span("2026-01-01", "2026-01-09"));
        assert_eq!(known.joined(span("2025-01-01", "2025-02-01")), known, "a gap stays a gap");
    }
}
