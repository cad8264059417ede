//! The catalogue against an independent computation (numpy with 80-bit numbers; the modified shortfall by numeric integration of its
//! density), and its laws.

use super::*;
use proptest::prelude::*;

/// Of [`made_up`] at MAR 0.001 and confidence 0.9.
const FACTS: &[(&str, f64)] = &[
    ("cumulative_return", 0.03598160094942383),
    ("annualized_return", 1.1008395772957098),
    ("annualized_mean_return", 0.777),
    ("volatility", 0.27020244935300575),
    ("mean_absolute_deviation", 0.013402777777777777),
    ("skewness", -0.5533336913896221),
    ("excess_kurtosis", -0.5382139021211361),
    ("sample_skewness", -0.635732010925565),
    ("sample_excess_kurtosis", -0.12182875559247153),
    ("sharpe_ratio", 2.5080459510957516),
    ("sharpe_ratio_geometric", 3.341699557806969),
    ("adjusted_sharpe_ratio", 2.646276989443402),
    ("skewness_kurtosis_ratio", -0.22476919983681287),
    ("downside_deviation", 0.011474609652039003),
    ("sortino_ratio", 0.18156027930441462),
    ("annualized_sortino_ratio", 2.8821800820414496),
    ("downside_potential", 0.005833333333333334),
    ("upside_potential", 0.007916666666666667),
    ("upside_risk", 0.011757976016304846),
    ("semi_deviation", 0.012561077632762895),
    ("omega_ratio", 1.3571428571428572),
    ("omega_sharpe_ratio", 0.35714285714285715),
    ("kappa_ratio_2", 0.18156027930441462),
    ("kappa_ratio_3", 0.1372698596318401),
    ("upside_potential_ratio", 0.6899290613567756),
    ("bernardo_ledoit_ratio", 1.5692307692307692),
    ("d_ratio", 0.3641456582633053),
    ("prospect_ratio", -0.4085106284349329),
    ("volatility_skewness", 1.05),
    ("variability_skewness", 1.02469507659596),
    ("upside_frequency", 0.5833333333333334),
    ("downside_frequency", 0.4166666666666667),
    ("max_drawdown", -0.031),
    ("average_drawdown", -0.017666666666666667),
    ("ulcer_index", 0.013203090351591892),
    ("pain_index", 0.009302733547361332),
    ("calmar_ratio", 35.51095410631322),
    ("sterling_ratio", 8.403355551875647),
    ("burke_ratio", 30.520060248743462),
    ("modified_burke_ratio", 105.7245900017738),
    ("martin_ratio", 83.37741755762369),
    ("pain_ratio", 118.33506481629334),
    ("value_at_risk", -0.017400000000000002),
    ("value_at_risk_gaussian", -0.017801490495920985),
    ("value_at_risk_modified", -0.01970743628496718),
    ("expected_shortfall", -0.0245),
    ("expected_shortfall_gaussian", -0.025516777994847386),
    ("expected_shortfall_modified", -0.027472089906686023),
    ("beta", 1.2765249833755894),
    ("beta_bull", 1.3109594890085956),
    ("beta_bear", 1.357944789327698),
    ("timing_ratio", 0.9653996976251412),
    ("alpha", 0.0002130806572790639),
    ("annualized_alpha", 0.05515809166668368),
    ("jensen_alpha", 0.15355966860857553),
    ("correlation", 0.9724541740550537),
    ("r_squared", 0.9456671206370968),
    ("tracking_error", 0.08484799242281352),
    ("active_premium", 0.33629581893605043),
    ("information_ratio", 3.963509440037486),
    ("information_ratio_arithmetic", 2.2275129275678967),
    ("systematic_risk", 0.2628435644953867),
    ("specific_risk", 0.06019140047219326),
    ("total_risk", 0.2696474440588015),
    ("appraisal_ratio", 2.551189495574468),
    ("treynor_ratio", 0.7079855766092589),
    ("modified_treynor_ratio", 3.438399863988884),
    ("m_squared", 0.8635651055490862),
    ("m_squared_excess", 0.05611725224739012),
    ("fama_beta", 1.3122641135634237),
    ("selectivity", 0.15355966860857553),
    ("net_selectivity", 0.12994216039338918),
    ("up_capture", 1.2861741998430112),
    ("down_capture", 1.245816170574235),
    ("up_number", 0.875),
    ("down_number", 1.0),
    ("up_percent", 0.75),
    ("down_percent", 0.5),
];

