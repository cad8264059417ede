//! Every figure that can be explained: its name, its method in words and in symbols, and the conventions that it follows; long because it
//! is one list.

/// How a figure's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Money,
    /// A gain: with its sign.
    SignedMoney,
    /// A return: with its sign, in percent.
    Return,
    /// A share or a deviation: in percent.
    Percent,
    /// A share: in percent of one decimal.
    Share,
    Ratio,
    /// A small ratio: with three decimals.
    Index,
    Price,
    /// Of shares: every decimal that it has.
    Quantity,
}

#[derive(Debug, Clone, Copy)]
pub struct Described {
    pub key: &'static str,
    pub name: &'static str,
    pub unit: Unit,
    pub method: &'static str,
    pub formula: &'static str,
    pub conventions: &'static [&'static str],
}

const RAW: &str = "Prices are raw closes; a session without one carries the last, and says so.";
const FLOWS: &str = "Deposits, withdrawals, transfers and opening balances are flows; dividends, interest, fees and taxes are performance.";
const INFLOWS: &str = "Inflows count from the start of the session, outflows leave at its end.";
const LEFT_OUT: &str = "A day without capital at work has no return and is left out of the product.";
const LINKED: &str = "Parts add up to the return of the range. Days without capital at work have no return, and no part.";
const DAILY: &str = "From daily returns; 252 sessions make a year.";
const RATE: &str = "The risk-free rate is the 3-month Treasury yield (DGS3MO) of the session, carried over bond holidays.";

const fn figure(
    key: &'static str,
    name: &'static str,
    unit: Unit,
    method: &'static str,
    formula: &'static str,
    conventions: &'static [&'static str],
) -> Described {
    Described { key, name, unit, method, formula, conventions }
}

