//! Scores with their trend, freshness, and what the ledger left out.

use crate::{format, quality::model::Quality, routes, ui::Spark};
use leptos::prelude::*;

pub(super) fn scores(page: &Quality) -> AnyView {
    let rows = page
        .scores
        .iter()
        .map(|row| {
            let class = if row.score < 1.0 { "r warn-text" } else { "r" };
            view! {
                <tr>
                    <th scope="row">{format::identifier(&row.dataset)}</th>
                    <td><Spark points=row.trend.clone()/></td>
                    <td class="r mute hide">{format::plural(row.checks.into(), "check", "checks")}</td>
                    <td class=class>{format::share(row.score)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card">
            <header><h2>"Score by dataset"</h2><span class="mute">"the last 30 runs"</span></header>
            <table class="rows"><tbody>{rows}</tbody></table>
            <p class="tag">
                "The share of a dataset's checks that passed, each as heavy as its severity: fatal counts 8, error 4, warn 2, info 1. Accepted failures are left out."
            </p>
        </section>
    }
    .into_any()
}

pub(super) fn freshness(page: &Quality) -> AnyView {
    let rows = page
        .freshness
        .iter()
        .map(|row| {
            let (class, word) = if row.is_fresh { ("chip ok", "fresh") } else { ("chip warn", "late") };
            view! {
                <tr>
                    <th scope="row">{row.source.clone()}</th>
                    <td>{row.latest.map_or_else(|| "nothing yet".into(), format::date)}</td>
                    <td class="hide">{format::date(row.expected)}</td>
                    <td class="hide">{row.fetched_at.map(|at| format::ago(at, page.rendered_at))}</td>
                    <td class="r"><span class=class>{word}</span></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card">
            <header><h2>"Freshness"</h2></header>
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Source"</th><th scope="col">"Latest"</th><th scope="col" class="hide">"Expected"</th>
                        <th scope="col" class="hide">"Fetched"</th><th scope="col" class="r">"State"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

/// Shown where there is something: an own entry that can't be booked is the person's to mend.
pub(super) fn unbooked(page: &Quality) -> AnyView {
    if page.unbooked.is_empty() {
        return ().into_any();
    }
    let count = format::plural(page.unbooked.len() as u64, "entry", "entries");
    let rows = page
        .unbooked
        .iter()
        .map(|row| {
            view! {
                <tr>
                    <th scope="row">{row.symbol.clone()}</th>
                    <td>{format::date(row.session_date)}</td>
                    <td>{row.message.clone()}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card wide">
            <header>
                <h2>"Not booked"</h2>
                <span class="chip warn">{count}</span>
                <a class="more" href=routes::ACTIVITY>"To the activity"</a>
            </header>
            <p class="mute">"The ledger left these out: the numbers are right without them, and complete once they are corrected."</p>
            <div class="scroll"><table class="rows">
                <thead><tr><th scope="col">"Symbol"</th><th scope="col">"Session"</th><th scope="col">"What is wrong"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table></div>
        </section>
    }
    .into_any()
}
