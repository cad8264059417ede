//! The largest holdings, with the way to all of them.

use crate::{
    domain::Figure,
    format,
    overview::model::TopHolding,
    routes,
    ui::{Delta, Spark, Undef, use_scope},
};
use leptos::{either::Either, prelude::*};

#[component]
pub fn TopHoldings(top: Vec<TopHolding>, count: u32) -> impl IntoView {
    let scope = use_scope();
    let most = top.iter().filter_map(|row| row.weight.as_ref().ok()).copied().fold(0.0, f64::max);
    let is_empty = top.is_empty();
    let rows = top.into_iter().map(|row| view! { <Row row most/> }).collect_view();
    view! {
        <section class="card wide">
            <header>
                <h2>"Holdings"</h2>
                <a class="more" href=move || routes::scoped(routes::HOLDINGS, &scope.get())>{format!("All {count}")}</a>
            </header>
            {is_empty.then(|| view! { <p class="mute">"Nothing is held."</p> })}
            <table class="rows" class:sr=is_empty>
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
}

#[component]
fn Row(row: TopHolding, most: f64) -> impl IntoView {
    let value = match row.value {
        Ok(value) => Either::Left(format::whole_money(value)),
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    };
    view! {
        <tr>
            <th scope="row" class="sym"><b>{row.symbol.to_string()}</b>" "<small>{row.name}</small></th>
            <td class="r">{value}</td>
            <td class="r w hide"><Weight of=row.weight most/></td>
            <td class="r"><Delta of=row.day_return triangle=true/></td>
            <td class="r"><Delta of=row.unrealized_return triangle=true/></td>
            <td class="hide"><Spark points=row.recent/></td>
        </tr>
    }
}

/// A bar beside its number; the largest holding's is full.
#[component]
fn Weight(of: Figure<f64>, most: f64) -> impl IntoView {
    match of {
        Ok(weight) => {
            let width = if most > 0.0 { (weight / most).clamp(0.0, 1.0) * 62.0 } else { 0.0 };
            Either::Left(view! { <i style=format!("--w:{width:.0}px")></i>{format::share(weight)} })
        }
        Err(reason) => Either::Right(view! { <Undef reason/> }),
    }
}
