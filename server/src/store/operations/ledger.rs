//! Schedules with their ticks, and why one did or didn't run at a time.

use super::{Result, Store};
use crate::store::Error;
use app::{
    domain::UserId,
    pipeline::model::{Answer, ScheduleRow, TickRow},
};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// Decided ticks that are shown of a schedule.
const DECIDED: i64 = 6;

impl Store {
    /// The schedules in their order, with what comes and what was decided.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn schedules(&self, user: UserId) -> Result<Vec<ScheduleRow>> {
        self.role(user).await?;
        let mut rows = Vec::new();
        for schedule in self.conductor.schedules(self.clock.now()) {
            let decided = sqlx::query_as!(
                TickRow,
                "select logical_at, outcome, reason, run_id, decided_at from ops.tick where schedule_id = $1 order by logical_at desc limit $2",
                schedule.schedule_id,
                DECIDED
            )
            .fetch_all(&self.pool)
            .await?;
            rows.push(ScheduleRow {
                name: schedule.schedule_id,
                dag: schedule.dag,
                expression: schedule.expression,
                description: schedule.description,
                next: schedule.next,
                decided,
            });
        }
        Ok(rows)
    }

    /// Answers from the ledger why `schedule` did or didn't run at `at`.
    ///
    /// # Errors
    /// [`Error::App`] with a sentence for a schedule or a time that can't be read.
    pub async fn explain_tick(&self, user: UserId, schedule: &str, at: &str) -> Result<Answer> {
        self.role(user).await?;
        let at = instant(at).ok_or_else(|| Error::refused("Write the time as 2026-11-20T14:00 (UTC)."))?;
        let known = sqlx::query!("select created_at, decided_until, is_enabled from ops.schedule where schedule_id = $1", schedule)
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| Error::refused(format!("There is no schedule {schedule}. Choose one from the list.")))?;
        // A person asks by the minute.
        let minute = at + TimeDelta::minutes(1);
        let tick = self.tick(schedule, at, minute).await?;
        let before = sqlx::query_as!(
            TickRow,
            "select logical_at, outcome, reason, run_id, decided_at from ops.tick where schedule_id = $1 and logical_at < $2
             order by logical_at desc limit 1",
            schedule,
            at
        )
        .fetch_optional(&self.pool)
        .await?;
        let after = sqlx::query_as!(
            TickRow,
            "select logical_at, outcome, reason, run_id, decided_at from ops.tick where schedule_id = $1 and logical_at >= $2
             order by logical_at limit 1",
            schedule,
            minute
        )
        .fetch_optional(&self.pool)
        .await?;
        let sentence = match &tick {
            Some(TickRow { outcome, reason, run_id: Some(run), .. }) if outcome == "run" => format!("It ran, as run {run}. {reason}"),
            Some(TickRow { outcome, reason, .. }) if outcome == "run" => format!("It ran. {reason}"),
            Some(TickRow { outcome, reason, .. }) if outcome == "paused" => format!("It was held back. {reason}"),
            Some(TickRow { reason, .. }) => format!("It didn't run: {reason}"),
            None if at > known.decided_until => "That time hasn't been decided yet.".to_owned(),
            None if at < known.created_at => "The schedule didn't exist yet at that time.".to_owned(),
            None if !known.is_enabled => "The schedule is switched off.".to_owned(),
            None => "The schedule has no tick at that time; the ones around it are below.".to_owned(),
        };
        Ok(Answer { schedule: schedule.to_owned(), at, sentence, tick, before, after })
    }

    async fn tick(&self, schedule: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Option<TickRow>> {
        Ok(sqlx::query_as!(
            TickRow,
            "select logical_at, outcome, reason, run_id, decided_at from ops.tick where schedule_id = $1 and logical_at >= $2 and logical_at < $3
             order by logical_at limit 1",
            schedule,
            from,
            to
        )
        .fetch_optional(&self.pool)
        .await?)
    }
}

/// As a browser's field writes it (UTC), or with an offset.
fn instant(text: &str) -> Option<DateTime<Utc>> {
    let local = |format| NaiveDateTime::parse_from_str(text, format).ok().map(|at| at.and_utc());
    text.parse().ok().or_else(|| local("%Y-%m-%dT%H:%M")).or_else(|| local("%Y-%m-%dT%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_typed() {
        let expected: DateTime<Utc> = "2026-11-20T14:00:00Z".parse().unwrap();
        for text in ["2026-11-20T14:00", "2026-11-20T14:00:00", "2026-11-20T14:00:00Z", "2026-11-20T15:00:00+01:00"] {
            assert_eq!(instant(text), Some(expected), "{text}");
        }
        assert_eq!(instant("yesterday"), None);
    }
}
