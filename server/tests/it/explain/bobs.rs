//! Beside every figure of the three pages hangs a bob, and each leads to an explanation that gives the figure.

use super::{
    bytes::{PASSWORD, person},
    known::{OWNER, publish_on},
    world::World,
};
use crate::visitor::{Visitor, site};
use app::{
    domain::Scope,
    explain::{
        model::{Explanation, Input},
        recipe::{Answer, Exact},
    },
    routes,
};
use axum::http::StatusCode;
use server::pipeline::publish;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};

/// Addresses of explanations in a page, as they stand in it.
fn addresses(page: &str) -> BTreeSet<String> {
    let links = page.split("href=\"/explain/").skip(1).filter_map(|rest| rest.split('"').next());
    links.map(|link| format!("/explain/{}", link.replace("&amp;", "&"))).collect()
}

/// The page's tiles, and its cells with a number in them, that have no bob. Left out is what [`TOLD_ELSEWHERE`] names.
fn bare(page: &str) -> Vec<String> {
    let told = TOLD_ELSEWHERE.iter().fold(page.to_owned(), |page, (from, to)| without(&page, from, to));
    let between = |from: &str, to: &str| -> Vec<String> {
        told.split(from).skip(1).filter_map(|rest| rest.split(to).next()).map(str::to_owned).collect()
    };
    let mut parts = between("<td", "</td>");
    parts.extend(between("<article class=\"tile", "</article>"));
    parts
        .into_iter()
        .filter(|part| said(part).chars().any(|letter| letter.is_ascii_digit()) && !part.contains("href=\"/explain/"))
        .collect()
}

/// What has no bob of its own, from and to: it is a sum's part, listed in the explanation of the sum, or drawn from figures that have one.
const TOLD_ELSEWHERE: &[(&str, &str)] = &[
    // Parts of what changed since yesterday, and of the way from the opening to the closing value: their head's bob lists them.
    ("<table class=\"rows sums\"", "</table>"),
    // The numbers behind a chart, once more as a table.
    ("<details class=\"behind\"", "</details>"),
    // When a fall began and ended, and how long it took: its depth's bob, in the same row, has the days.
    ("<td data-label=\"Peak\"", "</td>"),
    ("<td data-label=\"Trough\"", "</td>"),
    ("<td data-label=\"Recovered\"", "</td>"),
    ("<td data-label=\"Down\"", "</td>"),
    ("<td data-label=\"Up again\"", "</td>"),
    // What a contribution and a gain are made of: their bobs, in the same row, list it.
    ("<td data-label=\"Price\" class=\"r hide\"", "</td>"),
    ("<td data-label=\"Income\" class=\"r hide\"", "</td>"),
    ("<td data-label=\"Costs\" class=\"r hide\"", "</td>"),
    ("<td data-label=\"Currency\" class=\"r hide\"", "</td>"),
    ("<td data-label=\"Realized\" class=\"r hide-middle\"", "</td>"),
    ("<td data-label=\"Unrealized\" class=\"r hide-middle\"", "</td>"),
];

fn without(page: &str, from: &str, to: &str) -> String {
    let mut parts = page.split(from);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |kept, part| kept + part.split_once(to).map_or("", |(_, rest)| rest))
}

