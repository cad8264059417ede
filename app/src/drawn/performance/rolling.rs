//! A measure over windows that end on each session: chosen by a plain form, drawn, and summed up in a line.

use super::measures::written;
use crate::{
    analytics::series::WINDOWS,
    charts,
    domain::Scope,
    drawn::parts::bob,
    format,
    performance::{
        model::{Performance, Rolled},
        words::{self, ROLLING, Unit},
    },
    routes,
    ui::ChartBox,
};
use chrono::NaiveDate;
use leptos::prelude::*;

pub(super) fn card(of: &Performance, scope: &Scope, rolled: Rolled) -> AnyView {
    let Rolled { key, window } = rolled;
    let (name, unit, method) = words::find(key).map_or((key, Unit::Ratio, ""), |words| (words.name, words.unit, words.method));
    let points: Vec<(NaiveDate, Option<f64>)> = of.rolled(rolled).into_iter().map(|(day, figure)| (day, figure.ok())).collect();
    let label = format!("{name} over windows of {window} sessions, {}", of.range.in_words());
    let formatter = if matches!(unit, Unit::Ratio | Unit::Index) { "number" } else { "percent" };
    let body = if points.iter().any(|(_, value)| value.is_some()) {
        let option = charts::rolling_chart(name, &points, formatter);
        let window = window.to_string();
        let how = |day: NaiveDate| {
            let session = day.to_string();
            let about = [("rolling", key), ("window", window.as_str()), ("session", session.as_str())];
            bob("rolling", &format!("{name} on {}", format::date(day)), scope, &about)
        };
        view! { <p class="mute">{summary(&points, unit, how)}</p><ChartBox id="performance-rolling" label option/>{table(&points, name, unit)} }
            .into_any()
    } else {
        let has = of.history.returns.len();
        view! { <p class="mute">{format!("needs windows of {window} returns, has {has} since the first session")}</p> }.into_any()
    };
    view! {
        <section class="card wide" id="rolling">
            <header><h2>"Rolling windows"</h2>{form(scope, rolled)}</header>
            <p class="tag">{format!("{name}, {method}, over the {window} daily returns that end with each session")}</p>
            {body}
        </section>
    }
    .into_any()
}

/// Two selects: a change sends them (by the glue), and without scripts the button does.
fn form(scope: &Scope, rolled: Rolled) -> AnyView {
    let measure = |key: &'static str| {
        let name = words::find(key).map_or(key, |words| words.name);
        view! { <option value=key selected=key == rolled.key>{name}</option> }
    };
    let window = |window: usize| {
        let label = format!("{window} sessions");
        view! { <option value=window.to_string() selected=window == rolled.window>{label}</option> }
    };
    let hidden = |name: &str, value: &str| view! { <input type="hidden" name=name.to_owned() value=value.to_owned()/> };
    let query = scope.query();
    let kept: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| hidden(name, value)).collect();
    let action = format!("{}#rolling", routes::PERFORMANCE);
    view! {
        <form class="picks" method="get" action=action data-autosubmit="" autocomplete="off">
            {kept}
            <label class="pick"><small>"Measure"</small><select name="rolling" autocomplete="off">{ROLLING.iter().map(|key| measure(key)).collect_view()}</select></label>
            <label class="pick"><small>"Window"</small><select name="window" autocomplete="off">{WINDOWS.map(window).collect_view()}</select></label>
            <noscript><button class="button small">"Show"</button></noscript>
        </form>
    }
    .into_any()
}

fn summary(points: &[(NaiveDate, Option<f64>)], unit: Unit, how: impl Fn(NaiveDate) -> AnyView) -> AnyView {
    let known: Vec<(NaiveDate, f64)> = points.iter().filter_map(|(day, value)| Some((*day, (*value)?))).collect();
    let [.., last] = known[..] else { return ().into_any() };
    let said = |between: &'static str, (day, value): (NaiveDate, f64)| {
        let how = how(day);
        view! { {between}{written(value, unit)}{format!(" on {}", format::date(day))}{how} }
    };
    let least = known.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)).map(|least| said("; lowest ", least));
    let most = known.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).map(|most| said(", highest ", most));
    let undefined = points.len() - known.len();
    let undefined = (undefined > 0).then(|| format!("; undefined on {}", format::plural(undefined as u64, "session", "sessions")));
    view! { {said("", last)}{least}{most}{undefined} }.into_any()
}

fn table(points: &[(NaiveDate, Option<f64>)], name: &str, unit: Unit) -> AnyView {
    let rows = charts::table_days(points.to_vec())
        .into_iter()
        .rev()
        .map(|(day, value)| {
            let value = value.map_or_else(|| "–".into(), |value| written(value, unit));
            view! { <tr><td>{format::date(day)}</td><td class="r">{value}</td></tr> }
        })
        .collect_view();
    view! {
        <details class="behind">
            <summary>"Show as table"</summary>
            <p class="mute">"At most 60 sessions, evenly spread over the range, newest first."</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Table behind the rolling windows">
                <table class="rows">
                    <thead><tr><th scope="col">"Session"</th><th scope="col" class="r">{name.to_owned()}</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
