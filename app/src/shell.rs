//! The document, the routes, and the frame that stands around every page.

mod frame;
mod navigation;
mod running;
mod scope_bar;

use crate::{
    account::page::{SetupPage, SignInPage},
    activity::page::ActivityPage,
    explain::page::{ExplainPage, RestatementsPage},
    holdings::page::HoldingsPage,
    overview::page::OverviewPage,
    performance::page::PerformancePage,
    pipeline::page::{PipelinePage, RunPage},
    quality::page::{CheckPage, QualityPage, RulePage},
    settings::page::{ConnectionsPage, PeoplePage, SettingsPage},
    ui::{Bob, Options, Problem, Refresh, Theme},
};
use frame::Frame;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

/// The document around the application.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let nonce = use_nonce();
    let theme: Theme = use_context().unwrap_or_default();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.attribute()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" content="#fcfbf8" media="(prefers-color-scheme: light)"/>
                <meta name="theme-color" content="#131018" media="(prefers-color-scheme: dark)"/>
                <link rel="preload" href="/fonts/inter.woff2" r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
                <link rel="stylesheet" href="/pkg/plumbline.css"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="manifest" href="/site.webmanifest"/>
                // Before the first paint: what only scripts can do has its place from the start.
                <script nonce=nonce.clone() inner_html="document.documentElement.dataset.scripts=''"></script>
                <script type="module" src="/pkg/charts.js" nonce=nonce></script>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Outside of every page.
#[component]
fn NotFound() -> impl IntoView {
    view! {
        <Title text="Nothing here"/>
        <main class="door">
            <p class="brand"><Bob/><b>"Plumbline"</b></p>
            <h1 class="sr">"Nothing here"</h1>
            <Problem error=crate::error::AppError::NotFound/>
        </main>
    }
    .into_any()
}

/// Every page is rendered whole before it is sent (`SsrMode::Async`): it reads without scripts, and its status is right.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    Refresh::provide();
    Options::provide();
    // Tests, and nothing else, wait for this mark.
    Effect::new(|_| {
        if let Some(body) = document().body() {
            let _ = body.set_attribute("data-hydrated", "");
        }
    });
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Plumbline".to_owned() } else { format!("{title} · Plumbline") }/>
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/setup") view=SetupPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("") view=OverviewPage ssr=SsrMode::Async/>
                    <Route path=path!("performance") view=PerformancePage ssr=SsrMode::Async/>
                    <Route path=path!("holdings") view=HoldingsPage ssr=SsrMode::Async/>
                    <Route path=path!("explain/:figure") view=ExplainPage ssr=SsrMode::Async/>
                    <Route path=path!("restatements") view=RestatementsPage ssr=SsrMode::Async/>
                    <Route path=path!("activity") view=ActivityPage ssr=SsrMode::Async/>
                    <Route path=path!("quality") view=QualityPage ssr=SsrMode::Async/>
                    <Route path=path!("quality/checks/:check") view=CheckPage ssr=SsrMode::Async/>
                    <Route path=path!("quality/rule") view=RulePage ssr=SsrMode::Async/>
                    <Route path=path!("pipeline") view=PipelinePage ssr=SsrMode::Async/>
                    <Route path=path!("pipeline/runs/:run") view=RunPage ssr=SsrMode::Async/>
                    <Route path=path!("connections") view=ConnectionsPage ssr=SsrMode::Async/>
                    <Route path=path!("people") view=PeoplePage ssr=SsrMode::Async/>
                    <Route path=path!("settings") view=SettingsPage ssr=SsrMode::Async/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}
