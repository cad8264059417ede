//! The parts of a table of monthly returns: a cell is shaded by its size, and the number is in it.

use crate::format;
use leptos::prelude::*;

/// A month of this size, as a fraction, has the full shade.
const FULL_SHADE: f64 = 0.08;

/// January to December, a letter each.
#[component]
pub fn MonthHeads() -> impl IntoView {
    let head = |month: u32| view! { <th scope="col"><abbr title=format::month(month)>{&format::month(month)[..1]}</abbr></th> };
    (1..=12).map(head).collect_view()
}

/// A month's return, or nothing.
#[component]
pub fn MonthCell(of: Option<f64>) -> impl IntoView {
    match of {
        Some(month) => {
            let class = if month < 0.0 { "l" } else { "g" };
            let shade = format!("--k:{:.2}", (month.abs() / FULL_SHADE).min(1.0));
            view! { <td class=class style=shade>{format::signed_percent_number(month)}</td> }.into_any()
        }
        None => view! { <td></td> }.into_any(),
    }
}
