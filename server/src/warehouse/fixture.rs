//! Rows written in a yml → a query that yields them, typed like the relation that they stand for. As dbt does it.

use super::properties::Format;
use serde_yaml_ng::Value;

/// A column of a relation: name and type as Postgres writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typed {
    pub name: String,
    pub kind: String,
}

/// Rows of a unit test, given or expected.
#[derive(Debug, Clone)]
pub(super) enum Fixture {
    Rows(Vec<Row>),
    /// A query of the person's own, taken as it is.
    Sql(String),
}

/// Names and values as SQL writes them before they are cast.
pub(super) type Row = Vec<(String, String)>;

impl Fixture {
    /// # Errors
    /// A sentence without its place.
    pub fn read(rows: &Value, format: Format) -> Result<Self, String> {
        match (format, rows) {
            (Format::Dict, Value::Sequence(rows)) => rows.iter().map(row).collect::<Result<_, _>>().map(Self::Rows),
            (Format::Dict, Value::Null) => Err("rows is missing: write a list, or [] for none".into()),
            (Format::Dict, _) => Err("rows is a list of names with values; with format csv or sql it is a text".into()),
            (Format::Csv, Value::String(text)) => csv(text).map(Self::Rows),
            (Format::Sql, Value::String(text)) => Ok(Self::Sql(text.trim().trim_end_matches(';').to_owned())),
            (Format::Csv | Format::Sql, _) => {
                Err("rows is a text where the format is csv or sql; files of fixtures aren't supported".into())
            }
        }
    }

    /// The query. A column that a given row doesn't name is null; `expected` rows name what is compared.
    pub fn query(&self, columns: &[Typed], is_expected: bool) -> Result<String, String> {
        let rows = match self {
            Self::Sql(text) => return Ok(text.clone()),
            Self::Rows(rows) => rows,
        };
        let named = self.columns().unwrap_or_default();
        let shown: Vec<&Typed> = columns.iter().filter(|column| !is_expected || named.is_empty() || named.contains(&column.name)).collect();
        if rows.is_empty() {
            return Ok(format!("select {} limit 0", list(&shown, |column| cast("null", column))));
        }
        let mut selects = Vec::new();
        for row in rows {
            if let Some((unknown, _)) = row.iter().find(|(name, _)| !columns.iter().any(|column| column.name == *name)) {
                let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
                return Err(format!("there is no column {unknown}; there are {}", names.join(", ")));
            }
            if is_expected && row.len() != named.len() {
                return Err("all expected rows name the same columns".into());
            }
            let value = |column: &Typed| row.iter().find(|(name, _)| *name == column.name).map_or("null", |(_, value)| value.as_str());
            selects.push(format!("select {}", list(&shown, |column| cast(value(column), column))));
        }
        Ok(selects.join("\nunion all\n"))
    }

    /// The columns that the first row names, without a null where there is one; none for a query or no rows at all.
    pub fn columns(&self) -> Option<Vec<String>> {
        let Self::Rows(rows) = self else { return None };
        let whole = rows.iter().find(|row| row.iter().all(|(_, value)| value != "null")).or(rows.first())?;
        Some(whole.iter().map(|(name, _)| name.clone()).collect())
    }
}

fn list(columns: &[&Typed], text: impl Fn(&Typed) -> String) -> String {
    columns.iter().map(|column| text(column)).collect::<Vec<_>>().join(", ")
}

fn cast(value: &str, column: &Typed) -> String {
    // dbt leaves the length of a text out, so that a longer value isn't cut without a word.
    let kind = if value.starts_with('\'') && column.kind.contains("varying") {
        column.kind.split('(').next().unwrap_or_default()
    } else {
        &column.kind
    };
    format!("cast({value} as {kind}) as \"{}\"", column.name.replace('"', "\"\""))
}

fn row(written: &Value) -> Result<Row, String> {
    let Value::Mapping(map) = written else { return Err("each row is a list of names with values".into()) };
    map.iter()
        .map(|(name, value)| {
            let name = name.as_str().ok_or("a column's name is a text")?.to_lowercase();
            let value = match value {
                Value::Null => "null".to_owned(),
                Value::Bool(truth) => truth.to_string(),
                Value::Number(number) => number.to_string(),
                Value::String(text) => quoted(text),
                _ => return Err(format!("{name}: write lists and objects as a text, as Postgres reads them")),
            };
            Ok((name, value))
        })
        .collect()
}

