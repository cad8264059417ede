//! How each materialization is written: a view anew when its text changed, a table beside the old one, an increment into it.

use super::{
    Build, Error, Materialized, Model, Project, UnitTest, Vars,
    build::{LOCK_TIMEOUT, UNBOOKED},
    config::IncrementalStrategy,
    fixture::Typed,
    project, sql,
    unit::Input,
};
use sqlx::PgConnection;

/// Holds the columns of a query for a moment.
const COLUMNS: &str = "plumbline_columns";

impl<'p> Build<'p> {
    /// A view is created only when its text, or a view that it reads, changed; beside the old one, for to drop that one takes it from its
    /// readers until the commit.
    pub(super) async fn view(&mut self, connection: &mut PgConnection, model: &'p Model, text: &str, vars: &Vars) -> Result<u64, Error> {
        let reads_renewed = model.refs.iter().any(|name| self.renewed.contains(name.as_str()));
        // Its text by the names that all will have.
        let fingerprint = if reads_renewed { project::hash(&[&self.lasting(model, vars)?]) } else { project::hash(&[text]) };
        let relation = model.relation();
        let existing = self.existing.get(&relation);
        let is_other = existing.is_some_and(|existing| existing.built_as != fingerprint);
        let is_unbooked = is_other || existing.is_some_and(|existing| existing.is_unbooked);
        if is_unbooked {
            self.replaced.push(relation.clone());
        }
        if self.stands(model, &fingerprint) && !reads_renewed {
            return Ok(0);
        }
        let name = if existing.is_some() { format!("{relation}__new") } else { relation };
        // Only ours are booked by.
        let mark = if is_unbooked && self.rights == sql::Rights::Installation { UNBOOKED } else { "" };
        // What it reads may be held, and those behind a publication wait for it.
        sql::execute(self.rights, connection, LOCK_TIMEOUT.to_owned()).await?;
        sql::single(self.rights, connection, format!("create view {name} as (\n{text}\n)")).await?;
        sql::execute(self.rights, connection, comment("view", &name, &format!("{fingerprint}{mark}"))).await?;
        self.renewed.insert(&model.name);
        if name.ends_with("__new") {
            std::sync::Arc::make_mut(&mut self.relations).insert(model.name.clone(), name);
            self.beside.push(model);
        }
        Ok(0)
    }

