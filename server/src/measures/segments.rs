//! `plumbline attribution`: Brinson and Fachler's effects by segment and period, and linked.

use super::{
    Format,
    table::{Table, TableError},
};
use app::analytics::attribution::{Attributed, Effects, Segment, attribute, link};
use clap::Args;
use serde_json::{Value, json};
use std::{collections::HashMap, path::PathBuf};

const COLUMNS: [&str; 6] = ["period", "segment", "portfolio_weight", "benchmark_weight", "portfolio_return", "benchmark_return"];

/// Where an excess return comes from: allocation, selection and interaction by segment, linked over periods.
#[derive(Debug, Args)]
pub struct AttributionArgs {
    /// CSV: period, segment, portfolio_weight, benchmark_weight, portfolio_return, benchmark_return
    #[arg(long, value_name = "FILE")]
    segments: PathBuf,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Prints the effects.
///
/// # Errors
/// [`TableError`] with file and line, or with the period that can't be attributed.
pub fn attribution(args: &AttributionArgs) -> Result<(), TableError> {
    let periods = periods(&Table::read(&args.segments, &COLUMNS.join(","))?)?;
    let refused = |period: &str, reason| TableError::Refused(format!("{}, {period}: {reason}.", args.segments.display()));
    let attributed: Vec<(String, Attributed)> = periods
        .into_iter()
        .map(|(period, segments)| attribute(&segments).map_err(|reason| refused(&period, reason)).map(|found| (period, found)))
        .collect::<Result<_, _>>()?;
    let parts: Vec<Attributed> = attributed.iter().map(|(_, found)| found.clone()).collect();
    let linked = link(&parts).map_err(|reason| refused("all periods", reason))?;
    if args.format == Format::Json {
        let of_period = |(period, found): &(String, Attributed)| {
            let mut document = document(found);
            document["period"] = json!(period);
            document
        };
        say!("{}", json!({ "periods": attributed.iter().map(of_period).collect::<Vec<_>>(), "linked": document(&linked) }));
        return Ok(());
    }
    say!("{:<24} {:>14} {:>14} {:>14} {:>14}", "linked", "allocation", "selection", "interaction", "total");
    let line = |name: &str, of: &Effects| {
        say!("{name:<24} {:>14.8} {:>14.8} {:>14.8} {:>14.8}", of.allocation, of.selection, of.interaction, of.total());
    };
    linked.segments.iter().for_each(|(segment, effects)| line(segment, effects));
    line("all segments", &linked.totals);
    let (own, market) = (linked.portfolio_return, linked.benchmark_return);
    say!("portfolio {own:.8}, benchmark {market:.8}, excess {:.8}, residual {:e}", linked.excess_return(), linked.residual());
    Ok(())
}

/// Segments by period, in the file's order of periods.
fn periods(table: &Table) -> Result<Vec<(String, Vec<Segment>)>, TableError> {
    let mut periods: Vec<(String, Vec<Segment>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in table.rows_of(COLUMNS)? {
        let number = |at: usize| row.number(at);
        let (portfolio_weight, benchmark_weight) = (number(2)?, number(3)?);
        // What isn't held has no return of its own: it did as the other side's, so that choosing it or not is all that it explains.
        let (own, market) = (row.text(4).is_empty() && portfolio_weight == 0.0, row.text(5).is_empty() && benchmark_weight == 0.0);
        let (portfolio_return, benchmark_return) = match (own, market) {
            (true, true) => (0.0, 0.0),
            (true, false) => (number(5)?, number(5)?),
            (false, true) => (number(4)?, number(4)?),
            (false, false) => (number(4)?, number(5)?),
        };
        let segment = row.text(1).to_owned();
        let segment = Segment { segment, portfolio_weight, benchmark_weight, portfolio_return, benchmark_return };
        let place = *places.entry(row.text(0).to_owned()).or_insert(periods.len());
        match periods.get_mut(place) {
            Some((_, segments)) => segments.push(segment),
            None => periods.push((row.text(0).to_owned(), vec![segment])),
        }
    }
    Ok(periods)
}

fn effects(of: &Effects) -> Value {
    json!({ "allocation": of.allocation, "selection": of.selection, "interaction": of.interaction, "total": of.total() })
}

fn document(of: &Attributed) -> Value {
    let segment = |(name, found): (&String, &Effects)| {
        let mut document = effects(found);
        document["segment"] = json!(name);
        document
    };
    json!({
        "portfolio_return": of.portfolio_return, "benchmark_return": of.benchmark_return, "excess_return": of.excess_return(),
        "segments": of.segments.iter().map(segment).collect::<Vec<_>>(), "totals": effects(&of.totals), "residual": of.residual(),
    })
}
