//! The declared checks: those of the project, compiled into the binary, and people's own.

use super::check::{Check, CheckError};
use serde_json::Value;
use sqlx::PgConnection;
use std::sync::{Arc, LazyLock};

static SUITE: LazyLock<Result<Vec<Arc<Check>>, CheckError>> = LazyLock::new(|| read(include_str!("../../quality/suite.yml")));

/// The project's checks, in the order of the page.
///
/// # Errors
/// What the file has wrong; a test proves that it has nothing.
pub fn suite() -> Result<&'static [Arc<Check>], CheckError> {
    SUITE.as_ref().map(Vec::as_slice).map_err(Clone::clone)
}

/// The check of the project with this name.
///
/// # Errors
/// As [`suite`], and that there is none.
pub fn named(name: &str) -> Result<Arc<Check>, CheckError> {
    let missing = || CheckError { check: name.to_owned(), field: "name".into(), what: "isn't in the suite".into() };
    suite()?.iter().find(|check| check.name == name).cloned().ok_or_else(missing)
}

/// Reads a file of checks: a list of declarations, or a single one, as YAML or JSON.
///
/// # Errors
/// The first thing that is wrong, with the check and the field.
pub fn read(text: &str) -> Result<Vec<Arc<Check>>, CheckError> {
    let broken = |what: String| CheckError { check: "of the file".into(), field: "it".into(), what };
    let declared: Value = serde_yaml_ng::from_str(text).map_err(|error| broken(format!("isn't YAML ({error})")))?;
    let declared = match declared {
        Value::Array(declared) => declared,
        Value::Object(_) => vec![declared],
        _ => return Err(broken("isn't a check, nor a list of them".into())),
    };
    let mut checks: Vec<Arc<Check>> = Vec::new();
    for declared in &declared {
        let check = Check::parse(declared)?;
        if checks.iter().any(|other| other.name == check.name) {
            return Err(CheckError { check: check.name, field: "name".into(), what: "is there twice".into() });
        }
        checks.push(Arc::new(check));
    }
    Ok(checks)
}

/// What people declared: readable checks, and those that can't be read with the reason.
pub async fn own(connection: &mut PgConnection) -> Result<(Vec<Arc<Check>>, Vec<CheckError>), sqlx::Error> {
    let rows = sqlx::query!(
        r#"select name, definition from (
               select distinct on (rule_id) rule_id, name, definition, is_deleted from book.check_rule order by rule_id, version desc) as latest
           where not is_deleted order by rule_id"#
    )
    .fetch_all(connection)
    .await?;
    let (mut checks, mut broken) = (Vec::new(), Vec::new());
    for row in rows {
        let mut declared = row.definition;
        // The rule's name is the one that its list shows.
        if let Some(map) = declared.as_object_mut() {
            map.insert("name".into(), row.name.into());
        }
        match Check::parse(&declared).and_then(not_ours) {
            Ok(check) => checks.push(Arc::new(Check { is_own: true, ..check })),
            Err(error) => broken.push(error),
        }
    }
    Ok((checks, broken))
}

/// Results are told apart by name.
fn not_ours(check: Check) -> Result<Check, CheckError> {
    match named(&check.name) {
        Ok(_) => Err(CheckError { check: check.name, field: "name".into(), what: "is that of a check of the project".into() }),
        Err(_) => Ok(check),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::kind::kinds;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn the_projects_suite_can_be_read() {
        let checks = suite().unwrap();
        assert!(checks.len() > 30);
        let kinds_used: BTreeSet<&str> = checks.iter().map(|check| check.kind.name()).collect();
        let known: BTreeSet<&str> = kinds().iter().map(|kind| kind.name).collect();
        assert!(kinds_used.is_subset(&known));
    }

    #[test]
    fn a_file_holds_one_check_or_a_list() {
        let one = "{name: mine, dataset: bars, kind: range, column: close, min: 0}";
        assert_eq!(read(one).unwrap(), read(&format!("- {one}")).unwrap());
        assert!(read("mine").unwrap_err().to_string().contains("nor a list"));
    }

    #[test]
    fn what_is_wrong_is_named_with_check_and_field() {
        let good = json!({"name": "mine", "dataset": "bars", "kind": "range", "column": "close", "min": 0});
        assert!(Check::parse(&good).is_ok());
        let table = [
            ("name", json!("My Rule"), "name"),
            ("name", json!("a; drop table x"), "name"),
            ("kind", json!("rnage"), "kind"),
            ("column", json!("closs"), "column names closs"),
            ("column", json!("close\"; drop"), "column"),
            ("min", json!("ten"), "min"),
            ("mostly", json!(1.5), "mostly"),
            ("mostly", json!("0,9"), "mostly"),
            ("severity", json!("bad"), "severity"),
            ("action", json!("block"), "scope"),
            ("dataset", json!("auth.user"), "dataset"),
            ("dataset", json!("pg_catalog.pg_authid"), "dataset"),
            ("where", json!("pg_sleep(5) is null"), "where"),
            ("where", json!("colour = 1"), "where names colour"),
            ("minimum", json!(3), "minimum isn't a field of the kind range"),
            ("strict", json!("perhaps"), "strict"),
            ("scope", json!("portfolio"), "scope"),
        ];
        for (field, value, said) in table {
            let mut declared = good.clone();
            declared[field] = value.clone();
            if field == "action" {
                declared["scope"] = json!("row");
            }
            let error = Check::parse(&declared).unwrap_err().to_string();
            assert!(error.starts_with("The check ") && error.contains(said), "{field} = {value}: {error}");
        }
        let aggregate = json!({"name": "mine", "dataset": "bars", "kind": "row_count", "min": 1, "action": "quarantine"});
        assert!(Check::parse(&aggregate).unwrap_err().to_string().contains("action is quarantine, but a check of the kind row_count"));
        let regex = json!({"name": "mine", "dataset": "bars", "kind": "pattern", "column": "symbol", "regex": "("});
        assert!(Check::parse(&regex).unwrap_err().to_string().contains("regex isn't a regular expression"));
        assert!(Check::parse(&json!(3)).unwrap_err().to_string().contains("isn't a map"));
        assert!(read("- {name: a, dataset: bars, kind: row_count, min: 1}\n- {name: a, dataset: bars, kind: row_count, min: 1}").is_err());
    }
}
