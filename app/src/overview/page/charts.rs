//! Value, return and drawdown in one card, switched without scripts, with the table behind them for everyone.

use crate::{
    domain::Benchmark,
    format,
    overview::model::{Day, Overview},
    ui::{ChartBox, Explained, use_scope},
};
use leptos::prelude::*;

#[component]
pub fn Charts(overview: Overview) -> impl IntoView {
    let Overview { value_chart, return_chart, drawdown_chart, figures, range, benchmark, currency, .. } = overview;
    let (range, scope) = (range.in_words(), use_scope());
    let beside = benchmark.label().to_owned() + Benchmark::abroad(&currency);
    view! {
        <section class="card chart" aria-label="Charts">
            <header>
                <div class="only-value"><h2>"Value and net contributions"</h2><Explained figure="value" label="value" scope/><ValueLegend/></div>
                <div class="only-return"><h2>"Time-weighted return"</h2><Explained figure="time_weighted" label="time-weighted return" scope/><ReturnLegend benchmark=beside/></div>
                <div class="only-drawdown"><h2>"Below the last peak"</h2><Explained figure="drawdown" label="below the last peak" scope/></div>
                <Switch/>
            </header>
            <div class="only-value">
                <ChartBox id="value-chart" label=format!("Value and net contributions, {range}") option=value_chart/>
            </div>
            <div class="only-return">
                <ChartBox id="return-chart" label=format!("Time-weighted return beside {}, {range}", benchmark.label()) option=return_chart/>
            </div>
            <div class="only-drawdown">
                <ChartBox id="drawdown-chart" label=format!("Drawdown, {range}") option=drawdown_chart/>
            </div>
            <Table days=figures.days currency/>
        </section>
    }
}

/// Radio buttons: the style sheet shows the chart that is chosen.
#[component]
fn Switch() -> impl IntoView {
    let choice = |value: &'static str, label: &'static str| {
        view! { <label><input type="radio" name="chart" value=value checked=value == "value"/><span>{label}</span></label> }
    };
    view! {
        <fieldset class="seg">
            <legend class="sr">"Chart"</legend>
            {choice("value", "Value")}
            {choice("return", "Return")}
            {choice("drawdown", "Drawdown")}
        </fieldset>
    }
}

#[component]
fn ValueLegend() -> impl IntoView {
    view! {
        <p class="legend">
            <span class="k">"Value"</span>
            <span class="k c">"Net contributions"</span>
            <span class="k f">"Deposit"</span>
        </p>
    }
}

#[component]
fn ReturnLegend(benchmark: String) -> impl IntoView {
    view! {
        <p class="legend">
            <span class="k">"Portfolio"</span>
            <span class="k c">{benchmark}</span>
        </p>
    }
}

#[component]
fn Table(days: Vec<Day>, currency: String) -> impl IntoView {
    let rows = days.into_iter().rev().map(|day| view! { <Row day/> }).collect_view();
    view! {
        <details class="behind">
            <summary>"Show as table"</summary>
            <p class="mute">"At most 60 sessions, evenly spread over the range, newest first."</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Table behind the charts">
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">"Session"</th>
                            <th scope="col" class="r">"Value, "{currency}</th>
                            <th scope="col" class="r">"Contributions"</th>
                            <th scope="col" class="r">"Return"</th>
                            <th scope="col" class="r">"SPY"</th>
                            <th scope="col" class="r">"Drawdown"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
}

#[component]
fn Row(day: Day) -> impl IntoView {
    let percent = |fraction: Option<f64>| fraction.map_or_else(|| "–".into(), format::signed_percent);
    view! {
        <tr>
            <td>{format::date(day.session_date)}</td>
            <td class="r">{day.value.map_or_else(|| "–".into(), format::money)}</td>
            <td class="r">{format::money(day.net_contributions)}</td>
            <td class="r">{percent(day.cumulative)}</td>
            <td class="r">{percent(day.benchmark_cumulative)}</td>
            <td class="r">{percent(day.drawdown)}</td>
        </tr>
    }
}
