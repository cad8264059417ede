//! One pass over the bars of a batch, symbol by symbol in the order of the index: which rows are as they should be for certain, and
//! which need a second look. Only those are read whole.

use super::{
    check::Check,
    compile::predicate,
    dataset::Batch,
    expression::text,
    kind::{Bound, Kind},
    sql,
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::{FromRow, PgConnection};
use std::{collections::BTreeSet, sync::Arc};

/// Two closes before a bar lie within these days, unless the symbol wasn't traded for weeks.
pub const LEAD_DAYS: u64 = 30;

/// What one pass says of a symbol.
#[derive(Debug, Clone, FromRow)]
pub struct Looked {
    pub symbol: String,
    /// Rows of the batch.
    pub rows: i64,
    /// Rows that break a rule of their own, or may.
    pub odd: i64,
    /// Rows that differ from those before them as they shouldn't, or may.
    pub apart: Vec<DateTime<Utc>>,
    pub first: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
}

impl Looked {
    /// Is every row of it a session's only bar, with all that a bar needs?
    pub fn is_whole(&self) -> bool {
        self.odd == 0 && self.apart.is_empty()
    }
}

/// The statement of the pass over `symbols`.
///
/// A window over a million rows costs as much as all comparisons, so it is narrow: whether a row is fine by itself is worked out
/// below it. Versions of the same bar make its row odd; sorting them out first would take longer than looking at those few twice.
pub fn statement(checks: &[Arc<Check>], symbols: &[String], from: NaiveDate, batch: &Batch) -> String {
    let implied = implied(checks);
    let mut fine: Vec<String> = checks
        .iter()
        .filter_map(|check| match (&check.kind, check.is_own) {
            (_, true) => predicate(check, batch).map(|predicate| predicate.is_fine),
            // What a check of the project leaves out it leaves out of few rows; a person's may leave out most.
            (Kind::Range { columns, .. }, false)
                if columns.iter().any(|column| implied.contains(&(check.name.as_str(), column.as_str()))) =>
            {
                let kept: Vec<String> =
                    columns.iter().filter(|column| !implied.contains(&(check.name.as_str(), column.as_str()))).cloned().collect();
                let mut narrowed = Check::clone(check);
                if let Kind::Range { columns, .. } = &mut narrowed.kind {
                    *columns = kept;
                }
                bare(&narrowed, batch)
            }
            (_, false) => bare(check, batch),
        })
        .collect();
    fine.sort();
    fine.dedup();
    let own = if fine.is_empty() { "true".to_owned() } else { fine.join(" and ") };
    let (mut leads, mut apart) = (Vec::new(), Vec::new());
    let is_compared = checks.iter().any(|check| is_compared(check));
    if is_compared {
        leads.push("lead(close) over earlier as before, lead(session_date) over earlier as day_before".to_owned());
        apart.push("session_date <> day_before".to_owned());
    }
    for check in checks {
        match &check.kind {
            Kind::Jump { most } => {
                let (least, most) = (Decimal::ONE - *most, Decimal::ONE + *most);
                apart.push(format!("close > {least} * before and close < {most} * before"));
            }
            Kind::Stale { sessions } => {
                let back = sessions - 1;
                leads.push(format!("lead(close, {back}) over earlier as close_{back}"));
            }
            _ => {}
        }
    }
    leads.sort();
    leads.dedup();
    let mut stale: Vec<String> = checks
        .iter()
        .filter_map(|check| {
            if let Kind::Stale { sessions } = &check.kind {
                Some(format!("(close <> before or close <> close_{}) is not false", sessions - 1))
            } else {
                None
            }
        })
        .collect();
    stale.sort();
    stale.dedup();
    let leads: String = leads.iter().map(|lead| format!(", {lead}")).collect();
    // The first bar of a symbol has none before it.
    let compared = if is_compared { format!("(day_before is null or ({}))", apart.join(" and ")) } else { "true".to_owned() };
    let apart = std::iter::once(compared).chain(stale).collect::<Vec<_>>().join(" and ");
    let symbols: Vec<String> = symbols.iter().map(|symbol| text(symbol)).collect();
    format!(
        "select asked.symbol, looked.rows, looked.odd, coalesce(looked.apart, '{{}}') as apart, looked.first, looked.last
         from unnest(array[{}]::text[]) as asked (symbol)
         cross join lateral (
             select count(*) as rows, count(*) filter (where is_fine is not true) as odd,
                    array_agg(\"timestamp\") filter (where ({apart}) is not true) as apart,
                    min(session_date) as first, max(session_date) as last
             from (
                 select \"timestamp\", session_date, response_id, is_fine, close{leads}
                 from (
                     select \"timestamp\", session_date, close, response_id, ({own}) as is_fine
                     from raw.market_data as bar
                     where bar.symbol = asked.symbol and bar.\"timestamp\" >= {}
                     offset 0) as bar
                 window earlier as (order by \"timestamp\" desc, response_id desc)) as compared
             where response_id > {} and \"timestamp\" >= {}) as looked",
        symbols.join(", "),
        instant(from - Days::new(LEAD_DAYS)),
        batch.judged_response,
        instant(from),
    )
}

/// Columns of a check that need no look of their own: where low is above zero and open isn't below low, open is above zero.
fn implied(checks: &[Arc<Check>]) -> BTreeSet<(&str, &str)> {
    let ranges = || {
        checks.iter().filter(|check| !check.is_own).filter_map(|check| match &check.kind {
            Kind::Range { columns, minimum, maximum, .. } => Some((check.name.as_str(), columns, minimum, maximum)),
            _ => None,
        })
    };
    // Which column is never below which other.
    let mut above: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (_, columns, minimum, maximum) in ranges() {
        for column in columns {
            if let Some(Bound::Column(least)) = minimum {
                above.insert((column, least));
            }
            if let Some(Bound::Column(most)) = maximum {
                above.insert((most, column));
            }
        }
    }
    let further: Vec<_> = above.iter().flat_map(|(a, b)| above.iter().filter(move |(c, _)| b == c).map(move |(_, d)| (*a, *d))).collect();
    above.extend(further);
    let mut implied = BTreeSet::new();
    for (name, columns, minimum, maximum) in ranges() {
        if !matches!((minimum, maximum), (Some(Bound::Number(_)), None)) {
            continue;
        }
        // A circle would leave nobody who is looked at.
        let is_below =
            |column: &str, other: &String| above.contains(&(column, other.as_str())) && !above.contains(&(other.as_str(), column));
        implied.extend(
            columns.iter().filter(|column| columns.iter().any(|other| is_below(column, other))).map(|column| (name, column.as_str())),
        );
    }
    implied
}

fn bare(check: &Check, batch: &Batch) -> Option<String> {
    predicate(&Check { filter: None, ..check.clone() }, batch).map(|predicate| predicate.is_fine)
}

/// Is it judged on a bar and those before it?
pub fn is_compared(check: &Check) -> bool {
    match &check.kind {
        Kind::Jump { .. } | Kind::Stale { .. } => true,
        Kind::Unique { columns } => is_of_sessions(columns),
        _ => false,
    }
}

fn is_of_sessions(columns: &[String]) -> bool {
    columns.len() == 2 && ["symbol", "session_date"].iter().all(|key| columns.iter().any(|column| column == key))
}

/// Midnight in New York, as bars have it.
pub fn instant(date: NaiveDate) -> String {
    format!("timestamptz '{}'", crate::calendar::midnight(date).to_rfc3339())
}

/// Makes the pass, over two connections where there are two and the batch is worth it.
pub async fn looked(
    connection: &mut PgConnection,
    second: Option<&mut PgConnection>,
    checks: &[Arc<Check>],
    symbols: &[String],
    from: NaiveDate,
    batch: &Batch,
) -> Result<Vec<Looked>, sqlx::Error> {
    let Some(second) = second else {
        return sql::rows(connection, statement(checks, symbols, from, batch)).await;
    };
    let (these, those) = symbols.split_at(symbols.len() / 2);
    let (mut looked, rest) = tokio::try_join!(
        sql::rows::<Looked>(connection, statement(checks, these, from, batch)),
        sql::rows::<Looked>(second, statement(checks, those, from, batch)),
    )?;
    looked.extend(rest);
    Ok(looked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::suite;

    #[test]
    fn what_follows_from_another_comparison_isnt_made() {
        let checks: Vec<_> = suite().unwrap().iter().filter(|check| check.dataset == "bars").cloned().collect();
        let implied = implied(&checks);
        let expected = ["close", "high", "open"].map(|column| ("prices_are_positive", column));
        assert_eq!(implied.into_iter().collect::<Vec<_>>(), expected);
        let batch = Batch::whole(chrono::NaiveDate::MIN);
        let scanned: Vec<_> = checks.into_iter().filter(|check| check.kind.is_predicate() || is_compared(check)).collect();
        let text = statement(&scanned, &["A'B".to_owned()], "2020-01-02".parse().unwrap(), &batch);
        assert!(text.contains("(\"low\" > (0))") && !text.contains("\"open\" > (0)") && text.contains("'A''B'"), "{text}");
    }
}
