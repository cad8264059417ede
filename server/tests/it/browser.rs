//! The demo in a real Chromium, on a phone and at a desk: it hydrates, draws, stays within its width, and says what it is.

use crate::support::{Process, Scratch, free_port, until};
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::json;
use std::{process::Command, time::Duration};

const PAGES: [&str; 8] = ["/", "/holdings", "/activity", "/pipeline", "/quality", "/connections", "/settings", "/sign-in"];

struct Browser {
    client: Client,
    _driver: Process,
    _profile: tempfile::TempDir,
}

impl Browser {
    async fn open(width: u32, height: u32, scheme: &str) -> Self {
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let driver = Process::start(command, "chromedriver");
        let profile = tempfile::tempdir().unwrap();
        let mut options = json!({"args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            format!("--user-data-dir={}", profile.path().display()), format!("--window-size={width},{height}"),
            format!("--blink-settings=preferredColorScheme={}", if scheme == "dark" { 0 } else { 1 }),
        ]});
        if width < 500 {
            options["mobileEmulation"] = json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0}});
        }
        let capabilities = serde_json::Map::from_iter([
            ("goog:chromeOptions".to_owned(), options),
            ("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"})),
        ]);
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities);
        for _ in 0..100 {
            if let Ok(client) = builder.connect(&format!("http://127.0.0.1:{port}")).await {
                return Self { client, _driver: driver, _profile: profile };
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("chromedriver doesn't answer: see target/test-logs/chromedriver.log");
    }

    async fn screenshot(&self, name: &str) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/screenshots");
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(format!("{folder}/{name}.png"), self.client.screenshot().await.unwrap()).unwrap();
    }

    async fn script(&self, code: &str) -> serde_json::Value {
        self.client.execute(code, vec![]).await.unwrap()
    }

    async fn hydrated(&self) {
        self.client.wait().at_most(Duration::from_secs(20)).for_element(Locator::Css("body[data-hydrated]")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_whole_on_a_phone_and_at_a_desk() {
    let database = Scratch::create("browser").await;
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let mut command = database.plumbline(&["serve", "--now", "2026-11-20T23:00:00Z"]);
    command.env("PLUMBLINE_LISTEN", format!("127.0.0.1:{port}"));
    let _server = Process::start(command, "browser");
    until("the demo's publication", Duration::from_secs(180), async || database.count("select count(*) from ops.publication").await > 0)
        .await;

    for (width, height, scheme) in [(390, 844, "light"), (1440, 1260, "dark"), (1440, 1260, "light")] {
        let browser = Browser::open(width, height, scheme).await;
        browser.client.goto(&format!("{base}/sign-in")).await.unwrap();
        browser.client.find(Locator::Css("form[action='/enter-demo'] button")).await.unwrap().click().await.unwrap();
        browser.hydrated().await;
        for page in PAGES {
            browser.client.goto(&format!("{base}{page}")).await.unwrap();
            browser.hydrated().await;
            if page == "/" {
                browser
                    .client
                    .wait()
                    .at_most(Duration::from_secs(20))
                    .for_element(Locator::Css("[data-chart] svg, [data-chart] canvas"))
                    .await
                    .unwrap();
                assert!(browser.client.source().await.unwrap().contains("Demo: simulated prices"));
                tokio::time::sleep(Duration::from_millis(800)).await;
            }
            let wide = browser.script("return document.documentElement.scrollWidth - innerWidth").await;
            assert!(wide.as_i64().unwrap_or(1) <= 0, "{page} at {width} px is {wide} px too wide");
            browser.screenshot(&format!("{}-{scheme}-{width}", if page == "/" { "overview" } else { &page[1..] })).await;
        }
        // What the browser complained about: hydration mismatches, refused scripts, missing files.
        let complaints = browser.client.issue_cmd(Logs).await.unwrap();
        let severe: Vec<_> = complaints.as_array().unwrap().iter().filter(|line| line["level"] == "SEVERE").collect();
        assert!(severe.is_empty(), "the console at {width} px: {severe:#?}");
        browser.client.close().await.unwrap();
    }
}

/// chromedriver's own command for the console's lines.
#[derive(Debug)]
struct Logs;

impl fantoccini::wd::WebDriverCompatibleCommand for Logs {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}
