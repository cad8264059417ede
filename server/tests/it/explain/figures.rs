//! Every figure is worked out again from what its explanation says and nothing else, and is the same to the last digit.

use super::known::{OWNER, of, ports, publish_on};
use crate::market::{bar, on, open, sql};
use app::{
    domain::{Money, Range, Scope},
    error::AppError,
    explain::{
        figures::FIGURES,
        model::{Asked, Explanation},
        recipe::{Answer, Exact},
    },
    ports::Ports,
};
use chrono::NaiveDate;
use server::{calendar, pipeline::publish};
use sqlx::PgPool;

/// Numbers that differ with their seed, and are the same with the same one.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.below(1_000_000) as f64 / 1e6
    }
}

const SYMBOLS: [&str; 3] = ["AAPL", "MSFT", "BRK.A"];

/// Bars of one session; now and then one is missing, so that its close is carried.
async fn session(pool: &PgPool, random: &mut Random, day: NaiveDate, number: usize, prices: &mut [f64; 3]) {
    for (symbol, price) in SYMBOLS.into_iter().zip(prices) {
        *price *= random.between(0.95, 1.06);
        if symbol == "AAPL" && day == on("2014-06-09") {
            *price /= 7.0;
        }
        if random.below(9) > 0 || number == 0 {
            bar(pool, symbol, day, *price, 10 + number as i64).await;
        }
    }
    bar(pool, "SPY", day, 188.0 * random.between(0.98, 1.02), 10 + number as i64).await;
    let rate = format!(
        "insert into raw.economic_observation (series_id, observed_on, value, response_id) values ('DGS3MO', '{day}', 0.0{}, {number});
         insert into ops.change (kind, from_date) values ('rate', '{day}')",
        1 + random.below(8)
    );
    sql(pool, &rate).await;
}

/// What somebody does on a day with both portfolios; sales may come to nothing.
async fn act(pool: &PgPool, random: &mut Random, day: NaiveDate, is_first: bool) {
    for (portfolio, account) in [(1, 1), (2, 2)] {
        let symbol = SYMBOLS[random.below(3) as usize];
        let entry = match (is_first, random.below(12)) {
            (true, _) => format!("'deposit', null, null, null, {}", 50_000 + random.below(100_000)),
            (_, 0) => format!("'deposit', null, null, null, {:.2}", random.between(100.0, 9_000.0)),
            (_, 1) => format!("'withdrawal', null, null, null, {:.2}", random.between(10.0, 900.0)),
            (_, 2..=5) => {
                let (quantity, price) = (random.between(0.001, 30.0), random.between(30.0, 700.0));
                format!("'buy', '{symbol}', {quantity:.6}, {price:.4}, {:.4}", quantity * price)
            }
            (_, 6) => {
                let (quantity, price) = (random.between(0.001, 3.0), random.between(30.0, 700.0));
                format!("'sell', '{symbol}', {quantity:.6}, {price:.4}, {:.4}", quantity * price)
            }
            (_, 7) => format!("'fee', null, null, null, {:.2}", random.between(0.01, 9.0)),
            (_, 8) => format!("'interest', null, null, null, {:.2}", random.between(0.01, 30.0)),
            _ => continue,
        };
        let entered = format!(
            "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
             values ({portfolio}, nextval('book.transaction_id'), 1, {account}, '{day}', {entry}, 'hand', 1);
             insert into ops.change (portfolio_id, kind, from_date) values ({portfolio}, 'transaction', '{day}')"
        );
        sql(pool, &entered).await;
    }
}

/// The explanation as a program reads it: from its JSON alone.
async fn explained(ports: &Ports, asked: Asked) -> Option<Explanation> {
    match ports.explanations.explain(OWNER, asked.clone()).await {
        Ok(explained) => Some(serde_json::from_str(&serde_json::to_string(&explained).unwrap()).unwrap()),
        Err(AppError::NotFound) => None,
        Err(error) => panic!("{asked:?}: {error}"),
    }
}

