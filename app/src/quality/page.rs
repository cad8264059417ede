//! What was checked, what failed and why, how old each source is.

use crate::{
    format,
    quality::{
        api::show_quality,
        model::{CheckRow, FreshnessRow, Quality, QuarantineRow, UnbookedRow},
    },
    routes,
    ui::{Empty, Loaded, Refresh, use_scope},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn QualityPage() -> impl IntoView {
    let scope = use_scope();
    let refresh = Refresh::count();
    let quality = Resource::new_blocking(move || (scope.get().query(), refresh()), |(scope, _)| show_quality(scope));
    view! {
        <Title text="Data quality"/>
        <h1>"Data quality"</h1>
        <Loaded of=quality let:quality>
            <Page quality/>
        </Loaded>
    }
    .into_any()
}

#[component]
fn Page(quality: Quality) -> impl IntoView {
    if quality.checks.is_empty() {
        return view! {
            <Empty title="Nothing was checked yet" text="Checks run on what each run has fetched, before anything is published.">
                <a class="button" href=routes::PIPELINE>"To the pipeline"</a>
            </Empty>
            <Unbooked rows=quality.unbooked/>
            <Freshness rows=quality.freshness now=quality.rendered_at/>
        }
        .into_any();
    }
    let now = quality.rendered_at;
    let when = quality.checked_at.map(|at| format!("checked {}", format::ago(at, now)));
    let class = if quality.passed < quality.total { "chip warn" } else { "chip ok" };
    let (passed, failing): (Vec<_>, Vec<_>) = quality.checks.into_iter().partition(|check| check.passed);
    let failing = failing.into_iter().map(|check| view! { <Finding check/> }).collect_view();
    let passed = passed.into_iter().map(|check| view! { <Passed check/> }).collect_view();
    view! {
        <section class="card wide">
            <header>
                <h2>"Checks of the last run"</h2>
                <span class=class>{format!("{} of {} checks held", quality.passed, quality.total)}</span>
                <span class="mute">{when}" "{quality.run_id.map(|run| view! { <a class="more" href=routes::run(run)>{format!("run {run}")}</a> })}</span>
            </header>
            {failing}
            <details class="behind">
                <summary>"Show checks that held"</summary>
                <table class="rows"><tbody>{passed}</tbody></table>
            </details>
        </section>
        <Unbooked rows=quality.unbooked/>
        <Freshness rows=quality.freshness now/>
        <Quarantine rows=quality.quarantine now/>
    }
    .into_any()
}

#[component]
fn Finding(check: CheckRow) -> impl IntoView {
    let class =
        if check.severity == "blocking" || check.severity == "block" || check.severity == "error" { "finding bad" } else { "finding" };
    let samples = (!check.samples.is_empty()).then(|| {
        let rows = check.samples.iter().map(|sample| view! { <li><code>{sample.clone()}</code></li> }).collect_view();
        view! { <details><summary>"Rows"</summary><ul>{rows}</ul></details> }
    });
    view! {
        <article class=class>
            <h3>{check.name}<span class="mute">{format!(" {} · {} · {}", check.dimension, check.scope, check.severity)}</span></h3>
            <p>{check.message}</p>
            <p class="tag">
                {format!("{} of {}; observed {}, expected {}", format::count(check.failures), format::plural(check.elements, "row", "rows"), check.observed, check.expected)}
            </p>
            {samples}
        </article>
    }
}

#[component]
fn Passed(check: CheckRow) -> impl IntoView {
    view! {
        <tr>
            <td><span class="gain">"✓ "</span>{check.name}</td>
            <td class="mute hide">{check.dimension}</td>
            <td class="mute hide">{check.scope}</td>
            <td class="r mute">{format::plural(check.elements, "row", "rows")}</td>
        </tr>
    }
}

/// Shown where there is something: an own entry that can't be booked is the person's to mend.
#[component]
fn Unbooked(rows: Vec<UnbookedRow>) -> impl IntoView {
    (!rows.is_empty()).then(|| {
        let count = format::plural(rows.len() as u64, "entry", "entries");
        let rows = rows
            .into_iter()
            .map(|row| {
                view! {
                    <tr>
                        <th scope="row">{row.symbol}</th>
                        <td>{format::date(row.session_date)}</td>
                        <td>{row.message}</td>
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
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">"Symbol"</th>
                            <th scope="col">"Session"</th>
                            <th scope="col">"What is wrong"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
    })
}

#[component]
fn Freshness(rows: Vec<FreshnessRow>, now: DateTime<Utc>) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| {
            let (class, word) = if row.is_fresh { ("chip ok", "fresh") } else { ("chip warn", "late") };
            view! {
                <tr>
                    <th scope="row">{row.source}</th>
                    <td>{row.latest.map_or_else(|| "nothing yet".into(), format::date)}</td>
                    <td class="hide">{format::date(row.expected)}</td>
                    <td class="hide">{row.fetched_at.map(|at| format::ago(at, now))}</td>
                    <td class="r"><span class=class>{word}</span></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card half">
            <header><h2>"Freshness"</h2></header>
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Source"</th>
                        <th scope="col">"Latest"</th>
                        <th scope="col" class="hide">"Expected"</th>
                        <th scope="col" class="hide">"Fetched"</th>
                        <th scope="col" class="r">"State"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
}

#[component]
fn Quarantine(rows: Vec<QuarantineRow>, now: DateTime<Utc>) -> impl IntoView {
    let is_empty = rows.is_empty();
    let rows = rows
        .into_iter()
        .map(|row| {
            view! {
                <tr>
                    <th scope="row">{row.symbol.to_string()}</th>
                    <td>{format::date(row.session_date)}</td>
                    <td>{row.reason}<small class="mute">{format!(" {}, {}", row.check, format::ago(row.quarantined_at, now))}</small></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card half">
            <header><h2>"Quarantine"</h2><span class="mute">"the last good price is carried instead"</span></header>
            {is_empty.then(|| view! { <p class="mute">"No price is set aside."</p> })}
            <table class="rows"><tbody>{rows}</tbody></table>
        </section>
    }
}
