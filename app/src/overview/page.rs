//! The overview: five headline numbers, three charts, what moved the value, the months, the risk, the largest holdings.

mod allocation;
mod bridge;
mod charts;
mod holdings;
mod months;
mod risk;
mod tiles;
mod yesterday;

use crate::{
    overview::{api::show_overview, model},
    routes,
    ui::{Empty, Loaded, Refresh, use_scope},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

#[component]
pub fn OverviewPage() -> impl IntoView {
    let scope = use_scope();
    let refresh = Refresh::count();
    let overview = Resource::new_blocking(move || (scope.get().query(), refresh()), |(scope, _)| show_overview(scope));
    view! {
        <Title text="Overview"/>
        <h1 class="sr">"Overview"</h1>
        <Loaded of=overview let:page>
            {match page {
                Some(page) => Either::Left(view! { <Page page/> }),
                None => Either::Right(view! { <NothingYet/> }),
            }}
        </Loaded>
    }
    .into_any()
}

#[component]
fn Page(page: model::OverviewPage) -> impl IntoView {
    let model::OverviewPage { overview, top, holdings, restated, since_yesterday } = page;
    let figures = overview.figures.clone();
    view! {
        <tiles::Tiles figures=figures.clone() currency=overview.currency.clone() range=overview.range benchmark=overview.benchmark restated/>
        <yesterday::SinceYesterday of=since_yesterday/>
        <charts::Charts overview=overview.clone()/>
        <allocation::Allocation sectors=overview.sectors/>
        <bridge::BridgeCard bridge=figures.bridge range=overview.range/>
        <months::Months months=figures.months/>
        <risk::RiskCard risk=figures.risk range=overview.range/>
        <holdings::TopHoldings top count=holdings/>
    }
    .into_any()
}

#[component]
fn NothingYet() -> impl IntoView {
    if use_scope().get_untracked().as_known_on.is_some() {
        let text = "By the end of that day no numbers of this portfolio had been published. Choose a later day.";
        return Either::Left(view! { <Empty title="Nothing was published by then" text/> });
    }
    Either::Right(view! {
        <Empty
            title="No numbers yet"
            text="The overview appears with the first publication: connect a broker, or enter and import transactions. A run that is under way is shown below."
        >
            <a class="button" href=routes::CONNECTIONS>"Connect a broker"</a>
            <a class="button quiet" href=routes::ACTIVITY>"Enter transactions"</a>
        </Empty>
    })
}
