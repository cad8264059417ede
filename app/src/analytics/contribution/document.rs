//! Contributions as JSON: of `plumbline performance` and of `/api/performance.json` alike.

use super::{Contribution, Contributions, Gain, Part, Rest, RestGain};
use crate::{
    analytics::report::Shown,
    domain::{Money, Undefined},
};
use serde::{Serialize, Serializer, ser::SerializeStruct};

/// What no holding earned, as it is called.
pub const REST: &str = "Cash, fees and rounding";

#[derive(Serialize)]
struct Row<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sector: Option<&'a str>,
    /// Null for the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    average_weight: Option<f64>,
    #[serde(rename = "return", skip_serializing_if = "Option::is_none")]
    own_return: Option<Shown<'a, f64>>,
    contribution: Option<f64>,
    #[serde(flatten)]
    effects: Option<Effects>,
    gain: Option<Amounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gain_reason: Option<&'a Undefined>,
}

#[derive(Serialize)]
struct Effects {
    price: f64,
    income: f64,
    costs: f64,
    currency: f64,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Amounts {
    Held { total: String, realized: String, unrealized: String, income: String, costs: String },
    Rest { total: String, income: String, costs: String, currency: String, rounding: String },
}

impl Row<'_> {
    fn of(part: &Part) -> Row<'_> {
        let effects = |Contribution { price, income, costs, currency, .. }: Contribution| Effects { price, income, costs, currency };
        Row {
            sector: part.group.as_deref(),
            symbol: None,
            name: None,
            average_weight: part.average_weight,
            own_return: Some(Shown::from(&part.own_return)),
            contribution: part.contribution.map(|part| part.whole),
            effects: part.contribution.map(effects),
            gain: part.gain.as_ref().ok().copied().map(held),
            gain_reason: part.gain.as_ref().err(),
        }
    }

    fn rest(rest: &Rest) -> Row<'_> {
        Row {
            sector: None,
            symbol: Some(None),
            name: Some(REST),
            average_weight: rest.average_weight,
            own_return: None,
            contribution: rest.contribution,
            effects: None,
            gain: rest.gain.as_ref().ok().copied().map(of_rest),
            gain_reason: rest.gain.as_ref().err(),
        }
    }
}

fn held(gain: Gain) -> Amounts {
    let Gain { total, realized, unrealized, income, costs } = gain;
    let [total, realized, unrealized, income, costs] = [total, realized, unrealized, income, costs].map(Money::plain);
    Amounts::Held { total, realized, unrealized, income, costs }
}

fn of_rest(gain: RestGain) -> Amounts {
    let RestGain { total, income, costs, currency, rounding } = gain;
    let [total, income, costs, currency, rounding] = [total, income, costs, currency, rounding].map(Money::plain);
    Amounts::Rest { total, income, costs, currency, rounding }
}

impl Serialize for Contributions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |(symbol, part)| Row { symbol: Some(Some(crate::domain::Symbol::as_str(symbol))), ..Row::of(part) };
        let parts: Vec<Row<'_>> = self.parts.iter().map(|(symbol, of)| part((symbol, of))).chain([Row::rest(&self.rest)]).collect();
        let sectors: Vec<Row<'_>> = self.groups.iter().map(|(group, part)| Row { sector: Some(group), ..Row::of(part) }).collect();
        let mut document = serializer.serialize_struct("contributions", 7)?;
        document.serialize_field("parts", &parts)?;
        document.serialize_field("sectors", &sectors)?;
        document.serialize_field("total", &self.whole.as_ref().ok())?;
        match &self.whole {
            Err(reason) => document.serialize_field("reason", reason)?,
            Ok(_) => document.skip_field("reason")?,
        }
        document.serialize_field("residual", &self.residual())?;
        document.serialize_field("gain", &self.gain.as_ref().ok().map(|gain| gain.plain()))?;
        match &self.gain {
            Err(reason) => document.serialize_field("gain_reason", reason)?,
            Ok(_) => document.skip_field("gain_reason")?,
        }
        document.end()
    }
}
