//! Returns by month and year since the first session, the year beside the benchmark's.

use super::tiles::short;
use crate::{
    format,
    performance::model::{Performance, Year},
    ui::{MonthCell, MonthHeads},
};
use leptos::prelude::*;

pub(super) fn card(of: &Performance) -> AnyView {
    let rows = of.years.iter().map(|year| row(of, year)).collect_view();
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
                            <td></td><MonthHeads/><th scope="col">"Year"</th><th scope="col">{short(of.benchmark)}</th>
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

fn row(of: &Performance, year: &Year) -> AnyView {
    let month = |number: u32| of.months.iter().find(|month| (month.year, month.month) == (year.year, number)).map(|month| month.own);
    let cells = (1..=12).map(|number| view! { <MonthCell of=month(number)/> }).collect_view();
    let percent = |fraction: Option<f64>| fraction.map_or_else(|| "–".into(), format::signed_percent_number);
    view! {
        <tr>
            <th scope="row">{year.year}</th>
            {cells}
            <td class="year">{percent(Some(year.own))}</td>
            <td>{percent(year.benchmark)}</td>
            <td>{percent(year.benchmark.map(|benchmark| year.own - benchmark))}</td>
        </tr>
    }
    .into_any()
}
