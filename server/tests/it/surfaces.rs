//! One portfolio of 2,000 random transactions, published on a real Postgres: mart, API, pages and command line show the same numbers.

mod contribution;
mod files;
mod market;

use crate::{
    market::{count, on, task, text as text_of},
    support::plumbline,
    visitor::{Visitor, site},
};
use app::{
    analytics::{
        metrics::{KEYS, Terms},
        report::{Report, RiskFree},
        returns::{SESSIONS_A_YEAR, per_period},
        series::Series,
    },
    domain::{Benchmark, Money, Range},
    format,
    performance::words::{self, Unit, WORDS},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use server::pipeline::publish::{Scope, publish};
use sqlx::PgPool;
use std::{fs, path::Path, process::Command};

const RANGES: [Range; 5] = [Range::OneWeek, Range::ThreeMonths, Range::YearToDate, Range::OneYear, Range::Max];

/// A row of `marts.portfolio_daily`: date, value, inflow, outflow, daily return, benchmark's return, risk-free rate per year.
type Mart = (NaiveDate, Decimal, Decimal, Decimal, Option<f64>, Option<f64>, Option<f64>);

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn every_surface_shows_the_same_number(pool: PgPool) {
    market::fill(&pool).await;
    publish(&task(&pool).await, on(market::LAST), Scope::All).await.unwrap();
    assert!(count(&pool, "select from staging.transactions").await >= 2_000);
    assert_eq!(text_of(&pool, "select string_agg(message, ' ') from ledger.finding").await, "null", "all of them are booked");
    let mart: Vec<Mart> = sqlx::query_as(
        "select session_date, value, inflow, outflow, daily_return, benchmark_total_return, risk_free_rate from marts.portfolio_daily order by 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let positions: Vec<Decimal> = sqlx::query_scalar("select value from marts.holdings").fetch_all(&pool).await.unwrap();

    let mut visitor = Visitor::new(&site(&pool));
    visitor.sign_in(market::NAME, market::PASSWORD).await;
    let folder = tempfile::tempdir().unwrap();
    files::write(&pool, folder.path()).await;
    files::holdings(&pool, folder.path()).await;
    for range in RANGES {
        let query = format!("range={}", range.label());
        let api: Value = read(&mut visitor, &format!("/api/performance.json?{query}&rolling=63")).await;
        mart_and_api(&mart, &api, range);
        concentration(&positions, &api);
        let csv = visitor.get(&format!("/api/performance.csv?{query}")).await.body;
        fs::write(folder.path().join("performance.csv"), csv).unwrap();
        api_and_command_line(&api, folder.path(), range);
        let (page, overview) = (visitor.get(&format!("/performance?{query}")).await.body, visitor.get(&format!("/?{query}")).await.body);
        api_and_performance_page(&api, &page);
        api_and_overview(&api, &overview);
        files::api_and_ledger_of_files(&api, folder.path(), range);
        contribution::adds_up(&mart, &api, range);
        contribution::api_and_page(&api, &page);
        let csv = visitor.get("/api/export/contribution.csv").await.body;
        contribution::api_and_export(&api, &csv, range);
    }
    // Files keep to the benchmark that was chosen, and name it.
    for (against, benchmark) in [("", Benchmark::SpyTotalReturn), ("?against=spy-price", Benchmark::SpyPriceReturn)] {
        for file in ["measures", "years"] {
            let csv = visitor.get(&format!("/api/export/{file}.csv{against}")).await.body;
            assert!(csv.lines().skip(1).all(|line| line.trim_end().ends_with(benchmark.label())), "{file}{against}: {csv}");
        }
    }
    let wrong = visitor.get("/api/export/years.csv?against=dax").await;
    assert!(wrong.body.contains("against must be one of"), "{}", wrong.body);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_api_is_ones_own_and_says_what_it_cannot_read(pool: PgPool) {
    market::person(&pool, "ada").await;
    let of_bob = market::person(&pool, "bob").await;
    let site = site(&pool);
    let mut stranger = Visitor::new(&site);
    assert_eq!(stranger.get("/api/performance.json").await.status, 401);
    let mut ada = Visitor::new(&site);
    ada.sign_in("ada", market::PASSWORD).await;
    assert_eq!(ada.get("/api/performance.json").await.body, "null", "nothing was published");
    for (query, status, said) in [
        (format!("portfolio={of_bob}"), 404, "NotFound"),
        ("portfolio=x".into(), 404, "NotFound"),
        ("range=2Y".into(), 400, "range must be one of 1D, 1W, 1M"),
        ("against=dax".into(), 400, "against must be one of spy-total, spy-price"),
        ("rolling=1".into(), 400, "rolling must be a number of sessions between 2 and 5040"),
        ("rolling=63%20days".into(), 400, "rolling must be"),
    ] {
        let answer = ada.get(&format!("/api/performance.json?{query}")).await;
        assert!(answer.status == status && answer.body.contains(said), "{query}: {} {}", answer.status, answer.body);
    }
    assert_eq!(ada.get("/performance?range=nonsense&rolling=x&window=-1").await.status, 200, "a page's address takes its defaults");
}

async fn read(visitor: &mut Visitor, path: &str) -> Value {
    let answer = visitor.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The number as the JSON has it; nothing where it is undefined.
fn number(of: &Value) -> Option<f64> {
    (!of.is_null()).then(|| of.as_f64().unwrap_or_else(|| panic!("{of} is no number")))
}

fn bits(number: Option<f64>) -> Option<u64> {
    number.map(f64::to_bits)
}

/// Values to the last decimal, returns to the last bit, and the catalogue taken from the mart's own rows.
fn mart_and_api(mart: &[Mart], api: &Value, range: Range) {
    let days = api["daily"].as_array().unwrap();
    let opens_on = on(api["opens_on"].as_str().unwrap());
    let in_range: Vec<&Mart> = mart.iter().filter(|row| row.0 > opens_on || (range == Range::Max && row.0 == opens_on)).collect();
    let skipped = days.len() - in_range.len();
    assert!(skipped == usize::from(range != Range::Max), "{range:?}: the opening, where there is one");
    for (row, day) in in_range.iter().zip(&days[skipped..]) {
        let context = format!("{range:?} {}", row.0);
        assert_eq!(day["date"].as_str(), Some(row.0.to_string().as_str()));
        for (name, amount) in [("value", row.1), ("inflow", row.2), ("outflow", row.3)] {
            assert_eq!(day[name].as_str().unwrap().parse::<Decimal>().unwrap(), amount, "{context} {name}");
        }
        assert_eq!(bits(number(&day["return"])), bits(row.4), "{context}");
        assert_eq!(bits(number(&day["benchmark_return"])), bits(row.5), "{context}");
    }
    let measured: Vec<&&Mart> = in_range.iter().filter(|row| row.4.is_some()).collect();
    let series = Series {
        days: measured.iter().map(|row| row.0).collect(),
        returns: measured.iter().filter_map(|row| row.4).collect(),
        risk_free: measured.iter().map(|row| row.6.map(|rate| per_period(rate, SESSIONS_A_YEAR))).collect(),
        benchmark: Some(measured.iter().map(|row| row.5).collect()),
    };
    let found = series.measured(Terms::default(), 0..series.returns.len());
    let report = Report::of(&series, &found, Terms::default(), RiskFree::Series("DGS3MO"));
    let report: Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    for part in ["from", "to", "observations", "parameters", "metrics", "drawdowns"] {
        assert_eq!(api[part], report[part], "{range:?} {part}");
    }
    assert_eq!(api["returns"]["time_weighted"]["value"], api["metrics"]["cumulative_return"]["value"], "{range:?}");
    assert_eq!(days.last().unwrap()["cumulative"], api["returns"]["time_weighted"]["value"], "{range:?}");
}

fn concentration(positions: &[Decimal], api: &Value) {
    let values: Vec<Money> = positions.iter().copied().map(Money).collect();
    for (key, figure) in app::analytics::risk::concentration_measures(&values) {
        assert_eq!(bits(number(&api["concentration"][key]["value"])), bits(figure.ok()), "{key}");
    }
}

fn printed(command: &mut Command, folder: &Path) -> Value {
    let output = command.current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The exported days, measured by the command line.
fn api_and_command_line(api: &Value, folder: &Path, range: Range) {
    let days = "performance.csv";
    let mut metrics = plumbline(&["metrics", "--returns", days, "--column", "return", "--benchmark", days]);
    metrics.args(["--benchmark-column", "benchmark_return", "--risk-free-series", days, "--risk-free-column", "risk_free_return"]);
    let printed_metrics = printed(metrics.args(["--rolling", "63", "--format", "json"]), folder);
    for part in ["from", "to", "observations", "metrics", "drawdowns"] {
        assert_eq!(printed_metrics[part], api[part], "{range:?} {part}");
    }
    // The API's windows may reach back behind the range; those within it are the command line's.
    let (own, theirs) = (&printed_metrics["rolling"], &api["rolling"]);
    let tail = |of: &Value, count: usize| of.as_array().map(|all| all[all.len() - count..].to_vec()).unwrap_or_default();
    let count = own["dates"].as_array().map_or(0, Vec::len);
    assert_eq!(tail(&own["dates"], count), tail(&theirs["dates"], count), "{range:?}");
    for key in KEYS.iter().filter(|_| count > 0) {
        assert_eq!(tail(&own["metrics"][key], count), tail(&theirs["metrics"][key], count), "{range:?} rolling {key}");
    }
    money_weighted(api, folder, range);
}

/// The flows of the exported days by `plumbline xirr`; a rate of less than a year it prints for the year.
fn money_weighted(api: &Value, folder: &Path, range: Range) {
    if api["returns"]["money_weighted_is_annual"] == false {
        return;
    }
    let amount = |day: &Value, name: &str| day[name].as_str().unwrap().parse::<Decimal>().unwrap();
    let days = api["daily"].as_array().unwrap();
    let mut lines = vec!["date,amount".to_owned()];
    for (at, day) in days.iter().enumerate() {
        let is_opening = at == 0 && range != Range::Max;
        let paid = if is_opening { -amount(day, "value") } else { amount(day, "outflow") - amount(day, "inflow") };
        lines.push(format!("{},{paid}", day["date"].as_str().unwrap()));
    }
    let last = days.last().unwrap();
    lines.push(format!("{},{}", last["date"].as_str().unwrap(), amount(last, "value")));
    fs::write(folder.join("flows.csv"), lines.join("\n")).unwrap();
    let found = printed(&mut plumbline(&["xirr", "--flows", "flows.csv", "--format", "json"]), folder);
    assert_eq!(found["value"], api["returns"]["money_weighted"]["value"], "{range:?}");
}

/// What a piece of a page says, without its tags.
fn text(html: &str) -> String {
    let mut inside = 0;
    html.chars()
        .filter(|c| {
            match c {
                '<' => inside += 1,
                '>' if inside > 0 => {
                    inside -= 1;
                    return false;
                }
                _ => {}
            }
            inside == 0
        })
        .collect()
}

fn between<'a>(html: &'a str, start: &str, end: &str) -> &'a str {
    let rest = html.split_once(start).unwrap_or_else(|| panic!("{start} isn't on the page")).1;
    rest.split_once(end).unwrap_or_else(|| panic!("{end} doesn't follow {start}")).0
}

fn written(number: f64, unit: Unit) -> String {
    match unit {
        Unit::SignedPercent => format::signed_percent(number),
        Unit::Percent => format::percent(number),
        Unit::Share => format::share(number),
        Unit::Ratio => format::ratio(number),
        Unit::Index => format::index(number),
    }
}

/// Each measure with its printed digits, or nothing and a reason.
fn api_and_performance_page(api: &Value, page: &str) {
    let mut shown = 0;
    for words in WORDS {
        let row = between(page, &format!("data-measure=\"{}\"", words.key), "</tr>");
        let cell = text(row.split_once("<td").unwrap().1.split_once('>').unwrap().1);
        let of = if api["metrics"][words.key].is_null() { &api["concentration"][words.key] } else { &api["metrics"][words.key] };
        if cell.trim() == "–" {
            assert!(row.contains("why-not"), "{} has no reason", words.key);
            continue;
        }
        shown += 1;
        assert_eq!(cell.trim(), written(number(&of["value"]).unwrap(), words.unit), "{}", words.key);
    }
    assert!(shown >= 15, "{shown} measures are shown");
    let value: Decimal = api["value"]["value"].as_str().unwrap().parse().unwrap();
    let tiles = text(between(page, "aria-label=\"Headline numbers\"", "</section>"));
    assert!(tiles.contains(&format::money(Money(value))), "{tiles}");
    for name in ["time_weighted", "benchmark", "excess", "money_weighted", "modified_dietz"] {
        let number = number(&api["returns"][name]["value"]).unwrap();
        assert!(tiles.contains(&format::signed_percent(number)), "{name} {number}: {tiles}");
    }
    for fall in api["drawdowns"].as_array().unwrap().iter().take(10) {
        assert!(page.contains(&format::signed_percent(number(&fall["depth"]).unwrap())));
    }
}

fn api_and_overview(api: &Value, overview: &str) {
    let tiles = text(between(overview, "aria-label=\"Headline numbers\"", "</section>"));
    let value: Decimal = api["value"]["value"].as_str().unwrap().parse().unwrap();
    assert!(tiles.contains(&format::money(Money(value))), "{tiles}");
    for name in ["time_weighted", "benchmark", "excess"] {
        let number = number(&api["returns"][name]["value"]).unwrap();
        assert!(tiles.contains(&format::signed_percent(number)), "{name} {number}: {tiles}");
    }
    for (name, key) in [
        ("Return a year", "annualized_return"),
        ("Volatility", "volatility"),
        ("Sharpe ratio", "sharpe_ratio"),
        ("Max drawdown", "max_drawdown"),
        ("Beta", "beta"),
        ("Jensen’s alpha", "jensen_alpha"),
        ("Effective positions", "effective_positions"),
        ("Largest position", "top_1_weight"),
    ] {
        let said = text(between(overview, &format!("<dt>{name}"), "</dd>"));
        let of = if api["metrics"][key].is_null() { &api["concentration"][key] } else { &api["metrics"][key] };
        if said != "–" {
            assert_eq!(said, written(number(&of["value"]).unwrap(), words::find(key).unwrap().unit), "{key}");
        }
    }
}
