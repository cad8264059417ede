//! Numbers that lean: sign, triangle and color together, or the reason why there is no number.

use crate::{
    domain::{Figure, Money, Undefined},
    format::{self, Lean},
};
use leptos::{either::Either, prelude::*};

/// A text in the color of its lean, with its triangle if asked.
#[component]
pub fn Leaning(lean: Lean, #[prop(into)] text: String, #[prop(optional)] triangle: bool) -> impl IntoView {
    let mark = (triangle && lean != Lean::Flat).then(|| view! { <i class="tri" aria-hidden="true">{lean.triangle()}</i> });
    view! { <span class=lean.class()>{mark}{text}</span> }
}

/// A return: `▲ +0.49 %`.
#[component]
pub fn Delta(of: Figure<f64>, #[prop(optional)] triangle: bool) -> impl IntoView {
    match of {
        Ok(fraction) => Either::Left(view! { <Leaning lean=Lean::of_fraction(fraction) text=format::signed_percent(fraction) triangle/> }),
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    }
}

/// A gain in money: `+1,284.15`.
#[component]
pub fn DeltaMoney(of: Figure<Money>, #[prop(optional)] triangle: bool) -> impl IntoView {
    match of {
        Ok(money) => Either::Left(view! { <Leaning lean=Lean::of_money(money) text=format::signed_money(money) triangle/> }),
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    }
}

/// No number, and why.
#[component]
pub fn Undef(reason: Undefined) -> impl IntoView {
    view! {
        <span class="undef" title=reason.to_string()>
            "–"
            <span class="sr">{format!(" undefined: {reason}")}</span>
        </span>
    }
}
