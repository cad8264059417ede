//! What the performance page says, over every range, as tables: measures with value or reason, falls, months, years, contributions.

use super::{
    super::{Result, Store, scope::Owned, steady::in_peace},
    table::{Cell, Table, row},
};
use app::{
    analytics::{
        contribution::{Contributions, Part, REST},
        metrics::Measured,
    },
    domain::{Benchmark, Figure, Range, Scope, UserId},
    performance::{figures::performance, model::Performance, words},
};

/// The tables of this file, by their names.
pub(super) const NAMES: [&str; 5] = ["measures", "drawdowns", "months", "years", "contribution"];

impl Store {
    /// All of [`NAMES`], in their order; empty before the first publication.
    pub(super) async fn measured_tables(&self, user: UserId, portfolio: &Owned, benchmark: Benchmark) -> Result<Vec<Table>> {
        // The longest range holds the days of all others.
        let scope = Scope { portfolio: Some(portfolio.id), range: Range::Max, benchmark, ..Scope::default() };
        let record = self.track_record(user, scope).await?;
        let found = in_peace(move || {
            let of = |range| record.as_ref().and_then(|record| performance(record, &Scope { range, ..scope }));
            Ok(tables(&Range::ALL.into_iter().filter_map(of).collect::<Vec<_>>()))
        });
        found.await
    }
}

/// `all`: a range each, the whole history last.
fn tables(all: &[Performance]) -> Vec<Table> {
    let whole = all.last();
    let months =
        whole.into_iter().flat_map(|of| &of.months).map(|month| row![month.year, number(month.month), month.own.as_ref().ok().copied()]);
    let years = whole.into_iter().flat_map(|of| &of.years).map(|year| {
        row![year.year, year.own.as_ref().ok().copied(), year.benchmark, year.excess(), whole.map(|of| of.benchmark.label().to_owned())]
    });
    vec![
        Table {
            name: "measures",
            columns: &["range", "opens_on", "as_of", "observations", "measure", "name", "value", "reason", "benchmark"],
            rows: all.iter().flat_map(measures).collect(),
        },
        Table {
            name: "drawdowns",
            columns: &["range", "depth", "peak", "trough", "recovery", "periods_down", "periods_to_recovery"],
            rows: all.iter().flat_map(drawdowns).collect(),
        },
        Table { name: "months", columns: &["year", "month", "return"], rows: months.collect() },
        Table { name: "years", columns: &["year", "return", "benchmark_return", "excess_return", "benchmark"], rows: years.collect() },
        Table { name: "contribution", columns: &CONTRIBUTION, rows: all.iter().flat_map(contributions).collect() },
    ]
}

fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn measures(of: &Performance) -> Vec<Vec<Cell>> {
    let returns = &of.returns;
    let money_weighted =
        if returns.money_weighted_is_annual { "Money-weighted return, a year" } else { "Money-weighted return, of the range" };
    let named: [(&str, &str, &Figure<f64>); 5] = [
        ("time_weighted", "Time-weighted return", &returns.time_weighted),
        ("benchmark", "Benchmark’s return", &returns.benchmark),
        ("excess", "Excess return", &returns.excess),
        ("money_weighted", money_weighted, &returns.money_weighted),
        ("modified_dietz", "Modified Dietz return", &returns.modified_dietz),
    ];
    let named = named.into_iter().map(|(key, name, figure)| (key, name, figure.clone()));
    let words = |(key, figure): &Measured| (*key, words::find(key).map_or(*key, |words| words.name), figure.clone());
    let catalogue = of.report.metrics.iter().chain(&of.concentration).map(words);
    let line = |(key, name, figure): (&str, &str, Figure<f64>)| {
        let reason = figure.as_ref().err().map(ToString::to_string);
        row![
            of.range.label().to_owned(),
            of.opens_on,
            of.as_of,
            i32::try_from(of.report.observations).unwrap_or(i32::MAX),
            key.to_owned(),
            name.to_owned(),
            figure.ok(),
            reason,
            of.benchmark.label().to_owned(),
        ]
    };
    named.chain(catalogue).map(line).collect()
}

