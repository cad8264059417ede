//! The real program in a real Chromium: the demo on a phone and at a desk, a person's first day, and both without scripts.

use crate::{
    chromium::{Browser, DESK, PHONE, Screen},
    support::{Process, Scratch, free_port, until},
};
use std::time::Duration;

/// Every page of the frame, with the name of its picture.
const PAGES: [(&str, &str); 9] = [
    ("/", "overview"),
    ("/performance?range=3Y&rolling=beta&window=126", "performance"),
    ("/holdings", "holdings"),
    ("/activity", "activity"),
    ("/quality", "quality"),
    ("/pipeline", "pipeline"),
    ("/pipeline/runs/1", "run"),
    ("/connections", "connections"),
    ("/settings", "settings"),
];
/// As Chromium counts: the part of the screen that moved, times how far.
const MOST_SHIFT: f64 = 0.05;

pub struct Site {
    pub database: Scratch,
    pub base: String,
    log: String,
    _server: Process,
}

/// A server with the demo published.
pub async fn site(name: &str) -> Site {
    let database = Scratch::create(name).await;
    let port = free_port();
    let log = format!("{}/../target/test-logs/{name}.log", env!("CARGO_MANIFEST_DIR"));
    let _ = std::fs::remove_file(&log);
    let mut command = database.plumbline(&["serve", "--now", "2026-11-20T23:00:00Z"]);
    command.env("PLUMBLINE_LISTEN", format!("127.0.0.1:{port}"));
    let server = Process::start(command, name);
    let published = async || database.count("select count(*) from ops.publication").await > 0;
    until("the demo's publication", Duration::from_secs(180), published).await;
    Site { base: format!("http://127.0.0.1:{port}"), database, log, _server: server }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_whole_on_a_phone_and_at_a_desk_by_day_and_by_night() {
    let site = site("browser_demo").await;
    tokio::join!(
        async {
            tour(&site.base, PHONE, "light").await;
            tour(&site.base, DESK, "dark").await;
        },
        async {
            tour(&site.base, DESK, "light").await;
            tour(&site.base, PHONE, "dark").await;
        },
    );
}

/// Enters the demo and looks at each page: it hydrates, draws, stays where it was and within its width, and says what it is.
async fn tour(base: &str, screen: Screen, scheme: &str) {
    let browser = Browser::open(screen, scheme).await;
    browser.go(&format!("{base}/sign-in")).await;
    browser.hydrated().await;
    whole(&browser, "sign-in", screen, scheme).await;
    browser.click("form[action='/enter-demo'] button").await;
    browser.element("main .tiles").await;
    for (path, name) in PAGES {
        browser.go(&format!("{base}{path}")).await;
        browser.hydrated().await;
        if name == "overview" {
            browser.element("#value-chart svg path").await;
        }
        whole(&browser, name, screen, scheme).await;
        if name == "overview" {
            for chart in ["return", "drawdown"] {
                browser.script(&format!("document.querySelector('input[name=chart][value={chart}]').click()")).await;
                browser.element(&format!("#{chart}-chart svg path")).await;
            }
        }
    }
    // A choice of theme holds, here and on the next page.
    let other = if scheme == "dark" { "light" } else { "dark" };
    browser.script(&format!("document.querySelector('input[name=theme][value={other}]').click()")).await;
    browser.go(base).await;
    assert_eq!(browser.script("return document.documentElement.dataset.theme").await, other);
    browser.complains_of_nothing().await;
    browser.close().await;
}

async fn whole(browser: &Browser, name: &str, screen: Screen, scheme: &str) {
    let Screen { width, .. } = screen;
    let text = browser.script("return document.body.innerText").await;
    assert!(text.as_str().unwrap().contains("Demo: simulated prices"), "{name} at {width} px doesn't say that it is a demo: {text}");
    let wide = browser.script("return document.documentElement.scrollWidth - innerWidth").await.as_i64();
    assert!(wide.is_some_and(|wide| wide <= 0), "{name} at {width} px is {wide:?} px too wide");
    browser.screenshot(&format!("{name}-{scheme}-{width}")).await;
    let shift = browser.script("return window.shift").await.as_f64();
    assert!(shift.is_some_and(|shift| shift < MOST_SHIFT), "{name} at {width} px moves by {shift:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sets_up_enters_corrects_and_sees_it_published_and_again_without_scripts() {
    let site = site("browser_person").await;
    let browser = Browser::open(DESK, "light").await;
    set_up(&browser, &site).await;

    browser.go(&format!("{}/activity", site.base)).await;
    browser.hydrated().await;
    browser.fill("form[action*='portfolio'] input[name=name]", "Mine").await;
    browser.click("form[action*='portfolio'] button").await;
    browser.click("#form > summary").await;
    enter(&browser, &[("kind", "deposit"), ("traded_on", "2026-11-02"), ("amount", "10000")]).await;
    browser.text("1 transaction").await;
    enter(&browser, &[("kind", "buy"), ("traded_on", "2026-11-03"), ("symbol", "AAPL"), ("quantity", "ten"), ("price", "150")]).await;
    browser.text("Enter the quantity as a number").await;
    enter(&browser, &[("kind", "buy"), ("traded_on", "2026-11-03"), ("symbol", "AAPL"), ("quantity", "10"), ("price", "150")]).await;
    browser.text("2 transactions").await;
    browser.screenshot("activity-own-light-1440").await;
    browser.click("a[href*='correct=']").await;
    browser.text("Correct a transaction").await;
    enter(&browser, &[("quantity", "20"), ("amount", "")]).await;
    browser.text("3,000.00").await;
    holds(&browser, &site, "20").await;
    browser.screenshot("holdings-own-light-1440").await;
    browser.complains_of_nothing().await;
    browser.close().await;

    without_scripts(&site).await;
}

/// The first administrator, with the token that the server printed.
pub async fn set_up(browser: &Browser, site: &Site) {
    let printed = std::fs::read_to_string(&site.log).unwrap();
    let token = printed.split("/setup and enter ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("the token is printed");
    browser.go(&format!("{}/setup", site.base)).await;
    browser.hydrated().await;
    browser.screenshot("setup-light-1440").await;
    for (field, value) in [("token", token), ("name", "ada"), ("display_name", "Ada"), ("password", PASSWORD)] {
        browser.fill(&format!("input[name={field}]"), value).await;
    }
    browser.click("form[action='/setup'] button").await;
    browser.text("No numbers yet").await;
}

pub const PASSWORD: &str = "a plumb line hangs straight";

pub async fn enter(browser: &Browser, values: &[(&str, &str)]) {
    for (field, value) in values {
        browser.fill(&format!("#form [name='form[{field}]']"), value).await;
    }
    browser.click("#form button[type=submit]").await;
}

/// The holdings show this many shares of AAPL once the numbers are published again.
async fn holds(browser: &Browser, site: &Site, quantity: &str) {
    let shown = async || {
        browser.go(&format!("{}/holdings", site.base)).await;
        let row = browser.source().await;
        row.split("AAPL").nth(1).is_some_and(|row| row.split("</tr>").next().is_some_and(|row| row.contains(&format!(">{quantity}<"))))
    };
    until("the holdings with what was entered", Duration::from_secs(60), shown).await;
}

/// Signing in and entering a transaction need neither WASM nor any other script.
async fn without_scripts(site: &Site) {
    let browser = Browser::open(PHONE, "light").await;
    browser.without_scripts().await;
    browser.go(&format!("{}/sign-in", site.base)).await;
    browser.fill("input[name=name]", "ada").await;
    browser.fill("input[name=password]", PASSWORD).await;
    browser.click("form[action='/sign-in'] button").await;
    browser.element("main .tiles").await;
    browser.go(&format!("{}/activity", site.base)).await;
    browser.click("#form > summary").await;
    enter(&browser, &[("kind", "sell"), ("traded_on", "2026-11-10"), ("symbol", "AAPL"), ("quantity", "5"), ("price", "160")]).await;
    browser.screenshot("activity-without-scripts-light-390").await;
    let entered = async || site.database.count("select count(*) from book.transaction where type = 'sell' and symbol = 'AAPL'").await > 0;
    until("the sale entered without scripts", Duration::from_secs(20), entered).await;
    holds(&browser, site, "15").await;
    browser.close().await;
}
