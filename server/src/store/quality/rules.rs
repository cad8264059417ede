//! Rules of people's own: read, tried on the last sessions, kept as versions.

use super::{
    super::{Error, Result, Store, entries::audit},
    results::{Eyes, named},
};
use crate::quality::{self, Check, Fired, backtest, kinds};
use app::{
    domain::{Scope, UserId},
    error::AppError,
    quality::model::{FiredRow, KindRow, RuleForm, RulePage, Tried},
};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// About a year.
const SESSIONS: u32 = 250;
/// As much as a declaration needs.
const LONGEST: usize = 25_000;

impl Store {
    pub(super) async fn rule_page(&self, user: UserId, form: RuleForm, tried: bool) -> Result<RulePage> {
        self.decider(user).await?;
        let kinds = kinds().iter().map(|kind| {
            let mut parameters: Vec<_> = kind.parameters.iter().collect();
            parameters.sort_by_key(|parameter| !parameter.is_required);
            KindRow {
                name: kind.name.into(),
                description: kind.description.into(),
                parameters: parameters.iter().map(|parameter| (parameter.name.into(), parameter.description.into())).collect(),
            }
        });
        let kinds = kinds.collect();
        let tried = match tried {
            false => None,
            true => Some(match self.tried(user, &form).await {
                // Said above the form, which keeps what was typed.
                Err(Error::App(AppError::Refused(sentence))) => Err(sentence),
                answer => Ok(answer?),
            }),
        };
        Ok(RulePage { form, kinds, tried })
    }

    async fn tried(&self, user: UserId, form: &RuleForm) -> Result<Tried> {
        let (check, _) = read(form)?;
        let (mine, symbols) = self.seen_by(user, Scope::default()).await?;
        let known: BTreeSet<&str> = symbols.iter().map(String::as_str).collect();
        let eyes = Eyes { portfolios: &mine, symbols: &known, is_administrator: true };
        let mut connection = self.pool.acquire().await?;
        let fired = match backtest(&mut connection, &check, SESSIONS).await {
            Err(quality::Error::Database(sqlx::Error::Database(said))) => {
                return Err(Error::refused(format!(
                    "The rule can't be made: {}. Correct it and try again.",
                    quality::reason(said.as_ref())
                )));
            }
            fired => fired?.ok_or_else(|| Error::refused(quality::UNTOLD))?,
        };
        let row = |fired: Fired| FiredRow {
            session: fired.session,
            failures: fired.failures,
            sample: fired
                .sample
                .as_ref()
                .filter(|sample| eyes.sees_row(sample, quality::is_personal(&check.dataset, check.kind.name())))
                .map(named)
                .unwrap_or_default(),
        };
        Ok(Tried { sessions: SESSIONS, fired: fired.into_iter().map(row).collect() })
    }

