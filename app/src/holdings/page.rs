//! Every holding at the close of the last published session.

use crate::{
    domain::{Figure, Money, Scope},
    format,
    holdings::{
        api::list_holdings,
        model::{Holding, Holdings},
    },
    routes,
    ui::{Delta, DeltaMoney, Empty, Explained, Loaded, Refresh, RestatedChip, Spark, Undef, use_scope},
};
use chrono::{Datelike, NaiveDate};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

#[component]
pub fn HoldingsPage() -> impl IntoView {
    let scope = use_scope();
    let refresh = Refresh::count();
    let holdings = Resource::new_blocking(move || (scope.get().query(), refresh()), |(scope, _)| list_holdings(scope));
    view! {
        <Title text="Holdings"/>
        <h1>"Holdings"</h1>
        <Loaded of=holdings let:holdings>
            {match holdings {
                Some(holdings) => Either::Left(view! { <Table holdings/> }),
                None => Either::Right(view! { <NothingYet/> }),
            }}
        </Loaded>
    }
    .into_any()
}

#[component]
fn NothingYet() -> impl IntoView {
    if use_scope().get_untracked().as_known_on.is_some() {
        let text = "By the end of that day no numbers of this portfolio had been published. Choose a later day.";
        return Either::Left(view! { <Empty title="Nothing was published by then" text/> });
    }
    Either::Right(view! {
        <Empty title="No holdings yet" text="Holdings appear with the first publication. Connect a broker, or enter what was bought.">
            <a class="button" href=routes::CONNECTIONS>"Connect a broker"</a>
            <a class="button quiet" href=routes::ACTIVITY>"Enter transactions"</a>
        </Empty>
    })
}

#[component]
fn Table(holdings: Holdings) -> impl IntoView {
    let Holdings { as_of, currency, rows, cash, receivable, value, is_restated } = holdings;
    let scope = use_scope();
    let count = format::plural(rows.len() as u64, "position", "positions");
    let rows = rows.into_iter().map(|row| view! { <Row row as_of scope/> }).collect_view();
    let of_total = view! { <Explained figure="value" label="value" scope/> };
    let other = [("Cash", cash), ("Receivable dividends", receivable)]
        .into_iter()
        .filter(|(name, amount)| *name == "Cash" || amount.as_ref().is_ok_and(|amount| !amount.is_zero()))
        .map(|(name, amount)| {
            let figure = if name == "Cash" { "cash" } else { "receivable" };
            view! { <tr><th scope="row" colspan="3">{name}</th><td class="r">{money(amount)}<Explained figure label=name scope/></td></tr> }
        })
        .collect_view();
    view! {
        <section class="card wide">
            <header>
                <h2>{count}</h2>
                <span class="mute">
                    {format!("close of {}, in {currency}", format::weekday(as_of))}" · "
                    <a class="link" href=move || routes::export(&scope.get(), "holdings.csv") rel="external" download="">"CSV"</a>" · "
                    <a class="link" href=move || routes::export(&scope.get(), "lots.csv") rel="external" download="">"lots"</a>" · "
                    <a class="link" href=move || routes::export(&scope.get(), "realized.csv") rel="external" download="">"realized gains"</a>
                </span>
            </header>
            <div class="scroll"><table class="rows stack">
                <thead>
                    <tr>
                        <th scope="col">"Holding"</th>
                        <th scope="col" class="r">"Quantity"</th>
                        <th scope="col" class="r">"Price"</th>
                        <th scope="col" class="r">"Value"</th>
                        <th scope="col" class="r hide">"Weight"</th>
                        <th scope="col" class="r">"Day"</th>
                        <th scope="col" class="r hide-middle">"Cost"</th>
                        <th scope="col" class="r">"Unrealized gain"</th>
                        <th scope="col" class="hide hide-middle">"30 days"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table></div>
            <table class="rows sums">
                <tbody>
                    {other}
                    <tr class="sum"><th scope="row" colspan="3">"Value"</th><td class="r"><RestatedChip days=u32::from(is_restated)/>" "{money(value)}{of_total}</td></tr>
                </tbody>
            </table>
        </section>
    }
}

fn money(amount: Figure<Money>) -> impl IntoView {
    match amount {
        Ok(amount) => Either::Left(format::money(amount)),
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    }
}

#[component]
fn Row(row: Holding, as_of: NaiveDate, scope: Memo<Scope>) -> impl IntoView {
    let symbol = row.symbol.to_string();
    let how =
        |figure: &'static str, label: &str| view! { <Explained figure label=format!("{label} of {symbol}") symbol=symbol.clone() scope/> };
    let (of_price, of_value, of_weight) = (how("close", "price"), how("holding_value", "value"), how("holding_weight", "weight"));
    let (of_day, of_gain) = (how("holding_day_return", "day"), how("holding_gain", "unrealized gain"));
    let (of_quantity, of_cost) = (how("holding_quantity", "quantity"), how("holding_cost", "cost"));
    let of_share = how("holding_gain_share", "unrealized gain as a share of the cost");
    let carried = row.priced_on.filter(|priced_on| *priced_on < as_of);
    // Without its year only where it is the session's.
    let said = move |day: NaiveDate| if day.year() == as_of.year() { format::day(day) } else { format::date(day) };
    let unit = row.price_currency.map(|currency| format!(" {currency}")).unwrap_or_default();
    let price = row.price.map_or_else(|| "no price yet".into(), |price| format::price(price) + &unit);
    let weight = match row.weight {
        Ok(weight) => Either::Left(format::share(weight)),
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    };
    view! {
        <tr>
            <th scope="row" class="sym"><b>{row.symbol.to_string()}</b>" "<small>{row.name}" · "{row.sector}</small></th>
            <td class="r" data-label="Quantity">{format::quantity(row.quantity)}{of_quantity}</td>
            <td class="r" data-label="Price">
                {price}{of_price}
                {carried.map(|day| view! { " "<span class="chip warn small">{format!("of {}", said(day))}</span> })}
            </td>
            <td class="r" data-label="Value">{money(row.value)}{of_value}</td>
            <td class="r hide" data-label="Weight">{weight}{of_weight}</td>
            <td class="r" data-label="Day"><Delta of=row.day_return triangle=true/>{of_day}</td>
            <td class="r hide-middle" data-label="Cost">{money(row.cost_basis)}{of_cost}</td>
            <td class="r" data-label="Unrealized gain">
                <DeltaMoney of=row.unrealized_gain/>{of_gain}" "<small><Delta of=row.unrealized_return/>{of_share}</small>
            </td>
            <td class="hide hide-middle"><Spark points=row.recent/></td>
        </tr>
    }
}
