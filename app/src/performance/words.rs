//! The words for each measure on a page: its group, its name, and how it is made.

/// Where a measure stands on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Return,
    Risk,
    Ratios,
    Drawdown,
    Tail,
    Benchmark,
    Concentration,
}

impl Group {
    pub const ALL: [Self; 7] = [Self::Return, Self::Risk, Self::Ratios, Self::Drawdown, Self::Tail, Self::Benchmark, Self::Concentration];

    pub fn title(self) -> &'static str {
        match self {
            Self::Return => "Return",
            Self::Risk => "Risk",
            Self::Ratios => "Reward per risk",
            Self::Drawdown => "Drawdown",
            Self::Tail => "Tail",
            Self::Benchmark => "Beside the benchmark",
            Self::Concentration => "Concentration",
        }
    }
}

/// How a measure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `+1.20 %` of a fraction.
    SignedPercent,
    /// `18.85 %` of a fraction.
    Percent,
    /// `54.3 %` of a fraction.
    Share,
    /// `1.31`.
    Ratio,
    /// `0.072`.
    Index,
}

/// A measure in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// As in NUMBERS.md, JSON and code.
    pub key: &'static str,
    pub group: Group,
    pub name: &'static str,
    pub unit: Unit,
    pub method: &'static str,
}

const fn words(key: &'static str, group: Group, name: &'static str, unit: Unit, method: &'static str) -> Words {
    Words { key, group, name, unit, method }
}

/// What the rolling windows of a page may show: measures that a month of returns is enough for.
pub const ROLLING: &[&str] = &[
    "cumulative_return",
    "volatility",
    "sharpe_ratio",
    "annualized_sortino_ratio",
    "omega_ratio",
    "downside_deviation",
    "skewness",
    "max_drawdown",
    "value_at_risk",
    "beta",
    "alpha",
    "correlation",
    "tracking_error",
    "information_ratio_arithmetic",
];

/// The words of a measure.
pub fn find(key: &str) -> Option<&'static Words> {
    WORDS.iter().find(|words| words.key == key)
}