fn made_up() -> Aligned {
    Aligned {
        returns: vec![0.012, -0.004, 0.023, 0.0, -0.031, 0.017, 0.009, -0.012, 0.004, 0.026, -0.018, 0.011],
        benchmark: vec![0.009, -0.006, 0.018, 0.003, -0.022, 0.012, 0.011, -0.015, 0.001, 0.019, -0.009, 0.007],
        risk_free: vec![0.0004, 0.0004, 0.0004, 0.0005, 0.0005, 0.0004, 0.0003, 0.0003, 0.0003, 0.0004, 0.0004, 0.0004],
        left_out: 0,
    }
}

fn of(returns: &[f64]) -> Vec<Measured> {
    let risk_free = vec![0.0; returns.len()];
    catalogue(&Input { returns, risk_free: &risk_free, aligned: None, terms: Terms::default() })
}

#[test]
fn every_measure_is_what_an_independent_computation_finds() {
    let aligned = made_up();
    let terms = Terms { mar: 0.001, confidence: 0.9, ..Terms::default() };
    let measured = catalogue(&Input { returns: &aligned.returns, risk_free: &aligned.risk_free, aligned: Some(&aligned), terms });
    assert_eq!(measured.len(), FACTS.len());
    for (key, fact) in FACTS {
        let found = find(&measured, key).unwrap();
        assert!((found - fact).abs() <= 1e-13 * fact.abs().max(1.0), "{key}: {found} is not {fact}");
    }
}

#[test]
fn keys_are_those_of_the_catalogue_whatever_is_missing() {
    let aligned = made_up();
    let input = Input { returns: &aligned.returns, risk_free: &[], aligned: None, terms: Terms::default() };
    for measured in [catalogue(&input), catalogue(&Input { returns: &[0.1], ..input }), of(&aligned.returns)] {
        assert_eq!(measured.iter().map(|(key, _)| *key).collect::<Vec<_>>(), KEYS);
    }
    let missing = find(&catalogue(&input), "sharpe_ratio").unwrap_err().0;
    assert_eq!(missing, "the risk-free rate of these periods isn't known");
    assert_eq!(find(&of(&aligned.returns), "beta").unwrap_err().0, "needs a benchmark");
}

#[test]
fn what_cannot_be_computed_says_why() {
    let flat = of(&[0.01; 30]);
    for key in ["sharpe_ratio", "skewness", "adjusted_sharpe_ratio", "sortino_ratio", "calmar_ratio", "value_at_risk_modified"] {
        assert!(find(&flat, key).is_err(), "{key}");
    }
    assert_eq!(find(&flat, "volatility").unwrap(), 0.0);
    let lost = of(&[0.1, -1.0, 0.2]);
    assert_eq!((find(&lost, "cumulative_return").unwrap(), find(&lost, "annualized_return").unwrap()), (-1.0, -1.0));
    assert_eq!(find(&lost, "max_drawdown").unwrap(), -1.0);
    assert!(find(&of(&[0.1, 0.2, -0.1]), "sample_excess_kurtosis").is_err());
    assert!(find(&of(&[1e300, 1e300]), "cumulative_return").unwrap_err().0.contains("too large"));
}

#[test]
fn every_fall_is_in_the_table() {
    let table = falls(&[-0.1, 0.2, -0.5, 0.5, 0.5, -0.2, 0.1]);
    let depths: Vec<f64> = table.iter().map(|fall| (fall.depth * 100.0).round() / 100.0).collect();
    assert_eq!(depths, [-0.1, -0.5, -0.2]);
    assert_eq!((table[0].peak, table[0].recovery, table[1].recovery, table[2].recovery), (None, Some(1), Some(4), None));
}

