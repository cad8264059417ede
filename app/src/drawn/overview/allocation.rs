//! Weights by sector, the largest first, cash last.

use crate::{
    domain::Scope,
    drawn::parts::bob_over,
    format,
    overview::model::{OverviewFigures, SectorWeight},
};
use leptos::prelude::*;

pub(super) fn card(sectors: &[SectorWeight], figures: &OverviewFigures, scope: &Scope) -> AnyView {
    let nothing = match &figures.value {
        Err(reason) if figures.positions > 0 => {
            format!("{} held, of unknown weight: {reason}.", format::plural(figures.positions.into(), "position is", "positions are"))
        }
        _ => "Nothing is held.".into(),
    };
    let most = sectors.iter().map(|sector| sector.weight).fold(0.0, f64::max);
    let bars = sectors.iter().map(|sector| bar(sector, most, scope)).collect_view();
    view! {
        <section class="card alloc">
            <header>
                <h2>"Allocation"</h2>
                <span class="mute">"by sector"</span>
            </header>
            <ul>{bars}</ul>
            {sectors.is_empty().then(|| view! { <p class="mute">{nothing}</p> })}
        </section>
    }
    .into_any()
}

fn bar(of: &SectorWeight, most: f64, scope: &Scope) -> AnyView {
    let width = if most > 0.0 { (of.weight / most).clamp(0.0, 1.0) * 100.0 } else { 0.0 };
    let class = if of.sector == "Cash" { "bar cash" } else { "bar" };
    view! {
        <li class="bobbed">
            <span class="name">{of.sector.clone()}<small>{format::whole_money(of.value)}</small></span>
            <span class=class style=format!("--w:{width:.1}%")></span>
            <span class="num">{format::share(of.weight)}</span>
            {bob_over("sector_weight", &format!("weight of {}", of.sector), scope, &[("sector", &of.sector)])}
        </li>
    }
    .into_any()
}
