//! The overview: five headline numbers, what changed since yesterday, three charts; what stands below them the server draws (`drawn`).

mod charts;
mod tiles;
mod yesterday;

use crate::{
    overview::{api::show_overview, model},
    routes,
    ui::{Drawn, Empty, Loaded, Refresh, use_scope},
};
use leptos::{either::Either, prelude::*};
use leptos_meta::Title;

pub(super) const BELOW: &str = "overview-below";

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
fn Page(page: model::Shown) -> impl IntoView {
    let model::Shown { overview, restated, since_yesterday, below } = page;
    let figures = overview.figures.clone();
    view! {
        <tiles::Tiles figures currency=overview.currency.clone() range=overview.range benchmark=overview.benchmark restated/>
        <yesterday::SinceYesterday of=since_yesterday/>
        <charts::Charts overview/>
        <Drawn id=BELOW html=below/>
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