fn drawdowns(of: &Performance) -> Vec<Vec<Cell>> {
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let falls = of.report.drawdowns.iter();
    falls
        .map(|fall| {
            // A peak before the first return is the close with which the range opens.
            let peak = fall.peak.unwrap_or(of.opens_on);
            let to_recovery = fall.periods_to_recovery.map(count);
            row![of.range.label().to_owned(), fall.depth, peak, fall.trough, fall.recovery, count(fall.periods_down), to_recovery]
        })
        .collect()
}

const CONTRIBUTION: [&str; 22] = [
    "range",
    "opens_on",
    "as_of",
    "of",
    "symbol",
    "name",
    "sector",
    "average_weight",
    "return",
    "contribution",
    "price",
    "income",
    "costs",
    "currency_effect",
    "gain",
    "realized_gain",
    "unrealized_gain",
    "income_amount",
    "costs_amount",
    "cash_currency_effect",
    "currency",
    "reason",
];

/// Holdings, sectors, the rest, and all: within each range the holdings and the rest add up to all, and so do the sectors and the rest.
fn contributions(of: &Performance) -> Vec<Vec<Cell>> {
    let head = |what: &str| row![of.range.label().to_owned(), of.opens_on, of.as_of, what.to_owned()];
    let found = match &of.contributions {
        Ok(found) => found,
        Err(reason) => &Contributions::unknown(reason),
    };
    let part = |what: &str, names: Vec<Cell>, part: &Part| {
        let reason = found.whole.as_ref().err().or(part.own_return.as_ref().err()).or(part.gain.as_ref().err()).map(ToString::to_string);
        let (made, gain) = (part.contribution, part.gain.as_ref().ok());
        let numbers = row![
            part.average_weight,
            part.own_return.clone().ok(),
            made.map(|made| made.whole),
            made.map(|made| made.price),
            made.map(|made| made.income),
            made.map(|made| made.costs),
            made.map(|made| made.currency),
            gain.map(|gain| gain.total.0),
            gain.map(|gain| gain.realized.0),
            gain.map(|gain| gain.unrealized.0),
            gain.map(|gain| gain.income.0),
            gain.map(|gain| gain.costs.0),
            Cell::Nothing,
            of.currency.clone(),
            reason,
        ];
        [head(what), names, numbers].concat()
    };
    let holdings = found.parts.iter().map(|(symbol, held)| {
        let names = row![symbol.as_str().to_owned(), of.names.get(symbol).cloned(), held.group.clone()];
        part("holding", names, held)
    });
    let sectors = found.groups.iter().map(|(sector, held)| part("sector", row![Cell::Nothing, Cell::Nothing, sector.clone()], held));
    let gain = found.rest.gain.as_ref().ok();
    let rest = [
        head("rest"),
        row![Cell::Nothing, REST.to_owned(), Cell::Nothing, found.rest.average_weight, Cell::Nothing, found.rest.contribution],
        vec![Cell::Nothing; 4],
        row![
            gain.map(|gain| gain.total.0),
            Cell::Nothing,
            Cell::Nothing,
            gain.map(|gain| gain.income.0),
            gain.map(|gain| gain.costs.0),
            gain.map(|gain| gain.currency.0),
            of.currency.clone(),
            found.whole.as_ref().err().or(found.rest.gain.as_ref().err()).map(ToString::to_string),
        ],
    ];
    let whole = [
        head("all"),
        vec![Cell::Nothing; 5],
        row![found.whole.clone().ok()],
        vec![Cell::Nothing; 4],
        row![found.gain.as_ref().ok().map(|gain| gain.0)],
        vec![Cell::Nothing; 5],
        row![of.currency.clone(), found.whole.as_ref().err().or(found.gain.as_ref().err()).map(ToString::to_string)],
    ];
    holdings.chain(sectors).chain([rest.concat(), whole.concat()]).collect()
}
