//! A Chromium without a window, driven through chromedriver; what the tests ask of it, in their words.

use crate::support::{Process, free_port};
use fantoccini::{Client, ClientBuilder, Locator, wd::WebDriverCompatibleCommand};
use serde_json::{Value, json};
use std::{process::Command, time::Duration};

/// The longest that anything on a page may take to appear, on a machine that builds something else meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

/// In CSS pixels.
#[derive(Clone, Copy)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
}

pub const PHONE: Screen = Screen { width: 390, height: 844 };
pub const DESK: Screen = Screen { width: 1440, height: 1260 };

pub struct Browser {
    client: Client,
    _driver: Process,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// `scheme`: "light" or "dark", what the system prefers. Layout shifts are summed from the first paint on.
    pub async fn open(screen: Screen, scheme: &str) -> Self {
        let Screen { width, height } = screen;
        let port = free_port();
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}"));
        let driver = Process::start(command, "chromedriver");
        let profile = tempfile::tempdir().unwrap();
        let mut options = json!({"args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars",
            format!("--user-data-dir={}", profile.path().display()), format!("--window-size={width},{height}"),
        ]});
        if let Ok(binary) = std::env::var("CHROME_BIN") {
            options["binary"] = binary.into();
        }
        if width < 500 {
            options["mobileEmulation"] = json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1.0}});
        }
        let capabilities = serde_json::Map::from_iter([
            ("goog:chromeOptions".to_owned(), options),
            ("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"})),
        ]);
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities);
        for _ in 0..150 {
            if let Ok(client) = builder.connect(&format!("http://127.0.0.1:{port}")).await {
                let browser = Self { client, _driver: driver, _profile: profile };
                let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
                browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
                browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": SUM_OF_SHIFTS })).await;
                return browser;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("chromedriver doesn't answer: see target/test-logs/chromedriver.log");
    }

    pub async fn close(self) {
        self.client.close().await.unwrap();
    }

    pub async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn source(&self) -> String {
        self.client.source().await.unwrap()
    }

    /// Waits until the application has taken the page over.
    pub async fn hydrated(&self) {
        self.element("body[data-hydrated]").await;
    }

    /// Waits for it.
    pub async fn element(&self, css: &str) -> fantoccini::elements::Element {
        match self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("{css} isn't on {}: {error}", self.client.current_url().await.unwrap()),
        }
    }

    /// Waits for it among what can be read.
    pub async fn text(&self, wanted: &str) {
        let script = format!("return document.body.innerText.includes({})", json!(wanted));
        crate::support::until(wanted, PATIENCE, async || self.script(&script).await == true).await;
    }

    /// In the middle of the screen: at its end the phone's bar lies above everything.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await;
        let middle = "document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})";
        self.client.execute(middle, vec![css.into()]).await.unwrap();
        element.click().await.unwrap();
    }

    /// What a person types or chooses. Lists and days take their value whole.
    pub async fn fill(&self, css: &str, value: &str) {
        let element = self.element(css).await;
        let is_typed = element.tag_name().await.unwrap() == "input" && element.attr("type").await.unwrap().as_deref() != Some("date");
        if is_typed {
            element.clear().await.unwrap();
            element.send_keys(value).await.unwrap();
        } else {
            let set = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('input', {bubbles: true}))";
            self.client.execute(set, vec![css.into(), value.into()]).await.unwrap();
        }
    }

    pub async fn script(&self, code: &str) -> Value {
        self.client.execute(code, vec![]).await.unwrap()
    }

    /// Pages of this browser get none of our scripts from now on. With script execution off, chromedriver's clicks never return.
    pub async fn without_scripts(&self) {
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.setBlockedURLs", json!({"urls": ["*/pkg/*.js", "*/pkg/*.wasm"]})).await;
    }

    /// The whole page, into `target/screenshots`.
    pub async fn screenshot(&self, name: &str) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/screenshots");
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(format!("{folder}/{name}.png"), self.client.screenshot().await.unwrap()).unwrap();
    }

    /// Refused scripts, missing files, hydration that didn't fit: what the browser wrote down as severe since it was asked last,
    /// except that a form was refused (422), which the page says itself.
    pub async fn complains_of_nothing(&self) {
        let lines = self.client.issue_cmd(Logs).await.unwrap();
        let severe: Vec<_> = lines
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["level"] == "SEVERE" && !line["message"].as_str().unwrap_or_default().contains("status of 422"))
            .collect();
        assert!(severe.is_empty(), "the console: {severe:#?}");
    }

    async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        self.client.issue_cmd(DevTools { command, parameters }).await.unwrap()
    }
}

const SUM_OF_SHIFTS: &str = "window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => \
     { if (!entry.hadRecentInput) window.shift += entry.value })).observe({ type: 'layout-shift', buffered: true })";

/// chromedriver's own command for the console's lines.
#[derive(Debug)]
struct Logs;

impl WebDriverCompatibleCommand for Logs {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}

/// A command of Chromium's own protocol, passed on by chromedriver.
#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(json!({"cmd": self.command, "params": self.parameters}).to_string()))
    }
}