/// A text as SQL writes it, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Values are texts, empty ones null; quotes as spreadsheets write them. A line with nothing on it is none, one of commas is a row of nulls.
fn csv(text: &str) -> Result<Vec<Row>, String> {
    let is_nothing = |record: &Vec<String>| matches!(record.as_slice(), [only] if only.trim().is_empty());
    let mut lines = records(text).into_iter().filter(|record| !is_nothing(record));
    let names: Vec<String> =
        lines.next().ok_or("the first line names the columns")?.iter().map(|name| name.trim().to_lowercase()).collect();
    lines
        .map(|fields| {
            if fields.len() != names.len() {
                return Err(format!("a line has {} fields, and {} columns are named", fields.len(), names.len()));
            }
            let value = |field: String| if field.is_empty() { "null".to_owned() } else { quoted(&field) };
            Ok(names.iter().cloned().zip(fields.into_iter().map(value)).collect())
        })
        .collect()
}

fn records(text: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut field, mut is_quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().filter(|c| *c != '\r').peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if is_quoted && letters.peek() == Some(&'"') => {
                field.push('"');
                letters.next();
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => record.push(std::mem::take(&mut field)),
            '\n' if !is_quoted => {
                record.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    record.push(field);
    all.push(record);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Typed> {
        [("id", "integer"), ("name", "character varying(3)"), ("at", "date")]
            .map(|(name, kind)| Typed { name: name.into(), kind: kind.into() })
            .into()
    }

    fn fixture(rows: &str, format: Format) -> Fixture {
        Fixture::read(&serde_yaml_ng::from_str(rows).unwrap(), format).unwrap()
    }

    #[test]
    fn rows_are_typed_like_what_they_stand_for() {
        let given = fixture("[{id: 1, name: it's}, {AT: 2026-11-20}]", Format::Dict);
        let expect = "select cast(1 as integer) as \"id\", cast('it''s' as character varying) as \"name\", cast(null as date) as \"at\"\nunion all\n\
                      select cast(null as integer) as \"id\", cast(null as character varying(3)) as \"name\", cast('2026-11-20' as date) as \"at\"";
        assert_eq!(given.query(&columns(), false).unwrap(), expect);
        let none =
            "select cast(null as integer) as \"id\", cast(null as character varying(3)) as \"name\", cast(null as date) as \"at\" limit 0";
        assert_eq!(fixture("[]", Format::Dict).query(&columns(), false).unwrap(), none);
    }

    #[test]
    fn expected_rows_name_what_is_compared() {
        let expected = fixture("[{name: null, id: 1}, {name: b, id: 2}]", Format::Dict);
        assert!(expected.query(&columns(), true).unwrap().starts_with("select cast(1 as integer) as \"id\", cast(null as "));
        assert_eq!(expected.columns().unwrap(), ["name", "id"]);
        let uneven = fixture("[{name: a, id: 1}, {id: 2}]", Format::Dict);
        assert!(uneven.query(&columns(), true).unwrap_err().contains("same columns"));
        assert!(
            fixture("[{size: 1}]", Format::Dict).query(&columns(), true).unwrap_err().contains("no column size; there are id, name, at")
        );
    }

    #[test]
    fn csv_and_sql_are_texts() {
        let csv = fixture("|\n  id,name\n  1,\"a, \"\"b\"\"\"\n  2,\n", Format::Csv);
        let Fixture::Rows(rows) = &csv else { panic!("{csv:?}") };
        assert_eq!(rows[0], [("id".to_owned(), "'1'".to_owned()), ("name".to_owned(), "'a, \"b\"'".to_owned())]);
        assert_eq!(rows[1][1].1, "null");
        let nulls = fixture("|\n  id,name\n  ,\n\n  1,\n", Format::Csv);
        let Fixture::Rows(rows) = &nulls else { panic!("{nulls:?}") };
        assert_eq!(rows.iter().map(|row| row[0].1.as_str()).collect::<Vec<_>>(), ["null", "'1'"]);
        assert_eq!(fixture("select 1 as id;", Format::Sql).query(&columns(), false).unwrap(), "select 1 as id");
        for (rows, format) in
            [("x", Format::Dict), ("[]", Format::Csv), ("[1]", Format::Dict), ("[{a: [1]}]", Format::Dict), ("\"a,b\\n1\"", Format::Csv)]
        {
            assert!(Fixture::read(&serde_yaml_ng::from_str(rows).unwrap(), format).is_err(), "{rows}");
        }
    }
}
