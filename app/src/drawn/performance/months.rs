//! Returns by month and year since the first session, the year beside the benchmark's.

use super::tiles::short;
use crate::{
    domain::{Scope, Undefined},
    drawn::heat,
    format,
    performance::model::{Performance, Year},
};
use leptos::prelude::*;

pub(super) fn card(of: &Performance, scope: &Scope) -> AnyView {
    let rows = of.years.iter().map(|year| row(of, year, scope)).collect_view();
    view! {
        <section class="card wide">
            <header>
                <h2>"Return by month and year, %"</h2>
                <span class="mute">{format!("time-weighted, since {}, as of {}", format::date(of.since), format::date(of.as_of))}</span>
            </header>
            <div class="scroll" tabindex="0" role="region" aria-label="Returns by month and year">
                <table class="heat">
                    <thead>
                        <tr>
                            <td></td>{heat::heads()}<th scope="col">"Year"</th><th scope="col">{short(of.benchmark)}</th>
                            <th scope="col">"Excess"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn row(of: &Performance, year: &Year, scope: &Scope) -> AnyView {
    let month = |number: u32| of.months.iter().find(|month| (month.year, month.month) == (year.year, number)).map(|month| &month.own);
    let cells = (1..=12).map(|number| heat::month(month(number), year.year, number, scope)).collect_view();
    let cell = |figure, fraction| heat::year(figure, fraction, year.year, scope);
    let benchmark = year.benchmark.ok_or_else(|| Undefined::because("the benchmark has no return in this year"));
    let excess = year.own.clone().and_then(|own| Ok(own - benchmark.clone()?));
    view! {
        <tr>
            <th scope="row">{year.year}</th>
            {cells}
            {cell("year_return", &year.own)}{cell("benchmark_year_return", &benchmark)}{cell("year_excess_return", &excess)}
        </tr>
    }
    .into_any()
}
