//! What a figure is worked out from, and working it out again: the functions of the pages themselves, on the server and in the browser. Pure.

use crate::{
    analytics::{
        benchmark::{Aligned, excess_return},
        cashflow::{Payment, money_weighted},
        drawdown::max_drawdown,
        ledger::{after_split, market_value},
        metrics::{Input, Terms, catalogue, find},
        returns::{SESSIONS_A_YEAR, annualized_return, cumulative_return},
        risk::{FEWEST_ON_SCREEN, concentration},
    },
    domain::{Figure, Money, Undefined},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A number that goes through JSON without losing a bit: as text of its shortest exact form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exact(pub f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

/// What a figure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A fraction or a ratio.
    Number(Exact),
    /// In the portfolio's currency.
    Money(Money),
    /// A price or a quantity.
    Price(Decimal),
}

/// An amount in a sum, with its sign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Term {
    pub name: String,
    pub amount: Money,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Priced {
    pub symbol: String,
    pub quantity: Decimal,
    pub price: Decimal,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatedReturn {
    pub session: NaiveDate,
    /// None: no capital was at work, or a price is missing.
    pub r: Option<Exact>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Paid {
    pub on: NaiveDate,
    /// The investor's sign.
    pub amount: Money,
}

/// Which of the measures of concentration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concentrated {
    Herfindahl,
    Effective,
    Top1,
    Top5,
    Top10,
}

/// All that a figure is worked out from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// As a vendor or a person wrote it, in shares of the session where splits lie between: each (old, new).
    Quoted {
        text: String,
        splits: Vec<(Decimal, Decimal)>,
    },
    Sum {
        terms: Vec<Term>,
    },
    /// Σ quantity × price + cash + receivable.
    Worth {
        positions: Vec<Priced>,
        cash: Money,
        receivable: Money,
    },
    Share {
        part: Money,
        whole: Money,
    },
    /// (closing + outflow) / (opening + inflow) − 1.
    DayReturn {
        opening: Money,
        closing: Money,
        inflow: Money,
        outflow: Money,
    },
    /// (close + dividend) · new shares per old / previous close − 1.
    QuotedReturn {
        close: Exact,
        previous: Exact,
        dividend: Exact,
        ratio: Exact,
    },
    /// Π(1 + r) − 1.
    Linked {
        returns: Vec<DatedReturn>,
    },
    /// (1 + R)^(252/n) − 1.
    Annualized {
        returns: Vec<DatedReturn>,
    },
    Excess {
        pairs: Vec<(Option<Exact>, Option<Exact>)>,
    },
    MoneyWeighted {
        payments: Vec<Paid>,
        is_annual: bool,
    },
    Drawdown {
        returns: Vec<Exact>,
    },
    Measure {
        key: String,
        returns: Vec<Exact>,
        risk_free: Vec<Exact>,
        benchmark: Option<Together>,
    },
    Concentration {
        values: Vec<Money>,
        of: Concentrated,
    },
    /// There is no number, and this is why.
    Nothing {
        reason: String,
    },
}

/// Returns of the sessions that portfolio, benchmark and risk-free rate have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Together {
    pub returns: Vec<Exact>,
    pub benchmark: Vec<Exact>,
    pub risk_free: Vec<Exact>,
}

pub fn exact(numbers: &[f64]) -> Vec<Exact> {
    numbers.iter().copied().map(Exact).collect()
}

fn plain(numbers: &[Exact]) -> Vec<f64> {
    numbers.iter().map(|number| number.0).collect()
}

fn linked(returns: &[DatedReturn]) -> Figure<crate::analytics::returns::Linked> {
    cumulative_return(returns.iter().map(|day| day.r.map(|r| r.0)))
}

