//! Every figure is worked out again from what its explanation says and nothing else, and is the same to the last digit.

use super::{
    known::{OWNER, of, ports, publish_on},
    world::{SYMBOLS, World},
};
use crate::market::on;
use app::{
    analytics::series::WINDOWS,
    domain::{Figure, Money, Range, Scope},
    error::AppError,
    explain::{
        figures::FIGURES,
        model::{Asked, Explanation},
        recipe::{Answer, Exact},
    },
    performance::{
        model::Rolled,
        words::{ROLLING, WORDS},
    },
    ports::Ports,
};
use chrono::{Datelike, NaiveDate};
use server::pipeline::publish;
use sqlx::PgPool;
use std::collections::BTreeSet;

const SECTORS: [&str; 4] = ["Technology", "Financials", "Cash", "Communication"];

/// The explanation as a program reads it: from its JSON alone.
async fn explained(ports: &Ports, asked: Asked) -> Option<Explanation> {
    match ports.explanations.explain(OWNER, asked.clone()).await {
        Ok(explained) => Some(serde_json::from_str(&serde_json::to_string(&explained).unwrap()).unwrap()),
        Err(AppError::NotFound) => None,
        Err(error) => panic!("{asked:?}: {error}"),
    }
}

/// A figure that is shown has a recipe that gives it; there is no exception.
fn assert_worked_out(explained: &Explanation, asked: &Asked) {
    match (&explained.value, explained.recipe.work_out()) {
        (Ok(Answer::Number(Exact(shown))), Ok(Answer::Number(Exact(again)))) => {
            assert_eq!(shown.to_bits(), again.to_bits(), "{asked:?}: {shown} is not {again}: {:?}", explained.recipe);
        }
        (shown, again) => assert_eq!(shown, &again, "{asked:?}: {:?}", explained.recipe),
    }
}