/// Every measure, in the page's order.
pub const WORDS: &[Words] = &[
    words("cumulative_return", Group::Return, "Cumulative return", Unit::SignedPercent, "time-weighted: daily returns chained"),
    words("annualized_return", Group::Return, "Annualized return", Unit::SignedPercent, "the cumulative return as a yearly rate"),
    words("annualized_mean_return", Group::Return, "Mean return a year", Unit::SignedPercent, "the mean daily return times 252"),
    words("upside_potential", Group::Return, "Upside potential", Unit::Percent, "mean excess over MAR a day"),
    words("upside_frequency", Group::Return, "Days above MAR", Unit::Share, "share of all returns"),
    words("downside_frequency", Group::Return, "Days below MAR", Unit::Share, "share of all returns"),
    words("volatility", Group::Risk, "Volatility", Unit::Percent, "deviation of daily returns, a year"),
    words("mean_absolute_deviation", Group::Risk, "Mean absolute deviation", Unit::Percent, "a day, around the mean"),
    words("skewness", Group::Risk, "Skewness", Unit::Ratio, "third moment, population deviation"),
    words("excess_kurtosis", Group::Risk, "Excess kurtosis", Unit::Ratio, "fourth moment beyond the normal’s 3"),
    words("sample_skewness", Group::Risk, "Sample skewness", Unit::Ratio, "unbiased form"),
    words("sample_excess_kurtosis", Group::Risk, "Sample excess kurtosis", Unit::Ratio, "unbiased form"),
    words("downside_deviation", Group::Risk, "Downside deviation", Unit::Percent, "a day, below the minimum acceptable return"),
    words("downside_potential", Group::Risk, "Downside potential", Unit::Percent, "mean shortfall a day"),
    words("upside_risk", Group::Risk, "Upside risk", Unit::Percent, "deviation above MAR, a day"),
    words("semi_deviation", Group::Risk, "Semi-deviation", Unit::Percent, "a day, below the mean"),
    words("sharpe_ratio", Group::Ratios, "Sharpe ratio", Unit::Ratio, "mean over the risk-free rate, per deviation, a year"),
    words("sharpe_ratio_geometric", Group::Ratios, "Sharpe ratio, geometric", Unit::Ratio, "annualized excess return per volatility"),
    words(
        "adjusted_sharpe_ratio",
        Group::Ratios,
        "Adjusted Sharpe ratio",
        Unit::Ratio,
        "Pezier and White: for skewness and kurtosis, without a risk-free rate",
    ),
    words("skewness_kurtosis_ratio", Group::Ratios, "Skewness per kurtosis", Unit::Ratio, "higher is better"),
    words("sortino_ratio", Group::Ratios, "Sortino ratio", Unit::Ratio, "a day: mean over MAR per downside deviation"),
    words("annualized_sortino_ratio", Group::Ratios, "Sortino ratio, a year", Unit::Ratio, "the daily one times √252"),
    words("omega_ratio", Group::Ratios, "Omega ratio", Unit::Ratio, "gains per losses around MAR"),
    words("omega_sharpe_ratio", Group::Ratios, "Omega-Sharpe ratio", Unit::Ratio, "mean over MAR per downside potential"),
    words("kappa_ratio_2", Group::Ratios, "Kappa ratio 2", Unit::Ratio, "second lower partial moment"),
    words("kappa_ratio_3", Group::Ratios, "Kappa ratio 3", Unit::Ratio, "third lower partial moment"),
    words("upside_potential_ratio", Group::Ratios, "Upside potential ratio", Unit::Ratio, "upside potential per downside deviation"),
    words("bernardo_ledoit_ratio", Group::Ratios, "Bernardo-Ledoit ratio", Unit::Ratio, "all gains per all losses"),
    words("d_ratio", Group::Ratios, "D ratio", Unit::Ratio, "losses per gains, weighted by their number"),
    words("prospect_ratio", Group::Ratios, "Prospect ratio", Unit::Ratio, "Watanabe: a loss weighs 2.25 times a gain"),
    words("volatility_skewness", Group::Ratios, "Volatility skewness", Unit::Ratio, "upside variance per downside variance"),
    words("variability_skewness", Group::Ratios, "Variability skewness", Unit::Ratio, "upside risk per downside deviation"),
    words("max_drawdown", Group::Drawdown, "Max drawdown", Unit::SignedPercent, "deepest fall from a peak"),
    words("average_drawdown", Group::Drawdown, "Average drawdown", Unit::SignedPercent, "mean depth of all falls"),
    words("ulcer_index", Group::Drawdown, "Ulcer index", Unit::Percent, "root of the mean squared depth"),
    words("pain_index", Group::Drawdown, "Pain index", Unit::Percent, "mean depth"),
    words("calmar_ratio", Group::Drawdown, "Calmar ratio", Unit::Ratio, "annualized return per max drawdown"),
    words("sterling_ratio", Group::Drawdown, "Sterling ratio", Unit::Ratio, "annualized return per max drawdown and ten percent"),
    words("burke_ratio", Group::Drawdown, "Burke ratio", Unit::Ratio, "annualized return per root of the squared falls"),
    words("modified_burke_ratio", Group::Drawdown, "Modified Burke ratio", Unit::Ratio, "the Burke ratio times √n"),
    words("martin_ratio", Group::Drawdown, "Martin ratio", Unit::Ratio, "annualized return per ulcer index"),
    words("pain_ratio", Group::Drawdown, "Pain ratio", Unit::Ratio, "annualized return per pain index"),
    words("value_at_risk", Group::Tail, "Value at risk", Unit::SignedPercent, "95 %, a day, historical"),
    words("value_at_risk_gaussian", Group::Tail, "Value at risk, gaussian", Unit::SignedPercent, "95 %, a day, from mean and deviation"),
    words("value_at_risk_modified", Group::Tail, "Value at risk, modified", Unit::SignedPercent, "95 %, a day, Cornish-Fisher"),
    words("expected_shortfall", Group::Tail, "Expected shortfall", Unit::SignedPercent, "95 %, a day: mean of the worst returns"),
    words(
        "expected_shortfall_gaussian",
        Group::Tail,
        "Expected shortfall, gaussian",
        Unit::SignedPercent,
        "95 %, a day, from mean and deviation",
    ),
    words(
        "expected_shortfall_modified",
        Group::Tail,
        "Expected shortfall, modified",
        Unit::SignedPercent,
        "95 %, a day: Boudt, Peterson and Croux",
    ),
    words("beta", Group::Benchmark, "Beta", Unit::Ratio, "slope on the benchmark, both over the risk-free rate"),
    words("beta_bull", Group::Benchmark, "Beta, rising", Unit::Ratio, "sessions on which the benchmark rises"),
    words("beta_bear", Group::Benchmark, "Beta, falling", Unit::Ratio, "sessions on which the benchmark falls"),
    words("timing_ratio", Group::Benchmark, "Timing ratio", Unit::Ratio, "rising beta per falling beta"),
    words("alpha", Group::Benchmark, "Alpha", Unit::SignedPercent, "intercept of the regression, a day"),
    words("annualized_alpha", Group::Benchmark, "Alpha a year", Unit::SignedPercent, "the daily intercept compounded"),
    words("jensen_alpha", Group::Benchmark, "Jensen’s alpha", Unit::SignedPercent, "a year, beyond what beta explains"),
    words("correlation", Group::Benchmark, "Correlation", Unit::Ratio, "of daily returns"),
    words("r_squared", Group::Benchmark, "R²", Unit::Ratio, "correlation squared"),
    words("tracking_error", Group::Benchmark, "Tracking error", Unit::Percent, "deviation of the difference, a year"),
    words("active_premium", Group::Benchmark, "Active premium", Unit::SignedPercent, "annualized return over the benchmark’s"),
    words("information_ratio", Group::Benchmark, "Information ratio", Unit::Ratio, "active premium per tracking error"),
    words(
        "information_ratio_arithmetic",
        Group::Benchmark,
        "Information ratio, arithmetic",
        Unit::Ratio,
        "mean difference per deviation, a year",
    ),
    words("systematic_risk", Group::Benchmark, "Systematic risk", Unit::Percent, "what beta explains, a year"),
    words("specific_risk", Group::Benchmark, "Specific risk", Unit::Percent, "what beta leaves, a year"),
    words("total_risk", Group::Benchmark, "Total risk", Unit::Percent, "both together, a year"),
    words("appraisal_ratio", Group::Benchmark, "Appraisal ratio", Unit::Ratio, "Jensen’s alpha per specific risk"),
    words("treynor_ratio", Group::Benchmark, "Treynor ratio", Unit::Ratio, "annualized excess return per beta"),
    words(
        "modified_treynor_ratio",
        Group::Benchmark,
        "Modified Treynor ratio",
        Unit::Ratio,
        "annualized excess return per systematic risk",
    ),
    words("m_squared", Group::Benchmark, "M²", Unit::SignedPercent, "a year, at the benchmark’s risk"),
    words("m_squared_excess", Group::Benchmark, "M² excess", Unit::SignedPercent, "over the benchmark, geometric"),
    words("fama_beta", Group::Benchmark, "Fama’s beta", Unit::Ratio, "deviation per the benchmark’s"),
    words("selectivity", Group::Benchmark, "Selectivity", Unit::SignedPercent, "Fama: Jensen’s alpha"),
    words(
        "net_selectivity",
        Group::Benchmark,
        "Net selectivity",
        Unit::SignedPercent,
        "selectivity less the price of diversification given up",
    ),
    words("up_capture", Group::Benchmark, "Up capture", Unit::Ratio, "return while the benchmark rises, per its own"),
    words("down_capture", Group::Benchmark, "Down capture", Unit::Ratio, "return while the benchmark falls, per its own"),
    words("up_number", Group::Benchmark, "Up number", Unit::Share, "share of rising sessions with a gain"),
    words("down_number", Group::Benchmark, "Down number", Unit::Share, "share of falling sessions with a loss"),
    words("up_percent", Group::Benchmark, "Up percent", Unit::Share, "share of rising sessions ahead of the benchmark"),
    words("down_percent", Group::Benchmark, "Down percent", Unit::Share, "share of falling sessions ahead of the benchmark"),
    words("herfindahl_index", Group::Concentration, "Herfindahl index", Unit::Index, "Σ of squared weights"),
    words("effective_positions", Group::Concentration, "Effective positions", Unit::Ratio, "as many equal ones would be as spread"),
    words("top_1_weight", Group::Concentration, "Largest position", Unit::Share, "of all positions"),
    words("top_5_weight", Group::Concentration, "Largest five", Unit::Share, "of all positions"),
    words("top_10_weight", Group::Concentration, "Largest ten", Unit::Share, "of all positions"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::{metrics::KEYS, risk::CONCENTRATION_KEYS};

    #[test]
    fn each_measure_has_its_words_once() {
        let mut named: Vec<&str> = WORDS.iter().map(|words| words.key).collect();
        let mut known: Vec<&str> = KEYS.iter().chain(&CONCENTRATION_KEYS).copied().collect();
        named.sort_unstable();
        known.sort_unstable();
        assert_eq!(named, known);
        assert!(ROLLING.iter().all(|key| KEYS.contains(key)));
    }
}
