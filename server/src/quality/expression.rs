//! Conditions and values that people write: columns, literals, arithmetic and comparison, and nothing else of SQL. They are read into
//! words and written anew, so that no text of a person reaches Postgres as it came.

/// Words of SQL that a condition may use.
const KEYWORDS: &[&str] = &[
    "and", "or", "not", "is", "null", "in", "between", "like", "ilike", "true", "false", "case", "when", "then", "else", "end", "date",
    "distinct", "from",
];
/// Functions of one row.
const FUNCTIONS: &[&str] =
    &["abs", "coalesce", "lower", "upper", "trim", "length", "round", "floor", "ceil", "greatest", "least", "nullif"];
/// Functions of many rows.
const AGGREGATES: &[&str] = &["count", "sum", "avg", "min", "max", "stddev"];
const OPERATORS: &[&str] = &["<>", "!=", "<=", ">=", "~*", "!~", "||", "=", "<", ">", "+", "-", "*", "/", "%", "~", "(", ")", ","];
/// Longer ones are programs.
const LONGEST: usize = 2_000;

/// A condition or value that may stand in a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// As the person wrote it.
    pub written: String,
    /// As Postgres gets it: every name quoted.
    pub sql: String,
    pub columns: Vec<String>,
}

impl Expression {
    /// Of one row.
    ///
    /// # Errors
    /// A sentence's end naming what isn't understood.
    pub fn condition(text: &str) -> Result<Self, String> {
        Self::read(text, &[])
    }

    /// Of many rows: `sum(volume)`, `avg(close)`.
    ///
    /// # Errors
    /// As [`Self::condition`].
    pub fn value(text: &str) -> Result<Self, String> {
        Self::read(text, AGGREGATES)
    }

    fn read(text: &str, aggregates: &[&str]) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("is empty".into());
        }
        if text.len() > LONGEST {
            return Err(format!("is longer than {LONGEST} letters; use a check of the kind sql"));
        }
        let (mut sql, mut columns, mut depth) = (String::new(), Vec::new(), 0_i32);
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if first == '\'' {
                literal(rest)?
            } else if first.is_ascii_digit() {
                rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len())
            } else if first.is_ascii_alphabetic() || first == '_' {
                rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len())
            } else {
                OPERATORS
                    .iter()
                    .find(|operator| rest.starts_with(**operator))
                    .map(|operator| operator.len())
                    .ok_or_else(|| format!("{first:?} isn't understood here"))?
            };
            let (word, after) = rest.split_at(length);
            rest = after.trim_start();
            match word {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                return Err("a bracket closes that wasn't opened".into());
            }
            if first.is_ascii_digit() && word.parse::<f64>().is_err() {
                return Err(format!("{word} isn't a number"));
            }
            let is_name = first.is_ascii_alphabetic() || first == '_';
            let lower = word.to_ascii_lowercase();
            if !is_name || KEYWORDS.contains(&lower.as_str()) {
                sql.push_str(word);
            } else if rest.starts_with('(') {
                if !FUNCTIONS.contains(&lower.as_str()) && !aggregates.contains(&lower.as_str()) {
                    return Err(format!("{word}( isn't a function that may be used here; use a check of the kind sql"));
                }
                sql.push_str(&lower);
            } else {
                sql.push_str(&quoted(&lower));
                columns.push(lower);
            }
            sql.push(' ');
        }
        if depth != 0 {
            return Err("a bracket isn't closed".into());
        }
        Ok(Self { written: text.trim().to_owned(), sql: sql.trim_end().to_owned(), columns })
    }
}

fn literal(text: &str) -> Result<usize, String> {
    let mut at = 1;
    while let Some(end) = text.get(at..).and_then(|rest| rest.find('\'')) {
        at += end + 1;
        if !text.get(at..).is_some_and(|rest| rest.starts_with('\'')) {
            let inside = text.get(..at).unwrap_or_default();
            return if inside.contains(['\\', '\0']) { Err("a text holds a backslash".into()) } else { Ok(at) };
        }
        at += 1;
    }
    Err("a text isn't closed".into())
}

/// A name as Postgres takes it, whatever is in it.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

/// A text as Postgres takes it, whatever is in it.
pub fn text(value: &str) -> String {
    let doubled = value.replace('\'', "''").replace('\0', "");
    if doubled.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_written_anew() {
        let table = [
            ("close > 0", "\"close\" > 0"),
            ("symbol in ('A', 'it''s')", "\"symbol\" in ( 'A' , 'it''s' )"),
            (
                "ABS(close - open)/open<=0.5 and volume IS NOT null",
                "abs ( \"close\" - \"open\" ) / \"open\" <= 0.5 and \"volume\" IS NOT null",
            ),
            ("session_date >= date '2020-01-01'", "\"session_date\" >= date '2020-01-01'"),
            ("current_user = 'x'", "\"current_user\" = 'x'"),
        ];
        for (written, sql) in table {
            assert_eq!(Expression::condition(written).unwrap().sql, sql);
        }
        assert_eq!(Expression::value("sum(volume)").unwrap().columns, ["volume"]);
    }

    #[test]
    fn what_isnt_a_condition_is_refused() {
        let hostile = [
            "true; drop table raw.market_data",
            "pg_sleep(10) is null",
            "(select 1) = 1) or (true",
            "exists(select from auth.user)",
            "close > 0 -- '",
            "close > 0 /* */",
            "close = $1",
            "close = 'a",
            "close = 'a\\'",
            "close::text = 'a'",
            "sum(close) > 1",
            "1.2.3 = close",
            "auth.user = 1",
            "\"close\" > 1",
            "",
        ];
        for text in hostile {
            // A comment's signs are read as minus and times: what is left of them is arithmetic without a second operand.
            if let Ok(read) = Expression::condition(text) {
                assert!(!read.sql.contains("--") && !read.sql.contains("/*") && !read.sql.contains(';'), "{text}: {}", read.sql);
            }
        }
        for text in ["pg_sleep(10) is null", "a ; b", "close::text", "sum(close) > 1", "(a", "a)", "'a", "close = $1", "a.b"] {
            assert!(Expression::condition(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!((quoted("a\"b"), text("a'b"), text("a\\'b")), ("\"a\"\"b\"".into(), "'a''b'".into(), "E'a\\\\''b'".into()));
    }
}
