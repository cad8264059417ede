//! `plumbline models …`, what a run keeps of its models, and building them from nothing.

use super::published;
use crate::{
    market::{count, on, sql, task, text},
    support::Scratch,
};
use serde_json::Value;
use server::{
    pipeline::publish::{Scope, publish},
    warehouse::{Build, Project, Vars},
};
use sqlx::PgPool;

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_run_keeps_what_it_built(pool: PgPool) {
    published(&pool).await;
    let models = "select string_agg(model || ' ' || materialization, ', ' order by position) from ops.model_run where position in (1, 12)";
    assert_eq!(text(&pool, models).await, "staging.instruments view, marts.portfolio_daily incremental");
    assert_eq!(text(&pool, "select row_count::text from ops.model_run where model = 'marts.portfolio_daily'").await, "76");
    let kept = "select compiled from ops.compiled_model join ops.model_run using (hash) where model = 'staging.prices'";
    assert!(text(&pool, kept).await.contains("from raw.market_data"));
    // Another run shares the texts that didn't change; a blocked one keeps its own too.
    let before = count(&pool, "select from ops.compiled_model").await;
    for (runs, texts) in [(24, before + 3), (36, before + 3)] {
        publish(&task(&pool).await, on("2014-06-27"), Scope::All).await.unwrap();
        assert_eq!(count(&pool, "select from ops.model_run").await, runs);
        assert_eq!(count(&pool, "select from ops.compiled_model").await, texts, "the three incremental models read otherwise from now on");
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn staging_and_marts_come_back_identical(pool: PgPool) {
    published(&pool).await;
    sql(&pool, "create schema kept").await;
    let project = Project::embedded().unwrap();
    for model in project.models() {
        sql(&pool, &format!("create table kept.{} as table {}", model.name, model.relation())).await;
    }
    sql(&pool, "drop schema staging, marts cascade").await;
    let mut tx = pool.begin().await.unwrap();
    let mut build = Build::begin(&project, &mut tx, false).await.unwrap();
    for schema in ["staging", "marts"] {
        build.models(&mut tx, schema, &Vars::default()).await.unwrap();
    }
    build.put_in_place(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    for model in project.models() {
        let (name, relation) = (&model.name, model.relation());
        assert_eq!(
            count(
                &pool,
                &format!("(table kept.{name} except all table {relation}) union all (table {relation} except all table kept.{name})")
            )
            .await,
            0,
            "{name}"
        );
        assert!(count(&pool, &format!("table {relation}")).await > 0 || model.schema == "staging", "{name}");
    }
}

async fn plumbline(database: &Scratch, arguments: &[&str]) -> (bool, String, String) {
    let mut command = database.plumbline(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_compiled_built_and_described_by_hand() {
    let (database, folder) = (Scratch::create("by_hand").await, tempfile::tempdir().unwrap());
    let (ok, said, _) = plumbline(&database, &["models", "list", "--select", "+holdings", "--exclude", "staging"]).await;
    assert!(ok && said.lines().count() == 1 && said.starts_with("marts.holdings"), "{said}");
    let (ok, said, _) = plumbline(&database, &["models", "list", "--json", "--select", "holdings+"]).await;
    let catalog: Value = serde_json::from_str(&said).unwrap();
    let names: Vec<_> = catalog["models"].as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect();
    assert!(ok && names == ["holdings", "allocation"], "{names:?}");
    let (ok, said, _) = plumbline(&database, &["models", "compile", "prices"]).await;
    assert!(
        ok && said.starts_with("-- staging.prices\n-- One row per symbol and session") && said.contains("from raw.market_data"),
        "{said}"
    );
    let (ok, _, error) = plumbline(&database, &["models", "compile", "nothing"]).await;
    assert!(!ok && error.contains("--select nothing: there is no model"), "{error}");
    let (ok, said, error) = plumbline(&database, &["models", "docs", "--to", folder.path().to_str().unwrap()]).await;
    assert!(ok && std::fs::metadata(said.trim()).is_ok(), "{said}{error}");
    database.drop().await;
}
