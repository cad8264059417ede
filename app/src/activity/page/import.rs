//! Our own CSV: a dry run first, then the import, with a reason for every line that isn't taken.

use crate::{
    activity::{
        api::Import as ImportCsv,
        kinds,
        model::{AccountChoice, ImportReport},
    },
    format,
    ui::{Outcome, Select, use_scope},
};
use leptos::prelude::*;

/// What a file needs at least; an export has more columns, and all of them are read.
const HEADER: &str = "date,type,symbol,quantity,price,amount,fee,tax,currency,note";
/// Refused lines that are listed; the rest is counted.
const LISTED: usize = 50;

#[component]
pub fn Import(accounts: Vec<AccountChoice>, action: ServerAction<ImportCsv>) -> impl IntoView {
    let scope = use_scope();
    let accounts = accounts.into_iter().map(|account| (account.id.to_string(), account.name)).collect::<Vec<_>>();
    // A form without scripts says so: its answer comes back as a sentence.
    let is_plain = RwSignal::new(true);
    Effect::new(move |_| is_plain.set(false));
    let is_open = action.value().get_untracked().is_some();
    let report = move || action.value().get().and_then(Result::ok).map(|report| view! { <Report report/> });
    view! {
        <details class="card wide form" id="import" open=is_open>
            <summary><h2>"Import a CSV file"</h2></summary>
            <ActionForm action=action>
                <input type="hidden" name="scope" value=move || scope.get().query()/>
                <input type="hidden" name="is_plain" value=move || is_plain.get().to_string()/>
                <div class="fields">
                    <Select label="Account" name="account" choices=accounts/>
                    <div class="field only-scripts">
                        <label for="csv-file">"File"</label>
                        <input id="csv-file" type="file" accept=".csv,text/csv" data-reads-into="csv-text"/>
                        <small>"is read here, and sent with the form"</small>
                    </div>
                </div>
                <div class="field">
                    <label for="csv-text">"Lines"</label>
                    <textarea id="csv-text" name="csv" rows="6" required spellcheck="false" placeholder=HEADER></textarea>
                    <small>
                        "The first line is "<code>{HEADER}</code>", or that of an export. The same file twice changes nothing; rows that name an \
                         account of this portfolio go there."
                    </small>
                </div>
                <Outcome action/>
                {report}
                <p class="send">
                    <button class="button" type="submit" name="mode" value="try">"Dry run"</button>
                    <button class="button quiet" type="submit" name="mode" value="import">"Import"</button>
                </p>
            </ActionForm>
        </details>
    }
}

#[component]
fn Report(report: ImportReport) -> impl IntoView {
    let verb = if report.is_dry_run { "Dry run, nothing was kept" } else { "Imported" };
    let counts = format!("{verb}: {} new, {} known already, {} refused.", report.new, report.already_there, report.refused.len());
    let more = report.refused.len().saturating_sub(LISTED);
    let refused = report
        .refused
        .into_iter()
        .take(LISTED)
        .map(|row| view! { <tr><td>{format!("line {}", row.line)}</td><td>{row.reason}</td></tr> })
        .collect_view();
    let preview = report
        .preview
        .into_iter()
        .map(|entry| {
            view! {
                <tr>
                    <td>{format::date(entry.traded_on)}</td>
                    <td>{kinds::in_words(&entry.kind)}" "{entry.symbol.map(|symbol| symbol.to_string())}</td>
                    <td class="r">{entry.quantity.map(format::quantity)}</td>
                    <td class="r">{format::money(entry.amount)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="report" role="status">
            <p><b>{counts}</b></p>
            <table class="rows"><tbody>{refused}</tbody></table>
            {(more > 0).then(|| view! { <p class="mute">{format!("And {more} more refused lines.")}</p> })}
            <table class="rows"><tbody>{preview}</tbody></table>
        </div>
    }
}
