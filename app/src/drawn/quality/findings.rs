//! Checks of the last run: what fails, with rows, query and repairs; what is accepted; what held.

use super::parts::{accept, repair};
use crate::{
    format,
    quality::model::{CheckRow, Quality, Repair},
    routes,
};
use leptos::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn failing(page: &Quality) -> AnyView {
    let failing = || page.checks.iter().filter(|check| !check.passed);
    let open = failing().filter(|check| check.accepted.is_none()).map(|check| finding(page, check)).collect_view();
    let known: Vec<_> = failing().filter(|check| check.accepted.is_some()).map(|check| finding(page, check)).collect();
    let known = (!known.is_empty()).then(|| {
        let title = format!("Accepted: {}", format::plural(known.len() as u64, "failure", "failures"));
        view! { <section class="card wide"><details class="behind"><summary>{title}</summary>{known}</details></section> }
    });
    let is_any = failing().any(|check| check.accepted.is_none());
    let open = is_any.then(|| view! { <section class="card wide" id="failing"><header><h2>"What fails"</h2></header>{open}</section> });
    view! { {open}{known} }.into_any()
}

fn finding(page: &Quality, check: &CheckRow) -> AnyView {
    let is_bad = matches!(check.severity.as_str(), "fatal" | "error" | "blocking" | "block");
    let class = if is_bad { "finding bad" } else { "finding" };
    let about = [&check.dataset, &check.dimension, &check.scope].into_iter().filter(|text| !text.is_empty());
    let about = about.map(|text| text.replace('_', " ")).collect::<Vec<_>>().join(" · ");
    let symbol = check.symbol.as_ref().map(|symbol| format!("{symbol}: "));
    let share = check.failing_share().map(|share| format!(" ({})", format::share(share))).unwrap_or_default();
    let missing = (check.missing > 0).then(|| format!("; {} without a value", format::count(check.missing)));
    let since = match (check.failing_runs, check.failing_since) {
        (2.., Some(at)) => {
            format!("; fails since {}, {}", format::date(at.date_naive()), format::plural(check.failing_runs.into(), "run", "runs"))
        }
        _ => "; fails for the first time".into(),
    };
    let effect = match check.action.as_str() {
        "quarantine" => "; what fails is set aside",
        "block" => "; nothing new of it is published",
        "fail" => "; the run ends here",
        _ => "",
    };
    let thresholds = pairs(&check.thresholds).map(|text| view! { <p class="tag">{format!("Compared with {text}")}</p> });
    view! {
        <article class=class>
            <h3>
                {symbol}<a href=routes::check(&check.name)>{format::identifier(&check.name)}</a>
                <span class="chip">{check.severity.clone()}</span><span class="mute">{about}</span>
            </h3>
            <p>{check.message.clone()}</p>
            <p class="tag">
                {format!("{} of {}{share} fail", format::count(check.failures), format::plural(check.elements, "row", "rows"))}{missing}
                {format!("; observed {}, expected {}{since}{effect}.", check.observed, check.expected)}
            </p>
            {thresholds}{samples(check)}{query(check)}{repairs(page, check)}
        </article>
    }
    .into_any()
}

fn pairs(fields: &BTreeMap<String, String>) -> Option<String> {
    (!fields.is_empty())
        .then(|| fields.iter().map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect::<Vec<_>>().join(", "))
}

fn samples(check: &CheckRow) -> AnyView {
    let values =
        (!check.unexpected.is_empty()).then(|| view! { <p class="tag">{format!("Unexpected: {}", check.unexpected.join(", "))}</p> });
    if check.samples.is_empty() {
        return values.into_any();
    }
    let names: BTreeSet<&String> = check.samples.iter().flat_map(BTreeMap::keys).collect();
    let head = names.iter().map(|name| view! { <th scope="col">{name.replace('_', " ")}</th> }).collect_view();
    let rows = check
        .samples
        .iter()
        .map(|sample| {
            let cells = names.iter().map(|name| view! { <td>{sample.get(*name).cloned()}</td> }).collect_view();
            view! { <tr>{cells}</tr> }
        })
        .collect_view();
    let title = format!("{} of {}", format::plural(check.samples.len() as u64, "row", "rows"), format::count(check.failures));
    view! {
        {values}
        <details class="behind">
            <summary>{title}</summary>
            <div class="scroll"><table class="rows samples"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>
        </details>
    }
    .into_any()
}

fn query(check: &CheckRow) -> AnyView {
    let shown = check.query.as_ref().map(|query| {
        view! { <details class="behind"><summary>"The query that finds all"</summary><pre class="query" tabindex="0">{query.clone()}</pre></details> }
    });
    shown.into_any()
}

fn repairs(page: &Quality, check: &CheckRow) -> AnyView {
    if check.accepted.is_some() {
        return ().into_any();
    }
    let offered = check.repairs.iter().filter(|offer| **offer != Repair::Accept).map(|offer| repair(page, offer)).collect_view();
    let may_accept = if check.portfolio == 0 { page.may_decide } else { page.may_change };
    let accept = may_accept.then(|| accept(page, &check.name, check.portfolio, check.symbol.as_deref().unwrap_or_default()));
    view! { <div class="repairs">{offered}{accept}</div> }.into_any()
}

pub(super) fn held(page: &Quality) -> AnyView {
    let rows = page.checks.iter().filter(|check| check.passed);
    let rows = rows
        .map(|check| {
            view! {
                <tr>
                    <td><span class="gain">"✓ "</span><a href=routes::check(&check.name)>{format::identifier(&check.name)}</a></td>
                    <td class="mute hide">{check.dimension.clone()}</td>
                    <td class="mute hide">{check.scope.clone()}</td>
                    <td class="r mute">{format::plural(check.elements, "row", "rows")}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card wide">
            <details class="behind"><summary>"Show checks that held"</summary><table class="rows"><tbody>{rows}</tbody></table></details>
        </section>
    }
    .into_any()
}
