//! Builds and tests the models inside a given transaction. Readers keep the old tables until [`Build::put_in_place`].

use super::{
    Assertion, Error, Materialized, Model, Project, UnitTest, Vars, Verdict,
    error::said,
    own, project,
    render::Surroundings,
    sql::{self, Rights},
    together::{self, Reading, TESTED},
    write,
};
use serde::Serialize;
use serde_json::Value;
use sqlx::{Connection, PgConnection, PgPool};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

/// Failing rows that are kept with a verdict.
const SAMPLES: u32 = 20;
/// One try to take tables from their readers: less than anybody notices, and less than Postgres waits before it looks for a deadlock.
const SHORTEST_WAIT_MS: u64 = 20;
/// All tries together.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What one model cost, and what it was.
#[derive(Debug, Clone, Serialize)]
pub struct BuiltModel {
    pub model: String,
    pub ms: f64,
    /// Written; 0 for views.
    pub rows: u64,
    #[serde(skip)]
    pub materialized: Materialized,
    /// The SQL that Postgres got.
    #[serde(skip)]
    pub compiled: String,
}

/// What is in the catalog under a model's name.
pub(super) struct Existing {
    pub is_view: bool,
    /// As left by the last build, in the relation's comment; empty where nothing is kept.
    pub fingerprint: String,
    /// The same, also where nothing is kept.
    pub built_as: String,
    /// A view that changed since everybody was booked.
    pub is_unbooked: bool,
}

