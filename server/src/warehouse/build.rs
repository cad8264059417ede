//! Builds and tests the models inside a given transaction. Readers keep the old tables until [`Build::put_in_place`].

use super::{Assertion, Error, Materialized, Model, Project, Vars, Verdict, project, render::Surroundings, sql};
use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

/// Failing rows that are kept with a verdict.
const SAMPLES: u32 = 20;
/// A model's rows while its tests run together.
const TESTED: &str = "rows_under_test";

/// What one model cost.
#[derive(Debug, Clone, Serialize)]
pub struct BuiltModel {
    pub model: String,
    pub ms: f64,
    /// Written; 0 for views.
    pub rows: u64,
}

/// What is in the catalog under a model's name.
struct Existing {
    is_view: bool,
    /// As left by the last build, in the relation's comment.
    fingerprint: String,
}

/// One build in one transaction: models, tests, then everything into place.
pub struct Build<'p> {
    project: &'p Project,
    existing: BTreeMap<String, Existing>,
    /// Where each model is read from during this build.
    relations: Arc<BTreeMap<String, String>>,
    /// Tables that stand beside as `x__new`.
    beside: Vec<&'p Model>,
    /// Views that were created anew: those that refer to them are too.
    renewed: BTreeSet<&'p str>,
    built: Vec<BuiltModel>,
}

/// Do the marts exist already?
///
/// # Errors
/// What Postgres says.
pub async fn has_marts(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select to_regclass('marts.portfolio_daily') is not null as "there!""#).fetch_one(pool).await
}

