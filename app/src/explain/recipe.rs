//! What a figure is worked out from, and working it out again: the functions of the pages themselves, on the server and in the browser. Pure.

use crate::{
    analytics::{
        benchmark::excess_return,
        cashflow::{Flow, Payment, modified_dietz, money_weighted},
        contribution::{average_weight, linked_over_days},
        drawdown::drawdowns,
        ledger::{after_split, crossed, market_value, value_abroad},
        metrics::{Terms, on_screen},
        returns::cumulative_return,
        risk::concentration,
        series::Series,
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
    /// What a unit of the price's currency costs in the portfolio's; none where it is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Decimal>,
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

/// What a part of the portfolio was, or earned, in a session, and of how much.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatedShare {
    pub session: NaiveDate,
    pub part: Exact,
    pub whole: Exact,
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
    /// Σ quantity × price × rate + cash + receivable.
    Worth {
        positions: Vec<Priced>,
        cash: Money,
        receivable: Money,
    },
    /// What each account holds in another currency, rounded for itself.
    Each {
        positions: Vec<Priced>,
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
    Excess {
        pairs: Vec<(Option<Exact>, Option<Exact>)>,
    },
    /// Π(1 + r) − Π(1 + b), each over its own periods.
    Ahead {
        returns: Vec<DatedReturn>,
        benchmark: Vec<DatedReturn>,
    },
    /// W / max W − 1 after the last of them.
    Fall {
        returns: Vec<DatedReturn>,
    },
    MoneyWeighted {
        payments: Vec<Paid>,
        is_annual: bool,
    },
    /// Opening and closing value with their days, and the net flow of each day between.
    ModifiedDietz {
        opening: Paid,
        closing: Paid,
        flows: Vec<Paid>,
    },
    /// A measure of the catalogue, of the returns that there are; beside each what is known of its session.
    Measure {
        key: String,
        /// Of the range, those without a return included.
        sessions: usize,
        returns: Vec<Exact>,
        /// Per period.
        risk_free: Vec<Option<Exact>>,
        benchmark: Vec<Option<Exact>>,
    },
    /// A measure of a window's returns, as they are: a window is as long as it was chosen.
    Window {
        key: String,
        returns: Vec<Exact>,
        risk_free: Vec<Option<Exact>>,
        benchmark: Vec<Option<Exact>>,
    },
    /// What several are together, of a whole.
    ShareOfSum {
        parts: Vec<Term>,
        whole: Money,
    },
    /// What several accounts hold.
    Count {
        parts: Vec<Decimal>,
    },
    /// A yield as the vendor prints it, in percent.
    Percent {
        text: String,
    },
    /// Dollars for one unit of a currency over those for one of the portfolio's.
    Crossed {
        of: Decimal,
        base: Decimal,
    },
    /// The mean of the shares.
    AverageWeight {
        shares: Vec<DatedShare>,
    },
    /// Each session's part of the portfolio's return, linked over all of them by Carino. Sessions without a return count for nothing.
    Contribution {
        returns: Vec<DatedReturn>,
        /// Of the sessions with a return, in their order: what the part earned, of the capital that the return is of.
        parts: Vec<DatedShare>,
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

pub fn exact(numbers: &[f64]) -> Vec<Exact> {
    numbers.iter().copied().map(Exact).collect()
}

fn known(numbers: &[Option<Exact>]) -> Vec<Option<f64>> {
    numbers.iter().map(|number| number.map(|number| number.0)).collect()
}

fn linked(returns: &[DatedReturn]) -> Figure<crate::analytics::returns::Linked> {
    cumulative_return(returns.iter().map(|day| day.r.map(|r| r.0)))
}

impl DatedShare {
    fn ratio(&self) -> f64 {
        self.part.0 / self.whole.0
    }
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
                let (home, abroad): (Vec<&Priced>, Vec<&Priced>) = positions.iter().partition(|held| held.rate.is_none());
                let home = market_value(home.into_iter().map(|held| (held.quantity, held.price)));
                let abroad = abroad.into_iter().map(|held| value_abroad(held.quantity, held.price, held.rate?)).sum::<Option<Money>>();
                let (home, abroad) = home.zip(abroad).ok_or_else(too_large)?;
                Ok(Answer::Money(home + abroad + *cash + *receivable))
            }
            Self::Each { positions } => {
                let worth = |held: &Priced| value_abroad(held.quantity, held.price, held.rate.unwrap_or(Decimal::ONE));
                positions.iter().map(worth).sum::<Option<Money>>().map(Answer::Money).ok_or_else(too_large)
            }
            Self::Share { part, whole } => part.share_of(*whole).map(number).ok_or_else(|| Undefined::because("the whole is zero")),
            Self::DayReturn { opening, closing, inflow, outflow } => {
                let base = *opening + *inflow;
                let r = (base > Money::ZERO).then(|| (*closing + *outflow - base).share_of(base)).flatten();
                r.map(number).ok_or_else(|| Undefined::because("no capital was at work"))
            }
            Self::QuotedReturn { close, previous, dividend, ratio } => Ok(number((close.0 + dividend.0) * ratio.0 / previous.0 - 1.0)),
            Self::Linked { returns } => linked(returns).map(|linked| number(linked.cumulative)),
            Self::Ahead { returns, benchmark } => Ok(number(linked(returns)?.cumulative - linked(benchmark)?.cumulative)),
            Self::Fall { returns } => {
                let returns: Vec<f64> = returns.iter().filter_map(|day| day.r.map(|r| r.0)).collect();
                drawdowns(&returns).last().copied().map(number).ok_or_else(|| Undefined::because("needs 1 return, has 0"))
            }
            Self::Excess { pairs } => excess_return(pairs.iter().map(|(r, b)| (r.map(|r| r.0), b.map(|b| b.0)))).map(number),
            Self::MoneyWeighted { payments, is_annual } => {
                let payments: Vec<Payment> =
                    payments.iter().map(|paid| Payment { on: paid.on, amount: paid.amount.ratio_base() }).collect();
                let found = money_weighted(&payments)?;
                if *is_annual { found.yearly().map(number) } else { Ok(number(found.of_period)) }
            }
            Self::ModifiedDietz { opening, closing, flows } => {
                let flows: Vec<Flow> = flows.iter().map(|flow| Flow { on: flow.on, amount: flow.amount }).collect();
                modified_dietz((opening.on, opening.amount), (closing.on, closing.amount), &flows).map(number)
            }
            Self::Measure { key, sessions, returns, risk_free, benchmark } => {
                let series = series(returns, risk_free, benchmark)?;
                on_screen(&series.measured(Terms::default(), 0..returns.len()), key, *sessions).map(number)
            }
            Self::Window { key, returns, risk_free, benchmark } => {
                series(returns, risk_free, benchmark)?.measure(key, Terms::default(), 0..returns.len()).map(number)
            }
            Self::ShareOfSum { parts, whole } => {
                let sum: Money = parts.iter().map(|part| part.amount).sum();
                sum.share_of(*whole).map(number).ok_or_else(|| Undefined::because("the whole is zero"))
            }
            Self::Count { parts } => {
                let sum = parts.iter().try_fold(Decimal::ZERO, |sum, part| sum.checked_add(*part));
                sum.map(|sum| Answer::Price(sum.normalize())).ok_or_else(too_large)
            }
            Self::Percent { text } => {
                let unreadable = |_| Undefined::because("what was quoted is no number");
                let percent: f64 = text.trim().trim_matches('"').parse().map_err(unreadable)?;
                Ok(number(percent / 100.0))
            }
            Self::Crossed { of, base } => crossed(*of, *base).map(Answer::Price).ok_or_else(|| Undefined::because("the rate is zero")),
            Self::AverageWeight { shares } => average_weight(shares.iter().map(DatedShare::ratio))
                .map(number)
                .ok_or_else(|| Undefined::because("no close before has a value")),
            Self::Contribution { returns, parts } => {
                let with_one = returns.iter().filter_map(|day| day.r.map(|r| r.0));
                let days = with_one.zip(parts.iter().map(DatedShare::ratio));
                Ok(number(linked_over_days(linked(returns)?.cumulative, days)))
            }
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

fn series(returns: &[Exact], risk_free: &[Option<Exact>], benchmark: &[Option<Exact>]) -> Figure<Series> {
    if risk_free.len() != returns.len() || benchmark.len() != returns.len() {
        return Err(Undefined::because("the columns aren't of the same length"));
    }
    let returns = returns.iter().map(|r| r.0).collect();
    Ok(Series { days: Vec::new(), returns, risk_free: known(risk_free), benchmark: Some(known(benchmark)) })
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
