//! What stands below the overview's charts: the allocation, what moved the value, the months, the risk, the largest holdings.

mod allocation;
mod bridge;
mod holdings;
mod months;
mod risk;

use crate::{domain::Scope, overview::model::OverviewPage};
use leptos::prelude::*;

pub(super) fn below(page: &OverviewPage, scope: &Scope) -> AnyView {
    let (of, figures) = (&page.overview, &page.overview.figures);
    view! {
        {allocation::card(&of.sectors, figures, scope)}{bridge::card(&figures.bridge, of.range, scope)}{months::card(&figures.months, &figures.years, scope)}
        {risk::card(&figures.risk, of.range, scope)}{holdings::card(&page.top, page.holdings, scope)}
    }
    .into_any()
}
