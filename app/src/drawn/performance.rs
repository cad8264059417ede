//! The performance page: returns by every method beside the benchmark, contributions, the whole catalogue, falls, rolling windows, months and years.

mod chart;
mod contribution;
mod falls;
mod measures;
mod months;
mod rolling;
mod tiles;

use crate::{
    domain::Scope,
    performance::model::{Performance, Rolled},
    routes,
};
use leptos::prelude::*;

/// `None`: nothing was published yet.
pub(super) fn page(shown: Option<&Performance>, scope: &Scope, rolled: Rolled) -> AnyView {
    let Some(of) = shown else { return nothing_yet(scope) };
    view! {
        {tiles::strip(of, scope)}{chart::card(of, scope)}{contribution::card(of, scope)}{measures::cards(of, scope)}{falls::card(of, scope)}{rolling::card(of, scope, rolled)}{months::card(of, scope)}{exports(of, scope)}
    }
    .into_any()
}

fn nothing_yet(scope: &Scope) -> AnyView {
    if scope.as_known_on.is_some() {
        return view! {
            <section class="card wide empty">
                <h2>"Nothing was published by then"</h2>
                <p>"By the end of that day no numbers of this portfolio had been published. Choose a later day."</p>
            </section>
        }
        .into_any();
    }
    view! {
        <section class="card wide empty">
            <h2>"No numbers yet"</h2>
            <p>"Returns and measures appear with the first publication: connect a broker, or enter and import transactions."</p>
            <div class="steps">
                <a class="button" href=routes::CONNECTIONS>"Connect a broker"</a>
                <a class="button quiet" href=routes::ACTIVITY>"Enter transactions"</a>
            </div>
        </section>
    }
    .into_any()
}

/// The same numbers for programs, and the days that anyone can measure them from again.
fn exports(of: &Performance, scope: &Scope) -> AnyView {
    let scope = Scope { portfolio: Some(of.portfolio), ..*scope };
    let link = |kind: &str| format!("/api/performance.{kind}?{}", scope.query());
    view! {
        <section class="card wide">
            <header>
                <h2>"Check these numbers"</h2>
                <span class="exports">
                    <a class="more" href=link("json") rel="external">"JSON"</a>" "<a class="more" href=link("csv") rel="external">"CSV of daily returns"</a>
                </span>
            </header>
            <p class="mute">
                "Every measure is defined in docs/MEASURES.md. The CSV measured on the command line gives the same numbers, to the last digit:"
            </p>
            <p class="query">
                "plumbline metrics --returns performance.csv --column return --benchmark performance.csv --benchmark-column benchmark_return --risk-free-series performance.csv --risk-free-column risk_free_return"
            </p>
        </section>
    }
    .into_any()
}
