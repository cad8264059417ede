//! Measures against values that exact fractions in Python gave for the same returns: a made-up series, and Bacon's and the
//! managers' real ones where `../shared/data` exists.

use super::{
    benchmark::Aligned,
    drawdown::max_drawdown,
    metrics::{Input, Terms, catalogue, find},
    risk::concentration,
};
use crate::domain::{Figure, Money};
use std::{fs, path::Path};

struct Facts {
    periods_a_year: f64,
    annualized_return: f64,
    volatility: f64,
    sharpe_ratio: f64,
    beta: f64,
    jensen_alpha: f64,
    max_drawdown: f64,
    peak: usize,
    trough: usize,
}

const OWN: Facts = Facts {
    periods_a_year: 252.0,
    annualized_return: 1.1008395772957096,
    volatility: 0.27020244935300575,
    sharpe_ratio: 2.5080459510957516,
    beta: 1.2765249833755894,
    jensen_alpha: 0.1535596686085713,
    max_drawdown: -0.031,
    peak: 3,
    trough: 4,
};

fn measure(aligned: &Aligned, periods_a_year: f64, fewest: usize, key: &str) -> Figure<f64> {
    let terms = Terms { periods_a_year, fewest, ..Terms::default() };
    let input = Input { returns: &aligned.returns, risk_free: &aligned.risk_free, aligned: Some(aligned), terms };
    find(&catalogue(&input), key)
}

fn check(aligned: &Aligned, facts: &Facts) {
    let deepest = max_drawdown(&aligned.returns).unwrap();
    let near = |key, fact: f64| {
        let found = measure(aligned, facts.periods_a_year, 2, key).unwrap();
        assert!((found - fact).abs() <= 1e-12 * fact.abs().max(1.0), "{key}: {found} is not {fact}");
    };
    near("annualized_return", facts.annualized_return);
    near("volatility", facts.volatility);
    near("sharpe_ratio", facts.sharpe_ratio);
    near("beta", facts.beta);
    near("jensen_alpha", facts.jensen_alpha);
    near("max_drawdown", facts.max_drawdown);
    assert_eq!((deepest.peak, deepest.trough), (Some(facts.peak), Some(facts.trough)));
}

fn made_up() -> Aligned {
    Aligned {
        returns: vec![0.012, -0.004, 0.023, 0.0, -0.031, 0.017, 0.009, -0.012, 0.004, 0.026, -0.018, 0.011],
        benchmark: vec![0.009, -0.006, 0.018, 0.003, -0.022, 0.012, 0.011, -0.015, 0.001, 0.019, -0.009, 0.007],
        risk_free: vec![0.0004, 0.0004, 0.0004, 0.0005, 0.0005, 0.0004, 0.0003, 0.0003, 0.0003, 0.0004, 0.0004, 0.0004],
        left_out: 0,
    }
}

/// Columns of a CSV of monthly returns; `None`, said aloud, where there is no such data.
fn columns(file: &str, names: [&str; 3]) -> Option<Aligned> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/returns").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: {} isn't there", path.display());
        return None;
    };
    let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().unwrap();
    let column = |rows: &[Vec<&str>], name: &str| match header.iter().position(|column| *column == name) {
        Some(place) => rows.iter().map(|row| row[place].parse().unwrap()).collect(),
        None => vec![0.0; rows.len()],
    };
    let rows: Vec<_> = rows.collect();
    let [returns, benchmark, risk_free] = names.map(|name| column(&rows, name));
    Some(Aligned { returns, benchmark, risk_free, left_out: 0 })
}

#[test]
fn a_made_up_series() {
    check(&made_up(), &OWN);
}

#[test]
fn the_portfolio_of_bacon() {
    if let Some(aligned) = columns("portfolio_bacon.csv", ["portfolio", "benchmark", "no risk-free rate"]) {
        check(
            &aligned,
            &Facts {
                periods_a_year: 12.0,
                annualized_return: 0.10367828972980964,
                volatility: 0.13700015867969229,
                sharpe_ratio: 0.7883202548144855,
                beta: 0.9988502086225746,
                jensen_alpha: -0.014169444654243982,
                max_drawdown: -0.144672955739218,
                peak: 12,
                trough: 17,
            },
        );
    }
}

#[test]
fn the_first_of_the_managers() {
    if let Some(aligned) = columns("managers.csv", ["HAM1", "SP500 TR", "US 3m TR"]) {
        check(
            &aligned,
            &Facts {
                periods_a_year: 12.0,
                annualized_return: 0.13753201082367061,
                volatility: 0.08878079626175706,
                sharpe_ratio: 1.0679933648678013,
                beta: 0.3900712483994827,
                jensen_alpha: 0.07576442538205688,
                max_drawdown: -0.15177290548022862,
                peak: 72,
                trough: 85,
            },
        );
    }
}

#[test]
fn too_few_returns_are_said() {
    let aligned = made_up();
    assert_eq!(measure(&aligned, 252.0, 20, "volatility").unwrap_err().0, "needs 20 returns, has 12");
    let one = Aligned { returns: vec![0.1], benchmark: vec![0.0], risk_free: vec![0.0], left_out: 0 };
    assert_eq!(measure(&one, 252.0, 0, "sharpe_ratio").unwrap_err().0, "needs 2 returns, has 1");
}

#[test]
fn what_doesnt_vary_has_no_ratio() {
    let flat = Aligned { returns: vec![0.01; 30], benchmark: vec![0.1; 30], risk_free: vec![0.001; 30], left_out: 0 };
    assert!(measure(&flat, 252.0, 20, "sharpe_ratio").is_err());
    assert_eq!(measure(&flat, 252.0, 20, "beta").unwrap_err().0, "benchmark variance is zero");
}

#[test]
fn four_equal_positions_are_four() {
    let usd = |amount: i64| Money(amount.into());
    let even = concentration(&[usd(25); 4]).unwrap();
    assert_eq!((even.herfindahl_index, even.effective_positions, even.top_1_weight, even.top_5_weight), (0.25, 4.0, 0.25, 1.0));
    let uneven = concentration(&[usd(20), usd(70), usd(10)]).unwrap();
    assert!((uneven.herfindahl_index - 0.54).abs() < 1e-15 && uneven.top_1_weight == 0.7);
    assert!(concentration(&[]).is_err() && concentration(&[usd(0)]).is_err() && concentration(&[usd(2), usd(-1)]).is_err());
}