/// One build in one transaction: models, tests, then everything into place.
pub struct Build<'p> {
    pub(super) project: &'p Project,
    pub(super) rights: Rights,
    pub(super) existing: BTreeMap<String, Existing>,
    /// Where each model is read from during this build.
    pub(super) relations: Arc<BTreeMap<String, String>>,
    /// Tables and views that stand beside as `x__new`.
    pub(super) beside: Vec<&'p Model>,
    /// Views that were created anew: those that refer to them are too.
    pub(super) renewed: BTreeSet<&'p str>,
    /// Those that stood as another version of themselves, or did when everybody was booked.
    pub(super) replaced: Vec<String>,
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
    /// Creates our schemas if need be and looks at what is there. With `full_refresh` nothing of it is kept.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn begin(project: &'p Project, connection: &mut PgConnection, full_refresh: bool) -> Result<Self, Error> {
        let ours = project.models().iter().filter(|model| !project.is_own(model));
        for schema in ours.map(|model| model.schema.as_str()).collect::<BTreeSet<_>>() {
            sql::execute(Rights::Installation, connection, format!("create schema if not exists {schema}")).await?;
        }
        Self::look(project, connection, Rights::Installation, full_refresh).await
    }

    /// Looks at what is there.
    pub(super) async fn look(
        project: &'p Project,
        connection: &mut PgConnection,
        rights: Rights,
        full_refresh: bool,
    ) -> Result<Self, Error> {
        let schemas: BTreeSet<&str> = project.models().iter().map(|model| model.schema.as_str()).collect();
        let found = sqlx::query!(
            r#"select n.nspname || '.' || c.relname as "relation!", c.relkind = 'v' as "is_view!",
                      coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '') as "comment!"
               from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
               where n.nspname = any($1) and c.relkind in ('v', 'r')"#,
            &schemas.iter().map(|schema| (*schema).to_owned()).collect::<Vec<_>>(),
        )
        .fetch_all(&mut *connection)
        .await?;
        let existing = |is_view, comment: &str| {
            let (built_as, is_unbooked) = comment.strip_suffix(UNBOOKED).map_or((comment, false), |built_as| (built_as, true));
            let fingerprint = if full_refresh { String::new() } else { built_as.to_owned() };
            Existing { is_view, fingerprint, built_as: built_as.to_owned(), is_unbooked }
        };
        Ok(Self {
            project,
            rights,
            existing: found.into_iter().map(|row| (row.relation, existing(row.is_view, &row.comment))).collect(),
            relations: project.relations(),
            beside: Vec::new(),
            renewed: BTreeSet::new(),
            replaced: Vec::new(),
            built: Vec::new(),
        })
    }

    /// Builds our models of one schema, in order.
    ///
    /// # Errors
    /// [`Error::Build`] with the model that Postgres refused.
    pub async fn models(&mut self, connection: &mut PgConnection, schema: &str, vars: &Vars) -> Result<(), Error> {
        let project = self.project;
        for model in project.models().iter().filter(|model| model.schema == schema && !project.is_own(model)) {
            self.model(connection, model, vars).await?;
        }
        Ok(())
    }

    /// Builds one model.
    ///
    /// # Errors
    /// [`Error::Build`] when Postgres refuses it.
    pub async fn model(&mut self, connection: &mut PgConnection, model: &'p Model, vars: &Vars) -> Result<&BuiltModel, Error> {
        let started = Instant::now();
        let stands = self.stands(model, &self.project.fingerprint(model));
        let is_incremental = model.materialized == Materialized::Incremental && stands;
        let compiled = self.render(model, &model.source, vars, is_incremental)?;
        let rows = match model.materialized {
            Materialized::View => self.view(connection, model, &compiled, vars).await,
            Materialized::Incremental if is_incremental => self.increment(connection, model, &compiled, vars).await,
            Materialized::Table | Materialized::Incremental => self.table(connection, model, &compiled, vars).await,
        }
        .map_err(|error| error.within(&model.relation()))?;
        let at = self.built.len();
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        self.built.push(BuiltModel { model: model.relation(), ms, rows, materialized: model.materialized, compiled });
        Ok(&self.built[at])
    }

    /// Runs every test of ours on what this build holds. The generic ones of a model read it once, together: most models are views, and a
    /// view with fifteen tests would be worked out fifteen times. Each is then said to have taken its share of that.
    ///
    /// # Errors
    /// [`Error::Build`] with the test, or the model with the tests, that Postgres refused.
    pub async fn test(&self, connection: &mut PgConnection, vars: &Vars) -> Result<Vec<Verdict>, Error> {
        let ours: Vec<_> = self.project.assertions().iter().filter(|assertion| assertion.package == project::OURS).collect();
        self.test_these(connection, &ours, vars).await
    }

    /// Runs these tests of one package; the verdicts are in their order.
    ///
    /// # Errors
    /// As [`Build::test`].
    pub async fn test_these(&self, connection: &mut PgConnection, assertions: &[&Assertion], vars: &Vars) -> Result<Vec<Verdict>, Error> {
        let package = assertions.first().map(|assertion| assertion.package.as_str()).unwrap_or_default();
        let around = Surroundings { relations: Arc::clone(&self.relations), ..self.project.surroundings(package, vars) };
        let mut verdicts = Vec::new();
        for together in assertions.chunk_by(|a, b| a.model().is_some() && a.model() == b.model()) {
            let started = Instant::now();
            let counts = self.count_failures(connection, together, &around).await?;
            #[expect(clippy::cast_precision_loss, reason = "a few tests")]
            let duration_ms = started.elapsed().as_secs_f64() * 1000.0 / together.len() as f64;
            for (assertion, rows) in together.iter().zip(counts) {
                let judged = assertion.judged(rows);
                let (passed, severity) = (judged.is_none(), judged.unwrap_or(assertion.severity));
                let failures = if passed { 0 } else { rows };
                let (samples, portfolios) = match failures {
                    0 => (Value::Array(Vec::new()), None),
                    _ => self.failing(connection, assertion, &around).await?,
                };
                let (name, model) = (assertion.name.clone(), assertion.model().map(str::to_owned));
                verdicts.push(Verdict { name, model, severity, passed, failures, samples, portfolios, duration_ms });
            }
        }
        Ok(verdicts)
    }

    /// How many rows each of these tests selects, by one statement.
    async fn count_failures(
        &self,
        connection: &mut PgConnection,
        together: &[&Assertion],
        around: &Surroundings,
    ) -> Result<Vec<i64>, Error> {
        let Some(first) = together.first() else { return Ok(Vec::new()) };
        let mut within = around.clone();
        let model = first.model().filter(|_| together.len() > 1).and_then(|name| self.project.find(name));
        let relation = model.and_then(|model| Arc::make_mut(&mut within.relations).insert(model.name.clone(), TESTED.to_owned()));
        let is_view = model.is_some_and(|model| model.materialized == Materialized::View);
        let reading = relation.as_deref().map(|relation| Reading { relation, is_view });
        let queries = together.iter().map(|assertion| assertion.query(self.project, &within)).collect::<Result<Vec<_>, _>>()?;
        let refused = |source| Error::Build { model: first.name.clone(), source };
        sql::counts(self.rights, connection, together::statement(reading.as_ref(), &queries)).await.map_err(refused)
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
        let samples = sql::samples(self.rights, connection, &query, SAMPLES).await.map_err(refused)?;
        Ok((samples, sql::portfolios(self.rights, connection, &query).await.map_err(refused)?))
    }

    /// Runs one unit test; yields the rows that are missing and those that came instead, both empty where it passes.
    ///
    /// # Errors
    /// When the fixtures don't fit the models, or Postgres refuses them.
    pub async fn unit_test(&self, connection: &mut PgConnection, test: &UnitTest) -> Result<Value, Error> {
        let model = self.project.find(&test.model).ok_or_else(|| test.refused("its model is gone"))?;
        let mut inputs = Vec::new();
        for (input, _) in &test.given {
            inputs.push(self.columns_of(connection, test, model, input).await?);
        }
        let refused = |error: sqlx::Error| test.refused(format!("Postgres refused it ({})", said(&error)));
        let empty = test.empty(self.project, model, &inputs)?;
        let own = self.columns_of_query(connection, &empty).await.map_err(refused)?;
        let query = test.query(self.project, model, (&inputs, &own))?;
        sql::json(self.rights, connection, query).await.map_err(refused)
    }

    /// The new tables and views take the names of the old ones: the last statements before the commit, so that readers wait for nothing else.
    ///
    /// # Errors
    /// What Postgres says; a reader that doesn't let go of an old table ends it after five seconds.
    pub async fn put_in_place(&mut self, connection: &mut PgConnection) -> Result<(), Error> {
        let beside = std::mem::take(&mut self.beside);
        // All old ones go first: one may take another with it that reads it.
        let drops: String = beside.iter().map(|model| self.dropping(model)).collect();
        let renames: String =
            beside.iter().map(|model| format!("alter table {}__new rename to {}; ", model.relation(), model.name)).collect();
        let old: Vec<String> =
            beside.iter().map(|model| model.relation()).filter(|relation| self.existing.contains_key(relation)).collect();
        if self.rights == Rights::Own || old.is_empty() {
            sql::execute(self.rights, connection, format!("{LOCK_TIMEOUT}; {drops}{renames}")).await?;
        } else {
            self.exchange(connection, &old, &format!("{drops}{renames}")).await?;
        }
        self.relations = self.project.relations();
        Ok(())
    }

    /// Takes the old ones from their readers, all or none: whoever waits for a lock makes those behind it wait too, and a reader of two
    /// tables could wait for us as we for it. So each try is short, and gives back what it got. Locks are taken by the statements themselves:
    /// `lock table` of a view locks the raw tables below it too.
    async fn exchange(&self, connection: &mut PgConnection, old: &[String], statements: &str) -> Result<(), Error> {
        let take = format!("set local lock_timeout = '{SHORTEST_WAIT_MS}ms'; {statements}");
        let begun = Instant::now();
        loop {
            let mut savepoint = connection.begin().await?;
            match sql::execute(self.rights, &mut savepoint, take.clone()).await {
                Ok(_) => return Ok(savepoint.commit().await?),
                Err(error) if is_lock_timeout(&error) && begun.elapsed() < LONGEST_WAIT => {
                    savepoint.rollback().await?;
                    own::interrupt(connection, old).await?;
                }
                Err(error) => return Err(error.into()),
            }
            tokio::time::sleep(Duration::from_millis(SHORTEST_WAIT_MS)).await;
        }
    }

    /// Where each model stands during this build, by the name that it will have: `marts.holdings` → `marts.holdings__new`.
    pub fn standing(&self) -> BTreeMap<String, String> {
        let of = |model: &Model| Some((model.relation(), self.relations.get(&model.name)?.clone()));
        self.project.models().iter().filter_map(of).collect()
    }

    /// What `query` selects, as a JSON array of objects; it is given where the model stands during this build. Only text of our own.
    ///
    /// # Errors
    /// [`Error::Build`] when there is no such model, or Postgres refuses the query.
    pub async fn rows(&self, connection: &mut PgConnection, model: &str, query: impl FnOnce(&str) -> String) -> Result<Value, Error> {
        let refused = |source| Error::Build { model: model.to_owned(), source };
        let relation = self.relations.get(model).ok_or(sqlx::Error::RowNotFound).map_err(refused)?;
        let text = format!("select coalesce(jsonb_agg(to_jsonb(found)), '[]') from ({}) as found", query(relation));
        sql::json(self.rights, connection, text).await.map_err(refused)
    }

    /// Does any table hold all of its rows anew, whoever they belong to?
    pub fn has_rebuilt(&self) -> bool {
        self.beside.iter().any(|model| model.materialized != Materialized::View)
    }

    /// Everybody is booked by the views as they are now: they are said to be replaced no more.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn all_are_booked(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let unbooked = self.existing.iter().filter(|(_, existing)| existing.is_unbooked);
        let said: String = unbooked.map(|(relation, existing)| write::comment("view", relation, &existing.built_as) + "; ").collect();
        if !said.is_empty() {
            sql::execute(self.rights, connection, said).await?;
        }
        Ok(())
    }

    /// Models that stood as another version of themselves before, by schema and name.
    pub fn replaced(&self) -> &[String] {
        &self.replaced
    }

    /// What was built so far, in order.
    pub fn built(&self) -> &[BuiltModel] {
        &self.built
    }

    /// A model's text by the names that all models have in the end.
    pub(super) fn lasting(&self, model: &Model, vars: &Vars) -> Result<String, Error> {
        let around =
            Surroundings { relations: self.project.relations(), this: model.relation(), ..self.project.surroundings(&model.package, vars) };
        Ok(self.project.renderer.render(&model.place, &model.source, &around, BTreeMap::new())?.text)
    }

    pub(super) fn render(&self, model: &Model, template: &str, vars: &Vars, is_incremental: bool) -> Result<String, Error> {
        let relations = Arc::clone(&self.relations);
        let around = Surroundings { relations, this: model.relation(), is_incremental, ..self.project.surroundings(&model.package, vars) };
        Ok(self.project.renderer.render(&model.place, template, &around, BTreeMap::new())?.text)
    }

    /// Is the model there as this version of it builds it?
    pub(super) fn stands(&self, model: &Model, fingerprint: &str) -> bool {
        self.existing.get(&model.relation()).is_some_and(|existing| existing.fingerprint == fingerprint)
    }

    pub(super) fn dropping(&self, model: &Model) -> String {
        let relation = model.relation();
        match self.existing.get(&relation) {
            None => String::new(),
            Some(Existing { is_view: true, .. }) => format!("drop view if exists {relation} cascade; "),
            Some(_) => format!("drop table if exists {relation} cascade; "),
        }
    }
}

/// Readers that don't let go of what is replaced are waited for no longer.
fn is_lock_timeout(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).as_deref() == Some("55P03")
}

/// Stands behind the fingerprint of a view that changed, until everybody was booked by it.
pub(super) const UNBOOKED: &str = " unbooked";

pub(super) const LOCK_TIMEOUT: &str = "set local lock_timeout = '5s'";
