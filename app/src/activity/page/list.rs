//! Transactions, newest first, fifty a page; our own can be corrected and deleted.

use crate::{
    activity::{api::Delete, kinds, model::Entry},
    format, routes,
    ui::{Outcome, use_scope},
};
use leptos::prelude::*;

#[component]
pub fn List(rows: Vec<Entry>, currency: String, total: u64, page: u32, pages: u32, delete: ServerAction<Delete>) -> impl IntoView {
    let is_empty = rows.is_empty();
    let scope = use_scope();
    let rows = rows.into_iter().map(|entry| view! { <Row entry base=currency.clone() page delete/> }).collect_view();
    view! {
        <section class="card wide">
            <header>
                <h2>{format::plural(total, "transaction", "transactions")}</h2>
                <span class="mute">
                    {format!("amounts in {currency}, where no other is named")}" · "
                    <a class="link" href=move || routes::export(&scope.get(), "transactions.csv") rel="external" download="">"CSV"</a>" · "
                    <a class="link" href=move || routes::export(&scope.get(), "plumbline.xlsx") rel="external" download="">"everything as a workbook"</a>
                </span>
            </header>
            <Outcome action=delete done="Deleted. The numbers follow with the next publication."/>
            {is_empty.then(|| view! { <p class="mute">"Nothing happened yet: enter a transaction, import a file, or connect a broker."</p> })}
            <table class="rows stack" class:sr=is_empty>
                <thead>
                    <tr>
                        <th scope="col">"Day"</th>
                        <th scope="col">"What"</th>
                        <th scope="col" class="hide-middle">"Account"</th>
                        <th scope="col" class="r">"Quantity"</th>
                        <th scope="col" class="r">"Price"</th>
                        <th scope="col" class="r">"Amount"</th>
                        <th scope="col" class="r hide">"Fee and tax"</th>
                        <th scope="col">"From"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <Pages page pages/>
        </section>
    }
}

#[component]
fn Row(entry: Entry, base: String, page: u32, delete: ServerAction<Delete>) -> impl IntoView {
    let what = kinds::in_words(&entry.kind);
    let symbol = entry.symbol.as_ref().map(ToString::to_string).unwrap_or_default();
    let other = entry.counter_symbol.as_ref().map(|other| format!(" → {other}"));
    let ratio = entry.ratio.map(|ratio| format!(" {} for 1", format::shares_ratio(ratio)));
    let costs = entry.fee + entry.tax;
    // Amounts in the portfolio's own currency are the usual ones and name none.
    let unit = if entry.currency == base { String::new() } else { format!(" {}", entry.currency) };
    let is_theirs = entry.transaction.is_none();
    let note = (!entry.note.is_empty()).then(|| view! { <small>{entry.note.clone()}</small> });
    view! {
        <tr>
            <td class="when">{format::date(entry.traded_on)}</td>
            <th scope="row" data-label="What">{what}" "<b>{symbol}{other}</b>{ratio}" "{note}</th>
            <td class="hide-middle" data-label="Account">{entry.account_name.clone()}</td>
            <td class="r" data-label="Quantity">{entry.quantity.map(format::quantity)}</td>
            <td class="r" data-label="Price">{entry.price.map(format::price)}</td>
            <td class="r" data-label="Amount">{format::money(entry.amount)}{unit.clone()}</td>
            <td class="r hide" data-label="Fee and tax">{(!costs.is_zero()).then(|| format::money(costs) + &unit)}</td>
            <td data-label="From" class:theirs=is_theirs><Source entry page delete/></td>
        </tr>
    }
}

/// Where it came from; what was entered here can be changed here.
#[component]
fn Source(entry: Entry, page: u32, delete: ServerAction<Delete>) -> impl IntoView {
    let scope = use_scope();
    let source = match entry.source.as_str() {
        "broker" => "broker",
        "hand" => "by hand",
        "csv" => "import",
        "opening" => "opening, confirmed",
        _ => "elsewhere",
    };
    let ours = entry.transaction.map(|transaction| {
        let key = transaction.to_string();
        view! {
            <span class="acts">
                <a class="link" href=move || routes::correct(&scope.get(), page, &key)>"Correct"</a>
                <ActionForm action=delete>
                    <input type="hidden" name="scope" value=move || scope.get().query()/>
                    <input type="hidden" name="transaction" value=transaction.to_string()/>
                    <input type="hidden" name="version" value=entry.version.to_string()/>
                    <button class="link" type="submit" data-confirm="Delete this transaction? Its history is kept.">"Delete"</button>
                </ActionForm>
            </span>
        }
    });
    view! { <span class="mute">{source}</span>{ours} }
}

#[component]
fn Pages(page: u32, pages: u32) -> impl IntoView {
    let scope = use_scope();
    let to = move |page: u32, label: &'static str| view! { <a class="button quiet" href=move || routes::activity_page(&scope.get(), page)>{label}</a> };
    (pages > 1).then(|| {
        view! {
            <nav class="pages" aria-label="Pages of the list">
                {(page > 1).then(|| to(page - 1, "Newer"))}
                <span class="mute">{format!("page {page} of {pages}")}</span>
                {(page < pages).then(|| to(page + 1, "Older"))}
            </nav>
        }
    })
}
