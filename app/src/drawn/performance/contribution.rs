//! What each sector and each holding contributed to the return shown, in percentage points and in money; what no holding earned has its row.

use crate::{
    analytics::contribution::{Contribution, Contributions, Gain, Part, REST, Rest},
    domain::{Figure, Money, Scope, Symbol},
    drawn::parts::bob,
    format::{self, Lean},
    performance::model::Performance,
    routes,
    ui::{Delta, DeltaMoney, Leaning, Undef},
};
use leptos::prelude::*;

/// More holdings than these wait behind a click.
const MOST_SHOWN: usize = 40;

pub(super) fn card(of: &Performance, scope: &Scope) -> AnyView {
    let body = match &of.contributions {
        Ok(found) if found.parts.is_empty() => view! { <p class="mute">"Nothing was held in this range."</p> }.into_any(),
        Ok(found) => tables(of, found, scope),
        Err(reason) => view! { <p class="mute">{reason.to_string()}</p> }.into_any(),
    };
    view! {
        <section class="card wide" id="contribution">
            <header>
                <h2>"Contribution"</h2>
                <span class="mute">
                    {format!("{} to {}, in {}", format::date(of.opens_on), format::date(of.as_of), of.currency)}" · "
                    <a class="link" href=routes::export(scope, "contribution.csv") rel="external" download="">"CSV"</a>
                </span>
            </header>
            <p class="tag">
                "To the time-weighted return: each day’s gain over the capital at work, linked over days by Carino, so that the column adds up. Price, income, costs and currency are parts of the contribution. Weight: the mean at the closes before."
            </p>
            {body}
        </section>
    }
    .into_any()
}

fn tables(of: &Performance, found: &Contributions, scope: &Scope) -> AnyView {
    // Where no price is in another currency the column would hold zeros alone.
    let abroad = found.parts.iter().any(|(_, part)| part.contribution.is_some_and(|part| part.currency != 0.0));
    let mut groups: Vec<&(String, Part)> = found.groups.iter().collect();
    groups.sort_by(|a, b| largest_first(&a.1, &b.1));
    let mut parts: Vec<&(Symbol, Part)> = found.parts.iter().collect();
    parts.sort_by(|a, b| largest_first(&a.1, &b.1));
    let name = |symbol: &Symbol| of.names.get(symbol).filter(|name| name.as_str() != symbol.as_str()).cloned();
    let sectors = groups
        .into_iter()
        .map(|(sector, part)| row(sector.clone(), None, part, &found.whole, abroad, &how(scope, "sector", sector)))
        .collect_view();
    let holdings = parts
        .iter()
        .map(|(symbol, part)| row(symbol.to_string(), name(symbol), part, &found.whole, abroad, &how(scope, "symbol", symbol.as_str())))
        .collect_view();
    let by_holding = table("Holding", holdings, found, abroad, scope);
    let count = format::plural(parts.len() as u64, "holding", "holdings");
    let by_holding = if parts.len() <= MOST_SHOWN {
        by_holding
    } else {
        view! { <details class="behind"><summary>{format!("Show all {count}")}</summary>{by_holding}</details> }.into_any()
    };
    view! { <h3>"By sector"</h3>{table("Sector", sectors, found, abroad, scope)}<h3>"By holding"</h3>{by_holding} }.into_any()
}

fn largest_first(a: &Part, b: &Part) -> std::cmp::Ordering {
    let size =
        |part: &Part| part.contribution.map_or_else(|| part.gain.as_ref().map_or(0.0, |gain| gain.total.ratio_base()), |part| part.whole);
    size(b).total_cmp(&size(a))
}

