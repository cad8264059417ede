//! Pages with fixed answers: a stranger, nothing yet, numbers, and a failure each look as they should, without a browser.

use crate::fixed_ports::{State, ports};
use app::{
    domain::UserId,
    ports::Visitor,
    shell::App,
    ui::{Options, PageStatus},
};
use futures::StreamExt;
use leptos::prelude::*;
use leptos_router::location::RequestUrl;
use server::http::alone;
use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

/// A rendered page and the status that it asked for.
struct Page {
    html: String,
    status: u16,
}

async fn page(path: &str, state: State, visitor: Option<UserId>) -> Page {
    let status = Arc::new(AtomicU16::new(200));
    let owner = Owner::new();
    owner.set();
    provide_context(RequestUrl::new(path));
    provide_context(ports(state));
    provide_context(Visitor(visitor));
    let asked = Arc::clone(&status);
    provide_context(PageStatus::new(move |code| asked.store(code, Ordering::Relaxed)));
    let html: String = alone(async { view! { <App/> }.to_html_stream_in_order().collect().await }).await;
    drop(owner);
    Page { html, status: status.load(Ordering::Relaxed) }
}

const ADA: Option<UserId> = Some(UserId(1));
const PAGES: [&str; 9] = ["/", "/performance", "/holdings", "/activity", "/quality", "/pipeline", "/connections", "/people", "/settings"];

#[tokio::test]
async fn a_stranger_is_asked_to_sign_in_and_sees_no_number() {
    for path in PAGES.into_iter().filter(|path| *path != "/settings") {
        let page = page(path, State::Fresh, None).await;
        assert!(page.html.contains("Please sign in"), "{path}");
        assert_eq!(page.status, 401, "{path}");
        assert!(!page.html.contains("AAPL") && !page.html.contains("Ada"), "{path}");
    }
}

#[tokio::test]
async fn a_failure_is_a_sentence_with_its_reference() {
    for path in PAGES.into_iter().filter(|path| *path != "/settings") {
        let page = page(path, State::Failed, ADA).await;
        assert!(page.html.contains("reference 7f3a"), "{path}");
        assert_eq!(page.status, 500, "{path}");
    }
}