proptest! {
    /// Twice the returns over a rate of zero: twice the spread and the shortfalls, the same ratios.
    #[test]
    fn a_scale_changes_sizes_and_no_ratio(returns in prop::collection::vec(-0.05_f64..0.05, 25..120)) {
        let doubled: Vec<f64> = returns.iter().map(|r| r * 2.0).collect();
        let (one, two) = (of(&returns), of(&doubled));
        for key in ["volatility", "downside_deviation", "value_at_risk", "expected_shortfall", "semi_deviation"] {
            prop_assert!((find(&one, key).unwrap() * 2.0 - find(&two, key).unwrap()).abs() < 1e-12, "{}", key);
        }
        for key in ["sharpe_ratio", "sortino_ratio", "omega_ratio", "skewness", "excess_kurtosis", "bernardo_ledoit_ratio", "d_ratio"] {
            let (one, two) = (find(&one, key).unwrap(), find(&two, key).unwrap());
            prop_assert!((one - two).abs() < 1e-9 * one.abs().max(1.0), "{}", key);
        }
    }

    /// A portfolio that is its benchmark has beta 1, alpha 0, and captures everything.
    #[test]
    fn ones_own_benchmark_explains_everything(returns in prop::collection::vec(-0.05_f64..0.05, 25..120)) {
        let risk_free = vec![0.0001; returns.len()];
        let aligned = Aligned { benchmark: returns.clone(), returns: returns.clone(), risk_free: risk_free.clone(), left_out: 0 };
        let measured = catalogue(&Input { returns: &returns, risk_free: &risk_free, aligned: Some(&aligned), terms: Terms::default() });
        for (key, value) in [("beta", 1.0), ("alpha", 0.0), ("jensen_alpha", 0.0), ("correlation", 1.0), ("up_capture", 1.0), ("tracking_error", 0.0)] {
            prop_assert!((find(&measured, key).unwrap() - value).abs() < 1e-9, "{}", key);
        }
    }

    /// Nothing panics, and nothing that isn't a number gets out.
    #[test]
    fn hostile_series_have_values_or_reasons(returns in prop::collection::vec(prop_oneof![-1e3_f64..1e3, Just(0.0), Just(-1.0), Just(1e300)], 0..40)) {
        let aligned = Aligned { returns: returns.clone(), benchmark: returns.iter().rev().copied().collect(), risk_free: vec![0.0; returns.len()], left_out: 0 };
        let risk_free = &aligned.risk_free;
        for (key, figure) in catalogue(&Input { returns: &returns, risk_free, aligned: Some(&aligned), terms: Terms::default() }) {
            prop_assert!(figure.map_or_else(|reason| !reason.0.is_empty(), f64::is_finite), "{}", key);
        }
    }

    /// Constant returns: no spread, no ratio over it, and a return that is its own mean.
    #[test]
    fn a_constant_series_has_a_return_and_no_risk(r in -0.01_f64..0.01, count in 2_usize..300) {
        let measured = of(&vec![r; count]);
        for key in ["volatility", "mean_absolute_deviation", "semi_deviation"] {
            prop_assert!(find(&measured, key).unwrap().abs() < 1e-17, "{}", key);
        }
        for key in ["sharpe_ratio", "skewness", "excess_kurtosis", "adjusted_sharpe_ratio", "expected_shortfall_modified"] {
            prop_assert!(find(&measured, key).is_err(), "{}", key);
        }
        let expected = libm::expm1(libm::log1p(r) * 252.0);
        prop_assert!((find(&measured, "annualized_return").unwrap() - expected).abs() < 1e-11 * (1.0 + expected.abs()));
        prop_assert_eq!(find(&measured, "value_at_risk").unwrap(), r);
    }

    /// The same added to every return and to the minimum acceptable one: the same spread and the same partial moments.
    #[test]
    fn a_shift_moves_the_mean_alone(returns in prop::collection::vec(-0.05_f64..0.05, 25..120), by in -0.01_f64..0.01) {
        let risk_free = vec![0.0; returns.len()];
        let shifted: Vec<f64> = returns.iter().map(|r| r + by).collect();
        let at = |returns: &[f64], mar: f64| {
            catalogue(&Input { returns, risk_free: &risk_free, aligned: None, terms: Terms { mar, ..Terms::default() } })
        };
        let (one, two) = (at(&returns, 0.0), at(&shifted, by));
        for key in ["volatility", "skewness", "excess_kurtosis", "semi_deviation", "mean_absolute_deviation"] {
            prop_assert!((find(&one, key).unwrap() - find(&two, key).unwrap()).abs() < 1e-9, "{}", key);
        }
        for key in ["downside_deviation", "downside_potential", "upside_potential", "upside_risk", "value_at_risk", "expected_shortfall"] {
            let moved = if key.starts_with("value") || key.starts_with("expected") { by } else { 0.0 };
            prop_assert!((find(&one, key).unwrap() + moved - find(&two, key).unwrap()).abs() < 1e-12, "{}", key);
        }
    }

    /// Ratios, shares and depths stay within their bounds; parts add up.
    #[test]
    fn measures_stay_within_their_bounds(rows in prop::collection::vec((-0.2_f64..0.2, -0.2_f64..0.2), 25..120)) {
        let (returns, benchmark): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
        let risk_free = vec![1e-4; returns.len()];
        let aligned = Aligned { returns: returns.clone(), benchmark, risk_free: risk_free.clone(), left_out: 0 };
        let measured = catalogue(&Input { returns: &returns, risk_free: &risk_free, aligned: Some(&aligned), terms: Terms::default() });
        let value = |key: &str| find(&measured, key).unwrap();
        prop_assert!((-1.0..=1.0).contains(&value("correlation")) && (0.0..=1.0).contains(&value("r_squared")));
        prop_assert!((-1.0..=0.0).contains(&value("max_drawdown")) && value("max_drawdown") <= value("average_drawdown"));
        prop_assert!(value("pain_index") <= value("ulcer_index") + 1e-15 && value("ulcer_index") <= -value("max_drawdown") + 1e-15);
        prop_assert!(value("expected_shortfall") <= value("value_at_risk"));
        prop_assert!(value("upside_frequency") + value("downside_frequency") <= 1.0 + 1e-15);
        let square = value("downside_deviation").powi(2) + value("upside_risk").powi(2);
        let (mean, sd) = (value("annualized_mean_return") / 252.0, value("volatility") / 252.0_f64.sqrt());
        let count = returns.len() as f64;
        prop_assert!((square - (sd * sd * (count - 1.0) / count + mean * mean)).abs() < 1e-14, "second moments add up");
        prop_assert!((value("upside_potential") - value("downside_potential") - mean).abs() < 1e-15);
        let regressed = value("systematic_risk").powi(2) + value("specific_risk").powi(2);
        prop_assert!((value("total_risk").powi(2) - regressed).abs() < 1e-12);
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let found = of(&[0.1, wrong, 0.2]);
        assert!(found.iter().all(|(_, figure)| figure.as_ref().unwrap_err().0 == "a return isn't a finite number"));
        let aligned = Aligned { benchmark: vec![wrong; 12], ..made_up() };
        let input = Input { returns: &aligned.returns, risk_free: &aligned.risk_free, aligned: Some(&aligned), terms: Terms::default() };
        assert!(find(&catalogue(&input), "beta").is_err() && measure(&input, "volatility").is_err());
    }
}

#[test]
fn returns_that_hardly_vary_keep_their_digits() {
    // 1 ± k · 2⁻⁴⁰ has an exact mean of 1 and an exact spread.
    let step = 1.0 / (1_u64 << 40) as f64;
    let returns: Vec<f64> = (0..1_000).map(|at| 1.0 + f64::from(at % 5 - 2) * step).collect();
    let found = of(&returns);
    let expected = (2.0 * 1_000.0 / 999.0_f64).sqrt() * step * 252.0_f64.sqrt();
    assert!((find(&found, "volatility").unwrap() / expected - 1.0).abs() < 1e-13);
    // The same around 1.1, which no double is: the deviations are those of the numbers that there are.
    let off: Vec<f64> = returns.iter().map(|r| r + 0.1).collect();
    assert!((find(&of(&off), "volatility").unwrap() / expected - 1.0).abs() < 1e-3);
    assert!(find(&found, "skewness").unwrap().abs() < 1e-12);
}
