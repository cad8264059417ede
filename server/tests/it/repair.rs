//! A person who never saw it repairs a failed run in the browser: which task failed, why in words, the failing log lines; the cause is
//! mended, the run cleared, and watched to its end.

use crate::{
    chromium::{Browser, DESK, PHONE},
    faults::{add_administrator, give_keys, vendors_at},
    support::{Process, Scratch, free_port, until},
};
use std::time::Duration;

const NOW: &str = "2026-11-20T23:00:00Z";
const PASSWORD: &str = "a plumb line hangs straight";

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_is_understood_cleared_and_watched_to_its_end() {
    let database = Scratch::create("repair").await;
    add_administrator(&database, "ann", PASSWORD);
    // A vendor whose next page lies on a foreign host: no retry mends that.
    let vendor_port = free_port();
    let broken = vendors_at(NOW, "foreign_host:always", vendor_port).await.unwrap();
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let mut command = database.plumbline(&["serve", "--now", NOW]);
    give_keys(&mut command, &broken);
    // What a person needs is kept, however quiet the program's own log is.
    command.env("PLUMBLINE_LOG", "warn");
    command.env("PLUMBLINE_LISTEN", format!("127.0.0.1:{port}"));
    let mut server = Process::start(command, "repair");
    let failed = async || database.count("select count(*) from ops.run where state = 'failed'").await > 0;
    server.until("the run that fails", Duration::from_secs(120), failed).await;

    let browser = Browser::open(DESK, "light").await;
    browser.go(&format!("{base}/sign-in")).await;
    browser.fill("input[name=name]", "ann").await;
    browser.fill("input[name=password]", PASSWORD).await;
    browser.click("form[action='/sign-in'] button").await;
    browser.element("nav a[href='/pipeline']").await;
    browser.go(&format!("{base}/pipeline")).await;
    browser.hydrated().await;
    browser.screenshot("repair-pipeline-light-1440").await;
    // What needs a look stands on top, with the way to it.
    browser.click("p[role=alert] a[href^='/pipeline/runs/']").await;
    browser.element(".run-head[data-state=failed]").await;
    let read = async |css: &str| {
        let text = browser.script(&format!("return document.querySelector({css:?})?.innerText ?? ''")).await;
        text.as_str().unwrap_or_default().to_owned()
    };
    assert!(
        read(".run-head").await.contains("Fetching prices failed: Polygon"),
        "the head says what failed and why: {}",
        read(".run-head").await
    );
    let failed_task = ".task[data-state=failed][open]";
    browser.element(failed_task).await;
    let causes = read(&format!("{failed_task} .causes")).await;
    assert!(causes.contains("host"), "the causes in words: {causes}");
    let log = read(&format!("{failed_task} .log")).await;
    assert!(log.contains("task started") && log.contains("WARN") && log.contains("host"), "the failing log lines: {log}");
    assert!(browser.script("return document.querySelectorAll('.graph .box.bad').length").await.as_i64() > Some(0), "the picture shows it");
    browser.screenshot("repair-failed-light-1440").await;
    // A click in the picture leads to the task, and opens it.
    browser.click(".graph-wide .graph a.ok").await;
    assert_eq!(browser.script("return document.querySelector(location.hash).open").await, true);

    drop(broken);
    let mut mended = None;
    // Back, and a little slow: there is something to watch.
    until("the vendor to be back", Duration::from_secs(20), async || {
        mended = vendors_at(NOW, "rate_limit:2", vendor_port).await.ok();
        mended.is_some()
    })
    .await;
    browser.click(".run-head form[action='/api/pipeline/clear'] button").await;
    browser.element(".run-head[data-state=running]").await;
    // A page that were loaded again would have lost it.
    browser.script("window.stayed = true").await;
    server
        .until("the repaired run", Duration::from_secs(120), async || database.count("select count(*) from ops.publication").await > 0)
        .await;
    browser.element(".run-head[data-state=success]").await;
    assert_eq!(browser.script("return window.stayed").await, true, "it was watched, not loaded again");
    let attempts = browser.script("return document.querySelectorAll('.attempt .dot.bad').length").await;
    assert!(attempts.as_i64() > Some(0), "the attempts that failed are kept");
    browser.screenshot("repair-repaired-light-1440").await;
    browser.complains_of_nothing().await;
    browser.go(&format!("{base}/pipeline")).await;
    browser.text("clear tasks: run ").await;
    assert_eq!(database.count("select count(*) from ops.alert where resolved_at is null and kind = 'run_failed'").await, 0);
    let address = browser.script("return document.querySelector('a[href^=\"/pipeline/runs/\"]').href").await;
    browser.close().await;

    on_a_phone(&base, address.as_str().unwrap()).await;
    drop(server);
    database.drop().await;
}

/// The same run reads on a phone in the dark, and without scripts.
async fn on_a_phone(base: &str, run: &str) {
    let browser = Browser::open(PHONE, "dark").await;
    browser.without_scripts().await;
    browser.go(&format!("{base}/sign-in")).await;
    browser.fill("input[name=name]", "ann").await;
    browser.fill("input[name=password]", PASSWORD).await;
    browser.click("form[action='/sign-in'] button").await;
    browser.element("main .tiles").await;
    browser.go(run).await;
    browser.element(".run-head[data-state=success]").await;
    let wide = browser.script("return document.documentElement.scrollWidth - innerWidth").await.as_i64();
    assert!(wide.is_some_and(|wide| wide <= 0), "the run is {wide:?} px too wide");
    browser.fill("textarea[name=text]", "The vendor had moved its pages.").await;
    browser.click("form[action='/api/pipeline/note'] button").await;
    browser.text("The vendor had moved its pages.").await;
    browser.screenshot("repair-without-scripts-dark-390").await;
    browser.close().await;
}
