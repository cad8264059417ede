//! Weights by sector, the largest first, cash last.

use crate::{format, overview::model::SectorWeight};
use leptos::prelude::*;

#[component]
pub fn Allocation(sectors: Vec<SectorWeight>) -> impl IntoView {
    let most = sectors.iter().map(|sector| sector.weight).fold(0.0, f64::max);
    let is_empty = sectors.is_empty();
    let bars = sectors.into_iter().map(|sector| view! { <Bar sector most/> }).collect_view();
    view! {
        <section class="card alloc">
            <header>
                <h2>"Allocation"</h2>
                <span class="mute">"by sector"</span>
            </header>
            <ul>{bars}</ul>
            {is_empty.then(|| view! { <p class="mute">"Nothing is held."</p> })}
        </section>
    }
}

#[component]
fn Bar(sector: SectorWeight, most: f64) -> impl IntoView {
    let width = if most > 0.0 { (sector.weight / most).clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    let is_cash = sector.sector == "Cash";
    view! {
        <li title=format::money(sector.value)>
            <span class="name">{sector.sector}</span>
            <span class="bar" class:cash=is_cash style=format!("--w:{width:.1}%")></span>
            <span class="num">{format::share(sector.weight)}</span>
        </li>
    }
}
