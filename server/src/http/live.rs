//! A run as a stream that says it again whenever it moves.

use super::pipeline::{Asked, Problem, number};
use crate::{auth, store::Store};
use app::{domain::UserId, drawn, pipeline::model::Run};
use axum::{
    extract::Path,
    response::{
        IntoResponse, Sse,
        sse::{Event, KeepAlive},
    },
};
use chrono::DateTime;
use futures::{Stream, stream};
use std::{convert::Infallible, time::Duration};
use tower_sessions::session::Id;

/// How often a run that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// In seconds: a picture is drawn anew at least this often while the run is under way.
const DRAWN_EVERY: i64 = 2;

/// A run's stream: a snapshot now, one whenever it moved, and `end` after the last. With `drawn=1` the snapshot is the moving part
/// of the run's page instead.
pub(super) async fn live(asked: Asked, Path(id): Path<String>) -> Result<impl IntoResponse, Problem> {
    let run_id = number(&id)?;
    // Who may not see it is told so before the stream begins.
    let first = asked.store.run(asked.user, run_id, None).await?;
    let is_drawn = asked.text("drawn").is_some();
    let watch =
        Watch { store: asked.store, user: asked.user, session: asked.session, run_id, is_drawn, said: String::new(), has_ended: false };
    Ok(Sse::new(follow(watch, first)).keep_alive(KeepAlive::default()))
}

struct Watch {
    store: Store,
    user: UserId,
    session: Option<Id>,
    run_id: i64,
    is_drawn: bool,
    /// What moved last, without the clock.
    said: String,
    has_ended: bool,
}

fn follow(watch: Watch, first: Run) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold((watch, Some(first), false), |(mut watch, mut next, is_over)| async move {
        if is_over {
            return None;
        }
        if watch.has_ended {
            return Some((Ok(Event::default().event("end").data("")), (watch, None, true)));
        }
        loop {
            let run = match next.take() {
                Some(run) => run,
                None => {
                    tokio::time::sleep(LOOK_EVERY).await;
                    // Signed out, disabled, or the database is gone: the page asks again.
                    if !auth::is_live(&watch.store.pool, watch.session?).await.ok()? {
                        return None;
                    }
                    watch.store.run(watch.user, watch.run_id, None).await.ok()?
                }
            };
            if let Some(event) = watch.event(&run) {
                return Some((Ok(event), (watch, None, false)));
            }
        }
    })
}

impl Watch {
    /// `None` where nothing moved.
    fn event(&mut self, run: &Run) -> Option<Event> {
        // A picture's bars grow with time; a program hears of changes alone.
        let tick = if self.is_drawn { run.rendered_at.timestamp() / DRAWN_EVERY } else { 0 };
        let clockless = Run { rendered_at: DateTime::from_timestamp(tick, 0)?, ..run.clone() };
        let now = serde_json::to_string(&clockless).ok()?;
        if now == self.said {
            return None;
        }
        self.said = now;
        self.has_ended = run.run.has_ended();
        if self.is_drawn { Event::default().json_data(drawn::moving(run)).ok() } else { Event::default().json_data(run).ok() }
    }
}