fn assert_worked_out(explained: &Explanation, asked: &Asked) {
    match (&explained.value, explained.recipe.work_out()) {
        (Ok(Answer::Number(Exact(shown))), Ok(Answer::Number(Exact(again)))) => {
            assert_eq!(shown.to_bits(), again.to_bits(), "{asked:?}: {shown} is not {again}: {:?}", explained.recipe);
        }
        (shown, again) => assert_eq!(shown, &again, "{asked:?}: {:?}", explained.recipe),
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn any_figure_is_worked_out_from_its_explanation_alone(pool: PgPool) {
    let seed = 20_261_123;
    let (mut random, mut prices) = (Random(seed), [600.0, 40.0, 190_000.0]);
    open(&pool).await;
    let ports = ports(&pool);
    let sessions = calendar::sessions(on("2014-04-30"), on("2014-06-27"));
    let mut worked_out = 0;
    for (number, day) in sessions.iter().copied().enumerate() {
        session(&pool, &mut random, day, number, &mut prices).await;
        act(&pool, &mut random, day, number == 0).await;
        if number == 25 {
            // A correction of the past, so that what was known then differs from what is known now.
            bar(&pool, "AAPL", sessions[20], 555.5, 900).await;
        }
        // Some sessions come together, as after a weekend without a server.
        if random.below(4) == 0 && number + 1 < sessions.len() {
            continue;
        }
        publish_on(&pool, day, publish::Scope::All).await;
        for portfolio in [1, 2] {
            let page = ports.portfolios.overview(OWNER, of(portfolio, None)).await.unwrap().unwrap();
            // What changed since yesterday adds up to the cent.
            if let Ok(of) = &page.since_yesterday {
                let sum = of.restated + of.market + of.inflow - of.outflow + of.income - of.costs + of.residual;
                assert_eq!((sum, of.now), (of.change(), page.overview.figures.value.clone().unwrap()), "{day}: {of:?}");
                assert_eq!(of.residual, Money::ZERO, "{day}: {of:?}");
            }
        }
        if number % 6 != 5 {
            continue;
        }
        for _ in 0..60 {
            let figure = FIGURES[random.below(FIGURES.len() as u64) as usize].key;
            let known = sessions[random.below(number as u64 + 1) as usize];
            let scope = Scope {
                range: Range::ALL[random.below(9) as usize],
                ..of(1 + random.below(2) as i64, (random.below(3) == 0).then_some(known))
            };
            let session = (random.below(2) == 0).then(|| sessions[random.below(number as u64 + 1) as usize]);
            let symbol = Some(SYMBOLS[random.below(3) as usize].to_owned());
            let asked = Asked { figure: figure.into(), scope, symbol, session };
            let Some(explained) = explained(&ports, asked.clone()).await else { continue };
            assert_worked_out(&explained, &asked);
            worked_out += usize::from(explained.value.is_ok());
        }
    }
    assert!(worked_out > 200, "{worked_out} figures had a value");

    // Each figure of the pages is the one that is explained.
    let scope = of(1, None);
    let page = ports.portfolios.overview(OWNER, scope).await.unwrap().unwrap();
    let figures = &page.overview.figures;
    let number = |figure: &Result<f64, _>| figure.clone().map(|number| Answer::Number(Exact(number)));
    for (key, shown) in [
        ("value", figures.value.clone().map(Answer::Money)),
        ("day_change", figures.day_change.clone().map(Answer::Money)),
        ("day_return", number(&figures.day_return)),
        ("benchmark_day_return", number(&figures.benchmark_day_return)),
        ("total_gain", figures.total_gain.clone().map(|gain| Answer::Money(gain.total))),
        ("time_weighted", number(&figures.time_weighted)),
        ("money_weighted", number(&figures.money_weighted)),
        ("sharpe_ratio", number(&figures.risk.sharpe_ratio)),
        ("top_1_weight", number(&figures.risk.top_1_weight)),
    ] {
        let asked = Asked { figure: key.into(), scope, ..Asked::default() };
        assert_eq!(explained(&ports, asked).await.unwrap().value, shown, "{key}");
    }
    for holding in ports.portfolios.holdings(OWNER, scope).await.unwrap().unwrap().rows {
        for (key, shown) in [
            ("holding_value", holding.value.clone().map(Answer::Money)),
            ("holding_weight", number(&holding.weight)),
            ("holding_day_return", number(&holding.day_return)),
            ("holding_gain", holding.unrealized_gain.clone().map(Answer::Money)),
            ("holding_gain_share", number(&holding.unrealized_return)),
            ("close", Ok(Answer::Price(holding.price.unwrap()))),
        ] {
            let asked = Asked { figure: key.into(), scope, symbol: Some(holding.symbol.to_string()), session: None };
            let explained = explained(&ports, asked.clone()).await.unwrap();
            assert_worked_out(&explained, &asked);
            assert_eq!(explained.value, shown, "{key} of {}", holding.symbol);
        }
    }
}
