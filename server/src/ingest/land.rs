//! What every landing shares: the kept answer, the note of what changed, the checkpoint, the report of odd rows.

use app::domain::Symbol;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use std::{collections::BTreeSet, fmt::Display};

use super::{At, answer::Answer, http::Caller};
use crate::orchestrator::TaskContext;

/// Keeps an answer whole and returns its `response_id`.
///
/// # Errors
/// What Postgres says.
pub(super) async fn keep(connection: &mut PgConnection, caller: Caller, answer: &Answer) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, headers, body_zstd, body_bytes, body_sha256, run_id, task_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning response_id",
        answer.at.vendor.as_str(),
        answer.connection_id,
        format!("{}.{}", answer.at.vendor.as_str(), answer.at.endpoint),
        answer.request,
        i32::from(answer.status),
        answer.headers,
        answer.body_zstd,
        i32::try_from(answer.body_bytes).unwrap_or(i32::MAX),
        answer.body_sha256.as_slice(),
        caller.run_id,
        caller.task_id,
    )
    .fetch_one(connection)
    .await
}

/// What an answer changed; the publication goes on from the earliest day.
pub(super) struct Change<'a> {
    /// As in `ops.change.kind`.
    pub(super) kind: &'static str,
    /// 0: market data, for all.
    pub(super) portfolio_id: i64,
    pub(super) symbol: Option<&'a str>,
    /// None: today, for what has no day of its own.
    pub(super) from_date: Option<NaiveDate>,
}

/// Notes a change for the publication.
///
/// # Errors
/// What Postgres says.
pub(super) async fn note(connection: &mut PgConnection, caller: Caller, change: Change<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into ops.change (portfolio_id, symbol, kind, from_date, run_id) values ($1, $2, $3, coalesce($4, current_date), $5)",
        change.portfolio_id,
        change.symbol,
        change.kind,
        change.from_date,
        caller.run_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Where a landing goes on after it was cut off. The step names the question, so that another question starts anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) step: String,
    /// Items (symbols, pages) that are landed.
    pub(super) done: usize,
    /// The vendor's name for the next page.
    #[serde(default)]
    pub(super) token: Option<String>,
}

impl Checkpoint {
    /// The checkpoint of an earlier attempt at the same step, or the beginning of it.
    pub(super) fn resume(ctx: &TaskContext, step: String) -> Self {
        ctx.checkpoint::<Self>().filter(|checkpoint| checkpoint.step == step).unwrap_or(Self { step, done: 0, token: None })
    }
}

/// A short name of a list of symbols: another list is another step.
pub(super) fn fingerprint<'a>(symbols: impl Iterator<Item = &'a Symbol>) -> String {
    let mut hash = Sha256::new();
    for symbol in symbols {
        hash.update(symbol.as_str());
        hash.update(b",");
    }
    hex::encode(&hash.finalize()[..6])
}

/// Rows that have no usable key or contradict themselves: left out, counted, and still to be read in the kept answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    count: usize,
    first: Vec<String>,
}

/// So many of them are named in the log.
const NAMED: usize = 10;

impl Oddities {
    pub(super) fn add(&mut self, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(what());
        }
    }

    /// Leaves one row of each key, in their order. Of a key that the answer contradicts itself about none is left: nobody knows which of them is
    /// right, so what they tell stays missing, the checks say so, and it is fetched again.
    pub(super) fn agreed<T, K: Ord + Display, V: PartialEq>(&mut self, rows: &mut Vec<T>, of: impl Fn(&T) -> (K, V)) {
        rows.sort_by_cached_key(|row| of(row).0);
        let mut known: Option<(K, V)> = None;
        let mut contradicted = BTreeSet::new();
        rows.retain(|row| {
            let (key, value) = of(row);
            match &known {
                Some((last, said)) if *last == key => {
                    if *said != value && !contradicted.contains(&key) {
                        self.add(|| format!("{key} comes twice, with different numbers: neither was taken"));
                        contradicted.insert(key);
                    }
                    false
                }
                _ => {
                    known = Some((key, value));
                    true
                }
            }
        });
        if !contradicted.is_empty() {
            rows.retain(|row| !contradicted.contains(&of(row).0));
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// One line in the log for all of an answer.
    pub(super) fn report(&self, caller: Caller, at: At, response_id: i64) {
        if !self.first.is_empty() {
            tracing::warn!(
                run_id = caller.run_id,
                task_id = caller.task_id,
                vendor = at.vendor.as_str(),
                endpoint = at.endpoint,
                response_id,
                rows = self.count,
                first = self.first.join("; "),
                "rows of an answer are odd"
            );
        }
    }
}
