//! Return, value and the fall from the peak over the range, switched without scripts, with their table for everyone.

use super::tiles::short;
use crate::{
    charts,
    domain::{Benchmark, Scope},
    drawn::parts::bob,
    format,
    overview::model::Day,
    performance::model::{Daily, Performance},
    ui::ChartBox,
};
use leptos::prelude::*;

pub(super) fn card(of: &Performance, scope: &Scope) -> AnyView {
    let days: Vec<Day> = of.daily.iter().map(day).collect();
    let (range, benchmark) = (of.range.in_words(), of.benchmark.label().to_owned() + Benchmark::abroad(&of.currency));
    let choice = |value: &'static str, label: &'static str| {
        view! { <label><input type="radio" name="chart" value=value checked=value == "return"/><span>{label}</span></label> }
    };
    view! {
        <section class="card chart wide" aria-label="Charts">
            <header>
                <div class="only-return">
                    <h2>"Time-weighted return"</h2>{bob("time_weighted", "time-weighted return", scope, &[])}
                    <p class="legend"><span class="k">"Portfolio"</span><span class="k c">{benchmark.clone()}</span></p>
                </div>
                <div class="only-value">
                    <h2>"Value and net contributions"</h2>{bob("value", "value", scope, &[])}
                    <p class="legend">
                        <span class="k">"Value"</span><span class="k c">"Net contributions"</span><span class="k f">"Deposit"</span>
                    </p>
                </div>
                <fieldset class="seg">
                    <legend class="sr">"Chart"</legend>
                    {choice("return", "Return")}{choice("value", "Value")}
                </fieldset>
            </header>
            <div class="only-return">
                <ChartBox
                    id="performance-return"
                    label=format!("Time-weighted return beside {benchmark}, {range}")
                    option=charts::return_chart(&days, &benchmark)
                />
            </div>
            <div class="only-value">
                <ChartBox
                    id="performance-value"
                    label=format!("Value and net contributions, {range}")
                    option=charts::value_chart(&days, &of.currency)
                />
            </div>
            {table(of)}
        </section>
    }
    .into_any()
}

/// As the charts of the overview take it.
pub(super) fn day(of: &Daily) -> Day {
    Day {
        session_date: of.date,
        value: of.value,
        net_contributions: of.net_contributions,
        inflow: of.inflow,
        outflow: of.outflow,
        cumulative: of.cumulative,
        benchmark_cumulative: of.benchmark_cumulative,
        drawdown: of.drawdown,
    }
}

fn table(of: &Performance) -> AnyView {
    let percent = |fraction: Option<f64>| fraction.map_or_else(|| "–".into(), format::signed_percent);
    let rows = charts::table_days(of.daily.iter().collect::<Vec<_>>())
        .into_iter()
        .rev()
        .map(|day| {
            view! {
                <tr>
                    <td>{format::date(day.date)}</td>
                    <td class="r">{day.value.map_or_else(|| "–".into(), format::money)}</td>
                    <td class="r">{percent(day.own)}</td>
                    <td class="r">{percent(day.cumulative)}</td>
                    <td class="r">{percent(day.benchmark_cumulative)}</td>
                    <td class="r">{percent(day.drawdown)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <details class="behind">
            <summary>"Show as table"</summary>
            <p class="mute">"At most 60 sessions, evenly spread over the range, newest first."</p>
            <div class="scroll" tabindex="0" role="region" aria-label="Table behind the charts">
                <table class="rows">
                    <thead>
                        <tr>
                            <th scope="col">"Session"</th><th scope="col" class="r">"Value, "{of.currency.clone()}</th>
                            <th scope="col" class="r">"That day"</th><th scope="col" class="r">"Return"</th>
                            <th scope="col" class="r">{short(of.benchmark)}</th><th scope="col" class="r">"Drawdown"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </details>
    }
    .into_any()
}
