//! An explanation as a page: the figure and its method, what it was made from, the rows on the way, the vendor's bytes, the publication.

mod restated;

pub(super) use restated::page as restatements;

use crate::{
    domain::Scope,
    explain::model::{Explanation, Input, Quote, Row, Trail},
    format, routes,
};
use leptos::prelude::*;

pub(super) fn page(explained: &Explanation, scope: &Scope) -> AnyView {
    let quotes: Vec<_> = explained.quotes.iter().map(quote).collect();
    view! {
        {head(explained, scope)}{inputs(explained, scope)}{quotes}{rows(&explained.rows)}{trail(explained.publication.as_ref())}
    }
    .into_any()
}

fn head(explained: &Explanation, scope: &Scope) -> AnyView {
    let period = match explained.opens_on {
        Some(opens_on) => format!("from the close of {} to the close of {}", format::date(opens_on), format::date(explained.as_of)),
        None => format!("at the close of {}", format::date(explained.as_of)),
    };
    let known = explained.as_known_on.map(|day| format!(", as known on {}", format::date(day)));
    let of = explained.symbol.as_ref().map(|symbol| view! { <b>{symbol.clone()}</b>" " });
    let conventions: Vec<_> = explained.conventions.iter().map(|convention| view! { <li>{convention.clone()}</li> }).collect();
    let about: Vec<(&str, &str)> = explained.about.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    // As it is known on the day of this publication: the next one may say something else.
    let published_on = explained.publication.as_ref().map(|trail| trail.published_on);
    let pinned = Scope { as_known_on: scope.as_known_on.or(published_on), portfolio: Some(explained.portfolio), ..*scope };
    let permalink = routes::explain(&explained.figure, &pinned, &about);
    let json = permalink.replacen(
        &format!("{}/{}", routes::EXPLAIN, explained.figure),
        &format!("/api{}/{}.json", routes::EXPLAIN, explained.figure),
        1,
    );
    view! {
        <section class="card wide explained-head">
            <header>
                <h2>{of}{explained.name.clone()}</h2>
                <span class="mute">{period}{known}</span>
                <span class="exports">
                    <a class="more" href=permalink>"Permalink"</a>" "<a class="more" href=json rel="external">"JSON"</a>
                </span>
            </header>
            <p class="big" id="explained-value">{explained.shown.clone()}</p>
            <p>{explained.method.clone()}</p>
            <p class="formula">{explained.formula.clone()}</p>
            <ul class="mute">{conventions}</ul>
        </section>
    }
    .into_any()
}

fn inputs(explained: &Explanation, scope: &Scope) -> AnyView {
    if explained.inputs.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = explained.inputs.iter().map(|of| input(of, scope)).collect();
    view! {
        <section class="card wide">
            <header><h2>"What it was made from"</h2><small>"what matters most; all of it is in the JSON"</small></header>
            <table class="rows inputs"><tbody>{rows}</tbody></table>
        </section>
    }
    .into_any()
}

fn input(input: &Input, scope: &Scope) -> AnyView {
    let notes: Vec<_> = input.notes.iter().map(|note| view! { " "<span class="chip warn small">{note.clone()}</span> }).collect();
    let name = input.name.clone();
    let name = match &input.leads_to {
        Some(link) => {
            let session = link.session.to_string();
            let mut about = vec![("session", session.as_str())];
            about.extend(link.symbol.as_deref().map(|symbol| ("symbol", symbol)));
            let href = routes::explain(&link.figure, scope, &about);
            view! { <a href=href data-leads-to=link.figure.clone()>{name}</a> }.into_any()
        }
        None => name.into_any(),
    };
    view! { <tr><th scope="row">{name}{notes}</th><td class="r">{input.said.clone()}</td></tr> }.into_any()
}

