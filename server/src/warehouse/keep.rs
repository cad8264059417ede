//! What a run built, kept: the SQL that Postgres got, how long each model took, how many rows it wrote.

use super::{BuiltModel, project};
use sqlx::PgConnection;

/// Keeps what the run built. An earlier attempt of the same run is forgotten; a text that is known is kept once.
///
/// # Errors
/// What Postgres says.
pub async fn keep(connection: &mut PgConnection, run_id: i64, built: &[BuiltModel]) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from ops.model_run where run_id = $1", run_id).execute(&mut *connection).await?;
    let hashes: Vec<_> = built.iter().map(|model| project::hash(&[&model.compiled])).collect();
    let texts: Vec<_> = built.iter().map(|model| model.compiled.clone()).collect();
    sqlx::query!(
        "insert into ops.compiled_model (hash, compiled)
         select distinct on (hash) hash, compiled from unnest($1::text[], $2::text[]) as built (hash, compiled) order by hash
         on conflict (hash) do nothing",
        &hashes,
        &texts,
    )
    .execute(&mut *connection)
    .await?;
    let models: Vec<_> = built.iter().map(|model| model.model.clone()).collect();
    let kinds: Vec<_> = built.iter().map(|model| model.materialized.as_str().to_owned()).collect();
    let times: Vec<_> = built.iter().map(|model| model.ms).collect();
    let rows: Vec<_> = built.iter().map(|model| i64::try_from(model.rows).unwrap_or(i64::MAX)).collect();
    sqlx::query!(
        "insert into ops.model_run (run_id, model, position, materialization, hash, ms, row_count)
         select $1, model, position, materialization, hash, ms, row_count
         from unnest($2::text[], $3::text[], $4::text[], $5::float8[], $6::bigint[]) with ordinality
              as built (model, materialization, hash, ms, row_count, position)",
        run_id,
        &models,
        &kinds,
        &hashes,
        &times,
        &rows,
    )
    .execute(connection)
    .await?;
    Ok(())
}