/// Asks for one figure in a random way, now or as it was known.
fn question(world: &mut World, figure: &str, portfolio: i64, number: usize) -> Asked {
    let random = &mut world.random;
    let known = *random.one(&world.sessions[..=number]);
    let scope = Scope { range: *random.one(&Range::ALL), ..of(portfolio, (random.below(3) == 0).then_some(known)) };
    // A contribution is a holding's, a sector's, or of what is no holding.
    let of_other = figure.starts_with("contribution") && random.below(2) == 0;
    let of_rest = of_other && random.below(2) == 0;
    let asked = Asked {
        figure: figure.into(),
        scope,
        symbol: Some(
            if figure == "exchange_rate" { *random.one(&["EUR", "GBP", "USD", "CHF"]) } else { random.one(&SYMBOLS).0 }.to_owned(),
        ),
        session: (random.below(2) == 0).then(|| *random.one(&world.sessions[..=number])),
        sector: Some((*random.one(&SECTORS)).to_owned()),
        rolling: Some((*random.one(ROLLING)).to_owned()),
        window: Some(random.one(&WINDOWS).to_string()),
    };
    Asked { symbol: asked.symbol.filter(|_| !of_other), sector: asked.sector.filter(|_| !of_rest), ..asked }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn any_figure_is_worked_out_from_its_explanation_alone(pool: PgPool) {
    let mut world = World::new(&pool, 20_261_123).await;
    let ports = ports(&pool);
    let last = world.sessions.len() - 1;
    let mut worked_out = BTreeSet::new();
    for number in 0..=last {
        world.session(&pool, number).await;
        world.act(&pool, number).await;
        if matches!(number, 150 | 235) {
            world.correct(&pool, number).await;
        }
        // Some sessions come together, as after a weekend without a server: at first many.
        if number < last && (number < 225 && number % 45 != 0 || number >= 225 && world.random.below(2) == 0) {
            continue;
        }
        let day = world.sessions[number];
        publish_on(&pool, day, publish::Scope::All).await;
        for portfolio in [1, 2] {
            let page = ports.portfolios.overview(OWNER, of(portfolio, None)).await.unwrap().unwrap();
            // What changed since yesterday adds up to the cent.
            if let Ok(of) = &page.since_yesterday {
                let sum = of.restated + of.market + of.inflow - of.outflow + of.income - of.costs + of.currency + of.residual + of.rounding;
                let value = app::format::shown_money(page.overview.figures.value.clone().unwrap());
                assert_eq!((sum, of.now), (of.change(), value), "{day}: {of:?}");
                assert_eq!(of.residual, Money::ZERO, "{day}: {of:?}");
            }
        }
        if !matches!(number, 90 | 180) && number < last && world.random.below(6) > 0 {
            continue;
        }
        for described in FIGURES {
            for turn in 0..6 {
                let asked = question(&mut world, described.key, 1 + turn % 2, number);
                let Some(explained) = explained(&ports, asked.clone()).await else { continue };
                assert_worked_out(&explained, &asked);
                if explained.value.is_ok() {
                    worked_out.insert(described.key);
                }
            }
        }
    }
    let missing: Vec<&str> = FIGURES.iter().map(|figure| figure.key).filter(|key| !worked_out.contains(key)).collect();
    assert!(missing.is_empty(), "never had a value: {missing:?}");

    // Whatever was held abroad on an earlier session, it is worked out, now and as it was known.
    let mut abroad = 0;
    for session in world.sessions.iter().copied().step_by(14) {
        for (portfolio, known) in [(1, None), (2, None), (1, Some(on("2014-12-05"))), (2, Some(on("2014-12-05")))] {
            for figure in ["session_value", "daily_return"] {
                let asked = Asked { figure: figure.into(), scope: of(portfolio, known), session: Some(session), ..Asked::default() };
                let explained = explained(&ports, asked.clone()).await;
                assert!(explained.is_some() || known.is_some_and(|known| session > known), "{asked:?}");
                let Some(explained) = explained else { continue };
                assert_worked_out(&explained, &asked);
                abroad += usize::from(explained.value.is_ok() && format!("{:?}", explained.recipe).contains("rate: Some"));
            }
        }
    }
    assert!(abroad > 30, "{abroad} sessions had holdings in other currencies");
    for portfolio in [1, 2] {
        for known in [None, Some(on("2014-12-12"))] {
            pages_say_what_is_explained(&ports, of(portfolio, known)).await;
        }
    }
}

/// Each figure of the pages is the one that is explained.
async fn pages_say_what_is_explained(ports: &Ports, scope: Scope) {
    let mut said: Vec<(Asked, Figure<Answer>)> = Vec::new();
    let number = |figure: &Figure<f64>| figure.clone().map(|number| Answer::Number(Exact(number)));
    let of = |figure: &str| Asked { figure: figure.into(), scope, ..Asked::default() };
    let page = ports.portfolios.overview(OWNER, scope).await.unwrap().unwrap();
    let figures = &page.overview.figures;
    said.extend([
        (of("value"), figures.value.clone().map(Answer::Money)),
        (of("day_change"), figures.day_change.clone().map(Answer::Money)),
        (of("day_return"), number(&figures.day_return)),
        (of("benchmark_day_return"), number(&figures.benchmark_day_return)),
        (of("total_gain"), figures.total_gain.clone().map(|gain| Answer::Money(gain.total))),
        (of("time_weighted"), number(&figures.time_weighted)),
        (of("money_weighted"), number(&figures.money_weighted)),
        (of("sharpe_ratio"), number(&figures.risk.sharpe_ratio)),
        (of("top_1_weight"), number(&figures.risk.top_1_weight)),
        (of("price_gain"), figures.bridge.clone().map(|bridge| Answer::Money(bridge.price))),
        (of("since_yesterday"), page.since_yesterday.clone().map(|of| Answer::Money(of.change()))),
    ]);
    assert!(page.overview.sectors.len() > 2);
    for sector in &page.overview.sectors {
        said.push((Asked { sector: Some(sector.sector.clone()), ..of("sector_weight") }, number(&Ok(sector.weight))));
    }
    let holdings = ports.portfolios.holdings(OWNER, scope).await.unwrap().unwrap();
    said.extend([
        (of("cash"), holdings.cash.clone().map(Answer::Money)),
        (of("receivable"), holdings.receivable.clone().map(Answer::Money)),
    ]);
    assert!(holdings.rows.len() > 4);
    for holding in &holdings.rows {
        for (key, shown) in [
            ("holding_quantity", Ok(Answer::Price(holding.quantity))),
            ("holding_cost", holding.cost_basis.clone().map(Answer::Money)),
            ("holding_value", holding.value.clone().map(Answer::Money)),
            ("holding_weight", number(&holding.weight)),
            ("holding_day_return", number(&holding.day_return)),
            ("holding_gain", holding.unrealized_gain.clone().map(Answer::Money)),
            ("holding_gain_share", number(&holding.unrealized_return)),
            ("close", Ok(Answer::Price(holding.price.unwrap()))),
        ] {
            said.push((Asked { symbol: Some(holding.symbol.to_string()), ..of(key) }, shown));
        }
    }
    let shown = ports.portfolios.performance(OWNER, scope).await.unwrap().unwrap();
    said.extend(WORDS.iter().map(|words| (of(words.key), number(&shown.shown(words.key)))));
    let on = |year: i32, month: u32| NaiveDate::from_ymd_opt(year, month, 28).unwrap();
    for month in &shown.months {
        said.push((Asked { session: Some(on(month.year, month.month)), ..of("month_return") }, number(&month.own)));
    }
    for year in &shown.years {
        let dated = |figure: &str| Asked { session: Some(on(year.year, 12)), ..of(figure) };
        said.push((dated("year_return"), number(&year.own)));
        let Some(benchmark) = year.benchmark else { continue };
        said.push((dated("benchmark_year_return"), number(&Ok(benchmark))));
        said.push((dated("year_excess_return"), number(&year.own.clone().map(|own| own - benchmark))));
    }
    assert!(shown.years.len() == 2 && shown.years[1].year == shown.as_of.year());
    for fall in &shown.report.drawdowns {
        said.push((Asked { session: fall.trough, ..of("drawdown") }, number(&Ok(fall.depth))));
    }
    let found = shown.contributions.as_ref().unwrap();
    let contributed = |part: Option<f64>| number(&part.ok_or_else(|| found.whole.clone().unwrap_err()));
    let parts = found.parts.iter().map(|(symbol, part)| (Some(symbol.to_string()), None, part));
    let groups = found.groups.iter().map(|(sector, part)| (None, Some(sector.clone()), part));
    for (symbol, sector, part) in parts.chain(groups) {
        let part_of = |figure: &str| Asked { symbol: symbol.clone(), sector: sector.clone(), ..of(figure) };
        said.push((part_of("contribution"), contributed(part.contribution.map(|part| part.whole))));
        said.push((part_of("contribution_weight"), number(&Ok(part.average_weight.unwrap()))));
        said.push((part_of("contribution_return"), number(&part.own_return)));
        said.push((part_of("contribution_gain"), part.gain.clone().map(|gain| Answer::Money(gain.total))));
    }
    said.push((of("contribution"), contributed(found.rest.contribution)));
    said.push((of("contribution_weight"), number(&Ok(found.rest.average_weight.unwrap()))));
    said.push((of("contribution_gain"), found.rest.gain.clone().map(|gain| Answer::Money(gain.total))));
    said.push((of("gain_in_range"), found.gain.clone().map(Answer::Money)));
    for (key, window) in [("volatility", WINDOWS[0]), ("beta", WINDOWS[1])] {
        for (day, figure) in shown.rolled(Rolled { key, window }).into_iter().rev().step_by(50) {
            let asked = Asked { rolling: Some(key.into()), window: Some(window.to_string()), session: Some(day), ..of("rolling") };
            said.push((asked, number(&figure)));
        }
    }
    for (asked, shown) in said {
        let explained = explained(ports, asked.clone()).await.unwrap_or_else(|| panic!("{asked:?} can't be explained"));
        assert_worked_out(&explained, &asked);
        assert_eq!(explained.value, shown, "{asked:?}");
    }
}
