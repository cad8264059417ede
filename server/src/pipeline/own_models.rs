//! Models of a person's own: asked for after each publication, built in a run of their own. They never hold up our numbers.

use super::{
    dags::{self, Deps},
    parameters::Parameters,
    requests,
};
use crate::{
    orchestrator::{Outcome, Repeat, TaskContext, TaskError, Trigger},
    warehouse::{self, Standing},
};

/// Some of them are broken, in a sentence for who wrote them.
#[derive(Debug, thiserror::Error)]
#[error("{failed} of your own models and their tests failed; what stood before stays. First: {name}: {message}")]
struct Broken {
    failed: usize,
    name: String,
    message: String,
}

/// The task `publish`, and the request for what is built on it.
pub(super) async fn after_publication(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let outcome = requests::publish(ctx).await?;
    if deps.models.is_some()
        && let Some(session) = requests::published_session(&ctx.pool).await?
    {
        let parameters = Parameters::Daily { session };
        let asked = requests::ask(&ctx.pool, dags::own_models(), parameters, Trigger::CatchUp, None, Repeat::JoinQueued).await;
        if let Err(error) = asked {
            // The publication is out; the next one asks again.
            tracing::warn!(run_id = ctx.run_id, %error, "the person's own models could not be asked for");
        }
    }
    Ok(outcome)
}

/// The task `own_models`. Models of ours stay untouched, whatever comes of it.
pub(super) async fn build(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let Some(folder) = &deps.models else {
        return Ok(Outcome::Skipped { reason: "PLUMBLINE_MODELS isn't set on this node.".into() });
    };
    let standings = warehouse::bring_up(&ctx.pool, folder).await.map_err(|error| match error {
        warehouse::Error::Database(error) => error.into(),
        warehouse::Error::Interrupted { .. } => TaskError::Interrupted(Box::new(error)),
        other => TaskError::Final(Box::new(other)),
    })?;
    for one in &standings {
        tracing::info!(run_id = ctx.run_id, name = one.name, is_good = one.is_good, ms = one.ms, "{}", one.message);
    }
    let failed: Vec<&Standing> = standings.iter().filter(|one| !one.is_good).collect();
    match failed.first() {
        None => Ok(Outcome::Done { rows: standings.iter().map(|one| one.rows).sum() }),
        Some(first) => {
            let broken = Broken { failed: failed.len(), name: first.name.clone(), message: first.message.clone() };
            Err(TaskError::Final(Box::new(broken)))
        }
    }
}
