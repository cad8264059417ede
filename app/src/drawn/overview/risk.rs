//! Measures of risk in the range; one that can't be computed says why.

use crate::{
    domain::{Figure, Range, Scope},
    drawn::parts::bob,
    format,
    overview::model::Risk,
};
use leptos::prelude::*;

pub(super) fn card(risk: &Risk, range: Range, scope: &Scope) -> AnyView {
    let text = |of: &Figure<f64>, show: fn(f64) -> String| of.as_ref().map_or_else(ToString::to_string, |number| show(*number));
    let concentration = view! {
        "of all positions; "
        <span class="together">"top 5: "{text(&risk.top_5_weight, format::share)}{bob("top_5_weight", "top 5", scope, &[])}</span>" "
        <span class="together">"top 10: "{text(&risk.top_10_weight, format::share)}{bob("top_10_weight", "top 10", scope, &[])}</span>
    };
    let spread =
        view! { "Herfindahl index "{text(&risk.herfindahl_index, format::index)}{bob("herfindahl_index", "Herfindahl index", scope, &[])} };
    let said = |method: &'static str| method.into_any();
    let one = |name, figure, of: &Figure<f64>, show, method| measure(name, figure, scope, of, show, method);
    view! {
        <section class="card wide risk">
            <header>
                <h2>"Risk"</h2>
                <span class="mute">{range.in_words()}", daily returns"</span>
            </header>
            <dl>
                {one("Return a year", "annualized_return", &risk.annualized_return, format::signed_percent, said("time-weighted, annualized"))}
                {one("Volatility", "volatility", &risk.volatility, format::percent, said("a year, from daily returns"))}
                {one("Sharpe ratio", "sharpe_ratio", &risk.sharpe_ratio, format::ratio, said("over 3-month Treasury bills"))}
                {one("Max drawdown", "max_drawdown", &risk.max_drawdown, format::signed_percent, said("deepest fall from a peak"))}
                {one("Beta", "beta", &risk.beta, format::ratio, said("to SPY"))}
                {one("Jensen’s alpha", "jensen_alpha", &risk.jensen_alpha, format::signed_percent, said("a year, beyond what beta explains"))}
                {one("Effective positions", "effective_positions", &risk.effective_positions, format::ratio, spread.into_any())}
                {one("Largest position", "top_1_weight", &risk.top_1_weight, format::share, concentration.into_any())}
            </dl>
        </section>
    }
    .into_any()
}

fn measure(name: &'static str, figure: &'static str, scope: &Scope, of: &Figure<f64>, show: fn(f64) -> String, method: AnyView) -> AnyView {
    let (class, number, method) = match of {
        Ok(number) => ("known", show(*number), method),
        Err(reason) => ("unknown", "–".into(), reason.to_string().into_any()),
    };
    view! {
        <div class=class>
            <dt>{name}</dt>
            <dd>{number}{bob(figure, name, scope, &[])}</dd>
            <dd class="tag">{method}</dd>
        </div>
    }
    .into_any()
}
