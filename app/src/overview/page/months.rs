//! Returns by calendar month, a row a year, shaded by size: the number is in every cell.

use crate::{
    format,
    overview::model::MonthReturn,
    ui::{MonthCell, MonthHeads},
};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// The latest years that have room beside the bridge.
const YEARS: usize = 6;

#[component]
pub fn Months(months: Vec<MonthReturn>) -> impl IntoView {
    let is_empty = months.is_empty();
    let years = by_year(&months);
    let earlier = years.len().saturating_sub(YEARS);
    let rows = years.into_iter().skip(earlier).map(|(year, months)| view! { <Year year months/> }).collect_view();
    view! {
        <section class="card">
            <header>
                <h2>"Monthly return, %"</h2>
                <span class="mute">"time-weighted"</span>
            </header>
            {is_empty.then(|| view! { <p class="mute">"No month with a return yet."</p> })}
            <div class="scroll" tabindex="0" role="region" aria-label="Returns by month">
                <table class="heat" class:sr=is_empty>
                    <thead><tr><td></td><MonthHeads/><th scope="col">"Year"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

#[component]
fn Year(year: i32, months: [Option<f64>; 12]) -> impl IntoView {
    let total = months.iter().flatten().fold(1.0, |chained, month| chained * (1.0 + month)) - 1.0;
    let cells = months.into_iter().map(|month| view! { <MonthCell of=month/> }).collect_view();
    view! {
        <tr>
            <th scope="row">{year}</th>
            {cells}
            <td class="year">{format::signed_percent_number(total)}</td>
        </tr>
    }
}

fn by_year(months: &[MonthReturn]) -> BTreeMap<i32, [Option<f64>; 12]> {
    let mut years: BTreeMap<i32, [Option<f64>; 12]> = BTreeMap::new();
    for month in months {
        if let Some(cell) = years.entry(month.year).or_default().get_mut(month.month.wrapping_sub(1) as usize) {
            *cell = Some(month.time_weighted);
        }
    }
    years
}
