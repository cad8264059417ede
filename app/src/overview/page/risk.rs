//! Measures of risk in the range; one that can't be computed says why.

use crate::{
    domain::{Figure, Range, Scope},
    format,
    overview::model::Risk,
    ui::{Explained, use_scope},
};
use leptos::prelude::*;

#[component]
pub fn RiskCard(risk: Risk, range: Range) -> impl IntoView {
    let scope = use_scope();
    let concentration = format!(
        "of all positions; top 5: {}, top 10: {}",
        risk.top_5_weight.as_ref().map_or_else(ToString::to_string, |weight| format::share(*weight)),
        risk.top_10_weight.as_ref().map_or_else(ToString::to_string, |weight| format::share(*weight)),
    );
    let spread =
        risk.herfindahl_index.as_ref().map_or_else(ToString::to_string, |index| format!("Herfindahl index {}", format::index(*index)));
    view! {
        <section class="card wide risk">
            <header>
                <h2>"Risk"</h2>
                <span class="mute">{range.in_words()}", daily returns"</span>
            </header>
            <dl>
                <Measure name="Return a year" figure="annualized_return" scope of=risk.annualized_return show=format::signed_percent method="time-weighted, annualized"/>
                <Measure name="Volatility" figure="volatility" scope of=risk.volatility show=format::percent method="a year, from daily returns"/>
                <Measure name="Sharpe ratio" figure="sharpe_ratio" scope of=risk.sharpe_ratio show=format::ratio method="over 3-month Treasury bills"/>
                <Measure name="Max drawdown" figure="max_drawdown" scope of=risk.max_drawdown show=format::signed_percent method="deepest fall from a peak"/>
                <Measure name="Beta" figure="beta" scope of=risk.beta show=format::ratio method="to SPY"/>
                <Measure name="Jensen’s alpha" figure="jensen_alpha" scope of=risk.jensen_alpha show=format::signed_percent method="a year, beyond what beta explains"/>
                <Measure name="Effective positions" figure="effective_positions" scope of=risk.effective_positions show=format::ratio method=spread/>
                <Measure name="Largest position" figure="top_1_weight" scope of=risk.top_1_weight show=format::share method=concentration/>
            </dl>
        </section>
    }
}

#[component]
fn Measure(
    name: &'static str,
    figure: &'static str,
    scope: Memo<Scope>,
    of: Figure<f64>,
    show: fn(f64) -> String,
    #[prop(into)] method: String,
) -> impl IntoView {
    let (class, number, method) = match of {
        Ok(number) => ("known", show(number), method),
        Err(reason) => ("unknown", "–".into(), reason.to_string()),
    };
    view! {
        <div class=class>
            <dt>{name}</dt>
            <dd>{number}<Explained figure label=name scope/></dd>
            <dd class="tag">{method}</dd>
        </div>
    }
}