pub const FIGURES: &[Described] = &[
    figure(
        "value",
        "Value",
        Unit::Money,
        "Each position at the close of the session, plus cash and dividends that are due.",
        "V = Σ quantity × close + cash + receivable",
        &[RAW],
    ),
    figure(
        "session_value",
        "Value of the session",
        Unit::Money,
        "Each position at the close of the session, plus cash and dividends that are due.",
        "V = Σ quantity × close + cash + receivable",
        &[RAW],
    ),
    figure(
        "day_change",
        "Day change",
        Unit::SignedMoney,
        "What the session gained or lost: closing value less opening value, without what was paid in and out.",
        "ΔV = V(t) − V(t−1) − inflow + outflow",
        &[FLOWS],
    ),
    figure(
        "day_return",
        "Return of the day",
        Unit::Return,
        "What the session earned on the capital at work in it.",
        "r = (V(t) + outflow) / (V(t−1) + inflow) − 1",
        &[INFLOWS, FLOWS],
    ),
    figure(
        "daily_return",
        "Return of the session",
        Unit::Return,
        "What the session earned on the capital at work in it.",
        "r = (V(t) + outflow) / (V(t−1) + inflow) − 1",
        &[INFLOWS, FLOWS],
    ),
    figure(
        "benchmark_day_return",
        "Return of SPY on the day",
        Unit::Return,
        "SPY's close beside the one before, with a dividend reinvested on its ex-date.",
        "b = (close + dividend) · split / previous close − 1",
        &[RAW],
    ),
    figure(
        "total_gain",
        "Total gain",
        Unit::SignedMoney,
        "Value less everything paid in, plus everything taken out, since the first session.",
        "gain = V − Σ inflows + Σ outflows",
        &[FLOWS],
    ),
    figure(
        "time_weighted",
        "Time-weighted return",
        Unit::Return,
        "The daily returns chained, so that size and day of deposits don't matter.",
        "TWR = Π(1 + r) − 1",
        &[INFLOWS, LEFT_OUT],
    ),
    figure(
        "benchmark_return",
        "Return of the benchmark",
        Unit::Return,
        "SPY's daily returns chained, over the sessions on which the portfolio has one.",
        "B = Π(1 + b) − 1",
        &["Total return reinvests dividends on the ex-date."],
    ),
    figure(
        "excess_return",
        "Excess return",
        Unit::Return,
        "The portfolio's time-weighted return less the benchmark's, over the sessions that have both.",
        "TWR − B",
        &["Many dashboards call this alpha; Jensen's alpha is another number."],
    ),
    figure(
        "money_weighted",
        "Money-weighted return",
        Unit::Return,
        "The one rate at which every payment grows to the closing value (XIRR).",
        "Σ aᵢ / (1 + r)^((dᵢ − d₀)/365) = 0",
        &["Actual days over 365. Under a year the rate of the period is shown."],
    ),
    figure(
        "money_weighted_in_range",
        "Money-weighted return of the range",
        Unit::Return,
        "The one rate at which the opening value and every payment of the range grow to the closing value (XIRR).",
        "Σ aᵢ / (1 + r)^((dᵢ − d₀)/365) = 0",
        &["Actual days over 365. Under a year the rate of the period is shown."],
    ),
    figure(
        "modified_dietz",
        "Modified Dietz return",
        Unit::Return,
        "The gain over the opening value and the flows, each flow weighted by the days that it was at work.",
        "(Vₑ − Vₛ − F) / (Vₛ + Σ wᵢ Fᵢ), wᵢ = (D − dᵢ)/D",
        &[FLOWS, "Without a close before the range, the first session's net inflow is the opening value."],
    ),
    figure(
        "annualized_return",
        "Return a year",
        Unit::Return,
        "The time-weighted return as a rate of one year.",
        "(1 + TWR)^(252/n) − 1",
        &[DAILY, "Periods shorter than a year aren't annualized (GIPS)."],
    ),
    figure(
        "volatility",
        "Volatility",
        Unit::Percent,
        "How much daily returns vary, as a rate of one year.",
        "sd(r) · √252",
        &[DAILY, "The sample deviation, n − 1."],
    ),
    figure(
        "sharpe_ratio",
        "Sharpe ratio",
        Unit::Ratio,
        "Mean excess return over the risk-free rate, by its deviation.",
        "mean(r − f) / sd(r − f) · √252",
        &[DAILY, RATE],
    ),
    figure(
        "max_drawdown",
        "Max drawdown",
        Unit::Return,
        "The deepest fall of the chained returns below their highest point before.",
        "min W(t) / max W(0…t) − 1",
        &[DAILY],
    ),
    figure(
        "beta",
        "Beta",
        Unit::Ratio,
        "How much the portfolio's excess returns move with the benchmark's.",
        "cov(r − f, b − f) / var(b − f)",
        &[DAILY, RATE],
    ),
    figure(
        "jensen_alpha",
        "Jensen's alpha",
        Unit::Return,
        "What a year brought beyond what beta explains.",
        "R − F − β · (B − F)",
        &[DAILY, RATE],
    ),
    figure(
        "effective_positions",
        "Effective positions",
        Unit::Ratio,
        "How many positions of equal size would be as concentrated.",
        "1 / Σ w²",
        &["Weights of market value; cash is no position."],
    ),
    figure(
        "herfindahl_index",
        "Herfindahl index",
        Unit::Index,
        "The sum of the squared weights.",
        "Σ w²",
        &["Weights of market value; cash is no position."],
    ),
    figure(
        "top_1_weight",
        "Largest position",
        Unit::Percent,
        "The largest position's share of all positions.",
        "max w",
        &["Weights of market value; cash is no position."],
    ),
    figure(
        "top_5_weight",
        "Top 5",
        Unit::Percent,
        "The five largest positions' share of all positions.",
        "Σ of the 5 largest w",
        &["Weights of market value; cash is no position."],
    ),
    figure(
        "top_10_weight",
        "Top 10",
        Unit::Percent,
        "The ten largest positions' share of all positions.",
        "Σ of the 10 largest w",
        &["Weights of market value; cash is no position."],
    ),
    figure("holding_value", "Value of the holding", Unit::Money, "Quantity times the last close.", "quantity × close", &[RAW]),
    figure(
        "holding_weight",
        "Weight",
        Unit::Percent,
        "The holding's share of the portfolio's value.",
        "value / V",
        &["Cash is part of the whole."],
    ),
    figure(
        "holding_day_return",
        "Return of the day",
        Unit::Return,
        "The last close beside the one before, both in today's shares.",
        "close / previous close − 1",
        &["Price alone: a dividend of the day isn't in it."],
    ),
    figure(
        "holding_gain",
        "Unrealized gain",
        Unit::SignedMoney,
        "Value less what the open lots cost.",
        "value − cost",
        &["Purchase fees are part of the cost. A split changes quantity and unit cost, never the total."],
    ),
    figure(
        "holding_gain_share",
        "Unrealized gain, of cost",
        Unit::Return,
        "The unrealized gain as a share of what the open lots cost.",
        "(value − cost) / cost",
        &[],
    ),
    figure(
        "since_yesterday",
        "Since yesterday",
        Unit::SignedMoney,
        "The value now less the one that was shown for the session before, by what moved it.",
        "ΔV = restatements + market + inflow − outflow + income − costs + currency",
        &[FLOWS, "What a restatement moved is what the session before is shown as now, less what it was shown as then."],
    ),
    figure(
        "price_gain",
        "Gain by prices",
        Unit::SignedMoney,
        "Closing value less the opening value and what was paid in, plus what was taken out, without income and costs.",
        "price = Vₑ − Vₛ − inflow + outflow − income + costs",
        &[FLOWS, "The step between what was paid and the closing value in the picture of the range."],
    ),
    figure(
        "gain_in_range",
        "Gain of the range",
        Unit::SignedMoney,
        "Closing value less the opening value and what was paid in, plus what was taken out.",
        "gain = Vₑ − Vₛ − Σ inflows + Σ outflows",
        &[FLOWS],
    ),
    figure(
        "contribution",
        "Contribution",
        Unit::Return,
        "What it added to the time-weighted return: each day's gain over the capital at work in the portfolio, linked over days by Carino.",
        "Σ gain / (V(t−1) + inflow) · k(r) / k(TWR), k(x) = ln(1 + x) / x",
        &[LINKED, "A sector's is its holdings'. What no holding earned is what they leave of each day's return."],
    ),
    figure(
        "contribution_gain",
        "Gain in the range",
        Unit::SignedMoney,
        "Its closing value less the opening one and what was put in, plus what came out of it.",
        "gain = vₑ − vₛ − put in + come out",
        &["A sector's is its holdings'. What no holding gained is what they leave of the portfolio's gain."],
    ),
    figure(
        "contribution_return",
        "Own return",
        Unit::Return,
        "Its own daily returns chained, over the sessions in which capital was at work in it.",
        "Π(1 + gain / (v(t−1) + put in)) − 1",
        &[INFLOWS, "Dividends and costs that are in no lot belong to it."],
    ),
    figure(
        "contribution_weight",
        "Average weight",
        Unit::Share,
        "The mean of its share of the portfolio's value at the closes before the sessions of the range.",
        "mean v(t−1) / V(t−1)",
        &["A sector's is its holdings'. What no holding is, is what they leave of the whole."],
    ),
    figure(
        "sector_weight",
        "Weight of the sector",
        Unit::Share,
        "What is held of the sector as a share of the portfolio's value.",
        "Σ value / V",
        &["The sector comes from the vendor's SIC code. Cash is one, with dividends that are due."],
    ),
    figure(
        "month_return",
        "Return of the month",
        Unit::Return,
        "The daily returns of the calendar month, chained.",
        "Π(1 + r) − 1",
        &[INFLOWS, LEFT_OUT],
    ),
    figure(
        "year_return",
        "Return of the year",
        Unit::Return,
        "The returns of the calendar year's months, chained.",
        "Π(1 + m) − 1",
        &[INFLOWS, LEFT_OUT],
    ),
    figure(
        "benchmark_year_return",
        "Return of the benchmark in the year",
        Unit::Return,
        "SPY's returns of the calendar year's months, chained, over the sessions on which the portfolio has one.",
        "Π(1 + b) − 1",
        &["Total return reinvests dividends on the ex-date."],
    ),
    figure(
        "year_excess_return",
        "Excess return of the year",
        Unit::Return,
        "The portfolio's return of the calendar year less the benchmark's.",
        "Π(1 + m) − Π(1 + b)",
        &["Many dashboards call this alpha; Jensen's alpha is another number."],
    ),
    figure(
        "drawdown",
        "Below the last peak",
        Unit::Return,
        "How far the chained returns of the range stand below their highest point so far.",
        "W(t) / max W(0…t) − 1",
        &[LEFT_OUT, "The close with which the range opens is a peak too."],
    ),
    figure(
        "rolling",
        "Rolling measure",
        Unit::Ratio,
        "The measure of the window of daily returns that ends with the session.",
        "the measure's own, over the last n returns",
        &[DAILY, "Windows reach back behind the range where there is more."],
    ),
    figure(
        "cash",
        "Cash",
        Unit::Money,
        "Cash of all accounts and currencies at the close: the day before's, and what came in and went out since.",
        "cash(t) = cash(t−1) + moved",
        &["Other currencies count at the rate of the close."],
    ),
    figure(
        "receivable",
        "Receivable dividends",
        Unit::Money,
        "Dividends that have gone ex and aren't paid yet: the day before's, and what went ex or was paid since.",
        "due(t) = due(t−1) + moved",
        &["A dividend counts from its ex-date on."],
    ),
    figure(
        "holding_quantity",
        "Quantity",
        Unit::Quantity,
        "What all accounts hold of it at the close.",
        "Σ quantity",
        &["A short position counts negative."],
    ),
    figure(
        "holding_cost",
        "Cost",
        Unit::Money,
        "What the open lots of all accounts cost, with purchase fees.",
        "Σ cost",
        &["A split changes quantity and unit cost, never the total. Other currencies count at the rate of the purchase."],
    ),
    figure(
        "risk_free_rate",
        "Risk-free rate",
        Unit::Percent,
        "The yield of 3-month Treasury bills on the session.",
        "DGS3MO / 100",
        &["A fraction a year, carried over bond holidays."],
    ),
    figure(
        "exchange_rate",
        "Exchange rate",
        Unit::Price,
        "What one unit of a currency cost in the portfolio's when the session was valued.",
        "dollars for one of it / dollars for one of the portfolio's",
        &[
            "The vendor's close of the day, which ends at midnight UTC; without one, or with one far off the days before, the last rate is carried.",
        ],
    ),
    figure(
        "close",
        "Close",
        Unit::Price,
        "As the vendor said it; where splits lie between, in the session's shares.",
        "close · old / new shares",
        &["Never adjusted. The latest version that passed its checks counts."],
    ),
];

/// One of them, by its key.
pub fn described(key: &str) -> Option<&'static Described> {
    FIGURES.iter().find(|figure| figure.key == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_says_how_it_is_made() {
        for (number, figure) in FIGURES.iter().enumerate() {
            assert!(!figure.name.is_empty() && figure.method.ends_with('.') && !figure.formula.is_empty(), "{}", figure.key);
            assert!(FIGURES[..number].iter().all(|other| other.key != figure.key), "{}", figure.key);
        }
        assert!(described("time_weighted").is_some() && described("wealth").is_none());
    }
}
