//! Portfolio, range and benchmark, kept in the URL by links and a plain form; when the numbers were published.

use crate::{
    domain::{Benchmark, PortfolioId, Range, Scope},
    format,
    overview::model::{Frame, PortfolioChoice, PublicationNote},
    routes,
    ui::use_scope,
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

/// Pages that show one portfolio.
const SCOPED: [&str; 5] = [routes::OVERVIEW, routes::PERFORMANCE, routes::HOLDINGS, routes::ACTIVITY, routes::QUALITY];
/// Those of them on which range and benchmark mean something.
const RANGED: [&str; 2] = [routes::OVERVIEW, routes::PERFORMANCE];

#[component]
pub fn ScopeBar(frame: Frame) -> impl IntoView {
    let Frame { portfolios, shown, publication, is_demo, rendered_at, .. } = frame;
    let here = use_location().pathname;
    let has_portfolio = !portfolios.is_empty();
    let is_scoped = move || has_portfolio && SCOPED.contains(&here.get().as_str());
    let is_ranged = Memo::new(move |_| has_portfolio && RANGED.contains(&here.get().as_str()));
    view! {
        <header class="scope">
            <Show when=is_scoped>
                <Picks portfolios=portfolios.clone() shown is_ranged/>
            </Show>
            <Show when=move || is_ranged.get()>
                <Ranges/>
            </Show>
            <Chip publication rendered_at/>
            {is_demo.then(|| view! { <span class="chip warn demo-chip">"Demo: simulated prices"</span> })}
        </header>
    }
}

/// Not a literal in the view: an element without anything of Rust in it is printed as it stands, `inner_html` as an attribute.
const SHOW: &str = "<button class='button'>Show</button>";

/// Two selects in a GET form: a change sends it (by the glue), and without scripts its button does. The browser must not put back what was
/// chosen on another page: the name beside the figures is theirs.
#[component]
fn Picks(portfolios: Vec<PortfolioChoice>, shown: Option<PortfolioId>, is_ranged: Memo<bool>) -> impl IntoView {
    let scope = use_scope();
    let here = use_location().pathname;
    let range = move || scope.with(|scope| (scope.range != Range::default()).then(|| scope.range.label()));
    let known = move || scope.with(|scope| scope.as_known_on.map(|day| day.to_string()));
    let portfolios = portfolios
        .into_iter()
        .map(|choice| {
            let chosen = Some(choice.id) == shown;
            view! { <option value=choice.id.to_string() selected=chosen prop:selected=chosen>{choice.name}</option> }
        })
        .collect_view();
    view! {
        <form class="picks" method="get" action=move || here.get() data-autosubmit="" autocomplete="off">
            <label class="pick">
                <small>"Portfolio"</small>
                <select name="portfolio" autocomplete="off">{portfolios}</select>
            </label>
            <input type="hidden" name="range" value=range disabled=move || range().is_none()/>
            <input type="hidden" name="as_known_on" value=known disabled=move || known().is_none()/>
            <Show when=move || is_ranged.get()>
                <Against/>
            </Show>
            <noscript inner_html={SHOW}></noscript>
        </form>
    }
}

#[component]
fn Against() -> impl IntoView {
    let scope = use_scope();
    let choice = move |benchmark: Benchmark| {
        view! {
            <option
                value=benchmark.key()
                selected=move || scope.get().benchmark == benchmark
                prop:selected=move || scope.get().benchmark == benchmark
            >
                {benchmark.label()}
            </option>
        }
    };
    view! {
        <label class="pick bench">
            <small>"Against"</small>
            <select name="against" autocomplete="off">{Benchmark::ALL.map(choice).collect_view()}</select>
        </label>
    }
}

#[component]
fn Ranges() -> impl IntoView {
    let scope = use_scope();
    let here = use_location().pathname;
    let link = move |range: Range| {
        let is_shown = move || scope.get().range == range;
        view! {
            <a href=move || routes::in_range(&here.get(), &scope.get(), range) aria-current=move || is_shown().then_some("true")>
                {range.label()}
            </a>
        }
    };
    view! { <nav class="ranges" aria-label="Range">{Range::ALL.map(link).collect_view()}</nav> }
}

/// Fresh, stale with its age, or waiting for the first numbers.
#[component]
fn Chip(publication: Option<PublicationNote>, rendered_at: DateTime<Utc>) -> impl IntoView {
    let scope = use_scope();
    let (class, text) = said(publication.as_ref(), rendered_at);
    let is_earlier = publication.is_none();
    let text = move || match scope.with(|scope| scope.as_known_on.filter(|_| is_earlier)) {
        Some(day) => format!("Nothing published by {}", format::date(day)),
        None => text.clone(),
    };
    view! { <a class=format!("chip {class}") href=move || routes::scoped(routes::QUALITY, &Scope::default())>{text}</a> }
}

fn said(publication: Option<&PublicationNote>, now: DateTime<Utc>) -> (&'static str, String) {
    let Some(note) = publication else { return ("wait", "Waiting for the first numbers".into()) };
    let checks = format!("{} of {} checks", note.checks_passed, note.checks_total);
    if note.is_stale {
        return (
            "warn",
            format!("Stale: as of {}, published {} · {checks}", format::weekday(note.session_date), format::ago(note.published_at, now)),
        );
    }
    let class = if note.checks_passed < note.checks_total { "warn" } else { "ok" };
    (class, format!("Published {} · {checks}", format::instant(note.published_at, now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chip_says_when_how_old_and_how_sure() {
        let now = "2026-11-22T22:04:00Z".parse().unwrap();
        let note = PublicationNote {
            session_date: "2026-11-20".parse().unwrap(),
            published_at: "2026-11-20T22:04:00Z".parse().unwrap(),
            checks_passed: 42,
            checks_total: 42,
            is_stale: false,
        };
        assert_eq!(said(None, now).0, "wait");
        assert_eq!(said(Some(&note), now), ("ok", "Published 20 Nov, 22:04 UTC · 42 of 42 checks".into()));
        let failing = PublicationNote { checks_passed: 41, ..note.clone() };
        assert_eq!(said(Some(&failing), now).0, "warn");
        let stale = PublicationNote { is_stale: true, ..note };
        assert_eq!(said(Some(&stale), now), ("warn", "Stale: as of Fri 20 Nov, published 2 days ago · 42 of 42 checks".into()));
    }
}
