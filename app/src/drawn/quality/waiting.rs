//! What waits for a person: rows in quarantine, and differences to the broker.

use super::parts::{ACTIONS, accept, field, hidden, price, repair, until};
use crate::{
    format,
    quality::model::{Quality, QuarantineKey, QuarantineRow, ReconciliationRow, Repair},
    routes,
};
use leptos::prelude::*;

pub(super) fn quarantine(page: &Quality) -> AnyView {
    let rows = page.quarantine.iter().map(|row| set_aside(page, row)).collect_view();
    let empty = page.quarantine.is_empty().then(|| view! { <p class="mute">"Nothing is set aside."</p> });
    let how = match (page.quarantine.is_empty(), page.may_decide, page.may_change) {
        (true, ..) | (_, true, _) => "",
        (false, false, true) => "Prices are shared: an administrator releases or discards them.",
        (false, false, false) => "In an installation of your own you would release or discard each here.",
    };
    view! {
        <section class="card wide" id="quarantine">
            <header><h2>"Quarantine"</h2><span class="mute">"the last good price is carried instead"</span></header>
            {empty}{rows}
            {(!how.is_empty()).then(|| view! { <p class="tag">{how}</p> })}
            {elsewhere(page)}
        </section>
    }
    .into_any()
}

fn keys(key: &QuarantineKey) -> AnyView {
    hidden(&[
        ("row[dataset]", key.dataset.clone()),
        ("row[symbol]", key.symbol.clone()),
        ("row[session_date]", key.session_date.to_string()),
        ("row[row_key]", key.row_key.clone()),
        ("row[response_id]", key.response_id.to_string()),
    ])
}

fn set_aside(page: &Quality, row: &QuarantineRow) -> AnyView {
    let key = &row.key;
    let refused = row.refused.iter().map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect::<Vec<_>>().join(", ");
    let said_by = row.vendor.as_ref().map(|vendor| format!("{}, answer {}", format::identifier(vendor), key.response_id));
    let checks = row.checks.iter().map(|check| view! { <a href=routes::check(check)>{format::identifier(check)}</a>" " }).collect_view();
    let act = page.may_decide.then(|| decide(page, key));
    let enter = (page.may_decide && key.dataset == "bars").then(|| price("Enter a price", &key.symbol, Some(key.session_date)));
    view! {
        <article class="finding bad set-aside">
            <h3>{key.symbol.clone()}" "<span class="mute">{format!("{}, {}", format::date(key.session_date), key.dataset)}</span></h3>
            <p>{row.reason.clone()}</p>
            <p class="tag">
                {(!refused.is_empty()).then(|| format!("Refused: {refused}. "))}
                {said_by.map(|said| format!("From {said}, "))}<a class="more" href=routes::run(row.run_id)>{format!("run {}", row.run_id)}</a>
                {format!(", {}. ", format::ago(row.quarantined_at, page.rendered_at))}{checks}
            </p>
            <div class="repairs">{act}{enter}</div>
        </article>
    }
    .into_any()
}

/// One form, two buttons: what is judged well is released without a word.
fn decide(page: &Quality, key: &QuarantineKey) -> AnyView {
    view! {
        <details class="act">
            <summary class="button quiet small">"Release or discard"</summary>
            <form class="inline" method="post" action=format!("{ACTIONS}/release")>
                {keys(key)}
                <p class="tag wide">
                    "Released, it is judged again. If it still fails, a note and a day are needed: until then it is used, afterwards it waits again."
                </p>
                {field("Note", "word[note]", "text", "", false)}{until("Until, if it still fails", "word[expires_on]", page, false)}
                <button class="button small" type="submit">"Release"</button>
                <button class="button quiet small" type="submit" formaction=format!("{ACTIONS}/discard")>"Discard"</button>
            </form>
        </details>
    }
    .into_any()
}

/// What only others hold isn't listed; who holds it says which it is.
fn elsewhere(page: &Quality) -> AnyView {
    if page.quarantined_elsewhere == 0 {
        return ().into_any();
    }
    let count = format::plural(page.quarantined_elsewhere, "more row waits", "more rows wait");
    view! {
        <details class="act">
            <summary>{format!("{count} of symbols that you don't hold")}</summary>
            <form class="inline" method="post" action=format!("{ACTIONS}/release")>
                <p class="tag wide">"Who holds them sees them and tells you symbol and day."</p>
                {hidden(&[("row[dataset]", "bars".to_owned()), ("row[response_id]", "0".to_owned())])}
                {field("Symbol", "row[symbol]", "text", "", true)}{field("Session", "row[session_date]", "date", "", true)}
                {field("Note", "word[note]", "text", "", false)}{until("Until, if it still fails", "word[expires_on]", page, false)}
                <button class="button small" type="submit">"Release"</button>
                <button class="button quiet small" type="submit" formaction=format!("{ACTIONS}/discard")>"Discard"</button>
            </form>
        </details>
    }
    .into_any()
}

pub(super) fn reconciliation(page: &Quality) -> AnyView {
    if page.reconciliation.is_empty() {
        return ().into_any();
    }
    let rows = page.reconciliation.iter().map(|row| difference(page, row)).collect_view();
    view! {
        <section class="card wide" id="reconciliation">
            <header><h2>"Differences to the broker"</h2><span class="mute">"what its report and the transactions disagree about"</span></header>
            <div class="scroll">
                <table class="rows differences">
                    <thead>
                        <tr>
                            <th scope="col">"Symbol"</th><th scope="col" class="r">"Ours"</th><th scope="col" class="r">"Broker's"</th>
                            <th scope="col" class="r">"Difference"</th><th scope="col" class="hide">"Since"</th><th scope="col">"Likely cause"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}

fn difference(page: &Quality, row: &ReconciliationRow) -> AnyView {
    let is_cash = row.symbol.is_none();
    let number = |number| if is_cash { format::money(crate::domain::Money(number)) } else { format::quantity(number) };
    let act = match &row.repair {
        Some(Repair::Accept) if page.may_change => {
            let check = if is_cash { "cash_reconciles" } else { "positions_reconcile" };
            accept(page, check, row.portfolio, "")
        }
        Some(offer) => repair(page, offer),
        None => ().into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                {row.symbol.clone().unwrap_or_else(|| "Cash".into())}<small class="said mute">{format!("{}, {}", row.portfolio_name, row.account_name)}</small>
            </th>
            <td class="r">{number(row.derived)}</td>
            <td class="r">{number(row.reported)}</td>
            <td class="r">{number(row.reported - row.derived)}</td>
            <td class="hide one-line">{format::date(row.since)}</td>
            <td>
                <b>{format::identifier(&row.cause)}</b><small class="said">{row.explanation.clone()}</small>
                <div class="repairs">{act}</div>
            </td>
        </tr>
    }
    .into_any()
}
