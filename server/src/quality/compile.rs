//! What a declared check is in SQL: of a kind that looks at one row alone two conditions, of any other a query of the failing rows.

use super::{
    check::Check,
    dataset::{Batch, day_of},
    expression::{quoted, text},
    kind::{Bound, Kind, Values},
    scan::instant,
};
use crate::calendar;
use chrono::{Datelike, NaiveDate};

/// The conditions of a check on one row. In all three an unknown (null) counts as no.
#[derive(Debug, Clone)]
pub struct Predicate {
    /// Is the row looked at?
    pub filter: String,
    /// Has it no value? As Great Expectations counts: such elements are left out of all but `not_null`.
    pub missing: String,
    pub unexpected: String,
    /// The value that is told.
    pub value: String,
    /// True only of rows that are as expected, cheap; anything else is looked at once more.
    pub is_fine: String,
}

fn list(columns: &[String], with: &str, each: impl Fn(&str) -> String) -> String {
    columns.iter().map(|column| each(&quoted(column))).collect::<Vec<_>>().join(with)
}

fn bound(bound: &Bound, batch: &Batch) -> String {
    match bound {
        Bound::Number(number) => format!("({number})"),
        Bound::Column(column) => quoted(column),
        Bound::Session => format!("date '{}'", batch.session),
    }
}

/// The conditions of a check that looks at one row alone.
pub fn predicate(check: &Check, batch: &Batch) -> Option<Predicate> {
    let filter = check.filter.as_ref().map_or_else(|| "true".to_owned(), |filter| format!("({})", filter.sql));
    let (missing, unexpected, value, fine) = match &check.kind {
        Kind::NotNull { columns } => {
            let value = list(columns, ", ", |column| format!("{}, {column}", text(column.trim_matches('"'))));
            (
                "false".into(),
                list(columns, " or ", |c| format!("{c} is null")),
                value_of(columns, value),
                list(columns, " and ", |c| format!("{c} is not null")),
            )
        }
        Kind::Range { columns, minimum, maximum, is_strict } => {
            let (below, above) = if *is_strict { ("<=", ">=") } else { ("<", ">") };
            let edges: Vec<(&str, &str, String)> = [(minimum, below), (maximum, above)]
                .into_iter()
                .filter_map(|(edge, sign)| Some((sign, opposite(sign), bound(edge.as_ref()?, batch))))
                .collect();
            let outside =
                |column: &str| edges.iter().map(|(sign, _, edge)| format!("{column} {sign} {edge}")).collect::<Vec<_>>().join(" or ");
            let inside =
                |column: &str| edges.iter().map(|(_, sign, edge)| format!("{column} {sign} {edge}")).collect::<Vec<_>>().join(" and ");
            let value = list(columns, ", ", |column| format!("{}, {column}", text(column.trim_matches('"'))));
            (
                list(columns, " and ", |c| format!("{c} is null")),
                list(columns, " or ", outside),
                value_of(columns, value),
                list(columns, " and ", inside),
            )
        }
        Kind::Set { column, values } => {
            let name = quoted(column);
            let inside = match values {
                Values::Listed(values) => {
                    format!("{name}::text = any (array[{}])", values.iter().map(|value| text(value)).collect::<Vec<_>>().join(", "))
                }
                Values::Sessions => format!("{name} = any ({})", batch.sessions_sql()),
                Values::Column(other) => format!("upper({name}::text) = upper({}::text)", quoted(other)),
            };
            (format!("{name} is null"), format!("not ({inside})"), name, inside)
        }
        Kind::Pattern { column, regex } => {
            let name = quoted(column);
            let inside = format!("{name}::text ~ {}", text(regex));
            (format!("{name} is null"), format!("not ({inside})"), name, inside)
        }
        _ => return None,
    };
    let is_fine = if check.filter.is_some() { format!("(({filter}) is not true or ({fine}))") } else { format!("({fine})") };
    Some(Predicate { filter, missing: format!("({missing})"), unexpected: format!("({unexpected})"), value, is_fine })
}

fn value_of(columns: &[String], named: String) -> String {
    match columns {
        [one] => quoted(one),
        _ => format!("jsonb_build_object({named})"),
    }
}

fn opposite(sign: &str) -> &'static str {
    match sign {
        "<" => ">=",
        "<=" => ">",
        ">" => "<=",
        _ => "<",
    }
}

