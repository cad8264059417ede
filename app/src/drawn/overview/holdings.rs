//! The largest holdings, with the way to all of them.

use crate::{
    domain::{Figure, Scope},
    drawn::parts::bob_over,
    format,
    overview::model::TopHolding,
    routes,
    ui::{Delta, Spark, Undef},
};
use leptos::prelude::*;

pub(super) fn card(top: &[TopHolding], count: u32, scope: &Scope) -> AnyView {
    let most = top.iter().filter_map(|row| row.weight.as_ref().ok()).copied().fold(0.0, f64::max);
    let rows = top.iter().map(|of| row(of, most, scope)).collect_view();
    let class = if top.is_empty() { "rows sr" } else { "rows" };
    view! {
        <section class="card wide">
            <header>
                <h2>"Holdings"</h2>
                <a class="more" href=routes::scoped(routes::HOLDINGS, scope)>{format!("All {count}")}</a>
            </header>
            {top.is_empty().then(|| view! { <p class="mute">"Nothing is held."</p> })}
            <table class=class>
                <thead>
                    <tr>
                        <th scope="col">"Holding"</th>
                        <th scope="col" class="r">"Value"</th>
                        <th scope="col" class="r hide">"Weight"</th>
                        <th scope="col" class="r">"Day"</th>
                        <th scope="col" class="r">"Gain"</th>
                        <th scope="col" class="hide">"30 days"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

fn row(row: &TopHolding, most: f64, scope: &Scope) -> AnyView {
    let symbol = row.symbol.to_string();
    let how = |figure: &'static str, label: &str| bob_over(figure, &format!("{label} of {symbol}"), scope, &[("symbol", &symbol)]);
    let value = match &row.value {
        Ok(value) => format::whole_money(*value).into_any(),
        Err(reason) => view! { <Undef reason=reason.clone()/> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="sym"><b>{symbol.clone()}</b>" "<small>{row.name.clone()}</small></th>
            <td class="r bobbed">{value}{how("holding_value", "value")}</td>
            <td class="r w hide bobbed">{weight(&row.weight, most)}{how("holding_weight", "weight")}</td>
            <td class="r bobbed"><Delta of=row.day_return.clone() triangle=true/>{how("holding_day_return", "day")}</td>
            <td class="r bobbed"><Delta of=row.unrealized_return.clone() triangle=true/>{how("holding_gain_share", "gain")}</td>
            <td class="hide"><Spark points=row.recent.clone()/></td>
        </tr>
    }
    .into_any()
}

/// A bar beside its number; the largest holding's is full.
fn weight(of: &Figure<f64>, most: f64) -> AnyView {
    match of {
        Ok(weight) => {
            let width = if most > 0.0 { (weight / most).clamp(0.0, 1.0) * 62.0 } else { 0.0 };
            view! { <i style=format!("--w:{width:.0}px")></i>{format::share(*weight)} }.into_any()
        }
        Err(reason) => view! { <Undef reason=reason.clone()/> }.into_any(),
    }
}
