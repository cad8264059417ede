//! The tests of a model as one statement: those that ask something of single rows share one scan.

/// A model's rows while its tests run together.
pub(super) const TESTED: &str = "rows_under_test";
/// What the shared scan counted.
const BY_ROW: &str = "failing_rows_under_test";

/// What the tests of one statement read.
pub(super) struct Reading<'a> {
    pub relation: &'a str,
    /// A view is worked out once for all of them; a table is read where it stands.
    pub is_view: bool,
}

/// One statement whose answer is a JSON array: how many rows each query selects. With `reading`, they read it as [`TESTED`].
pub(super) fn statement(reading: Option<&Reading<'_>>, queries: &[String]) -> String {
    let conditions: Vec<Option<&str>> = queries.iter().map(|query| reading.and_then(|_| condition(query))).collect();
    let by_row: Vec<String> = conditions.iter().flatten().map(|condition| format!("count(*) filter (where {condition})")).collect();
    let mut place = 0;
    let counts: Vec<String> = queries
        .iter()
        .zip(&conditions)
        .map(|(query, condition)| match condition {
            Some(_) => {
                place += 1;
                format!("(select counted[{place}] from {BY_ROW})")
            }
            None => format!("(select count(*) from (\n{query}\n) as failing)"),
        })
        .collect();
    let mut with = Vec::new();
    if let Some(Reading { relation, is_view }) = reading {
        let not = if *is_view { "" } else { "not " };
        with.push(format!("{TESTED} as {not}materialized (select * from {relation})"));
    }
    if !by_row.is_empty() {
        with.push(format!("{BY_ROW} as (select array[{}] as counted from {TESTED})", by_row.join(", ")));
    }
    let with = if with.is_empty() { String::new() } else { format!("with {} ", with.join(", ")) };
    format!("{with}select to_jsonb(array[{}])", counts.join(", "))
}

/// The condition of a query that selects whole rows by one column: `x is null`, `x < 0`. Anything longer keeps its own query: this
/// doesn't parse SQL.
fn condition(query: &str) -> Option<&str> {
    let rest = query.trim().strip_prefix("select")?.trim_start().strip_prefix('*')?.trim_start().strip_prefix("from")?.trim_start();
    let condition = rest.strip_prefix(TESTED)?.trim_start().strip_prefix("where")?.trim();
    let words: Vec<&str> = condition.split_whitespace().collect();
    let is_column = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match words[..] {
        [column, "is", "null"] => is_column(column),
        [column, "<" | "<=" | ">" | ">=" | "=" | "<>", number] => is_column(column) && is_number(number),
        _ => false,
    }
    .then_some(condition)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: Reading<'_> = Reading { relation: "staging.x", is_view: true };
    const TABLE: Reading<'_> = Reading { relation: "marts.x", is_view: false };

    #[test]
    fn conditions_on_rows_share_a_scan_and_keep_their_place() {
        let queries = [
            "select * from rows_under_test where a is null".to_owned(),
            "select a from rows_under_test group by a having count(*) > 1".to_owned(),
            "\nselect *\nfrom rows_under_test\nwhere b <= 0\n".to_owned(),
        ];
        assert_eq!(
            statement(Some(&TABLE), &queries),
            "with rows_under_test as not materialized (select * from marts.x), \
             failing_rows_under_test as (select array[count(*) filter (where a is null), count(*) filter (where b <= 0)] as counted from rows_under_test) \
             select to_jsonb(array[(select counted[1] from failing_rows_under_test), \
             (select count(*) from (\nselect a from rows_under_test group by a having count(*) > 1\n) as failing), \
             (select counted[2] from failing_rows_under_test)])"
        );
        assert!(statement(Some(&VIEW), &queries).starts_with("with rows_under_test as materialized (select * from staging.x), "));
    }

    #[test]
    fn a_query_alone_stays_as_it_is() {
        let query = "select * from marts.x where a is null".to_owned();
        assert_eq!(
            statement(None, &[query]),
            "select to_jsonb(array[(select count(*) from (\nselect * from marts.x where a is null\n) as failing)])"
        );
    }

    #[test]
    fn what_is_more_than_a_condition_on_one_column_keeps_its_query() {
        for query in [
            "select * from rows_under_test where a is null limit 1",
            "select * from rows_under_test where a is null or b < 0",
            "select * from rows_under_test where a < b",
            "select * from rows_under_test where a is null --",
            "select * from rows_under_test where A is null",
            "select * from rows_under_test where \"a\" is null",
            "select * from rows_under_testing where a is null",
            "select a from rows_under_test where a is null",
            "select * from (select * from rows_under_test where c) dbt_subquery where a is null",
        ] {
            assert_eq!(condition(query), None, "{query}");
        }
    }
}