fn table(of: &'static str, rows: impl IntoView, found: &Contributions, abroad: bool, scope: &Scope) -> AnyView {
    let currency = abroad.then(|| view! { <th scope="col" class="r hide">"Currency"</th> });
    let parts: Option<Vec<Gain>> = found.parts.iter().map(|(_, part)| part.gain.clone().ok()).collect();
    let sum = |of: fn(&Gain) -> Money| parts.as_ref().map(|parts| parts.iter().map(of).sum::<Money>());
    let label = format!("Contribution by {}", of.to_lowercase());
    view! {
        <div class="scroll" tabindex="0" role="region" aria-label=label>
            <table class="rows stack">
                <thead>
                    <tr>
                        <th scope="col">{of}</th>
                        <th scope="col" class="r">"Weight"</th>
                        <th scope="col" class="r">"Return"</th>
                        <th scope="col" class="r">"Contribution"</th>
                        <th scope="col" class="r hide">"Price"</th>
                        <th scope="col" class="r hide">"Income"</th>
                        <th scope="col" class="r hide">"Costs"</th>
                        {currency}
                        <th scope="col" class="r">"Gain"</th>
                        <th scope="col" class="r hide-middle">"Realized"</th>
                        <th scope="col" class="r hide-middle">"Unrealized"</th>
                    </tr>
                </thead>
                <tbody>
                    {rows}{rest(&found.rest, &found.whole, abroad, scope)}
                    <tr class="sum">
                        <th scope="row">"All"</th>
                        <td class="r"></td>
                        <td class="r"></td>
                        <td class="r" data-label="Contribution"><Delta of=found.whole.clone()/>{bob("time_weighted", "time-weighted return", scope, &[])}</td>
                        {empty(if abroad { 4 } else { 3 })}
                        <td class="r" data-label="Gain"><DeltaMoney of=found.gain.clone()/>{bob("gain_in_range", "gain of the range", scope, &[])}</td>
                        <td class="r hide-middle" data-label="Realized">{amount(sum(|gain| gain.realized))}</td>
                        <td class="r hide-middle" data-label="Unrealized">{amount(sum(|gain| gain.unrealized))}</td>
                    </tr>
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

fn empty(cells: usize) -> AnyView {
    (0..cells).map(|_| view! { <td class="r hide"></td> }).collect_view().into_any()
}

/// The bobs of a row: what is said of each, and of whom.
fn how(scope: &Scope, kind: &str, whose: &str) -> impl Fn(&str, &str) -> AnyView {
    move |figure, said| bob(figure, &format!("{said} of {whose}"), scope, &[(kind, whose)])
}

fn row(
    head: String,
    small: Option<String>,
    part: &Part,
    whole: &Figure<f64>,
    abroad: bool,
    how: &impl Fn(&str, &str) -> AnyView,
) -> AnyView {
    let of = |of: fn(&Contribution) -> f64| part.contribution.map(|part| of(&part));
    let currency = abroad.then(|| view! { <td class="r hide" data-label="Currency">{points(of(|part| part.currency))}</td> });
    let gain = |of: fn(&Gain) -> Money| part.gain.as_ref().ok().map(of);
    let name = head.clone();
    view! {
        <tr data-contribution=name>
            <th scope="row" class="sym"><b>{head}</b>{small.map(|name| view! { " "<small>{name}</small> })}</th>
            <td class="r" data-label="Weight">{part.average_weight.map_or_else(|| "–".into(), format::share)}{how("contribution_weight", "average weight")}</td>
            <td class="r" data-label="Return"><Delta of=part.own_return.clone()/>{how("contribution_return", "own return")}</td>
            <td class="r" data-label="Contribution">{contribution(of(|part| part.whole), whole)}{how("contribution", "contribution")}</td>
            <td class="r hide" data-label="Price">{points(of(|part| part.price))}</td>
            <td class="r hide" data-label="Income">{points(of(|part| part.income))}</td>
            <td class="r hide" data-label="Costs">{points(of(|part| part.costs))}</td>
            {currency}
            <td class="r" data-label="Gain"><DeltaMoney of=part.gain.clone().map(|gain| gain.total)/>{how("contribution_gain", "gain")}</td>
            <td class="r hide-middle" data-label="Realized">{amount(gain(|gain| gain.realized))}</td>
            <td class="r hide-middle" data-label="Unrealized">{amount(gain(|gain| gain.unrealized))}</td>
        </tr>
    }
    .into_any()
}

fn rest(rest: &Rest, whole: &Figure<f64>, abroad: bool, scope: &Scope) -> AnyView {
    let how = |figure: &str, said: &str| bob(figure, &format!("{said} of {}", REST.to_lowercase()), scope, &[]);
    let made_of = rest.gain.as_ref().ok().map(|gain| {
        let said = [("income", gain.income), ("costs", -gain.costs), ("rates on cash", gain.currency), ("rounding", gain.rounding)];
        let said: Vec<String> = said
            .into_iter()
            .filter(|(_, amount)| Lean::of_money(*amount) != Lean::Flat)
            .map(|(what, amount)| format!("{what} {}", format::signed_money(amount)))
            .collect();
        view! { " "<small>{said.join(", ")}</small> }
    });
    view! {
        <tr data-contribution="">
            <th scope="row" class="sym">{REST}{made_of}</th>
            <td class="r" data-label="Weight">{rest.average_weight.map_or_else(|| "–".into(), format::share)}{how("contribution_weight", "average weight")}</td>
            <td class="r"></td>
            <td class="r" data-label="Contribution">{contribution(rest.contribution, whole)}{how("contribution", "contribution")}</td>
            {empty(if abroad { 4 } else { 3 })}
            <td class="r" data-label="Gain"><DeltaMoney of=rest.gain.clone().map(|gain| gain.total)/>{how("contribution_gain", "gain")}</td>
            <td class="r hide-middle"></td>
            <td class="r hide-middle"></td>
        </tr>
    }
    .into_any()
}

fn contribution(of: Option<f64>, whole: &Figure<f64>) -> AnyView {
    match (of, whole) {
        (Some(part), _) => view! { <Leaning lean=Lean::of_fraction(part) text=format::signed_percent(part)/> }.into_any(),
        (None, Err(reason)) => view! { <Undef reason=reason.clone()/> }.into_any(),
        (None, Ok(_)) => "–".into_any(),
    }
}

fn points(of: Option<f64>) -> String {
    of.map_or_else(|| "–".into(), format::signed_percent)
}

fn amount(of: Option<Money>) -> String {
    of.map_or_else(|| "–".into(), format::signed_money)
}
