//! Restatements as a page, newest first: when, which days, from what to what, and why.

use crate::{
    domain::Scope,
    explain::restated::{Reason, RestatedDay, Restatement, Restatements},
    format, routes,
};
use leptos::prelude::*;

pub(in crate::drawn) fn page(page: &Restatements, scope: &Scope, number: u32) -> AnyView {
    if page.rows.is_empty() {
        let text =
            if number > 1 { "There are no older ones." } else { "Every published number is still the one that was published first." };
        return view! { <section class="card wide empty"><h2>"Nothing was restated"</h2><p>{text}</p></section> }.into_any();
    }
    let rows: Vec<_> = page.rows.iter().map(|row| restatement(row, scope)).collect();
    let turn = |to: u32, name: &'static str| view! { <a class="button quiet" href=routes::restatements(scope, to)>{name}</a> };
    let newer = (number > 1).then(|| turn(number - 1, "Newer"));
    let older = page.has_more.then(|| turn(number + 1, "Older"));
    view! { {rows}<p class="turn">{newer}" "{older}</p> }.into_any()
}

fn restatement(row: &Restatement, scope: &Scope) -> AnyView {
    let of_benchmark = format!("{} of SPY", format::plural(row.benchmark_sessions.into(), "day", "days"));
    let days = match (row.sessions, row.benchmark_sessions) {
        (0, _) => of_benchmark,
        (own, 0) => format::plural(own.into(), "day", "days"),
        (own, _) => format!("{}, {of_benchmark}", format::plural(own.into(), "day", "days")),
    };
    let span =
        if row.first == row.last { format::date(row.first) } else { format!("{} to {}", format::date(row.first), format::date(row.last)) };
    let reasons: Vec<_> = row.reasons.iter().map(reason).collect();
    let shown = row.days.len() as u64;
    let largest = (shown < row.sessions.max(row.benchmark_sessions).into())
        .then(|| view! { <p class="mute">{format!("The {shown} days that moved most:")}</p> });
    let days_moved: Vec<_> = row.days.iter().map(|of| day(of, scope)).collect();
    view! {
        <section class="card wide restatement">
            <header>
                <h2>{days}" restated"</h2>
                <span class="mute">{span}</span>
                <span class="mute">
                    {format!("published {} UTC by ", row.published_at.format("%Y-%m-%d %H:%M"))}
                    <a href=routes::run(row.run_id)>{format!("run {}", row.run_id)}</a>
                </span>
            </header>
            <h3>"Why"</h3>
            <ul class="reasons">{reasons}</ul>
            {largest}
            <table class="rows stack">
                <thead><tr><th scope="col">"Day"</th><th scope="col">"Figure"</th><th scope="col" class="r">"Published before"</th><th scope="col" class="r">"Now"</th></tr></thead>
                <tbody>{days_moved}</tbody>
            </table>
        </section>
    }
    .into_any()
}

fn day(day: &RestatedDay, scope: &Scope) -> AnyView {
    let session = day.session_date.to_string();
    let href = routes::explain("daily_return", scope, &[("session", &session)]);
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    let rows: Vec<_> = day
        .moved
        .iter()
        .map(|moved| {
            view! {
                <tr>
                    <th scope="row"><a href=href.clone()>{format::date(day.session_date)}</a></th>
                    <td>{moved.figure.clone()}</td>
                    <td class="r old" data-label="Published before"><s>{or_none(&moved.old)}</s></td>
                    <td class="r new" data-label="Now">{or_none(&moved.new)}</td>
                </tr>
            }
        })
        .collect();
    rows.into_any()
}

fn reason(reason: &Reason) -> AnyView {
    let at = reason.at.map(|at| format!(" {} UTC", at.format("%Y-%m-%d %H:%M")));
    let who = reason.who.as_ref().map(|who| format!(" by {who}"));
    let run = reason.run_id.map(|run| view! { ", "<a href=routes::run(run)>{format!("run {run}")}</a> });
    let answer = reason.response_id.map(|response| format!(", answer {response}"));
    view! { <li data-kind=reason.kind.clone()>{reason.said.clone()}<span class="mute">{who}{at}{run}{answer}</span></li> }.into_any()
}
