//! From the opening to the closing value of the range: what was paid in and out, what prices, income and costs did.

use crate::{
    domain::{Figure, Money, Range, Scope},
    drawn::parts::bob,
    format,
    overview::model::Bridge,
};
use leptos::prelude::*;
use rust_decimal::{Decimal, prelude::FromPrimitive};

const BASE: f64 = 156.0;
const TOP: f64 = 24.0;
const STEP: f64 = 78.0;
const BAR: f64 = 54.0;

pub(super) fn card(bridge: &Figure<Bridge>, range: Range, scope: &Scope) -> AnyView {
    let body = match bridge {
        Ok(bridge) => picture(bridge),
        Err(reason) => view! { <p class="mute">{reason.to_string()}</p> }.into_any(),
    };
    view! {
        <section class="card">
            <header>
                <h2>"From opening to closing value"</h2>
                {bob("price_gain", "gain by prices, and the way from the opening to the closing value", scope, &[])}
                <span class="mute">{range.in_words()}</span>
            </header>
            {body}
        </section>
    }
    .into_any()
}

fn picture(bridge: &Bridge) -> AnyView {
    let rows = steps(bridge);
    let (bars, low) = bars(&rows);
    // Heights of cut bars can't be compared.
    let cut = (low > 0.0).then(|| {
        let from =
            Decimal::from_f64(low).map(|low| format!(": the scale begins at {}", format::short_money(Money(low)))).unwrap_or_default();
        view! { <p class="tag">{format!("The bars don't start at zero{from}.")}</p> }
    });
    let drawn = bars
        .into_iter()
        .zip(&rows)
        .map(|(bar, step)| {
            let (name, label, middle) = (step.name, step.label(), bar.left + BAR / 2.0);
            view! {
                <rect x=tenth(bar.left) y=tenth(bar.top) width=tenth(BAR) height=tenth(bar.height) rx="3" class=bar.class/>
                <text x=tenth(middle) y=tenth(bar.top - 6.0) class="barv">{label}</text>
                <text x=tenth(middle) y="176" class="tick">{name}</text>
            }
        })
        .collect_view();
    let table = rows.iter().map(|step| view! { <tr><th scope="row">{step.name}</th><td class="r">{step.exact()}</td></tr> }).collect_view();
    view! {
        <svg viewBox="0 0 546 184" class="bridge" role="img" aria-label="From opening to closing value">{drawn}</svg>
        {cut}
        <details class="behind">
            <summary>"Show as table"</summary>
            <table class="rows"><tbody>{table}</tbody></table>
        </details>
    }
    .into_any()
}

struct Stage {
    name: &'static str,
    amount: Money,
    is_total: bool,
}

impl Stage {
    fn label(&self) -> String {
        if self.is_total { format::short_money(self.amount) } else { format::signed_short_money(self.amount) }
    }

    fn exact(&self) -> String {
        if self.is_total { format::money(self.amount) } else { format::signed_money(self.amount) }
    }
}

fn steps(bridge: &Bridge) -> [Stage; 7] {
    let stage = |name, amount, is_total| Stage { name, amount, is_total };
    [
        stage("Opening", bridge.opening, true),
        stage("Paid in", bridge.inflows, false),
        stage("Taken out", -bridge.outflows, false),
        stage("Price", bridge.price, false),
        stage("Income", bridge.income, false),
        stage("Costs", -bridge.costs, false),
        stage("Closing", bridge.closing, true),
    ]
}

#[derive(Debug, PartialEq)]
struct Shape {
    left: f64,
    top: f64,
    height: f64,
    class: &'static str,
}

/// Where the scale begins, and each bar from where the last one ended. The scale starts at zero unless the changes are too small beside the totals to be
/// seen; then the totals are cut, as in a newspaper's waterfall.
fn bars(steps: &[Stage]) -> (Vec<Shape>, f64) {
    let mut level = 0.0;
    let spans: Vec<(f64, f64)> = steps
        .iter()
        .map(|step| {
            let from = if step.is_total { 0.0 } else { level };
            level = from + step.amount.ratio_base();
            (from, level)
        })
        .collect();
    let high = spans.iter().flat_map(|span| [span.0, span.1]).fold(0.0, f64::max);
    let lowest = spans.iter().map(|span| span.1).fold(f64::INFINITY, f64::min);
    let low = if lowest > high * 0.5 { lowest - (high - lowest).max(high * 0.01) * 0.25 } else { lowest.min(0.0) };
    let scale = if high > low { (BASE - TOP) / (high - low) } else { 0.0 };
    let y = |amount: f64| BASE - (amount.max(low) - low) * scale;
    let bars = spans
        .iter()
        .zip(steps)
        .enumerate()
        .map(|(index, (&(from, to), step))| {
            let (top, bottom) = (y(from.max(to)), y(from.min(to)));
            let class = match () {
                () if step.is_total => "total",
                () if to > from => "up",
                () if to < from => "down",
                () => "none",
            };
            Shape { left: 12.0 + index as f64 * STEP, top, height: (bottom - top).max(2.0), class }
        })
        .collect();
    (bars, low)
}

fn tenth(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(amounts: [i64; 7]) -> Bridge {
        let [opening, inflows, outflows, price, income, costs, closing] = amounts.map(|amount| Money(amount.into()));
        Bridge { opening, inflows, outflows, price, income, costs, closing }
    }

    #[test]
    fn bars_stand_on_each_other_and_stay_in_the_picture() {
        for amounts in [
            [212_000, 36_000, 0, 40_100, 3_400, 300, 291_200],
            [0, 1_000, 0, -2_500, 0, 0, -1_500],
            [0; 7],
            [100_000, 0, 0, 10, 0, 0, 100_010],
        ] {
            let (bars, low) = bars(&steps(&bridge(amounts)));
            assert_eq!(low > 0.0, amounts[0] > 0, "{amounts:?}");
            for bar in &bars {
                assert!(bar.top >= TOP - 0.01 && bar.top + bar.height <= BASE + 2.01, "{amounts:?}: {bar:?}");
            }
            assert_eq!(bars[6].class, "total");
        }
    }
}