/// A query of all rows that fail, for any kind whose rows do; `column`s beside those of the dataset say why.
pub fn failing(check: &Check, batch: &Batch) -> Option<String> {
    let rows = batch.rows(&check.dataset);
    let filter = check.filter.as_ref().map_or_else(|| "true".to_owned(), |filter| format!("({})", filter.sql));
    if let Some(predicate) = predicate(check, batch) {
        return Some(format!("select * from ({rows}) as batch where {} and {}", predicate.filter, predicate.unexpected));
    }
    Some(match &check.kind {
        Kind::Unique { columns } => {
            let keys = list(columns, ", ", str::to_owned);
            let valued = list(columns, " and ", |column| format!("{column} is not null"));
            format!(
                "select * from (select batch.*, count(*) over (partition by {keys}) as times from ({rows}) as batch where {filter} and {valued}) as counted where times > 1"
            )
        }
        Kind::Referential { columns, to, fields } => {
            let valued = list(columns, " and ", |column| format!("batch.{column} is not null"));
            let joined: Vec<String> =
                columns.iter().zip(fields).map(|(column, field)| format!("there.{} = batch.{}", quoted(field), quoted(column))).collect();
            format!(
                "select * from ({rows}) as batch where {filter} and {valued} and not exists (select from ({}) as there where {})",
                batch.all_rows(to),
                joined.join(" and ")
            )
        }
        Kind::Balance { total, parts, of, by, tolerance } => {
            let keys = list(by, ", ", str::to_owned);
            let own: String = parts.iter().map(|part| format!(" - coalesce({}, 0)", quoted(part))).collect();
            let of_session = if by.iter().any(|column| column == "session_date") {
                format!("session_date = date '{}' and ", batch.session)
            } else {
                String::new()
            };
            // Our holdings may be priced in several currencies; where all is in one there is no rate.
            let worth = if of == "marts.holdings" { "quantity * close * coalesce(rate, 1)" } else { "quantity * close" };
            format!(
                "select batch.*, summed, {total}{own} - coalesce(summed, 0) as difference
                 from (select * from ({rows}) as every where {of_session}{filter}) as batch
                 left join (select {keys}, sum({worth}) as summed from ({}) as part group by {keys}) as parts using ({keys})
                 where abs({total}{own} - coalesce(summed, 0)) > {tolerance}",
                batch.all_rows(of),
                total = quoted(total),
            )
        }
        Kind::CrossSource { tolerance } => format!(
            "select batch.symbol, batch.session_date, bar.close, batch.close as reference, batch.vendor, batch.response_id
             from ({rows}) as batch cross join lateral (
                 select close from raw.market_data as version
                 where version.symbol = batch.symbol and version.\"timestamp\" = batch.session_date::timestamp at time zone 'America/New_York'
                 order by response_id desc limit 1) as bar
             where {filter} and abs(batch.close - bar.close) > {tolerance} * abs(bar.close)"
        ),
        _ => return None,
    })
}

/// Yields one number of each day and group: of the session and the days before it, of its weekday or of all.
pub fn history(check: &Check, batch: &Batch, from: NaiveDate, every_day: bool) -> Option<String> {
    let Kind::Anomaly { value, by, .. } = &check.kind else { return None };
    let day = quoted(day_of(&check.dataset));
    let filter = check.filter.as_ref().map_or_else(String::new, |filter| format!(" and ({})", filter.sql));
    let same_weekday =
        if every_day { String::new() } else { format!(" and extract(isodow from {day}) = extract(isodow from date '{}')", batch.session) };
    let number = value.as_ref().map_or_else(|| "count(*)".to_owned(), |value| value.sql.clone());
    let keys = list(by, ", ", |column| format!("{}, {column}::text", text(column.trim_matches('"'))));
    let group: String = by.iter().map(|column| format!(", {}", quoted(column))).collect();
    // Bars are found by their instant: the partitions and the index are of it.
    let rows = match check.dataset.as_str() {
        "bars" => format!("select * from raw.market_data where \"timestamp\" = any (array[{}])", instants(batch, from, every_day)),
        _ => batch.all_rows(&check.dataset),
    };
    Some(format!(
        "select jsonb_build_object({keys}) as of, {day} as day, ({number})::float8 as number from ({rows}) as every
         where {day} between date '{from}' and date '{}'{same_weekday}{filter}
         group by {day}{group}",
        batch.session
    ))
}

/// The instants of bars from a day to the session.
fn instants(batch: &Batch, from: NaiveDate, every_day: bool) -> String {
    let days = calendar::sessions(from, batch.session).into_iter().filter(|day| every_day || day.weekday() == batch.session.weekday());
    days.map(instant).collect::<Vec<_>>().join(", ")
}
