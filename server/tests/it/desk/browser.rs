//! A bad price in the browser: seen on the quality page, refused with its reason, released on somebody's word, and in the numbers.

use crate::{
    browser::{Site, enter, set_up, site},
    chromium::{Browser, DESK, PHONE, Screen},
    market::{sql, text},
    support::until,
};
use std::time::Duration;

/// The published value of the portfolio on the day of the bad price.
const VALUE: &str = "select round(value)::text from marts.portfolio_daily join book.portfolio using (portfolio_id)
                     where name = 'Mine' and session_date = '2026-11-10'";

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_price_is_understood_released_on_somebodys_word_and_published() {
    let site = site("browser_quality").await;
    let browser = Browser::open(DESK, "light").await;
    set_up(&browser, &site).await;
    holdings(&browser, &site).await;
    let good = text(&site.database.pool, VALUE).await;
    bad_bar(&site).await;
    browser.go(&format!("{}/pipeline", site.base)).await;
    browser.hydrated().await;
    browser.click("form[action='/api/pipeline/run-now'] button").await;
    // What came before it stands.
    until("the bad price in quarantine", Duration::from_secs(60), async || {
        site.database.count("select count(*) from ops.quarantine").await == 1
    })
    .await;
    until("the run's publication", Duration::from_secs(60), async || {
        site.database.count("select count(*) from ops.publication").await == 3
    })
    .await;
    assert_eq!(text(&site.database.pool, VALUE).await, good);

    browser.go(&format!("{}/quality", site.base)).await;
    browser.hydrated().await;
    browser.text("AAPL closed at").await;
    for (name, screen, scheme) in
        [("failing", DESK, "light"), ("failing", PHONE, "dark"), ("failing", PHONE, "light"), ("failing", DESK, "dark")]
    {
        look(&site, name, screen, scheme).await;
    }
    let release = "#quarantine form button:not([formaction])";
    browser.click("#quarantine .set-aside summary").await;
    browser.click(release).await;
    browser.text("It still fails. AAPL closed at").await;
    browser.screenshot("quality-refused-light-1440").await;
    assert_eq!(text(&site.database.pool, VALUE).await, good, "nothing of it is published");

    browser.hydrated().await;
    browser.click("#quarantine .set-aside summary").await;
    browser.fill("#quarantine input[name='word[note]']", "the exchange confirms this close").await;
    browser.fill("#quarantine input[name='word[expires_on]']", "2026-12-31").await;
    browser.screenshot("quality-deciding-light-1440").await;
    browser.click(release).await;
    browser.text("the exchange confirms this close").await;
    browser.text("Nothing is set aside.").await;
    let tripled = async || {
        let (now, before) = (text(&site.database.pool, VALUE).await.parse::<f64>(), good.parse::<f64>());
        now.is_ok_and(|now| before.is_ok_and(|before| now > before * 1.5))
    };
    until("the number with the released price", Duration::from_secs(60), tripled).await;
    browser.screenshot("quality-released-light-1440").await;
    browser.go(&format!("{}/quality/checks/jumps_are_explained", site.base)).await;
    browser.hydrated().await;
    browser.element(".run-bars rect.bad").await;
    browser.screenshot("check-light-1440").await;
    browser.complains_of_nothing().await;
    browser.close().await;
}

/// A portfolio of one's own with AAPL in it.
async fn holdings(browser: &Browser, site: &Site) {
    browser.go(&format!("{}/activity", site.base)).await;
    browser.hydrated().await;
    browser.fill("form[action*='portfolio'] input[name=name]", "Mine").await;
    browser.click("form[action*='portfolio'] button").await;
    // The form comes filled in from an address, as a repair proposes it.
    browser.text("Enter a transaction").await;
    browser.go(&format!("{}/activity?enter=buy&traded_on=2026-11-03&symbol=AAPL&quantity=10&price=150#form", site.base)).await;
    browser.hydrated().await;
    enter(browser, &[]).await;
    browser.text("1 transaction").await;
    until("the first numbers", Duration::from_secs(60), async || text_or_nothing(site).await.is_some()).await;
}

async fn text_or_nothing(site: &Site) -> Option<String> {
    sqlx::query_scalar::<_, Option<String>>(VALUE).fetch_optional(&site.database.pool).await.unwrap().flatten()
}

/// Three times the close of a day that no daily run asks for any more.
async fn bad_bar(site: &Site) {
    sql(
        &site.database.pool,
        r#"with said as (
               insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
               values ('polygon', 1, 'polygon.bars', '/', 200, '', 0, '') returning response_id),
           landed as (
               insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)
               select symbol, "timestamp", session_date, close * 3, close * 3, close * 3, close * 3, volume, vendor, said.response_id
               from raw.market_data, said where symbol = 'AAPL' and session_date = '2026-11-10' returning symbol)
           insert into ops.change (symbol, kind, from_date) select symbol, 'bar', '2026-11-10' from landed"#,
    )
    .await;
}

/// The page on a screen, within its width.
async fn look(site: &Site, name: &str, screen: Screen, scheme: &str) {
    let browser = Browser::open(screen, scheme).await;
    browser.go(&format!("{}/sign-in", site.base)).await;
    browser.fill("input[name=name]", "ada").await;
    browser.fill("input[name=password]", crate::browser::PASSWORD).await;
    browser.click("form[action='/sign-in'] button").await;
    browser.element("main .tiles").await;
    browser.go(&format!("{}/quality", site.base)).await;
    browser.hydrated().await;
    for summary in ["#quarantine .set-aside summary", "#failing .repairs summary"] {
        browser.script(&format!("document.querySelector({summary:?})?.click()")).await;
    }
    let wide = browser.script("return document.documentElement.scrollWidth - innerWidth").await.as_i64();
    assert!(wide.is_some_and(|wide| wide <= 0), "{name} at {} px is {wide:?} px too wide", screen.width);
    browser.screenshot(&format!("quality-{name}-{scheme}-{}", screen.width)).await;
    browser.complains_of_nothing().await;
    browser.close().await;
}
