//! What changed since yesterday: one line, and the parts behind it.

use crate::{
    domain::{Figure, Money},
    format,
    overview::model,
    ui::{DeltaMoney, Explained, RestatedChip, use_scope},
};
use leptos::{either::Either, prelude::*};

#[component]
pub fn SinceYesterday(of: Figure<model::SinceYesterday>) -> impl IntoView {
    match of {
        Ok(of) => Either::Left(view! { <Line of/> }),
        // Before the second session there is nothing to compare with; a missing price is said by the value itself.
        Err(_) => Either::Right(()),
    }
}

#[component]
fn Line(of: model::SinceYesterday) -> impl IntoView {
    let parts = parts(&of);
    let short = parts
        .iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|(name, amount)| format!("{} {}", name.to_lowercase(), format::signed_money(*amount)));
    let short = short.collect::<Vec<_>>().join(", ");
    let rows = parts
        .iter()
        .map(|(name, amount)| view! { <tr><th scope="row">{*name}</th><td class="r">{format::signed_money(*amount)}</td></tr> })
        .collect_view();
    let scope = use_scope();
    let restated = u32::from(!of.restated.is_zero());
    view! {
        <section class="card wide yesterday">
            <header>
                <h2>"Since yesterday"</h2>
                <span class="big"><DeltaMoney of=Ok(of.change())/><Explained figure="since_yesterday" label="since yesterday" scope/></span>
                <RestatedChip days=restated/>
            </header>
            <details>
            <summary class="mute">{if short.is_empty() { "nothing moved".to_owned() } else { short }}</summary>
            <table class="rows sums">
                <tbody>
                    <tr>
                        <th scope="row">{format!("Shown for {}", format::weekday(of.since))}</th>
                        <td class="r">{format::money(of.shown)}</td>
                    </tr>
                    {rows}
                    <tr class="sum"><th scope="row">"Value now"</th><td class="r">{format::money(of.now)}</td></tr>
                </tbody>
            </table>
            </details>
        </section>
    }
}

/// The parts that a person asks for, in the order in which they come; what isn't explained only where there is any.
fn parts(of: &model::SinceYesterday) -> Vec<(&'static str, Money)> {
    let mut parts = vec![
        ("Restatements", of.restated),
        ("Market moves", of.market),
        ("Paid in", of.inflow),
        ("Taken out", -of.outflow),
        ("Income", of.income),
        ("Fees and taxes", -of.costs),
    ];
    if !of.currency.is_zero() {
        parts.push(("Currency, of cash", of.currency));
    }
    for (name, amount) in [("Not explained", of.residual), ("Rounding", of.rounding)] {
        if !amount.is_zero() {
            parts.push((name, amount));
        }
    }
    parts
}