    /// A rule of a name that is there already is its next version.
    pub(super) async fn save_rule(&self, user: UserId, form: &RuleForm) -> Result<()> {
        self.decider(user).await?;
        let (check, definition) = read(form)?;
        let mut tx = self.pool.begin().await?;
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('book.check_rule', 0)) is null as locked").fetch_one(&mut *tx).await?;
        let known = sqlx::query!("select rule_id, version from book.check_rule where name = $1 order by version desc limit 1", check.name)
            .fetch_optional(&mut *tx)
            .await?;
        let (rule, version) = match known {
            Some(known) => (known.rule_id, known.version + 1),
            None => (sqlx::query_scalar!(r#"select nextval('book.rule_id') as "id!""#).fetch_one(&mut *tx).await?, 1),
        };
        sqlx::query!(
            "insert into book.check_rule (rule_id, version, name, definition, entered_by) values ($1, $2, $3, $4, $5)",
            rule,
            version,
            check.name,
            definition,
            user.get(),
        )
        .execute(&mut *tx)
        .await?;
        audit(&mut tx, user, "save_rule", &format!("rule:{rule}"), json!({ "version": version, "definition": definition })).await?;
        tx.commit().await?;
        Ok(())
    }

    /// A removal is a version, too.
    pub(super) async fn remove_rule(&self, user: UserId, rule: i64, version: i32) -> Result<()> {
        self.decider(user).await?;
        let mut tx = self.pool.begin().await?;
        let written = sqlx::query!(
            "insert into book.check_rule (rule_id, version, name, definition, is_deleted, entered_by)
             select rule_id, version + 1, name, definition, true, $3 from book.check_rule as shown
             where rule_id = $1 and version = $2 and not is_deleted on conflict do nothing",
            rule,
            version,
            user.get(),
        )
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Err(Error::refused("This rule was changed or removed since the page was shown. Reload the page."));
        }
        audit(&mut tx, user, "remove_rule", &format!("rule:{rule}"), json!({ "version": version + 1 })).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// The rule and its declaration, as it would stand in the suite's file.
fn read(form: &RuleForm) -> Result<(Check, Value)> {
    let declared = Value::Object(declared(form)?);
    let check = Check::parse(&declared).map_err(|error| Error::refused(error.to_string()))?;
    if quality::suite().map_err(quality::Error::from)?.iter().any(|ours| ours.name == check.name) {
        return Err(Error::refused(format!("The project has a check {} already. Choose another name.", check.name)));
    }
    Ok((check, declared))
}

fn declared(form: &RuleForm) -> Result<Map<String, Value>> {
    if form.parameters.len() > LONGEST {
        return Err(Error::refused("The parameters are too long. Make a model of it, and check that."));
    }
    let fields = [
        ("name", &form.name),
        ("dataset", &form.dataset),
        ("kind", &form.kind),
        ("columns", &form.columns),
        ("severity", &form.severity),
        ("action", &form.action),
        ("scope", &form.scope),
    ];
    let mut declared = Map::new();
    for (name, text) in fields {
        if !text.trim().is_empty() {
            // Kinds that take one column call it so; both names are read.
            let is_one = name == "columns" && matches!(form.kind.as_str(), "set" | "pattern" | "fresh");
            declared.insert(if is_one { "column" } else { name }.to_owned(), text.trim().into());
        }
    }
    let mut last: Option<String> = None;
    for line in form.parameters.lines().filter(|line| !line.trim().is_empty()) {
        // A query has more than one line: those that are indented go on.
        if let (true, Some(name)) = (line.starts_with([' ', '\t']), &last) {
            if let Some(Value::String(text)) = declared.get_mut(name) {
                text.push('\n');
                text.push_str(line.trim_end());
            }
            continue;
        }
        let Some((name, value)) = line.split_once(':') else {
            return Err(Error::refused(format!("The line “{}” has no colon. Write it as min: 0.", line.trim())));
        };
        let (name, value) = (name.trim().to_owned(), value.trim());
        if declared.contains_key(&name) {
            return Err(Error::refused(format!("{name} is there twice. Leave one of them out.")));
        }
        let is_shaped = value.starts_with(['[', '{']) || matches!(value, "true" | "false");
        let shaped = is_shaped.then(|| serde_json::from_str(value).ok()).flatten();
        declared.insert(name.clone(), shaped.unwrap_or_else(|| value.into()));
        last = Some(name);
    }
    Ok(declared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: &str, columns: &str, parameters: &str) -> RuleForm {
        RuleForm {
            name: "mine".into(),
            dataset: "bars".into(),
            kind: kind.into(),
            columns: columns.into(),
            parameters: parameters.into(),
            ..RuleForm::default()
        }
    }

    #[test]
    fn what_is_typed_is_read_as_a_declaration() {
        let (_, declared) = read(&form("range", "open, close", "min: 0\nmax: 5000.5\n\nwhere: volume > 0")).unwrap();
        assert_eq!(
            declared,
            json!({ "name": "mine", "dataset": "bars", "kind": "range", "columns": "open, close", "min": "0", "max": "5000.5", "where": "volume > 0" })
        );
        assert!(read(&form("set", "vendor", r#"values: ["polygon", "alpaca"]"#)).is_ok());
        assert!(read(&form("pattern", "symbol", "regex: ^[A-Z]+$")).is_ok());
        let (_, query) = read(&form("sql", "", "sql: select symbol from raw.market_data\n  where close > 1000")).unwrap();
        assert_eq!(query["sql"], "select symbol from raw.market_data\n  where close > 1000");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (form, said) in [
            (form("range", "close", "min 0"), "has no colon"),
            (form("range", "close", "min: 0\nmin: 1"), "is there twice"),
            (form("range", "closs", "min: 0"), "closs"),
            (form("rnage", "close", ""), "kind"),
            (RuleForm { name: "prices_are_positive".into(), ..form("range", "close", "min: 0") }, "Choose another name"),
            (RuleForm { name: "My rule".into(), ..form("range", "close", "min: 0") }, "name"),
            (form("range", "close", &"x".repeat(30_000)), "too long"),
        ] {
            let error = read(&form).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
