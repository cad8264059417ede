//! What several cards of the data quality page share: forms of one button, a note with an end, what a repair offers.

use crate::{
    drawn::parts::post,
    format,
    quality::model::{Quality, Repair, Transaction},
    routes,
};
use chrono::NaiveDate;
use leptos::prelude::*;

pub(super) const ACTIONS: &str = "/api/quality";

/// Fields that stand in the form without being seen.
pub(super) fn hidden(fields: &[(&'static str, String)]) -> AnyView {
    fields.iter().map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> }).collect_view().into_any()
}

/// A labelled field of one of the page's forms.
pub(super) fn field(label: &str, name: &'static str, kind: &'static str, value: &str, is_required: bool) -> AnyView {
    view! { <label class="field"><span>{label.to_owned()}</span><input type=kind name=name value=value.to_owned() required=is_required autocomplete="off"/></label> }
        .into_any()
}

/// Until when somebody's word holds; at most a year.
pub(super) fn until(label: &str, name: &'static str, page: &Quality, is_required: bool) -> AnyView {
    let (first, last) = (page.today.to_string(), page.latest_expiry.to_string());
    view! { <label class="field"><span>{label.to_owned()}</span><input type="date" name=name min=first max=last required=is_required/></label> }.into_any()
}

/// What is asked of the person who accepts a failure.
pub(super) fn accept(page: &Quality, check: &str, portfolio: i64, symbol: &str) -> AnyView {
    let fields = [("form[check]", check.to_owned()), ("form[portfolio]", portfolio.to_string()), ("form[symbol]", symbol.to_owned())];
    view! {
        <details class="act">
            <summary class="button quiet small">"Accept"</summary>
            <form class="inline" method="post" action=format!("{ACTIONS}/accept")>
                {hidden(&fields)}{field("Why is it bearable?", "form[note]", "text", "", true)}{until("Until", "form[expires_on]", page, true)}
                <button class="button small" type="submit">"Accept it"</button>
            </form>
        </details>
    }
    .into_any()
}

/// A form to enter a close, with what is known of it.
pub(super) fn price(label: &'static str, symbol: &str, session: Option<NaiveDate>) -> AnyView {
    let day = session.map(|day| day.to_string()).unwrap_or_default();
    view! {
        <details class="act">
            <summary class="button quiet small">{label}</summary>
            <form class="inline" method="post" action=format!("{ACTIONS}/enter-price")>
                {field("Symbol", "form[symbol]", "text", symbol, true)}{field("Session", "form[session_date]", "date", &day, true)}
                {field("Close, unadjusted", "form[close]", "text", "", true)}{field("Where it is from", "form[note]", "text", "", true)}
                <label class="tick"><input type="checkbox" name="form[is_confirmed]" value="true"/>" It is right although it is far from the days around it"</label>
                <button class="button small" type="submit">"Enter the price"</button>
            </form>
        </details>
    }
    .into_any()
}

/// What mends a failure: a button, a form or a link. Empty where it isn't for this person to do.
pub(super) fn repair(page: &Quality, repair: &Repair) -> AnyView {
    match repair {
        Repair::Fetch { symbol, from, to } if page.may_decide => {
            let label = if from == to {
                format!("Fetch {symbol} of {} again", format::day(*from))
            } else {
                format!("Fetch {symbol} since {} again", format::day(*from))
            };
            let fields = [("symbol", symbol.clone()), ("from", from.to_string()), ("to", to.to_string())];
            post(format!("{ACTIONS}/fetch"), &label, true, &fields, None)
        }
        Repair::Price { symbol, session } if page.may_decide => price("Enter a price", symbol, Some(*session)),
        Repair::Activities { portfolio, from } if page.may_change => {
            let fields = [("portfolio", portfolio.to_string()), ("from", from.to_string())];
            post(format!("{ACTIONS}/fetch-activities"), &format!("Ask the broker since {} again", format::day(*from)), true, &fields, None)
        }
        Repair::Transaction(missing) if page.may_change => link(enter(missing), "Enter it"),
        Repair::Correct { portfolio, transaction } if page.may_change => {
            link(format!("{}?portfolio={portfolio}&correct={transaction}#form", routes::ACTIVITY), "Look at the entry")
        }
        Repair::Openings { portfolio } => link(format!("{}?portfolio={portfolio}", routes::ACTIVITY), "Decide about the openings"),
        _ => ().into_any(),
    }
}

fn link(href: String, label: &'static str) -> AnyView {
    view! { <a class="button quiet small" href=href rel="external">{label}</a> }.into_any()
}

/// The activity page with its form filled in.
fn enter(missing: &Transaction) -> String {
    let number = |number: Option<rust_decimal::Decimal>| number.map(|number| number.normalize().to_string());
    let fields = [
        ("symbol", missing.symbol.clone()),
        ("quantity", number(missing.quantity)),
        ("price", number(missing.price)),
        ("amount", number(missing.amount)),
    ];
    let mut address = format!(
        "{}?portfolio={}&enter={}&account={}&traded_on={}",
        routes::ACTIVITY,
        missing.portfolio,
        missing.what,
        missing.account,
        missing.traded_on
    );
    // A symbol's only letter that an address minds is the slash, and after the question mark it doesn't.
    for (name, value) in fields {
        if let Some(value) = value {
            address.push_str(&format!("&{name}={value}"));
        }
    }
    address + "#form"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_transaction_fills_the_form() {
        let missing = Transaction {
            portfolio: 3,
            account: 4,
            what: "buy".into(),
            traded_on: NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(),
            symbol: Some("BRK.A".into()),
            quantity: "2.50".parse().ok(),
            price: "210".parse().ok(),
            amount: None,
        };
        assert_eq!(
            enter(&missing),
            "/activity?portfolio=3&enter=buy&account=4&traded_on=2026-11-20&symbol=BRK.A&quantity=2.5&price=210#form"
        );
    }
}
