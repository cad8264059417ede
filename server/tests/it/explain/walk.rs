//! In the browser: from the TWR on the overview to the bytes of a single bar, and figures worked out again where they are shown.

use crate::{
    browser::{Site, site},
    chromium::{Browser, DESK, PHONE},
    market::text,
};
use app::explain::model::Explanation;
use sha2::{Digest, Sha256};

/// The most clicks that it may take.
const MOST: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn from_the_return_on_the_overview_to_the_bytes_of_one_bar_in_five_clicks() {
    let site = site("browser_explain").await;
    let browser = Browser::open(DESK, "light").await;
    browser.go(&format!("{}/sign-in", site.base)).await;
    browser.click("form[action='/enter-demo'] button").await;
    browser.element("main .tiles").await;
    browser.hydrated().await;
    browser.screenshot("overview-explained-light-1440").await;
    // The panel at the figure, its page, the day that moved it most, the close of one holding: four.
    let clicks = [
        ".tiles .why a[href^='/explain/time_weighted']",
        "table.inputs a[data-leads-to='daily_return']",
        "table.inputs a[data-leads-to='close']",
    ];
    browser.click(".tiles article:nth-of-type(4) .why summary").await;
    for (number, css) in clicks.iter().enumerate() {
        browser.click(css).await;
        browser.element("#explained-value").await;
        if number < 2 {
            browser.element(clicks[number + 1]).await;
        }
    }
    let made = clicks.len() + 1;
    assert!(made <= MOST, "{made} clicks");
    let mark = browser.element("pre.bytes mark").await;
    let (marked, from, to) =
        (mark.text().await.unwrap(), mark.attr("data-from").await.unwrap().unwrap(), mark.attr("data-to").await.unwrap().unwrap());
    let shown = browser.element("#explained-value").await.text().await.unwrap();
    let sha256 = browser.element("code.sha256").await.text().await.unwrap();
    let address = browser.script("return document.querySelector('#bytes').getAttribute('href')").await;
    let bytes = browser
        .script(&format!(
            "const request = new XMLHttpRequest(); request.open('GET', {address}, false); request.overrideMimeType('text/plain; charset=x-user-defined');
             request.send(); return [request.status, Array.from(request.responseText, (letter) => letter.charCodeAt(0) & 255)]"
        ))
        .await;
    assert_eq!(bytes[0], 200);
    let bytes: Vec<u8> = bytes[1].as_array().unwrap().iter().map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap()).collect();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), sha256, "the bytes hash to what the page says");
    let response = address.as_str().unwrap().split(['/', '?']).nth(4).unwrap().to_owned();
    let stored =
        text(&site.database.pool, &format!("select encode(body_sha256, 'hex') from raw.vendor_response where response_id = {response}"))
            .await;
    assert_eq!(stored, sha256, "and to what was stored when they came");
    let field = String::from_utf8(bytes[from.parse().unwrap()..to.parse().unwrap()].to_vec()).unwrap();
    assert_eq!(field, marked);
    let close: f64 = field.parse().unwrap();
    let used: f64 = shown.replace([',', '\u{202f}', '\u{a0}'], "").parse().unwrap();
    assert!((close - used).abs() < 0.01, "{close} at the field, {used} used");
    browser.screenshot("explain-close-light-1440").await;

    // Worked out again in the browser, a few kinds of figures.
    for figure in [
        "close",
        "time_weighted",
        "value",
        "sharpe_ratio",
        "money_weighted",
        "total_gain",
        "top_1_weight",
        "since_yesterday",
        "price_gain",
        "sector_weight?sector=Technology",
        "drawdown",
        "rolling?rolling=beta&window=126",
        "year_excess_return",
        "cash",
        "risk_free_rate",
    ] {
        if figure != "close" {
            browser.go(&format!("{}/explain/{figure}", site.base)).await;
            browser.hydrated().await;
        }
        browser.click("section.again button").await;
        let said = browser.element(".recomputed").await.text().await.unwrap();
        assert!(said.ends_with("the same to the last bit."), "{figure}: {said}");
    }
    browser.screenshot("explain-figure-light-1440").await;
    // In a dense table the whole cell is the way.
    browser.go(&site.base).await;
    browser.hydrated().await;
    browser.click("table.heat tr:nth-of-type(2) td.bobbed a").await;
    browser.element("#explained-value").await;
    browser.text("Return of the month").await;
    browser.complains_of_nothing().await;

    // An earlier day is said plainly, and leads back.
    browser.go(&format!("{}/?as_known_on=2000-01-03", site.base)).await;
    browser.hydrated().await;
    browser.text("As known on 3 Jan 2000").await;
    browser.click(".known a").await;
    browser.element("main .tiles").await;
    browser.complains_of_nothing().await;
    browser.close().await;

    for (screen, scheme) in [(PHONE, "dark"), (DESK, "dark"), (PHONE, "light")] {
        let browser = Browser::open(screen, scheme).await;
        browser.go(&format!("{}/sign-in", site.base)).await;
        browser.click("form[action='/enter-demo'] button").await;
        browser.element("main .tiles").await;
        let close = address.as_str().unwrap();
        let about = close.split_once('?').unwrap().1;
        for (path, name) in [
            (format!("/explain/close?{about}"), "close"),
            ("/explain/time_weighted".to_owned(), "figure"),
            ("/restatements".to_owned(), "restatements"),
            ("/holdings?as_known_on=2026-11-20".to_owned(), "known"),
        ] {
            browser.go(&format!("{}{path}", site.base)).await;
            browser.hydrated().await;
            let wide = browser.script("return document.documentElement.scrollWidth - innerWidth").await.as_i64();
            assert!(wide.is_some_and(|wide| wide <= 0), "{path} at {} px is {wide:?} px too wide", screen.width);
            browser.screenshot(&format!("explain-{name}-{scheme}-{}", screen.width)).await;
        }
        for (path, css) in
            [("/", "table.heat"), ("/", ".card.alloc"), ("/performance", "table.heat"), ("/performance", "#performance-falls + table")]
        {
            browser.go(&format!("{}{path}", site.base)).await;
            browser.hydrated().await;
            browser.script(&format!("document.querySelector('{css}').scrollIntoView({{block: 'center'}})")).await;
            let name: String =
                format!("{path}{css}").chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).collect();
            browser.screenshot(&format!("explain-bobs{name}-{scheme}-{}", screen.width)).await;
        }
        browser.complains_of_nothing().await;
        browser.close().await;
    }
    the_command_line_says_the_same(&site).await;
    site.database.drop().await;
}

/// The JSON of the page's address, printed.
async fn the_command_line_says_the_same(site: &Site) {
    let portfolio = text(&site.database.pool, "select min(portfolio_id)::text from book.portfolio where is_demo").await;
    let run = async |arguments: &[&str]| {
        let mut command = site.database.plumbline(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    };
    let today = chrono::Utc::now().date_naive().to_string();
    for known in [&[][..], &["--as-known-on", &today]] {
        let said = run(&[&["explain", "time_weighted", "--portfolio", &portfolio, "--range", "Max"], known].concat()).await;
        let explained: Explanation = serde_json::from_slice(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"));
        assert!(explained.value.is_ok());
        assert_eq!(explained.value, explained.recipe.work_out());
    }
    let listed = run(&["explain", "--list"]).await;
    assert!(String::from_utf8_lossy(&listed.stdout).contains("holding_gain_share"), "{listed:?}");
    let unknown = run(&["explain", "time_weighted", "--portfolio", "999"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("There is nothing here"), "{unknown:?}");
}