/// The text of a part, without its tags.
fn said(part: &str) -> String {
    part.split('>').skip(1).filter_map(|text| text.split('<').next()).collect()
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn every_bob_leads_to_an_explanation_that_gives_its_figure(pool: PgPool) {
    assert_eq!(person(&pool, "ada").await, OWNER);
    let mut world = World::new(&pool, 7).await;
    let last = world.sessions.len() - 1;
    for number in 0..=last {
        world.session(&pool, number).await;
        world.act(&pool, number).await;
        if [200, last - 1, last].contains(&number) {
            publish_on(&pool, world.sessions[number], publish::Scope::All).await;
        }
    }
    let site = site(&pool);
    let mut ada = Visitor::new(&site);
    ada.sign_in("ada", PASSWORD).await;
    let mut figures: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for scope in ["portfolio=1&range=Max", "portfolio=2&range=3M", "portfolio=2&range=Max&as_known_on=2014-12-30"] {
        for page in ["/", "/holdings", "/performance"] {
            let shown = ada.get(&format!("{page}?{scope}")).await;
            assert_eq!(shown.status, StatusCode::OK, "{page}?{scope}");
            assert_eq!(bare(&shown.body), Vec::<String>::new(), "{page}?{scope}");
            for form in shown.body.split("<form").skip(1).filter(|form| form.contains("#rolling")) {
                let fields = form.split("</form>").next().unwrap();
                for (name, value) in scope.split('&').filter_map(|pair| pair.split_once('=')) {
                    assert!(fields.contains(&format!("name=\"{name}\" value=\"{value}\"")), "{page}?{scope}: {fields}");
                }
            }
            let dated = ["value", "day_return", "day_change"].map(|figure| format!("/explain/{figure}?{scope}&session=2014-12-10"));
            for address in addresses(&shown.body).into_iter().chain(dated) {
                let figure = address["/explain/".len()..].split('?').next().unwrap().to_owned();
                figures.entry(page).or_default().insert(figure.clone());
                if !seen.insert(address.clone()) {
                    continue;
                }
                let json = ada.get(&format!("/api{}", address.replacen(&figure, &format!("{figure}.json"), 1))).await;
                assert_eq!(json.status, StatusCode::OK, "{page}?{scope}: {address}");
                let explained: Explanation = serde_json::from_str(&json.body).unwrap();
                match (&explained.value, explained.recipe.work_out()) {
                    (Ok(Answer::Number(Exact(there))), Ok(Answer::Number(Exact(here)))) => {
                        assert_eq!(there.to_bits(), here.to_bits(), "{address}");
                    }
                    (there, here) => assert_eq!(there, &here, "{address}"),
                }
                // The permalink leads back to the same explanation.
                let about: Vec<(&str, &str)> = explained.about.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let permalink = routes::explain(&figure, &Scope::parse(scope), &about);
                let there = ada.get(&format!("/api{}", permalink.replacen(&figure, &format!("{figure}.json"), 1))).await;
                assert_eq!(serde_json::from_str::<Explanation>(&there.body).unwrap(), explained, "{address}: {permalink}");
            }
        }
    }
    // Parts without a bob of their own are listed where their sum is explained.
    for portfolio in [1, 2] {
        let page = ada.get(&format!("/?portfolio={portfolio}&range=Max")).await.body;
        let mut listed = async |figure: &str| {
            let json = ada.get(&format!("/api/explain/{figure}.json?portfolio={portfolio}&range=Max")).await;
            let explained: Explanation = serde_json::from_str(&json.body).unwrap();
            explained.inputs.into_iter().map(|input| format!("{} {}", input.name, input.said)).collect::<Vec<_>>()
        };
        let sums = page.split("<table class=\"rows sums\"").nth(1).unwrap().split("</table>").next().unwrap();
        let since = listed("since_yesterday").await;
        for row in sums.split("<tr").skip(1) {
            let mut cells = row.split("<t").skip(1).map(said);
            let (name, amount) = (cells.next().unwrap(), cells.next().unwrap());
            let is_there =
                since.iter().any(|line| line.ends_with(&format!(" {amount}")) && (name.starts_with("Shown") || line.starts_with(&name)));
            assert!(is_there || amount == "0.00", "{name} {amount}: {since:?}");
        }
        let gain = listed("total_gain").await;
        for part in ["Realized ", "Unrealized ", "Income ", "Fees and taxes ", "Not explained by them "] {
            assert!(gain.iter().any(|line| line.starts_with(part)), "{part}: {gain:?}");
        }
    }
    for portfolio in [1, 2] {
        let page = ada.get(&format!("/performance?portfolio={portfolio}&range=Max")).await.body;
        let card = page.split("id=\"contribution\"").nth(1).unwrap().split("</section>").next().unwrap();
        let mut checked = 0;
        for row in card.split("<tr data-contribution=\"").skip(1).filter(|row| !row.starts_with('"')) {
            let row = row.split("</tr>").next().unwrap();
            for address in addresses(row) {
                let (figure, query) = address["/explain/".len()..].split_once('?').unwrap();
                let parts = match figure {
                    "contribution" => ["Price", "Income", "Costs", "Currency"].as_slice(),
                    "contribution_gain" => &["Realized", "Unrealized"],
                    _ => continue,
                };
                let json = ada.get(&format!("/api/explain/{figure}.json?{query}")).await;
                let explained: Explanation = serde_json::from_str(&json.body).unwrap();
                for part in parts {
                    let Some(cell) = row.split(&format!("data-label=\"{part}\"")).nth(1) else { continue };
                    let amount = said(cell.split("</td>").next().unwrap());
                    let is_it = |input: &Input| input.name.to_lowercase().ends_with(&part.to_lowercase()) && input.said == amount;
                    let is_listed = explained.inputs.iter().any(is_it) || ["0.00", "–"].contains(&amount.as_str());
                    assert!(is_listed, "{address}: {part} {amount}: {:?}", explained.inputs);
                    checked += 1;
                }
            }
        }
        assert!(checked > 10, "{checked}");
    }
    let of = |page: &str, keys: &[&str]| {
        let missing: Vec<_> = keys.iter().filter(|key| !figures[page].contains(**key)).collect();
        assert!(missing.is_empty(), "{page} lacks a bob for {missing:?}: {:?}", figures[page]);
    };
    of(
        "/",
        &[
            "value",
            "day_change",
            "day_return",
            "benchmark_day_return",
            "total_gain",
            "time_weighted",
            "benchmark_return",
            "excess_return",
            "money_weighted",
            "since_yesterday",
            "drawdown",
            "sector_weight",
            "price_gain",
            "month_return",
            "year_return",
            "volatility",
            "sharpe_ratio",
            "top_1_weight",
            "top_5_weight",
            "top_10_weight",
            "herfindahl_index",
            "holding_value",
            "holding_weight",
            "holding_day_return",
            "holding_gain_share",
        ],
    );
    of(
        "/holdings",
        &[
            "holding_quantity",
            "close",
            "holding_value",
            "holding_weight",
            "holding_day_return",
            "holding_cost",
            "holding_gain",
            "holding_gain_share",
            "cash",
            "receivable",
            "value",
        ],
    );
    of(
        "/performance",
        &[
            "value",
            "time_weighted",
            "benchmark_return",
            "excess_return",
            "annualized_return",
            "money_weighted_in_range",
            "modified_dietz",
            "drawdown",
            "rolling",
            "month_return",
            "year_return",
            "benchmark_year_return",
            "year_excess_return",
            "contribution",
            "contribution_weight",
            "contribution_return",
            "contribution_gain",
            "gain_in_range",
        ],
    );
    assert!(seen.len() > 150, "{} addresses", seen.len());
}
