//! The headline numbers: the value, and its return by each method with the dates that it spans.

use crate::{
    analytics::metrics::find,
    domain::{Benchmark, Figure, Scope},
    drawn::parts::bob,
    format::{self, Lean},
    performance::model::Performance,
    routes,
    ui::{Delta, Leaning, Undef, WhyAt, restated_chip},
};
use leptos::prelude::*;

pub(super) fn strip(of: &Performance, scope: &Scope) -> AnyView {
    view! {
        <section class="tiles" aria-label="Headline numbers">
            {value(of, scope)}{time_weighted(of, scope)}{a_year(of, scope)}{money_weighted(of, scope)}{modified_dietz(of, scope)}
        </section>
    }
    .into_any()
}

/// What stands under the benchmark's name where room is short.
pub(super) fn short(benchmark: Benchmark) -> &'static str {
    match benchmark {
        Benchmark::SpyTotalReturn => "SPY",
        Benchmark::SpyPriceReturn => "SPY price",
    }
}

fn tile(href: String, name: &str, why: &'static str, is_first: bool, big: AnyView, sub: AnyView, tag: String) -> AnyView {
    let class = if is_first { "tile first" } else { "tile" };
    view! {
        <article class=class>
            <header><h2>{name.to_owned()}</h2><WhyAt label=name.to_owned() text=why href/></header>
            <p class="big">{big}</p>
            <p class="sub">{sub}</p>
            <p class="tag">{tag}</p>
        </article>
    }
    .into_any()
}

/// Signed, without color: a comparison's number.
fn plain(of: &Figure<f64>) -> AnyView {
    match of {
        Ok(fraction) => view! { <span class="mute">{format::signed_percent(*fraction)}</span> }.into_any(),
        Err(reason) => view! { <Undef reason=reason.clone()/> }.into_any(),
    }
}

fn beside(of: &Figure<f64>, otherwise: String) -> AnyView {
    // Where there is no number, its place says why.
    of.is_ok().then(|| view! { <span class="mute">{otherwise}</span> }).into_any()
}

/// Beside what days are in that were published before with other numbers.
fn restated(days: u32, scope: &Scope) -> AnyView {
    restated_chip(days, routes::restatements(scope, 1)).into_any()
}

fn value(of: &Performance, scope: &Scope) -> AnyView {
    let big = match &of.value {
        Ok(value) => view! { {format::money(*value)}" "<small>{of.currency.clone()}</small> }.into_any(),
        Err(reason) => view! { <Undef reason=reason.clone()/> }.into_any(),
    };
    let carried = format!("{} of {} prices carried", of.carried, of.positions);
    let carried = (of.carried > 0).then(|| view! { <span class="chip warn">{carried}</span> });
    let sub = view! { {carried}" "{restated(u32::from(of.restated.is_last), scope)} }.into_any();
    let why = "Each position at the raw close of the last published session, plus cash and dividends that are due.";
    tile(routes::explain("value", scope, &[]), "Value", why, true, big, sub, format!("close of {}", format::date(of.as_of)))
}

fn time_weighted(of: &Performance, scope: &Scope) -> AnyView {
    let sub = view! {
        <span class="mute">{short(of.benchmark)}{format!("{} ", Benchmark::abroad(&of.currency))}</span>{plain(&of.returns.benchmark)}{bob("benchmark_return", "return of the benchmark", scope, &[])}
        <span class="mute">", excess "</span><Delta of=of.returns.excess.clone()/>{bob("excess_return", "excess return", scope, &[])}" "
        {restated(of.restated.in_range.max(of.restated.benchmark_in_range), scope)}
    };
    let left_out = of.returns.left_out as u64;
    let left_out = if left_out > 0 {
        format!(", {} without a return left out", format::plural(left_out, "session", "sessions"))
    } else {
        String::new()
    };
    let why = "Time-weighted: the daily returns chained, so that the size and the day of deposits don't matter. This is the number to hold against the benchmark.";
    let big = view! { <Delta of=of.returns.time_weighted.clone()/> }.into_any();
    tile(
        routes::explain("time_weighted", scope, &[]),
        &format!("Return, {}", of.range.in_words()),
        why,
        false,
        big,
        sub.into_any(),
        format!("time-weighted, {}{left_out}", span(of)),
    )
}

fn a_year(of: &Performance, scope: &Scope) -> AnyView {
    let figure = of.shown("annualized_return");
    let volatility = |volatility: f64| {
        view! { <span class="mute">"volatility "{format::percent(volatility)}</span>{bob("volatility", "volatility", scope, &[])} }
            .into_any()
    };
    let sub = match (&figure, of.shown("volatility")) {
        (Ok(_), Ok(known)) => volatility(known),
        _ => ().into_any(),
    };
    let why = "The time-weighted return as a yearly rate: (1 + R)^(252/n) − 1 over n daily returns. A range shorter than a year isn't annualized.";
    tile(
        routes::explain("annualized_return", scope, &[]),
        "Return a year",
        why,
        false,
        view! { <Delta of=figure/> }.into_any(),
        sub,
        "time-weighted, annualized".into(),
    )
}

fn money_weighted(of: &Performance, scope: &Scope) -> AnyView {
    let figure = &of.returns.money_weighted;
    let name = if of.returns.money_weighted_is_annual { "Your return a year" } else { "Your return" };
    let sub = beside(figure, if of.returns.money_weighted_is_annual { "a year" } else { "of the range: shorter than a year" }.to_owned());
    let why = "Money-weighted (XIRR): the one rate at which the opening value and every deposit and withdrawal grow to the closing value. When you paid in matters.";
    tile(
        routes::explain("money_weighted_in_range", scope, &[]),
        name,
        why,
        false,
        view! { <Delta of=figure.clone()/> }.into_any(),
        sub,
        format!("money-weighted, XIRR, {}", span(of)),
    )
}

fn modified_dietz(of: &Performance, scope: &Scope) -> AnyView {
    let figure = &of.returns.modified_dietz;
    let best = find(&of.on_screen, "max_drawdown");
    let deepest = best.map_or_else(
        |_| ().into_any(),
        |depth| {
            view! { <span class="mute">"deepest fall "</span><Leaning lean=Lean::of_fraction(depth) text=format::signed_percent(depth)/>{bob("max_drawdown", "deepest fall", scope, &[])} }
                .into_any()
        },
    );
    let sub = if figure.is_ok() { deepest } else { ().into_any() };
    let why = "Modified Dietz: the gain over the opening value and the flows, each flow weighted by the days that it was at work.";
    tile(
        routes::explain("modified_dietz", scope, &[]),
        "Modified Dietz",
        why,
        false,
        view! { <Delta of=figure.clone()/> }.into_any(),
        sub,
        format!("of the range, {}", span(of)),
    )
}

fn span(of: &Performance) -> String {
    format!("{} to {}", format::date(of.opens_on), format::date(of.as_of))
}
