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
        model::Explanation,
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

/// The page's cells with a number in them that have no bob.
fn bare_cells(page: &str) -> Vec<String> {
    let heat = page.split("<table class=\"heat").skip(1).filter_map(|table| table.split("</table>").next());
    let cells = heat.flat_map(|table| table.split("<td").skip(1)).map(|cell| cell.split("</td>").next().unwrap_or_default().to_owned());
    cells.filter(|cell| cell.chars().any(|letter| letter.is_ascii_digit()) && !cell.contains("href=\"/explain/")).collect()
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
            assert_eq!(bare_cells(&shown.body), Vec::<String>::new(), "{page}?{scope}");
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
        ],
    );
    assert!(seen.len() > 150, "{} addresses", seen.len());
}