impl<'p> Build<'p> {
    /// Creates the schemas if need be and looks at what is there. With `full_refresh` nothing of it is kept.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn begin(project: &'p Project, connection: &mut PgConnection, full_refresh: bool) -> Result<Self, Error> {
        let schemas: BTreeSet<&str> = project.models().iter().map(|model| model.schema.as_str()).collect();
        let found = sqlx::query!(
            r#"select n.nspname || '.' || c.relname as "relation!", c.relkind = 'v' as "is_view!",
                      coalesce(obj_description(c.oid, 'pg_class'), '') as "comment!"
               from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where n.nspname = any($1) and c.relkind in ('v', 'r')"#,
            &schemas.iter().map(|schema| (*schema).to_owned()).collect::<Vec<_>>(),
        )
        .fetch_all(&mut *connection)
        .await?;
        for schema in schemas {
            sql::execute(connection, format!("create schema if not exists {schema}")).await?;
        }
        let kept = |comment: &str| if full_refresh { String::new() } else { comment.to_owned() };
        Ok(Self {
            project,
            existing: found
                .into_iter()
                .map(|row| (row.relation, Existing { is_view: row.is_view, fingerprint: kept(&row.comment) }))
                .collect(),
            relations: Arc::new(project.models().iter().map(|model| (model.name.clone(), model.relation())).collect()),
            beside: Vec::new(),
            renewed: BTreeSet::new(),
            built: Vec::new(),
        })
    }

    /// Builds the models of one schema, in order.
    ///
    /// # Errors
    /// [`Error::Build`] with the model that Postgres refused.
    pub async fn models(&mut self, connection: &mut PgConnection, schema: &str, vars: &Vars) -> Result<(), Error> {
        let project = self.project;
        for model in project.models().iter().filter(|model| model.schema == schema) {
            let started = Instant::now();
            let rows = match model.materialized {
                Materialized::View => self.view(connection, model, vars).await,
                Materialized::Table => self.table(connection, model, vars).await,
                Materialized::Incremental if self.stands(model, &project.fingerprint(model)) => {
                    self.increment(connection, model, vars).await
                }
                Materialized::Incremental => self.table(connection, model, vars).await,
            }
            .map_err(|error| match error {
                Error::Database(source) => Error::Build { model: model.relation(), source },
                other => other,
            })?;
            self.built.push(BuiltModel { model: model.relation(), ms: started.elapsed().as_secs_f64() * 1000.0, rows });
        }
        Ok(())
    }

    /// A view is created only when its text, or a view that it reads, changed.
    async fn view(&mut self, connection: &mut PgConnection, model: &'p Model, vars: &Vars) -> Result<u64, Error> {
        let text = self.render(model, &model.source, vars, false)?;
        let fingerprint = project::hash(&[&text]);
        if self.stands(model, &fingerprint) && !model.refs.iter().any(|name| self.renewed.contains(name.as_str())) {
            return Ok(0);
        }
        let relation = model.relation();
        let drop = self.dropping(model);
        sql::execute(
            connection,
            format!("{LOCK_TIMEOUT}; {drop} create view {relation} as\n{text};\n{}", comment("view", &relation, &fingerprint)),
        )
        .await?;
        self.renewed.insert(&model.name);
        Ok(0)
    }

    /// Builds the table beside the old one.
    async fn table(&mut self, connection: &mut PgConnection, model: &'p Model, vars: &Vars) -> Result<u64, Error> {
        let text = self.render(model, &model.source, vars, false)?;
        self.pre_hook(connection, model, vars, false).await?;
        let beside = format!("{}__new", model.relation());
        sql::execute(connection, format!("drop table if exists {beside}")).await?;
        let rows = sql::execute(connection, format!("create table {beside} as\n{text}")).await?;
        let indexes: String = model
            .config
            .indexes
            .iter()
            .map(|index| format!("create {}index on {beside} ({}); ", if index.unique { "unique " } else { "" }, index.columns.join(", ")))
            .collect();
        let comment = comment("table", &beside, &self.project.fingerprint(model));
        sql::execute(connection, format!("{indexes}{comment}; analyze {beside}")).await?;
        Arc::make_mut(&mut self.relations).insert(model.name.clone(), beside);
        self.beside.push(model);
        Ok(rows)
    }

    /// Deletes the rows with the keys of the new ones, and inserts those.
    async fn increment(&mut self, connection: &mut PgConnection, model: &'p Model, vars: &Vars) -> Result<u64, Error> {
        let text = self.render(model, &model.source, vars, true)?;
        self.pre_hook(connection, model, vars, true).await?;
        let (relation, rows) = (model.relation(), format!("{}__rows", model.name));
        let same_key = model.config.unique_key.iter().map(|key| format!("kept.{key} = {rows}.{key}")).collect::<Vec<_>>().join(" and ");
        sql::execute(connection, format!("create temporary table {rows} on commit drop as\n{text}")).await?;
        sql::execute(connection, format!("delete from {relation} as kept using {rows} where {same_key}")).await?;
        Ok(sql::execute(connection, format!("insert into {relation} select * from {rows}")).await?)
    }

    async fn pre_hook(&self, connection: &mut PgConnection, model: &Model, vars: &Vars, is_incremental: bool) -> Result<(), Error> {
        let Some(hook) = &model.config.pre_hook else { return Ok(()) };
        let statement = self.render(model, hook, vars, is_incremental)?;
        if !statement.is_empty() {
            sql::execute(connection, statement).await?;
        }
        Ok(())
    }

    /// Runs every test on what this build holds. The generic ones of a model read it once, together: most models are views, and a
    /// view with fifteen tests would be worked out fifteen times. Each is then said to have taken its share of that.
    ///
    /// # Errors
    /// [`Error::Build`] with the test, or the model with the tests, that Postgres refused.
    pub async fn test(&self, connection: &mut PgConnection, vars: &Vars) -> Result<Vec<Verdict>, Error> {
        let around = Surroundings { relations: Arc::clone(&self.relations), ..self.project.surroundings(vars) };
        let mut verdicts = Vec::new();
        let of_one_model = |a: &Assertion, b: &Assertion| a.model().is_some() && a.model() == b.model();
        for together in self.project.assertions().chunk_by(of_one_model) {
            let started = Instant::now();
            let counts = self.count_failures(connection, together, &around).await?;
            #[expect(clippy::cast_precision_loss, reason = "a few tests")]
            let duration_ms = started.elapsed().as_secs_f64() * 1000.0 / together.len() as f64;
            for (assertion, failures) in together.iter().zip(counts) {
                let (samples, portfolios) = match failures {
                    0 => (Value::Array(Vec::new()), None),
                    _ => self.failing(connection, assertion, &around).await?,
                };
                let (name, model) = (assertion.name.clone(), assertion.model().map(str::to_owned));
                verdicts.push(Verdict { name, model, severity: assertion.severity, failures, samples, portfolios, duration_ms });
            }
        }
        Ok(verdicts)
    }

    /// How many rows each of these tests selects, by one statement.
    async fn count_failures(
        &self,
        connection: &mut PgConnection,
        together: &[Assertion],
        around: &Surroundings,
    ) -> Result<Vec<i64>, Error> {
        let Some(first) = together.first() else { return Ok(Vec::new()) };
        let (mut within, mut once) = (around.clone(), None);
        if let Some(model) = first.model().filter(|_| together.len() > 1)
            && let Some(relation) = Arc::make_mut(&mut within.relations).insert(model.to_owned(), TESTED.to_owned())
        {
            once = Some(format!("{TESTED} as materialized (select * from {relation})"));
        }
        let queries = together.iter().map(|assertion| assertion.query(self.project, &within)).collect::<Result<Vec<_>, _>>()?;
        let refused = |source| Error::Build { model: first.name.clone(), source };
        sql::counts(connection, once.as_deref(), &queries).await.map_err(refused)
    }

    /// The first rows that fail a test, and whose they all are.
    async fn failing(
        &self,
        connection: &mut PgConnection,
        assertion: &Assertion,
        around: &Surroundings,
    ) -> Result<(Value, Option<BTreeMap<i64, i64>>), Error> {
        let query = assertion.query(self.project, around)?;
        let refused = |source| Error::Build { model: assertion.name.clone(), source };
        let samples = sql::samples(connection, &query, SAMPLES).await.map_err(refused)?;
        Ok((samples, sql::portfolios(connection, &query).await.map_err(refused)?))
    }

    /// The new tables take the names of the old ones: the last statements before the commit, so that readers wait for nothing else.
    ///
    /// # Errors
    /// What Postgres says; a reader that doesn't let go of an old table ends it after five seconds.
    pub async fn put_in_place(&mut self, connection: &mut PgConnection) -> Result<(), Error> {
        let mut statements = format!("{LOCK_TIMEOUT}; ");
        for model in std::mem::take(&mut self.beside) {
            let (relation, name) = (model.relation(), &model.name);
            statements.push_str(&format!("{} alter table {relation}__new rename to {name}; ", self.dropping(model)));
        }
        self.relations = Arc::new(self.project.models().iter().map(|model| (model.name.clone(), model.relation())).collect());
        sql::execute(connection, statements).await?;
        Ok(())
    }

    /// Does any table hold all of its rows anew, whoever they belong to?
    pub fn has_rebuilt(&self) -> bool {
        !self.beside.is_empty()
    }

    /// What was built so far, in order.
    pub fn built(&self) -> &[BuiltModel] {
        &self.built
    }

    fn render(&self, model: &Model, template: &str, vars: &Vars, is_incremental: bool) -> Result<String, Error> {
        let relations = Arc::clone(&self.relations);
        let around = Surroundings { relations, this: model.relation(), is_incremental, ..self.project.surroundings(vars) };
        Ok(self.project.renderer.render(&model.file, template, &around, BTreeMap::new())?.text)
    }

    /// Is the model there as this version of it builds it?
    fn stands(&self, model: &Model, fingerprint: &str) -> bool {
        self.existing.get(&model.relation()).is_some_and(|existing| existing.fingerprint == fingerprint)
    }

    fn dropping(&self, model: &Model) -> String {
        let relation = model.relation();
        match self.existing.get(&relation) {
            None => String::new(),
            Some(Existing { is_view: true, .. }) => format!("drop view {relation} cascade;"),
            Some(_) => format!("drop table {relation} cascade;"),
        }
    }
}

const LOCK_TIMEOUT: &str = "set local lock_timeout = '5s'";

fn comment(kind: &str, relation: &str, fingerprint: &str) -> String {
    format!("comment on {kind} {relation} is '{fingerprint}'")
}