fn rows(rows: &[Row]) -> AnyView {
    if rows.is_empty() {
        return ().into_any();
    }
    // The first is the one that holds the figure.
    let rows: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(at, row)| {
            let columns: Vec<_> =
                row.columns.iter().map(|(name, value)| view! { <div><dt>{name.clone()}</dt><dd>{value.clone()}</dd></div> }).collect();
            view! { <details class="row-on-the-way" open=at == 0><summary>{row.table.clone()}</summary><dl class="columns">{columns}</dl></details> }
        })
        .collect();
    view! { <section class="card wide"><header><h2>"The rows on the way"</h2></header>{rows}</section> }.into_any()
}

/// The bytes, with the field marked.
fn quote(quote: &Quote) -> AnyView {
    let fetched = format!("fetched {} UTC", quote.fetched_at.format("%Y-%m-%d %H:%M:%S"));
    let by = quote.run_id.map(|run| {
        let task = quote.task.as_ref().map(|task| format!(", {}", format::identifier(task).to_lowercase()));
        view! { ", "<a href=routes::run(run)>{format!("run {run}")}</a>{task} }
    });
    let at = match quote.field {
        Some((from, to)) => format!("bytes {from} to {to} of {}", format::count(quote.body_bytes as u64)),
        None => format!("{} bytes; the field isn't found in them", format::count(quote.body_bytes as u64)),
    };
    let (class, intact) =
        if quote.is_intact { ("chip ok", "the bytes have this hash") } else { ("chip warn", "the bytes no longer have this hash") };
    let bytes = match &quote.bytes_at {
        Some(at) => view! {
            <span class="exports"><a class="more" id="bytes" href=at.clone() rel="external" download="">"All bytes"</a></span>
        }
        .into_any(),
        None => view! { <span class="mute">"asked for all portfolios at once; only this symbol's part is shown"</span> }.into_any(),
    };
    let (field_from, field_to) = quote.field.unwrap_or_default();
    let (before_cut, after_cut) = (
        (quote.shown_from > 0).then_some("…"),
        (quote.shown_from + quote.before.len() + quote.marked.len() + quote.after.len() < quote.body_bytes).then_some("…"),
    );
    view! {
        <section class="card wide quote">
            <header>
                <h2>{format!("What {} answered", format::identifier(&quote.vendor))}</h2>
                <span class="mute">{fetched}{by}</span>
                {bytes}
            </header>
            <p class="mute">{format!("{} {}, status {}", quote.endpoint, quote.request, quote.status)}</p>
            <pre class="bytes" tabindex="0"><code>{before_cut}{quote.before.clone()}<mark data-from=field_from.to_string() data-to=field_to.to_string()>{quote.marked.clone()}</mark>{quote.after.clone()}{after_cut}</code></pre>
            <p class="mute">{at}</p>
            <p>"SHA-256 "<code class="sha256">{quote.sha256.clone()}</code>" "<span class=class>{intact}</span></p>
        </section>
    }
    .into_any()
}

fn trail(trail: Option<&Trail>) -> AnyView {
    let Some(trail) = trail else { return ().into_any() };
    let checks = format!("{} of {} checks held", trail.checks_passed, trail.checks_total);
    let class = if trail.failed.is_empty() { "chip ok" } else { "chip warn" };
    let failed: Vec<_> =
        trail.failed.iter().map(|check| view! { <li><a href=routes::check(check)>{format::identifier(check)}</a></li> }).collect();
    let task = trail.task.as_ref().map(|task| format!(", task {}", format::identifier(task).to_lowercase()));
    let program = (!trail.program.is_empty()).then(|| format!("by version {}", trail.program));
    view! {
        <section class="card wide trail">
            <header>
                <h2>{format!("Publication {}", trail.publication_id)}</h2>
                <span class="mute">{format!("{} UTC", trail.published_at.format("%Y-%m-%d %H:%M:%S"))}</span>
                <span class=class>{checks}</span>
            </header>
            <p>
                "Published by "<a href=routes::run(trail.run_id)>{format!("run {} of {}", trail.run_id, trail.dag)}</a>{task}" "{program}
            </p>
            <ul>{failed}</ul>
        </section>
    }
    .into_any()
}