#[tokio::test]
async fn empty_pages_say_what_to_do_and_show_the_run_under_way() {
    for (path, said) in [
        ("/", "No numbers yet"),
        ("/performance", "No numbers yet"),
        ("/holdings", "No holdings yet"),
        ("/activity", "Nothing happened yet"),
        ("/quality", "Nothing was checked yet"),
        ("/pipeline", "No run yet"),
        ("/connections", "No connection yet"),
    ] {
        let page = page(path, State::Empty, ADA).await;
        assert!(page.html.contains(said), "{path}");
        assert!(page.html.contains("Fetching daily bars") && page.html.contains("11 of 26"), "{path}");
        assert!(page.html.contains("Waiting for the first numbers"), "{path}");
        assert_eq!(page.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_overview_shows_its_numbers_with_their_methods() {
    let page = page("/", State::Fresh, ADA).await;
    for said in [
        "+1,284.15",
        "2 of 26 prices carried",
        "residual 0.00",
        "+15.12\u{202f}%",
        "money-weighted, XIRR",
        "needs 60 returns, has 41",
        "Published 20 Nov, 22:04 UTC · 42 of 42 checks",
        "Demo: simulated prices",
        "Show as table",
    ] {
        assert!(page.html.contains(said), "{said}");
    }
    assert_eq!(page.status, 200);
}

#[tokio::test]
async fn five_years_stay_a_small_page_with_each_chart_in_it_once() {
    let page = page("/?range=5Y", State::Fresh, ADA).await;
    assert!(page.html.len() < 120_000, "{} bytes", page.html.len());
    assert_eq!(page.html.matches("Net contributions\\\"").count() + page.html.matches("\"Net contributions\"").count(), 1);
}

#[tokio::test]
async fn performance_shows_every_measure_with_its_value_or_its_reason() {
    let year = page("/performance", State::Fresh, ADA).await;
    for said in [
        "Return, 1 year",
        "Modified Dietz",
        "money-weighted, XIRR",
        "Jensen’s alpha",
        "26 positions, as of 20 Nov 2026",
        "SPY total return, 261 common sessions, as of 20 Nov 2026",
        "the 10 deepest of",
        "Volatility, deviation of daily returns, a year, over the 63 daily returns that end with each session",
        "/api/performance.json?portfolio=1",
    ] {
        assert!(year.html.contains(said), "{said}");
    }
    assert_eq!(year.status, 200);
    assert!(year.html.len() < 160_000, "{} bytes", year.html.len());
    for words in app::performance::words::WORDS {
        assert!(year.html.contains(&format!("data-measure=\"{}\"", words.key)), "{}", words.key);
    }
    let week = page("/performance?range=1W&rolling=beta&window=252", State::Fresh, ADA).await;
    for said in ["needs 20 returns, has 5", "shorter than a year: needs 248 sessions, has 5", "over the 252 daily returns that end"] {
        assert!(week.html.contains(said), "{said}");
    }
    assert!(!week.html.contains("NaN") && !week.html.contains(">inf"));
}

#[tokio::test]
async fn stale_numbers_say_how_old_they_are() {
    let page = page("/", State::Stale, ADA).await;
    assert!(page.html.contains("Stale: as of Fri 20 Nov, published 2 days ago"));
}

#[tokio::test]
async fn without_scripts_a_button_sends_what_is_chosen_and_nothing_is_put_back() {
    let page = page("/performance", State::Fresh, ADA).await;
    assert!(page.html.contains("<noscript><button class='button'>Show</button></noscript>"), "the scope bar's");
    for name in ["portfolio", "against", "rolling", "window"] {
        assert!(page.html.contains(&format!("<select name=\"{name}\" autocomplete=\"off\"")), "{name}");
    }
}

#[tokio::test]
async fn before_the_first_publication_an_earlier_day_says_so() {
    for path in ["/", "/performance", "/holdings"] {
        let page = page(&format!("{path}?as_known_on=2020-01-03"), State::Empty, ADA).await;
        assert!(page.html.contains("Nothing was published by then"), "{path}");
        assert!(page.html.contains("Nothing published by 3 Jan 2020"), "{path}");
        assert!(!page.html.contains("Connect a broker"), "{path}");
    }
}

#[tokio::test]
async fn a_refusal_is_shown_after_the_redirect_too() {
    let refused = app::error::AppError::Refused("This is the demo; sign in with an own account to change things.".into());
    let url = leptos::server_fn::error::ServerFnUrlError::new("/api/activity/enter", refused).to_url("http://localhost/activity").unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let page = page(&path, State::Fresh, ADA).await;
    assert!(page.html.contains("This is the demo; sign in with an own account"));
}

#[tokio::test]
async fn the_door_offers_what_there_is() {
    let stranger = page("/sign-in?problem=wrong&name=ada", State::Empty, None).await;
    for said in ["Enter the demo", "Create the first one", "The name or the password is wrong", "value=\"ada\""] {
        assert!(stranger.html.contains(said), "{said}");
    }
    assert!(page("/setup?problem=token", State::Empty, None).await.html.contains("the latest token"));
}

#[tokio::test]
async fn an_unknown_path_or_run_is_not_found() {
    assert_eq!(page("/nowhere", State::Fresh, ADA).await.status, 404);
    assert_eq!(page("/pipeline/runs/nonsense", State::Fresh, ADA).await.status, 404);
    assert!(page("/pipeline/runs/8", State::Fresh, ADA).await.html.contains("the vendor answered 500"));
}

#[test]
fn options_are_put_aside_only_where_a_page_is_rendered() {
    let owner = Owner::new();
    owner.set();
    let mut option = String::from("{}");
    Options::put_aside("value-chart", &mut option);
    assert_eq!(option, "{}");
    Options::provide();
    Options::put_aside("value-chart", &mut option);
    assert_eq!(option, "");
}