    /// Is any view of this schema another version's? Nothing is built for it.
    ///
    /// # Errors
    /// What Postgres says; [`Error::Source`] for a broken model.
    pub async fn has_old_views(project: &'p Project, connection: &mut PgConnection, schema: &str, vars: &Vars) -> Result<bool, Error> {
        let build = Self::look(project, connection, sql::Rights::Installation, false).await?;
        for model in project.models().iter().filter(|model| model.schema == schema && model.materialized == Materialized::View) {
            if let Some(existing) = build.existing.get(&model.relation())
                && existing.built_as != project::hash(&[&build.lasting(model, vars)?])
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Builds the table beside the old one.
    pub(super) async fn table(&mut self, connection: &mut PgConnection, model: &'p Model, text: &str, vars: &Vars) -> Result<u64, Error> {
        self.pre_hook(connection, model, vars, false).await?;
        let beside = format!("{}__new", model.relation());
        sql::execute(self.rights, connection, format!("drop table if exists {beside}")).await?;
        let rows = sql::single(self.rights, connection, format!("create table {beside} as (\n{text}\n)")).await?;
        let indexes = model.config.indexes.iter().flatten();
        let indexes: String = indexes
            .map(|index| format!("create {}index on {beside} ({}); ", if index.unique { "unique " } else { "" }, index.columns.join(", ")))
            .collect();
        let comment = comment("table", &beside, &self.project.fingerprint(model));
        sql::execute(self.rights, connection, format!("{indexes}{comment}; analyze {beside}")).await?;
        std::sync::Arc::make_mut(&mut self.relations).insert(model.name.clone(), beside);
        if model.materialized == Materialized::Incremental && self.existing.contains_key(&model.relation()) {
            self.replaced.push(model.relation());
        }
        self.beside.push(model);
        Ok(rows)
    }

    /// Brings the new rows in by the model's strategy. As in dbt a null key is the same as no other, so its rows stay and come again.
    pub(super) async fn increment(
        &mut self,
        connection: &mut PgConnection,
        model: &'p Model,
        text: &str,
        vars: &Vars,
    ) -> Result<u64, Error> {
        self.pre_hook(connection, model, vars, true).await?;
        let (relation, rows) = (model.relation(), format!("{}__rows", model.name));
        sql::single(self.rights, connection, format!("create temporary table {rows} on commit drop as (\n{text}\n)")).await?;
        let columns: Vec<_> = columns(connection, &relation).await?.into_iter().map(|column| quoted(&column.name)).collect();
        let list = columns.join(", ");
        let same = |kept: &str, new: &str| {
            model.config.key().iter().map(|key| format!("{kept}.{key} = {new}.{key}")).collect::<Vec<_>>().join(" and ")
        };
        match model.config.incremental_strategy {
            Some(IncrementalStrategy::Merge) => {
                let updates: Vec<_> = columns.iter().map(|column| format!("{column} = dbt_internal_source.{column}")).collect();
                let on = same("dbt_internal_dest", "dbt_internal_source");
                let statement = format!(
                    "merge into {relation} as dbt_internal_dest using {rows} as dbt_internal_source on {on}
                     when matched then update set {}
                     when not matched then insert ({list}) values ({list})",
                    updates.join(", ")
                );
                Ok(sql::execute(self.rights, connection, statement).await?)
            }
            Some(IncrementalStrategy::DeleteInsert) | None => {
                let delete = format!("delete from {relation} as kept using {rows} where {}", same("kept", &rows));
                sql::execute(self.rights, connection, delete).await?;
                Ok(sql::execute(self.rights, connection, format!("insert into {relation} ({list}) select {list} from {rows}")).await?)
            }
        }
    }

    async fn pre_hook(&self, connection: &mut PgConnection, model: &Model, vars: &Vars, is_incremental: bool) -> Result<(), Error> {
        let Some(hook) = &model.config.pre_hook else { return Ok(()) };
        let statement = self.render(model, hook, vars, is_incremental)?;
        if !statement.is_empty() {
            sql::single(self.rights, connection, statement).await?;
        }
        Ok(())
    }

    /// Names and types of what a fixture stands for.
    pub(super) async fn columns_of(
        &self,
        connection: &mut PgConnection,
        test: &UnitTest,
        model: &Model,
        input: &Input,
    ) -> Result<Vec<Typed>, Error> {
        let relation = match input {
            Input::This => self.relations.get(&model.name).cloned(),
            Input::Model(name) => self.relations.get(name).cloned(),
            Input::Source(group, table) => self.project.sources.get(&(group.clone(), table.clone())).map(|table| table.relation.clone()),
        };
        let relation = relation.unwrap_or_default();
        let found = columns(connection, &relation).await?;
        if found.is_empty() && *input == Input::This {
            // Not built yet: what it would be from nothing has the same columns. dbt wants it built first.
            let text = self.render(model, &model.source, &Vars::default(), false)?;
            return Ok(self.columns_of_query(connection, &format!("select * from (\n{text}\n) as first_build limit 0")).await?);
        }
        if found.is_empty() {
            return Err(test.refused(format!("{input} isn't there yet, so nobody knows its columns: build {relation} first")));
        }
        Ok(found)
    }

    /// Names and types of what a query without rows yields.
    pub(super) async fn columns_of_query(&self, connection: &mut PgConnection, text: &str) -> Result<Vec<Typed>, sqlx::Error> {
        sql::execute(self.rights, connection, format!("drop table if exists pg_temp.{COLUMNS}")).await?;
        sql::single(self.rights, connection, format!("create temporary table {COLUMNS} on commit drop as (\n{text}\n)")).await?;
        let found = columns(connection, &format!("pg_temp.{COLUMNS}")).await?;
        sql::execute(self.rights, connection, format!("drop table pg_temp.{COLUMNS}")).await?;
        Ok(found)
    }
}

/// The columns of a relation; none where there is no such.
async fn columns(connection: &mut PgConnection, relation: &str) -> Result<Vec<Typed>, sqlx::Error> {
    sqlx::query_as!(
        Typed,
        r#"select attname::text as "name!", pg_catalog.format_type(atttypid, atttypmod) as "kind!"
           from pg_catalog.pg_attribute
           where attrelid = pg_catalog.to_regclass($1) and attnum > 0 and not attisdropped order by attnum"#,
        relation
    )
    .fetch_all(connection)
    .await
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn comment(kind: &str, relation: &str, fingerprint: &str) -> String {
    format!("comment on {kind} {relation} is '{fingerprint}'")
}
