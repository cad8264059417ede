//! The form of a new rule: tried on the last sessions before it is kept.

use super::parts::{ACTIONS, field};
use crate::{
    format,
    quality::model::{KindRow, RuleForm, RulePage, Tried},
    routes,
};
use leptos::prelude::*;

/// Sessions that are listed by name.
const LISTED: usize = 40;

pub(in crate::drawn) fn page(page: &RulePage) -> AnyView {
    let tried = page.tried.as_ref().map(|tried| match tried {
        Ok(tried) => done(tried),
        Err(wrong) => view! { <p class="note wrong wide" role="alert">{wrong.clone()}</p> }.into_any(),
    });
    view! { {tried}{form(&page.form, &page.kinds)}{help(&page.kinds)} }.into_any()
}

fn choice(label: &str, name: &'static str, choices: &[&str], chosen: &str) -> AnyView {
    let options = choices.iter().map(|word| view! { <option value=(*word).to_owned() selected=*word == chosen>{if word.is_empty() { "what the dataset says".to_owned() } else { word.replace('_', " ") }}</option> });
    view! { <label class="field"><span>{label.to_owned()}</span><select name=name>{options.collect_view()}</select></label> }.into_any()
}

fn form(rule: &RuleForm, kinds: &[KindRow]) -> AnyView {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    let dataset = if rule.dataset.is_empty() { "bars" } else { &rule.dataset };
    view! {
        <section class="card wide">
            <form method="post" action=format!("{ACTIONS}/save-rule")>
                <div class="fields">
                    {field("Name, such as volume_is_large", "rule[name]", "text", &rule.name, true)}
                    {field("Dataset: bars, splits, marts.holdings …", "rule[dataset]", "text", dataset, true)}
                    {choice("Kind", "rule[kind]", &kinds, &rule.kind)}
                    {field("Columns, with commas", "rule[columns]", "text", &rule.columns, false)}
                    {choice("Severity", "rule[severity]", &["warn", "error", "fatal", "info"], &rule.severity)}
                    {choice("A failure is", "rule[action]", &["record", "quarantine", "block", "fail"], &rule.action)}
                    {choice("Within", "rule[scope]", &["", "row", "symbol", "portfolio", "installation"], &rule.scope)}
                    <label class="field">
                        <span>"Parameters, a line each: min: 0"</span>
                        <textarea name="rule[parameters]" rows="3">{rule.parameters.clone()}</textarea>
                    </label>
                </div>
                <p class="send">
                    <button class="button" type="submit" formmethod="get" formaction=routes::RULE name="tried" value="1">
                        "Would it have fired in the last 250 sessions?"
                    </button>
                    <button class="button quiet" type="submit">"Keep the rule"</button>
                </p>
            </form>
        </section>
    }
    .into_any()
}

fn done(tried: &Tried) -> AnyView {
    if tried.fired.is_empty() {
        let text = format!("It would not have fired in the last {} sessions.", tried.sessions);
        return view! { <p class="note done wide" role="status">{text}</p> }.into_any();
    }
    let title = format!("It would have fired in {} of the last {} sessions", tried.fired.len(), tried.sessions);
    let rows = tried.fired.iter().rev().take(LISTED);
    let rows = rows.map(|fired| {
        let sample = fired.sample.iter().map(|(name, value)| format!("{} {value}", name.replace('_', " "))).collect::<Vec<_>>().join(", ");
        view! {
            <tr>
                <th scope="row" class="one-line">{format::date(fired.session)}</th>
                <td class="r one-line">{format::plural(fired.failures, "failure", "failures")}</td>
                <td class="mute">{sample}</td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    let more = tried.fired.len().saturating_sub(LISTED) as u64;
    let more = (more > 0).then(|| view! { <p class="tag">{format!("And {} before.", format::plural(more, "session", "sessions"))}</p> });
    view! {
        <section class="card wide" role="status">
            <header><h2>{title}</h2></header>
            <div class="scroll"><table class="rows"><tbody>{rows}</tbody></table></div>
            {more}
        </section>
    }
    .into_any()
}

fn help(kinds: &[KindRow]) -> AnyView {
    let rows = kinds.iter().map(|kind| {
        let parameters = kind.parameters.iter().map(|(name, words)| view! { <li><code>{name.clone()}</code>" "{words.clone()}</li> });
        view! {
            <tr>
                <th scope="row">{kind.name.replace('_', " ")}</th>
                <td>{kind.description.clone()}<ul class="tag">{parameters.collect_view()}</ul></td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <section class="card wide">
            <details class="behind"><summary>"Kinds and their parameters"</summary><table class="rows"><tbody>{rows}</tbody></table></details>
        </section>
    }
    .into_any()
}
