//! Holdings in other currencies: never valued 1:1 for want of a rate, and every input's own explanation says what the input said.

use super::{
    known::{OWNER, of, ports, publish_on},
    world::{SYMBOLS, World},
};
use crate::market::{on, open, sql};
use app::{
    domain::{Range, Scope},
    explain::{
        model::{Asked, Explanation},
        recipe::{Answer, Recipe},
    },
    ports::Ports,
};
use server::pipeline::publish;
use sqlx::PgPool;

/// What the upgrade does to what older versions kept.
const UPGRADE: &str = include_str!("../../../../migrations/20261123000040_keep_rates.sql");

/// What was published, as if the version before had kept it and this one's migration had followed.
pub async fn upgrade(pool: &PgPool) {
    sql(pool, "update ops.published_position set currency = null; delete from ops.published_rate").await;
    let (_, fill) = UPGRADE.split_once("\nupdate ").unwrap();
    sql(pool, &format!("update {fill}")).await;
}

async fn explained(ports: &Ports, asked: &Asked) -> Explanation {
    ports.explanations.explain(OWNER, asked.clone()).await.unwrap_or_else(|error| panic!("{asked:?}: {error}"))
}

/// Where an input says one figure, that figure's own explanation says the same.
async fn assert_inputs_agree(ports: &Ports, asked: &Asked) -> usize {
    let mut followed = 0;
    let of = explained(ports, asked).await;
    assert!(of.value.is_ok() || !of.figure.starts_with("contribution") || of.inputs.is_empty(), "{of:?}");
    for input in of.inputs {
        let Some(link) = input.leads_to else { continue };
        let there = Asked {
            figure: link.figure.clone(),
            symbol: link.symbol,
            session: Some(link.session),
            ..Asked { scope: asked.scope, ..Asked::default() }
        };
        let there = explained(ports, &there).await;
        let says = match (link.figure.as_str(), &there.value) {
            ("close", _) if input.name != "Close" => continue,
            ("daily_return", _) if !input.name.starts_with("Day") => continue,
            ("session_value", _) if !input.name.contains("alue") => continue,
            ("close", _) => there.shown.clone(),
            ("contribution_gain" | "gain_in_range", Ok(Answer::Money(money))) => app::format::signed_money(*money),
            (_, Ok(Answer::Price(price))) => price.to_string(),
            (_, Ok(Answer::Money(money))) => app::format::money(*money),
            _ => there.shown.clone(),
        };
        assert_eq!(input.said, says, "{asked:?}: {}", input.name);
        followed += 1;
    }
    followed
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_input_says_what_its_own_explanation_says(pool: PgPool) {
    let mut world = World::new(&pool, 3).await;
    let ports = ports(&pool);
    for number in 0..40 {
        world.session(&pool, number).await;
        world.act(&pool, number).await;
        if number == 10 {
            for (number, (symbol, currency)) in SYMBOLS.iter().enumerate() {
                sql(
                    &pool,
                    &format!(
                        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, currency, source, entered_by)
                         select portfolio, 5000 + portfolio * 10 + {number}, 1, portfolio, '2013-12-16', 'buy', '{symbol}', 20, 50, 1000, '{currency}', 'hand', 1
                         from generate_series(1, 2) as portfolio;
                         insert into ops.change (portfolio_id, kind, from_date) values (1, 'transaction', '2013-12-16'), (2, 'transaction', '2013-12-16')"
                    ),
                )
                .await;
            }
        }
    }
    publish_on(&pool, world.sessions[39], publish::Scope::All).await;
    let mut followed = 0;
    for (portfolio, known) in [(1, None), (2, None), (1, Some(world.sessions[39])), (2, Some(world.sessions[39]))] {
        for (symbol, _) in SYMBOLS {
            let asked =
                Asked { figure: "holding_value".into(), symbol: Some(symbol.into()), scope: of(portfolio, known), ..Asked::default() };
            followed += assert_inputs_agree(&ports, &asked).await;
        }
        let symbols = SYMBOLS.iter().map(|(symbol, _)| (Some((*symbol).to_owned()), None));
        let rows = symbols.chain([(None, Some("Technology".to_owned())), (None, None)]);
        for (symbol, sector) in rows.filter(|_| known.is_none()) {
            for figure in ["contribution", "contribution_gain", "contribution_return", "contribution_weight"] {
                if symbol.is_none() && sector.is_none() && figure == "contribution_return" {
                    continue;
                }
                let (symbol, sector, scope) = (symbol.clone(), sector.clone(), Scope { range: Range::Max, ..of(portfolio, known) });
                followed += assert_inputs_agree(&ports, &Asked { figure: figure.into(), symbol, sector, scope, ..Asked::default() }).await;
            }
        }
        for figure in ["gain_in_range", "value", "total_gain", "day_change", "cash", "receivable", "volatility", "year_return"] {
            let asked = Asked { figure: figure.into(), scope: of(portfolio, known), ..Asked::default() };
            followed += assert_inputs_agree(&ports, &asked).await;
        }
    }
    assert!(followed > 100, "{followed}");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn without_a_rate_there_is_no_amount(pool: PgPool) {
    open(&pool).await;
    sql(
        &pool,
        "insert into raw.instrument (symbol, name, type, currency, sic_code, response_id) values ('SAP', 'SAP SE', 'CS', 'EUR', '7372', 1);
         insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by) values
             (1, 1001, 1, 1, '2014-05-01', 'deposit', null, null, null, 20000, 'hand', 1), (1, 1002, 1, 1, '2014-05-01', 'buy', 'SAP', 10, 60, 600, 'hand', 1);
         insert into ops.change (portfolio_id, kind, from_date) values (1, 'transaction', '2014-05-01')",
    )
    .await;
    for (day, close) in [("2014-05-01", 56.0), ("2014-05-02", 57.0)] {
        crate::market::bar(&pool, "SAP", on(day), close, 10).await;
        publish_on(&pool, on(day), publish::Scope::All).await;
    }
    let ports = ports(&pool);
    for known in [None, Some(on("2014-05-02"))] {
        for figure in ["session_value", "day_change"] {
            let found = explained(&ports, &Asked { figure: figure.into(), scope: of(1, known), ..Asked::default() }).await;
            assert!(found.value.is_err() && matches!(found.recipe, Recipe::Nothing { .. }), "{found:?}");
            let sap = found.inputs.iter().find(|input| input.name == "SAP").unwrap();
            assert!(sap.said.starts_with("10 × 57.00 EUR") && !sap.said.contains("= "), "{known:?} {figure}: {}", sap.said);
        }
    }
}