impl Recipe {
    /// Works the figure out.
    ///
    /// # Errors
    /// Why there is no number.
    pub fn work_out(&self) -> Figure<Answer> {
        let number = |number: f64| Answer::Number(Exact(number));
        let too_large = || Undefined::because("the sum is more than a number can hold");
        match self {
            Self::Quoted { text, splits } => quoted(text, splits).map(Answer::Price),
            Self::Sum { terms } => Ok(Answer::Money(terms.iter().map(|term| term.amount).sum())),
            Self::Worth { positions, cash, receivable } => {
                let priced = positions.iter().map(|held| (held.quantity, held.price));
                Ok(Answer::Money(market_value(priced).ok_or_else(too_large)? + *cash + *receivable))
            }
            Self::Share { part, whole } => part.share_of(*whole).map(number).ok_or_else(|| Undefined::because("the whole is zero")),
            Self::DayReturn { opening, closing, inflow, outflow } => {
                let base = *opening + *inflow;
                let r = (base > Money::ZERO).then(|| (*closing + *outflow - base).share_of(base)).flatten();
                r.map(number).ok_or_else(|| Undefined::because("no capital was at work"))
            }
            Self::QuotedReturn { close, previous, dividend, ratio } => Ok(number((close.0 + dividend.0) * ratio.0 / previous.0 - 1.0)),
            Self::Linked { returns } => linked(returns).map(|linked| number(linked.cumulative)),
            Self::Annualized { returns } => {
                let linked = linked(returns)?;
                annualized_return(linked.cumulative, linked.returns, SESSIONS_A_YEAR).map(number)
            }
            Self::Excess { pairs } => excess_return(pairs.iter().map(|(r, b)| (r.map(|r| r.0), b.map(|b| b.0)))).map(number),
            Self::MoneyWeighted { payments, is_annual } => {
                let payments: Vec<Payment> =
                    payments.iter().map(|paid| Payment { on: paid.on, amount: paid.amount.ratio_base() }).collect();
                let found = money_weighted(&payments)?;
                let rate = if *is_annual { found.annual } else { Some(found.of_period) };
                rate.map(number).ok_or_else(|| Undefined::because("the yearly rate is too large for a number"))
            }
            Self::Drawdown { returns } => max_drawdown(&plain(returns)).map(|deepest| number(deepest.depth)),
            Self::Measure { key, returns, risk_free, benchmark } => measure(key, returns, risk_free, benchmark.as_ref()).map(number),
            Self::Concentration { values, of } => {
                let found = concentration(values)?;
                Ok(number(match of {
                    Concentrated::Herfindahl => found.herfindahl_index,
                    Concentrated::Effective => found.effective_positions,
                    Concentrated::Top1 => found.top_1_weight,
                    Concentrated::Top5 => found.top_5_weight,
                    Concentrated::Top10 => found.top_10_weight,
                }))
            }
            Self::Nothing { reason } => Err(Undefined::because(reason)),
        }
    }
}

/// A vendor's number may be written with an exponent; prices have ten decimals.
fn quoted(text: &str, splits: &[(Decimal, Decimal)]) -> Figure<Decimal> {
    let unreadable = || Undefined::because("what was quoted is no number");
    let text = text.trim().trim_matches('"');
    let number = text.parse().or_else(|_| Decimal::from_scientific(text)).map_err(|_| unreadable())?;
    let mut close = after_split(number, Decimal::ONE, Decimal::ONE).ok_or_else(unreadable)?;
    for (from, to) in splits {
        close = after_split(close, *from, *to).ok_or_else(unreadable)?;
    }
    Ok(close)
}

fn measure(key: &str, returns: &[Exact], risk_free: &[Exact], benchmark: Option<&Together>) -> Figure<f64> {
    let aligned = benchmark.map(|together| Aligned {
        returns: plain(&together.returns),
        benchmark: plain(&together.benchmark),
        risk_free: plain(&together.risk_free),
        left_out: 0,
    });
    let terms = Terms { fewest: FEWEST_ON_SCREEN, ..Terms::default() };
    find(&catalogue(&Input { returns: &plain(returns), risk_free: &plain(risk_free), aligned: aligned.as_ref(), terms }), key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bit_is_lost_on_the_way(number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
            let json = serde_json::to_string(&Answer::Number(Exact(number))).unwrap();
            let Answer::Number(back) = serde_json::from_str(&json).unwrap() else { panic!("{json}") };
            prop_assert_eq!(number.to_bits(), back.0.to_bits());
        }
    }

    #[test]
    fn a_quote_is_read_as_the_vendors_write_it() {
        let close = |text: &str, splits: &[(i64, i64)]| {
            let splits = splits.iter().map(|(from, to)| (Decimal::from(*from), Decimal::from(*to))).collect();
            Recipe::Quoted { text: text.into(), splits }.work_out().map(|answer| match answer {
                Answer::Price(price) => price.to_string(),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(close("102.25", &[]).unwrap(), "102.25");
        assert_eq!(close("\"102.30\"", &[]).unwrap(), "102.3");
        assert_eq!(close("1.0225e2", &[]).unwrap(), "102.25");
        assert_eq!(close("645.57", &[(1, 7)]).unwrap(), "92.2242857143");
        assert!(close("null", &[]).is_err());
    }

    #[test]
    fn a_recipe_is_read_as_it_was_written() {
        let recipe = Recipe::Linked {
            returns: vec![
                DatedReturn { session: NaiveDate::from_ymd_opt(2026, 11, 19).unwrap(), r: Some(Exact(0.1)) },
                DatedReturn { session: NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(), r: None },
            ],
        };
        let json = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&json).unwrap(), recipe, "{json}");
        assert_eq!(recipe.work_out().unwrap(), Answer::Number(Exact(0.1)));
        let nothing = Recipe::Nothing { reason: "needs 20 returns, has 7".into() };
        assert_eq!(nothing.work_out().unwrap_err().0, "needs 20 returns, has 7");
    }
}
