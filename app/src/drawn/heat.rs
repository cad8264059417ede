//! The parts of a table of monthly returns: a cell is shaded by its size, the number is in it, and it leads to how it was made.

use super::parts::bob_over;
use crate::{domain::Scope, format};
use chrono::{Months, NaiveDate};
use leptos::prelude::*;

/// A month of this size, as a fraction, has the full shade.
const FULL_SHADE: f64 = 0.08;

/// January to December, a letter each.
pub(super) fn heads() -> AnyView {
    let head = |month: u32| view! { <th scope="col"><abbr title=format::month(month)>{&format::month(month)[..1]}</abbr></th> };
    (1..=12).map(head).collect_view().into_any()
}

/// A month's return, or nothing.
pub(super) fn month(of: Option<f64>, year: i32, month: u32, scope: &Scope) -> AnyView {
    let Some(r) = of else { return view! { <td></td> }.into_any() };
    let class = if r < 0.0 { "l bobbed" } else { "g bobbed" };
    let shade = format!("--k:{:.2}", (r.abs() / FULL_SHADE).min(1.0));
    let label = format!("{} {year}", format::month(month));
    let session = last_day(year, month).to_string();
    view! { <td class=class style=shade>{format::signed_percent_number(r)}{bob_over("month_return", &label, scope, &[("session", &session)])}</td> }
        .into_any()
}

/// A year's figure, or nothing.
pub(super) fn year(figure: &'static str, of: Option<f64>, year: i32, scope: &Scope) -> AnyView {
    let class = if figure == "year_return" { "year bobbed" } else { "bobbed" };
    let session = last_day(year, 12).to_string();
    let bob = of.map(|_| bob_over(figure, &format!("{} {year}", format::identifier(figure)), scope, &[("session", &session)]));
    view! { <td class=class>{of.map_or_else(|| "–".into(), format::signed_percent_number)}{bob}</td> }.into_any()
}

/// Any day of a month means the month: its last is a session's more often than its first.
fn last_day(year: i32, month: u32) -> NaiveDate {
    let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
    first.checked_add_months(Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(first)
}

#[cfg(test)]
mod tests {
    #[test]
    fn february_ends_where_it_does() {
        assert_eq!(
            (super::last_day(2024, 2).to_string(), super::last_day(2023, 12).to_string()),
            ("2024-02-29".into(), "2023-12-31".into())
        );
    }
}
