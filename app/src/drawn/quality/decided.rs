//! What people decided: prices by hand, acceptances, rules of their own.

use super::parts::{ACTIONS, price};
use crate::{drawn::parts::post, format, quality::model::Quality, routes};
use leptos::prelude::*;

pub(super) fn prices(page: &Quality) -> AnyView {
    if page.prices.is_empty() && !page.may_decide {
        return ().into_any();
    }
    let rows = page
        .prices
        .iter()
        .map(|row| {
            let state = (!row.is_used).then(|| view! { <span class="chip">"the vendor's is used"</span> });
            let fields = [("symbol", row.symbol.clone()), ("session_date", row.session_date.to_string()), ("version", row.version.to_string())];
            let remove = page.may_decide.then(|| {
                let question = format!("Remove the price of {} of {}?", row.symbol, format::date(row.session_date));
                post(format!("{ACTIONS}/remove-price"), "Remove", true, &fields, Some(&question))
            });
            view! {
                <tr>
                    <th scope="row">{row.symbol.clone()}</th>
                    <td class="one-line">{format::date(row.session_date)}</td>
                    <td class="r">{format::price(row.close)}</td>
                    <td>{row.note.clone()}" "{state}<small class="said mute">{format!("{}, {}", row.entered_by, format::ago(row.entered_at, page.rendered_at))}</small></td>
                    <td class="r">{remove}</td>
                </tr>
            }
        })
        .collect_view();
    let enter = page.may_decide.then(|| price("Enter a price", "", None));
    view! {
        <section class="card wide" id="prices">
            <header><h2>"Prices entered by hand"</h2><span class="mute">"used where the vendor has no good one"</span></header>
            <div class="scroll"><table class="rows"><tbody>{rows}</tbody></table></div>
            <div class="repairs">{enter}</div>
        </section>
    }
    .into_any()
}

pub(super) fn acceptances(page: &Quality) -> AnyView {
    if page.acceptances.is_empty() {
        return ().into_any();
    }
    let rows = page
        .acceptances
        .iter()
        .map(|row| {
            let state = if row.is_active { "chip ok" } else { "chip" };
            let word = if row.is_active { format!("until {}", format::date(row.expires_on)) } else { "ended".to_owned() };
            let revoke = (row.may_revoke && row.is_active).then(|| {
                post(format!("{ACTIONS}/revoke"), "Revoke", true, &[("acceptance", row.id.to_string())], Some("Does it count as a failure again?"))
            });
            view! {
                <tr>
                    <th scope="row">{format::identifier(&row.check)}<small class="said mute">{row.symbol.clone()}</small></th>
                    <td>{row.note.clone()}<small class="said mute">{format!("{}, {}", row.accepted_by, format::ago(row.accepted_at, page.rendered_at))}</small></td>
                    <td><span class=state>{word}</span></td>
                    <td class="r">{revoke}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card wide" id="acceptances">
            <header><h2>"Accepted"</h2><span class="mute">"reported on, and bearable until then"</span></header>
            <table class="rows"><tbody>{rows}</tbody></table>
        </section>
    }
    .into_any()
}

pub(super) fn rules(page: &Quality) -> AnyView {
    if !page.may_decide {
        return ().into_any();
    }
    let rows = page
        .rules
        .iter()
        .map(|row| {
            view! {
                <tr>
                    <th scope="row">{format::identifier(&row.name)}<small class="said mute">{format!("{}, {}", row.entered_by, format::ago(row.entered_at, page.rendered_at))}</small></th>
                    <td><code class="said">{row.definition.clone()}</code></td>
                    <td class="r">{post(format!("{ACTIONS}/remove-rule"), "Remove", true, &[("rule", row.id.to_string()), ("version", row.version.to_string())], Some("Check this no longer?"))}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card wide" id="rules">
            <header><h2>"Rules of our own"</h2><a class="button quiet small" href=routes::RULE>"New rule"</a></header>
            <table class="rows"><tbody>{rows}</tbody></table>
        </section>
    }
    .into_any()
}
