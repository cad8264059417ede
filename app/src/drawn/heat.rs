//! The parts of a table of monthly returns: a cell is shaded by its size, the number is in it, and it leads to how it was made.

use super::parts::bob_over;
use crate::{
    domain::{Figure, Scope},
    format,
};
use chrono::{Months, NaiveDate};
use leptos::prelude::*;

/// A month of this size, as a fraction, has the full shade.
const FULL_SHADE: f64 = 0.08;

/// January to December, a letter each.
pub(super) fn heads() -> AnyView {
    let head = |month: u32| view! { <th scope="col"><abbr title=format::month(month)>{&format::month(month)[..1]}</abbr></th> };
    (1..=12).map(head).collect_view().into_any()
}

/// A month's return, a dash that leads to the reason where it is unknown, or nothing.
pub(super) fn month(of: Option<&Figure<f64>>, year: i32, month: u32, scope: &Scope) -> AnyView {
    let Some(of) = of else { return view! { <td></td> }.into_any() };
    let label = format!("{} {year}", format::month(month));
    let session = last_day(year, month).to_string();
    let bob = bob_over("month_return", &label, scope, &[("session", &session)]);
    let r = match of {
        Ok(r) => *r,
        Err(reason) => return view! { <td class="bobbed" title=reason.to_string()>"–"{bob}</td> }.into_any(),
    };
    let class = if r < 0.0 { "l bobbed" } else { "g bobbed" };
    let shade = format!("--k:{:.2}", (r.abs() / FULL_SHADE).min(1.0));
    view! { <td class=class style=shade>{format::signed_percent_number(r)}{bob}</td> }.into_any()
}

/// A year's figure, or a dash that leads to the reason.
pub(super) fn year(figure: &'static str, of: &Figure<f64>, year: i32, scope: &Scope) -> AnyView {
    let class = if figure == "year_return" { "year bobbed" } else { "bobbed" };
    let session = last_day(year, 12).to_string();
    let bob = bob_over(figure, &format!("{} {year}", format::identifier(figure)), scope, &[("session", &session)]);
    let text = of.as_ref().map_or_else(|_| "–".into(), |r| format::signed_percent_number(*r));
    view! { <td class=class title=of.as_ref().err().map(ToString::to_string)>{text}{bob}</td> }.into_any()
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
