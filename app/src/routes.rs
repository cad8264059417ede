//! Every path of the site, once, and the links that keep the scope bar's state.

use crate::domain::{Range, Scope};

pub const SIGN_IN: &str = "/sign-in";
pub const SIGN_OUT: &str = "/sign-out";
pub const SETUP: &str = "/setup";
pub const ENTER_DEMO: &str = "/enter-demo";
pub const OVERVIEW: &str = "/";
pub const PERFORMANCE: &str = "/performance";
pub const HOLDINGS: &str = "/holdings";
pub const ACTIVITY: &str = "/activity";
pub const QUALITY: &str = "/quality";
pub const PIPELINE: &str = "/pipeline";
pub const CONNECTIONS: &str = "/connections";
pub const PEOPLE: &str = "/people";
pub const SETTINGS: &str = "/settings";
pub const EXPLAIN: &str = "/explain";
pub const RESTATEMENTS: &str = "/restatements";

/// Pages that can be asked for as they were known on an earlier day.
pub const AS_KNOWN: [&str; 5] = [OVERVIEW, HOLDINGS, PERFORMANCE, EXPLAIN, RESTATEMENTS];

/// How a figure was made: `/explain/time_weighted?range=3Y`. `about`: what else it is of, such as ("symbol", "AAPL").
pub fn explain(figure: &str, scope: &Scope, about: &[(&str, &str)]) -> String {
    let mut query = scope.query();
    for (name, value) in about {
        // A symbol may hold a slash; nothing else of what is asked here needs an escape.
        let value = value.replace('/', "%2F");
        query.push_str(&format!("{}{name}={value}", if query.is_empty() { "" } else { "&" }));
    }
    with_query(&format!("{EXPLAIN}/{figure}"), &query)
}

/// A page of the restatements, counted from 1.
pub fn restatements(scope: &Scope, page: u32) -> String {
    let mut query = scope.query();
    if page > 1 {
        query.push_str(&format!("{}page={page}", if query.is_empty() { "" } else { "&" }));
    }
    with_query(RESTATEMENTS, &query)
}

/// The same page as it is published now.
pub fn as_known_now(path: &str, scope: &Scope) -> String {
    scoped(path, &Scope { as_known_on: None, ..*scope })
}

/// A page in a scope: `/holdings?range=3Y`.
pub fn scoped(path: &str, scope: &Scope) -> String {
    with_query(path, &scope.query())
}

/// The same page in another range.
pub fn in_range(path: &str, scope: &Scope, range: Range) -> String {
    scoped(path, &Scope { range, ..*scope })
}

/// A page of the list of transactions, counted from 1.
pub fn activity_page(scope: &Scope, page: u32) -> String {
    let mut query = scope.query();
    if page > 1 {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&format!("page={page}"));
    }
    with_query(ACTIVITY, &query)
}

/// The list of transactions with the form opened on one of them.
pub fn correct(scope: &Scope, page: u32, key: &str) -> String {
    let list = activity_page(scope, page);
    let joint = if list.contains('?') { '&' } else { '?' };
    format!("{list}{joint}correct={key}#form")
}

pub fn run(run_id: i64) -> String {
    format!("{PIPELINE}/runs/{run_id}")
}

/// The form of a new rule.
pub const RULE: &str = "/quality/rule";

/// One check, run by run.
pub fn check(name: &str) -> String {
    format!("{QUALITY}/checks/{name}")
}

/// A file to take along: `transactions.csv`, `plumbline.xlsx` …
pub fn export(scope: &Scope, file: &str) -> String {
    let all_there_is = Scope { portfolio: scope.portfolio, benchmark: scope.benchmark, ..Scope::default() };
    scoped(&format!("/api/export/{file}"), &all_there_is)
}

fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.into() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PortfolioId;

    #[test]
    fn links_keep_the_scope_and_leave_out_what_is_default() {
        let scope = Scope { portfolio: Some(PortfolioId(3)), ..Scope::default() };
        assert_eq!(scoped(HOLDINGS, &Scope::default()), "/holdings");
        assert_eq!(scoped(HOLDINGS, &scope), "/holdings?portfolio=3");
        assert_eq!(in_range(OVERVIEW, &scope, Range::FiveYears), "/?portfolio=3&range=5Y");
    }

    #[test]
    fn an_explanation_is_a_permalink() {
        let scope = Scope { portfolio: Some(PortfolioId(3)), ..Scope::default() };
        assert_eq!(explain("value", &Scope::default(), &[]), "/explain/value");
        assert_eq!(explain("holding_value", &scope, &[("symbol", "BRK/A")]), "/explain/holding_value?portfolio=3&symbol=BRK%2FA");
    }

    #[test]
    fn pages_of_the_list_are_counted_from_one() {
        assert_eq!(activity_page(&Scope::default(), 1), "/activity");
        assert_eq!(activity_page(&Scope::default(), 2), "/activity?page=2");
        assert_eq!(correct(&Scope::default(), 1, "12"), "/activity?correct=12#form");
        assert_eq!(correct(&Scope::default(), 2, "12"), "/activity?page=2&correct=12#form");
    }
}
