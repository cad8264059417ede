//! The form in the browser: it asks for what a kind needs, and settings say how sales are reckoned.

use crate::{
    browser::{enter, set_up, site},
    chromium::{Browser, DESK},
    support::until,
};
use std::time::Duration;

/// The names of the fields that can be seen.
const SEEN: &str = "return [...document.querySelectorAll('#form .field')].filter(field => field.offsetParent)
                    .map(field => field.querySelector('input, select').name.slice(5, -1)).join(' ')";

#[tokio::test(flavor = "multi_thread")]
async fn the_form_asks_for_what_a_kind_needs() {
    let site = site("browser_books").await;
    let browser = Browser::open(DESK, "light").await;
    set_up(&browser, &site).await;
    browser.go(&format!("{}/activity", site.base)).await;
    browser.hydrated().await;
    browser.fill("form[action*='portfolio'] input[name=name]", "Mine").await;
    browser.click("form[action*='portfolio'] button").await;
    browser.click("#form > summary").await;
    let choose = async |kind: &str| {
        let code = "const kind = document.querySelector('#form select[name=\"form[kind]\"]'); kind.value = 'KIND';
                    kind.dispatchEvent(new Event('change', {bubbles: true}))";
        browser.script(&code.replace("KIND", kind)).await;
    };
    choose("deposit").await;
    let seen = async |wanted: &str| until(wanted, Duration::from_secs(10), async || browser.script(SEEN).await == wanted).await;
    seen("account kind traded_on amount fee tax currency note").await;
    choose("spin_off").await;
    seen("account kind traded_on symbol counter_symbol ratio quantity cost_share amount currency note").await;
    browser.screenshot("activity-spin-off-light-1440").await;
    enter(&browser, &[("traded_on", "2026-11-03"), ("symbol", "AAPL"), ("ratio", "0.5"), ("cost_share", "2")]).await;
    browser.text("Enter the symbol of the shares that came.").await;
    browser.text("from 0 to 1").await;
    enter(&browser, &[("counter_symbol", "MSFT"), ("cost_share", "0.2")]).await;
    browser.text("1 transaction").await;
    browser.text("AAPL → MSFT").await;

    browser.go(&format!("{}/settings", site.base)).await;
    browser.hydrated().await;
    browser.fill("select[name=cost_basis]", "hifo").await;
    browser.click("input[name=allows_short]").await;
    browser.click("form[action*='keep-account'] button").await;
    browser.text("Kept.").await;
    browser.screenshot("settings-accounts-light-1440").await;
    let kept = "select count(*) from book.account where cost_basis = 'hifo' and allows_short";
    assert_eq!(site.database.count(kept).await, 1);
    browser.complains_of_nothing().await;
    browser.close().await;
}
