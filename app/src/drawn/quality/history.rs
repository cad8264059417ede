//! One check, run by run: bars of what failed, and the runs as a list.

use crate::{
    format,
    quality::model::{History, HistoryRow},
    routes,
};
use leptos::prelude::*;

const BAR: usize = 9;
const HEIGHT: f64 = 60.0;

pub(in crate::drawn) fn page(history: &History) -> AnyView {
    let now = history.rendered_at;
    let rows = history.runs.iter().map(|run| {
        let (class, word) = if run.passed { ("chip ok", "held") } else { ("chip warn", "failed") };
        let counts = format!("{} of {}", format::count(run.failures), format::count(run.elements));
        view! {
            <tr>
                <td class="state-cell"><span class=class>{word}</span></td>
                <th scope="row" class="one-line"><a class="more" href=routes::run(run.run_id)>{format!("Run {}", run.run_id)}</a></th>
                <td>{run.message.clone()}</td>
                <td class="r mute hide">{counts}</td>
                <td class="r mute">{format::ago(run.checked_at, now)}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let failed = history.runs.iter().filter(|run| !run.passed).count() as u64;
    view! {
        <section class="card wide">
            <header>
                <h2>{format!("Expected: {}", history.expected)}</h2>
                <span class="mute">{format!("failed in {} of {}", format::count(failed), format::plural(history.runs.len() as u64, "run", "runs"))}</span>
            </header>
            {picture(&history.runs)}
            <table class="rows"><tbody>{rows}</tbody></table>
        </section>
    }
    .into_any()
}

/// A bar a run, the oldest at the left: as high as the share that failed, and a dot where nothing did.
fn picture(runs: &[HistoryRow]) -> AnyView {
    let width = (runs.len() * BAR).max(BAR);
    let bars = runs
        .iter()
        .rev()
        .enumerate()
        .map(|(place, run)| {
            let height = height(run);
            let class = if run.passed { "ok" } else { "bad" };
            let said = format!("Run {}: {} of {} failed", run.run_id, run.failures, run.elements);
            view! {
                <rect class=class x=(place * BAR).to_string() y=format!("{:.1}", HEIGHT - height) width=(BAR - 2).to_string() height=format!("{height:.1}")>
                    <title>{said}</title>
                </rect>
            }
        })
        .collect_view();
    view! {
        <div class="scroll">
            <svg class="run-bars" viewBox=format!("0 0 {width} {HEIGHT}") width=width.to_string() height=HEIGHT.to_string() role="img" aria-label="Share of rows that failed in each run">
                {bars}
            </svg>
        </div>
    }
    .into_any()
}

/// On a square root's scale: one row of a million is seen, too.
fn height(run: &HistoryRow) -> f64 {
    let share = if run.elements == 0 { f64::from(u8::from(!run.passed)) } else { (run.failures as f64 / run.elements as f64).min(1.0) };
    if run.passed { 3.0 } else { (share.sqrt() * HEIGHT).max(6.0) }
}
