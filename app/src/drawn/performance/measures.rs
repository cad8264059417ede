//! The whole catalogue in groups: each measure with its value or its reason, and how it is made.

use crate::{
    domain::{Figure, Scope},
    drawn::parts::bob,
    format,
    performance::{
        model::Performance,
        words::{Group, Unit, WORDS, Words},
    },
};
use leptos::prelude::*;

pub(super) fn cards(of: &Performance, scope: &Scope) -> AnyView {
    // Two columns of about the same length: the short groups on one side, the long ones on the other.
    let column = |groups: &[Group]| {
        let cards = groups.iter().map(|group| card(of, *group, scope)).collect_view();
        view! { <div class="stacked">{cards}</div> }
    };
    let left = column(&[Group::Return, Group::Risk, Group::Ratios, Group::Concentration]);
    let right = column(&[Group::Benchmark, Group::Drawdown, Group::Tail]);
    view! { {left}{right} }.into_any()
}

fn card(of: &Performance, group: Group, scope: &Scope) -> AnyView {
    let rows = WORDS.iter().filter(|words| words.group == group).map(|words| row(words, &of.shown(words.key), scope)).collect_view();
    view! {
        <section class="card measures">
            <header><h2>{group.title()}</h2><span class="mute">{stands_on(of, group)}</span></header>
            <table class="rows">
                <thead class="sr"><tr><th scope="col">"Measure"</th><th scope="col">"Value"</th></tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

/// On how much, and as of when.
fn stands_on(of: &Performance, group: Group) -> String {
    let (as_of, parameters) = (format::date(of.as_of), &of.report.parameters);
    let observations = of.report.observations as u64;
    match group {
        Group::Concentration => format!("{}, as of {as_of}", format::plural(of.positions.into(), "position", "positions")),
        Group::Benchmark => {
            let common = parameters.benchmark_observations.unwrap_or_default() as u64;
            let left_out = observations.saturating_sub(common);
            let left_out = if left_out > 0 { format!(" ({} left out)", format::count(left_out)) } else { String::new() };
            format!("{}, {}{left_out}, as of {as_of}", of.benchmark.label(), format::plural(common, "common session", "common sessions"))
        }
        _ => format!("{}, as of {as_of}", format::plural(observations, "daily return", "daily returns")),
    }
}

fn row(words: &Words, figure: &Figure<f64>, scope: &Scope) -> AnyView {
    let (number, note) = match figure {
        Ok(number) => (written(*number, words.unit), None),
        Err(reason) => ("–".to_owned(), Some(view! { <span class="why-not">{reason.to_string()}</span> })),
    };
    view! {
        <tr data-measure=words.key>
            <th scope="row">{words.name}<small class="mute">{words.method}</small>{note}</th>
            <td class="r">
                {number}" "{bob(words.key, words.name, scope, &[])}
            </td>
        </tr>
    }
    .into_any()
}

/// A measure as it is printed.
pub(super) fn written(number: f64, unit: Unit) -> String {
    match unit {
        Unit::SignedPercent => format::signed_percent(number),
        Unit::Percent => format::percent(number),
        Unit::Share => format::share(number),
        Unit::Ratio => format::ratio(number),
        Unit::Index => format::index(number),
    }
}