/// Published by the version before the rates were kept, then upgraded.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_an_older_version_published_is_never_valued_one_to_one(pool: PgPool) {
    let mut world = World::new(&pool, 5).await;
    for number in 0..60 {
        world.session(&pool, number).await;
        world.act(&pool, number).await;
        if number % 20 == 19 {
            publish_on(&pool, world.sessions[number], publish::Scope::All).await;
        }
    }
    let said = crate::market::text(&pool, CURRENCIES).await;
    assert!(said.contains("EUR") && said.contains("GBX") && said.contains("USD"), "{said}");
    upgrade(&pool).await;
    assert_eq!(crate::market::text(&pool, CURRENCIES).await, said, "as the ledger had them");
    let ports = ports(&pool);
    let (mut without, known) = (0, Some(world.sessions[59]));
    for session in world.sessions[..60].iter().step_by(5).chain(&world.sessions[59..60]) {
        for portfolio in [1, 2] {
            let asked = Asked { figure: "session_value".into(), scope: of(portfolio, known), session: Some(*session), ..Asked::default() };
            let found = explained(&ports, &asked).await;
            let base = if portfolio == 1 { "USD" } else { "EUR" };
            for (symbol, _) in SYMBOLS {
                let currency = if symbol == "VOD" { "GBX" } else { SYMBOLS.iter().find(|(known, _)| *known == symbol).unwrap().1 };
                for input in found.inputs.iter().filter(|input| input.name == symbol && currency != base) {
                    let is_without = input.said.ends_with(&format!("{currency}, without a rate"));
                    assert!(is_without || input.said.matches('×').count() == 2, "{session} {symbol}: {}", input.said);
                    without += usize::from(is_without);
                }
            }
            match &found.recipe {
                Recipe::Nothing { reason } => assert!(found.value.is_err() || reason.contains("without the rates of that day"), "{reason}"),
                recipe => assert_eq!(recipe.work_out(), found.value),
            }
            for figure in ["daily_return", "holding_value"] {
                for (symbol, _) in SYMBOLS {
                    let asked = Asked { figure: figure.into(), symbol: Some(symbol.into()), ..asked.clone() };
                    let Ok(found) = ports.explanations.explain(OWNER, asked).await else { continue };
                    assert!(matches!(found.recipe, Recipe::Nothing { .. }) || found.recipe.work_out() == found.value, "{found:?}");
                }
            }
        }
    }
    assert!(without > 10, "{without}");
}

const CURRENCIES: &str = "select string_agg(distinct portfolio_id || symbol || coalesce(currency, '-'), ' ' order by portfolio_id || symbol || coalesce(currency, '-'))
                          from ops.published_position where not is_gone";
