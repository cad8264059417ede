//! Rows in quarantine: listed with their origin, released after being judged anew, or discarded. Decided once: who comes second is told.

use super::{
    super::{Error, Result, Store, entries::audit},
    brief,
    results::named,
};
use crate::quality::{self, StoredBar};
use app::{
    domain::UserId,
    quality::model::{QuarantineKey, QuarantineRow, Word},
};
use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgConnection;

/// Rows on the page: more are a vendor's failure, which its own check tells.
const SHOWN: i64 = 100;

/// What is said of a row beside its values.
const OF_THE_KEY: [&str; 5] = ["symbol", "session_date", "timestamp", "response_id", "vendor"];

impl Store {
    pub(super) async fn quarantine(&self, symbols: &[String]) -> Result<Vec<QuarantineRow>> {
        let rows = sqlx::query!(
            r#"select dataset, symbol, session_date, row_key, response_id, array_agg(check_name order by check_name) as "checks!",
                      string_agg(distinct reason, ' ') as "reason!", min(run_id) as "run_id!", min(quarantined_at) as "quarantined_at!",
                      (array_agg(refused order by refused::text desc))[1] as "refused!",
                      (select vendor from raw.vendor_response where vendor_response.response_id = quarantine.response_id) as vendor,
                      (select jsonb_build_object('open', open::float8, 'high', high::float8, 'low', low::float8, 'close', close::float8,
                                                 'volume', volume::float8)
                       from raw.market_data as bar
                       where dataset = 'bars' and bar.symbol = quarantine.symbol and bar.response_id = quarantine.response_id
                         and bar."timestamp" = quarantine.session_date::timestamp at time zone 'America/New_York') as bar
               from ops.quarantine
               where released_at is null and discarded_at is null and symbol = any($1)
               group by dataset, symbol, session_date, row_key, response_id
               order by session_date desc, symbol, dataset, row_key limit $2"#,
            symbols,
            SHOWN
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                // Rows of before the refused values were kept are looked up.
                let mut refused = named(&row.refused);
                if let (true, Some(bar)) = (refused.is_empty(), &row.bar) {
                    refused = named(bar);
                }
                refused.retain(|name, _| !OF_THE_KEY.contains(&name.as_str()));
                let key = QuarantineKey {
                    dataset: row.dataset,
                    symbol: row.symbol,
                    session_date: row.session_date,
                    row_key: row.row_key,
                    response_id: row.response_id,
                };
                QuarantineRow {
                    key,
                    checks: row.checks,
                    reason: row.reason,
                    vendor: row.vendor,
                    run_id: row.run_id,
                    refused,
                    quarantined_at: row.quarantined_at,
                }
            })
            .collect())
    }

    /// How many rows wait of symbols that this person doesn't hold.
    pub(super) async fn quarantined_elsewhere(&self, symbols: &[String]) -> Result<u64> {
        let count = sqlx::query_scalar!(
            r#"select count(distinct (dataset, symbol, session_date, row_key, response_id)) as "count!" from ops.quarantine
               where released_at is null and discarded_at is null and symbol <> all($1)"#,
            symbols
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Judges the row anew: what passes is used from now on; what still fails only with a note, and until its day.
    pub(super) async fn release(&self, user: UserId, row: QuarantineKey, word: Word) -> Result<()> {
        self.decider(user).await?;
        let mut tx = self.pool.begin().await?;
        let (row, checks) = waiting(&mut tx, row).await?;
        let faults = match row.dataset.as_str() {
            "bars" => {
                let bar = StoredBar { symbol: &row.symbol, session: row.session_date, response_id: row.response_id };
                match quality::faults_of(&mut tx, bar, &checks, self.clock.last_completed_session()).await? {
                    Some(faults) => faults,
                    None => {
                        return Err(Error::refused(
                            "The vendor has sent another price of that day since, and that one counts. Discard this one.",
                        ));
                    }
                }
            }
            _ => vec![format!("A row of {} can't be judged by itself.", row.dataset)],
        };
        let acceptance = match faults.first() {
            None => None,
            Some(fault) if word.note.trim().is_empty() || word.expires_on.trim().is_empty() => {
                return Err(Error::refused(format!(
                    "It still fails. {fault} To use it all the same, say why in a note and choose the last day on which it may be used."
                )));
            }
            Some(_) => Some(self.accepted_row(&mut tx, user, &row, &checks, &word).await?),
        };
        let note = brief(&word.note)?;
        sqlx::query!(
            "update ops.quarantine set released_at = clock_timestamp(), decided_by = $6, note = nullif($7, ''), acceptance_id = $8
             where dataset = $1 and symbol = $2 and session_date = $3 and row_key = $4 and response_id = $5
               and released_at is null and discarded_at is null",
            row.dataset,
            row.symbol,
            row.session_date,
            row.row_key,
            row.response_id,
            user.get(),
            note,
            acceptance,
        )
        .execute(&mut *tx)
        .await?;
        // Days that waited only with this one.
        let is_bar = row.dataset == "bars";
        let followers = if is_bar { quality::follow(&mut tx, &row.symbol, user.get(), &note, acceptance).await? } else { 0 };
        changed(&mut tx, &row.dataset, &row.symbol, row.session_date).await?;
        let details = json!({ "row": row, "checks": checks, "note": note, "acceptance": acceptance, "with_it": followers });
        audit(&mut tx, user, "release_row", &format!("quarantine:{}", row.dataset), details).await?;
        tx.commit().await?;
        self.republish_all(user).await;
        Ok(())
    }

    /// Never used, and not waited for. What is published doesn't change by that: it wasn't used before.
    pub(super) async fn discard(&self, user: UserId, row: QuarantineKey, word: Word) -> Result<()> {
        self.decider(user).await?;
        let note = brief(&word.note)?;
        let mut tx = self.pool.begin().await?;
        let (row, checks) = waiting(&mut tx, row).await?;
        sqlx::query!(
            "update ops.quarantine set discarded_at = clock_timestamp(), decided_by = $6, note = nullif($7, '')
             where dataset = $1 and symbol = $2 and session_date = $3 and row_key = $4 and response_id = $5
               and released_at is null and discarded_at is null",
            row.dataset,
            row.symbol,
            row.session_date,
            row.row_key,
            row.response_id,
            user.get(),
            note,
        )
        .execute(&mut *tx)
        .await?;
        let details = json!({ "row": row, "checks": checks, "note": note });
        audit(&mut tx, user, "discard_row", &format!("quarantine:{}", row.dataset), details).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The word under which a row that still fails is used.
    async fn accepted_row(
        &self,
        connection: &mut PgConnection,
        user: UserId,
        row: &QuarantineKey,
        checks: &[String],
        word: &Word,
    ) -> Result<i64> {
        let (note, expires_on) = self.word(&word.note, &word.expires_on)?;
        let check = checks.first().map_or("quarantine", String::as_str);
        Ok(sqlx::query_scalar!(
            "insert into book.acceptance (check_name, portfolio_id, symbol, session_date, note, expires_on, accepted_by)
             values ($1, 0, $2, $3, $4, $5, $6) returning acceptance_id",
            check,
            row.symbol,
            row.session_date,
            note,
            expires_on,
            user.get(),
        )
        .fetch_one(connection)
        .await?)
    }
}

/// The row, locked, and the checks that it failed. Two people decide one after the other: the second finds it decided.
async fn waiting(connection: &mut PgConnection, row: QuarantineKey) -> Result<(QuarantineKey, Vec<String>)> {
    let rows = sqlx::query!(
        r#"select response_id, check_name, released_at is null and discarded_at is null as "is_waiting!", discarded_at is not null as "is_discarded!",
                  (select display_name from auth."user" where user_id = decided_by) as decided_by
           from ops.quarantine
           where dataset = $1 and symbol = $2 and session_date = $3 and row_key = $4 and ($5::bigint = 0 or response_id = $5)
           order by response_id desc, check_name for update"#,
        row.dataset,
        row.symbol.trim(),
        row.session_date,
        row.row_key,
        row.response_id,
    )
    .fetch_all(connection)
    .await?;
    let Some(latest) = rows.iter().find(|row| row.is_waiting) else {
        return Err(match rows.first() {
            None => Error::refused("Nothing of that symbol and day is in quarantine. Check how it is written."),
            Some(decided) => {
                let what = if decided.is_discarded { "discarded" } else { "released" };
                let who = decided.decided_by.as_ref().map(|name| format!(" by {name}")).unwrap_or_default();
                Error::refused(format!("This was {what}{who} already. Reload the page to see what still waits."))
            }
        });
    };
    let response_id = latest.response_id;
    let checks = rows.into_iter().filter(|row| row.is_waiting && row.response_id == response_id).map(|row| row.check_name).collect();
    let symbol = row.symbol.trim().to_owned();
    Ok((QuarantineKey { response_id, symbol, ..row }, checks))
}

/// Tells the next publication from which day on other prices or events count.
pub(super) async fn changed(connection: &mut PgConnection, dataset: &str, symbol: &str, from: NaiveDate) -> Result<()> {
    let kind = match dataset {
        "splits" => "split",
        "dividends" => "dividend",
        _ => "bar",
    };
    sqlx::query!("insert into ops.change (symbol, kind, from_date) values ($1, $2, $3)", symbol, kind, from).execute(connection).await?;
    Ok(())
}
