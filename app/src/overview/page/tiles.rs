//! The five headline numbers in one framed strip, each with its method in words under it.

use crate::{
    domain::{Benchmark, Figure, Range},
    format,
    overview::model::{Gain, Overview},
    ui::{Delta, DeltaMoney, Undef, Why},
};
use leptos::{either::Either, prelude::*};

#[component]
pub fn Tiles(overview: Overview) -> impl IntoView {
    view! {
        <section class="tiles" aria-label="Headline numbers">
            <ValueTile overview=overview.clone()/>
            <DayTile overview=overview.clone()/>
            <GainTile gain=overview.total_gain.clone()/>
            <TimeWeightedTile overview=overview.clone()/>
            <MoneyWeightedTile overview/>
        </section>
    }
}

/// A headline number: name, explanation, the number, what it is beside, and the method in words.
#[component]
fn Tile(
    #[prop(into)] name: String,
    why: &'static str,
    #[prop(optional)] first: bool,
    #[prop(into)] tag: String,
    #[prop(into)] big: AnyView,
    #[prop(into)] sub: AnyView,
) -> impl IntoView {
    view! {
        <article class="tile" class:first=first>
            <header>
                <h2>{name.clone()}</h2>
                <Why label=name text=why/>
            </header>
            <p class="big">{big}</p>
            <p class="sub">{sub}</p>
            <p class="tag">{tag}</p>
        </article>
    }
}

#[component]
fn ValueTile(overview: Overview) -> impl IntoView {
    let Overview { value, currency, positions, carried, as_of, .. } = overview;
    let big = match value {
        Ok(value) => Either::Left(view! { {format::money(value)}" "<small>{currency}</small> }),
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    };
    let sub = (carried > 0).then(|| view! { <span class="chip warn">{format!("{carried} of {positions} prices carried")}</span> });
    let tag = format!("close of {}, {}", format::weekday(as_of), format::plural(positions.into(), "position", "positions"));
    view! {
        <Tile
            name="Value"
            why="Each position at the raw close of the last published session, plus cash and dividends that are due. A symbol without a close that day keeps its last good one and is counted as carried."
            first=true
            tag
            big=big.into_any()
            sub=sub.into_any()
        />
    }
}

#[component]
fn DayTile(overview: Overview) -> impl IntoView {
    let big = view! { <DeltaMoney of=overview.day_change/> };
    let sub = view! {
        <Delta of=overview.day_return triangle=true/>
        <span class="mute">" SPY "</span>
        <span class="mute"><Plain of=overview.benchmark_day_return/></span>
    };
    view! {
        <Tile
            name="Day change"
            why="What the last session gained or lost: prices and income. Deposits and withdrawals are not in it."
            tag="price and income"
            big=big.into_any()
            sub=sub.into_any()
        />
    }
}

#[component]
fn GainTile(gain: Figure<Gain>) -> impl IntoView {
    let (big, sub, tag) = match gain {
        Ok(gain) => {
            let parts = format!(
                "realized {}, unrealized {}, income {}, costs {}",
                format::signed_money(gain.realized),
                format::signed_money(gain.unrealized),
                format::signed_money(gain.income),
                format::signed_money(-gain.costs),
            );
            let residual = format!("residual {}", format::money(gain.residual));
            let class = if format::Lean::of_money(gain.residual) == format::Lean::Flat { "mute" } else { "chip warn" };
            (view! { <DeltaMoney of=Ok(gain.total)/> }.into_any(), view! { <span class=class>{residual}</span> }.into_any(), parts)
        }
        Err(reason) => (
            view! { <Undef reason=reason.clone()/> }.into_any(),
            view! { <span class="mute">{reason.to_string()}</span> }.into_any(),
            "realized, unrealized, income, fees".into(),
        ),
    };
    view! {
        <Tile
            name="Total gain"
            why="Value minus everything paid in, plus everything taken out, since the first session. Its parts are computed on their own from the lots; what they don't explain is shown as the residual."
            tag
            big
            sub
        />
    }
}

#[component]
fn TimeWeightedTile(overview: Overview) -> impl IntoView {
    let benchmark = if overview.benchmark == Benchmark::SpyTotalReturn { "SPY " } else { "SPY price " };
    let sub = view! {
        <span class="mute">{benchmark}</span>
        <Plain of=overview.benchmark_return/>
        <span class="mute">", excess "</span>
        <Delta of=overview.excess_return/>
    };
    view! {
        <Tile
            name=format!("Return, {}", in_words(overview.range))
            why="Time-weighted: the daily returns chained, so that the size and the day of deposits don't matter. This is the number to hold against SPY."
            tag=format!("time-weighted, since {}", format::date(overview.opens_on))
            big=view! { <Delta of=overview.time_weighted/> }.into_any()
            sub=sub.into_any()
        />
    }
}

#[component]
fn MoneyWeightedTile(overview: Overview) -> impl IntoView {
    let name = if overview.money_weighted_is_annual { "Return a year" } else { "Return of the period" };
    let reason = overview.money_weighted.as_ref().err().map(ToString::to_string);
    let sub = reason.unwrap_or_else(|| format!("since {}", format::date(overview.since)));
    view! {
        <Tile
            name
            why="Money-weighted (XIRR): the one rate at which every deposit and withdrawal grows to today's value. It is yours alone: when you paid in matters. Under a year the rate of the period is shown."
            tag="money-weighted, XIRR"
            big=view! { <Delta of=overview.money_weighted/> }.into_any()
            sub=view! { <span class="mute">{sub}</span> }.into_any()
        />
    }
}

/// A comparison's return: signed, without color, since color is for one's own.
#[component]
fn Plain(of: Figure<f64>) -> impl IntoView {
    match of {
        Ok(fraction) => Either::Left(view! { <span class="mute">{format::signed_percent(fraction)}</span> }),
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    }
}

pub fn in_words(range: Range) -> &'static str {
    match range {
        Range::OneDay => "1 day",
        Range::OneWeek => "1 week",
        Range::OneMonth => "1 month",
        Range::ThreeMonths => "3 months",
        Range::YearToDate => "year to date",
        Range::OneYear => "1 year",
        Range::ThreeYears => "3 years",
        Range::FiveYears => "5 years",
        Range::Max => "all",
    }
}
