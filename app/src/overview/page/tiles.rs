//! The five headline numbers in one framed strip, each with its method in words under it.

use crate::{
    domain::{Benchmark, Figure, Range},
    format,
    overview::model::{Gain, OverviewFigures, Restated},
    ui::{Delta, DeltaMoney, Explained, RestatedChip, Undef, Why, use_scope},
};
use leptos::{either::Either, prelude::*};

#[component]
pub fn Tiles(figures: OverviewFigures, currency: String, range: Range, benchmark: Benchmark, restated: Restated) -> impl IntoView {
    let last = u32::from(restated.is_last);
    let abroad = Benchmark::abroad(&currency);
    view! {
        <section class="tiles" aria-label="Headline numbers">
            <ValueTile figures=figures.clone() currency restated=last/>
            <DayTile figures=figures.clone() abroad restated=last/>
            <GainTile gain=figures.total_gain.clone() restated=restated.ever/>
            <TimeWeightedTile figures=figures.clone() range benchmark abroad restated/>
            <MoneyWeightedTile figures restated=restated.ever/>
        </section>
    }
}

/// A headline number: name, explanation, the number, what it is beside, and the method in words.
#[component]
fn Tile(
    #[prop(into)] name: String,
    why: &'static str,
    /// As it is explained.
    figure: &'static str,
    /// Days in it that were published before with other numbers.
    restated: u32,
    #[prop(optional)] first: bool,
    #[prop(into)] tag: String,
    #[prop(into)] big: AnyView,
    #[prop(into)] sub: AnyView,
) -> impl IntoView {
    view! {
        <article class="tile" class:first=first>
            <header>
                <h2>{name.clone()}</h2>
                <Why label=name text=why figure/>
                <RestatedChip days=restated/>
            </header>
            <p class="big">{big}</p>
            <p class="sub">{sub}</p>
            <p class="tag">{tag}</p>
        </article>
    }
}

#[component]
fn ValueTile(figures: OverviewFigures, currency: String, restated: u32) -> impl IntoView {
    let OverviewFigures { value, positions, carried, as_of, .. } = figures;
    let big = match value {
        Ok(value) => Either::Left(view! { {format::money(value)}" "<small>{currency}</small> }),
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    };
    let sub = (carried > 0).then(|| view! { <span class="chip warn">{format!("{carried} of {positions} prices carried")}</span> });
    let tag = format!("close of {}, {}", format::weekday(as_of), format::plural(positions.into(), "position", "positions"));
    view! {
        <Tile
            name="Value"
            figure="value"
            restated
            why="Each position at the raw close of the last published session, plus cash and dividends that are due. A symbol without a close that day keeps its last good one and is counted as carried."
            first=true
            tag
            big=big.into_any()
            sub=sub.into_any()
        />
    }
}

#[component]
fn DayTile(figures: OverviewFigures, abroad: &'static str, restated: u32) -> impl IntoView {
    let scope = use_scope();
    let big = view! { <DeltaMoney of=figures.day_change/> };
    let sub = view! {
        <Delta of=figures.day_return triangle=true/>
        <Explained figure="day_return" label="return of the day" scope/>
        " "
        <span class="together">
            <span class="mute">"SPY"{format!("{abroad} ")}<Plain of=figures.benchmark_day_return/></span>
            <Explained figure="benchmark_day_return" label="return of SPY on the day" scope/>
        </span>
    };
    view! {
        <Tile
            name="Day change"
            figure="day_change"
            restated
            why="What the last session gained or lost: prices and income. Deposits and withdrawals are not in it."
            tag="price and income"
            big=big.into_any()
            sub=sub.into_any()
        />
    }
}

#[component]
fn GainTile(gain: Figure<Gain>, restated: u32) -> impl IntoView {
    let (big, sub, tag) = match gain {
        Ok(gain) => {
            let parts = format!(
                "realized {}, unrealized {}, income {}, costs {}",
                format::signed_money(gain.realized),
                format::signed_money(gain.unrealized),
                format::signed_money(gain.income),
                format::signed_money(-gain.costs),
            );
            let currency = format!(", currency {}", format::signed_money(gain.currency));
            let parts = if gain.currency.is_zero() { parts } else { parts + &currency };
            let cents = gain.rounding();
            let rounding = format!(", rounding {}", format::signed_money(cents));
            let parts = if cents.is_zero() { parts } else { parts + &rounding };
            let residual = format!("residual {}", format::money(gain.residual));
            let class = if format::Lean::of_money(gain.residual) == format::Lean::Flat { "mute" } else { "chip warn" };
            (view! { <DeltaMoney of=Ok(gain.total)/> }.into_any(), view! { <span class=class>{residual}</span> }.into_any(), parts)
        }
        Err(reason) => (view! { <Undef reason/> }.into_any(), ().into_any(), "realized, unrealized, income, fees".into()),
    };
    view! {
        <Tile
            name="Total gain"
            figure="total_gain"
            restated
            why="Value minus everything paid in, plus everything taken out, since the first session. Its parts are computed on their own from the lots; what they don't explain is shown as the residual."
            tag
            big
            sub
        />
    }
}

#[component]
fn TimeWeightedTile(
    figures: OverviewFigures,
    range: Range,
    benchmark: Benchmark,
    abroad: &'static str,
    restated: Restated,
) -> impl IntoView {
    let scope = use_scope();
    let benchmark = if benchmark == Benchmark::SpyTotalReturn { "SPY" } else { "SPY price" };
    let sub = view! {
        <span class="together">
            <span class="mute">{format!("{benchmark}{abroad} ")}</span>
            <Plain of=figures.benchmark_return/>
            <Explained figure="benchmark_return" label="return of the benchmark" scope/>
        </span>
        <RestatedChip days=restated.benchmark_in_range/>
        " "
        <span class="together">
            <span class="mute">"excess "</span>
            <Delta of=figures.excess_return/>
            <Explained figure="excess_return" label="excess return" scope/>
        </span>
    };
    view! {
        <Tile
            name=format!("Return, {}", range.in_words())
            figure="time_weighted"
            restated=restated.in_range
            why="Time-weighted: the daily returns chained, so that the size and the day of deposits don't matter. This is the number to hold against SPY."
            tag=format!("time-weighted, since {}", format::date(figures.opens_on))
            big=view! { <Delta of=figures.time_weighted/> }.into_any()
            sub=sub.into_any()
        />
    }
}

#[component]
fn MoneyWeightedTile(figures: OverviewFigures, restated: u32) -> impl IntoView {
    let name = if figures.money_weighted_is_annual { "Return a year" } else { "Return of the period" };
    let sub = format!("since {}", format::date(figures.since));
    view! {
        <Tile
            name
            figure="money_weighted"
            restated
            why="Money-weighted (XIRR): the one rate at which every deposit and withdrawal grows to today's value. It is yours alone: when you paid in matters. Under a year the rate of the period is shown."
            tag="money-weighted, XIRR"
            big=view! { <Delta of=figures.money_weighted/> }.into_any()
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
