//! The deepest falls from a peak, and how far below it each day was.

use super::chart::day;
use crate::{
    analytics::report::Drawdown, charts, domain::Scope, drawn::parts::bob, format, overview::model::Day, performance::model::Performance,
    ui::ChartBox,
};
use chrono::NaiveDate;
use leptos::prelude::*;

/// Rows of the table.
const DEEPEST: usize = 10;

pub(super) fn card(of: &Performance, scope: &Scope) -> AnyView {
    let days: Vec<Day> = of.daily.iter().map(day).collect();
    let all = &of.report.drawdowns;
    let count = format::plural(all.len() as u64, "fall", "falls");
    let count = if of.returns.time_weighted.is_err() { String::new() } else { count };
    let shown = if all.len() > DEEPEST { format!("the {DEEPEST} deepest of {count}") } else { count };
    let rows = all.iter().take(DEEPEST).map(|fall| row(of, fall, scope)).collect_view();
    let table = if all.is_empty() {
        let said = of.returns.time_weighted.as_ref().err().map_or_else(|| "Never below a peak in this range.".into(), ToString::to_string);
        view! { <p class="mute">{said}</p> }.into_any()
    } else {
        view! {
            <table class="rows stack">
                <thead>
                    <tr>
                        <th scope="col" class="r">"Depth"</th><th scope="col">"Peak"</th><th scope="col">"Trough"</th>
                        <th scope="col">"Recovered"</th><th scope="col" class="r">"Down"</th><th scope="col" class="r">"Up again"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card wide">
            <header><h2>"Below the last peak"</h2>{bob("drawdown", "below the last peak, today", scope, &[])}<span class="mute">{shown}</span></header>
            <ChartBox
                id="performance-falls"
                label=format!("Drawdown, {}", of.range.in_words())
                option=charts::drawdown_chart(&days)
            />
            {table}
        </section>
    }
    .into_any()
}

fn row(of: &Performance, fall: &Drawdown, scope: &Scope) -> AnyView {
    // A peak before the first return is the close with which the range opens.
    let date = |day: Option<NaiveDate>| format::date(day.unwrap_or(of.opens_on));
    let how = fall.trough.map(|trough| {
        let session = trough.to_string();
        bob("drawdown", &format!("depth of the fall to {}", format::date(trough)), scope, &[("session", &session)])
    });
    let sessions = |count: usize| format::plural(count as u64, "session", "sessions");
    view! {
        <tr>
            <td class="r loss" data-label="Depth">{format::signed_percent(fall.depth)}{how}</td>
            <td data-label="Peak">{date(fall.peak)}</td>
            <td data-label="Trough">{date(fall.trough)}</td>
            <td data-label="Recovered">{fall.recovery.map_or_else(|| "not yet".into(), format::date)}</td>
            <td class="r" data-label="Down">{sessions(fall.periods_down)}</td>
            <td class="r" data-label="Up again">{fall.periods_to_recovery.map_or_else(|| "–".into(), sessions)}</td>
        </tr>
    }
    .into_any()
}
