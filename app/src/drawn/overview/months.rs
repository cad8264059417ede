//! Returns by calendar month, a row a year, shaded by size: the number is in every cell.

use crate::{
    domain::{Figure, Scope},
    drawn::heat::{heads, month, year},
    overview::model::MonthReturn,
};
use leptos::prelude::*;

/// The latest years that have room beside the bridge.
const YEARS: usize = 6;

pub(super) fn card(months: &[MonthReturn], years: &[(i32, Figure<f64>)], scope: &Scope) -> AnyView {
    let earlier = years.len().saturating_sub(YEARS);
    let row = |&(number, ref total): &(i32, Figure<f64>)| {
        let of = |wanted: u32| months.iter().find(|month| (month.year, month.month) == (number, wanted)).map(|month| &month.time_weighted);
        let cells = (1..=12).map(|wanted| month(of(wanted), number, wanted, scope)).collect_view();
        view! { <tr><th scope="row">{number}</th>{cells}{year("year_return", total, number, scope)}</tr> }
    };
    let rows = years.iter().skip(earlier).map(row).collect_view();
    let class = if months.is_empty() { "heat sr" } else { "heat" };
    view! {
        <section class="card">
            <header>
                <h2>"Monthly return, %"</h2>
                <span class="mute">"time-weighted"</span>
            </header>
            {months.is_empty().then(|| view! { <p class="mute">"No month with a return yet."</p> })}
            <div class="scroll" tabindex="0" role="region" aria-label="Returns by month">
                <table class=class>
                    <thead><tr><td></td>{heads()}<th scope="col">"Year"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
