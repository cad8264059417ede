//! Runs × tasks of a DAG.

use super::parts::{role, shade};
use crate::{
    format,
    pipeline::model::{Grid, Pipeline},
    routes,
};
use leptos::prelude::*;

pub(super) fn grid(page: &Pipeline) -> AnyView {
    let Grid { dag, tasks, rows, next_before } = &page.grid;
    if rows.is_empty() {
        return ().into_any();
    }
    let link = |dag: &str| format!("{}?dag={dag}#grid", routes::PIPELINE);
    let choice = page.dags.iter().map(|other| {
        let current = (other.dag == *dag).then_some("true");
        view! { <a href=link(&other.dag) rel="external" aria-current=current>{format::identifier(&other.dag)}</a> }
    });
    let choice = choice.collect_view();
    let head = tasks.iter().map(|task| view! { <th scope="col"><span>{format::identifier(task)}</span></th> }).collect_view();
    let body = rows
        .iter()
        .map(|row| {
            let cells = row.cells.iter().zip(tasks).map(|(cell, task)| match cell {
                Some(state) => {
                    let said = format!("{}: {}", format::identifier(task), state.replace('_', " "));
                    view! { <td><a class=format!("cell {}", shade(state)) href=routes::run(row.run_id) title=said.clone() aria-label=said></a></td> }.into_any()
                }
                None => view! { <td></td> }.into_any(),
            });
            let cells = cells.collect_view();
            view! {
                <tr>
                    <th scope="row"><a href=routes::run(row.run_id)><span class=format!("dot {}", role(&row.state))></span>{format!("Run {}", row.run_id)}</a></th>
                    {cells}
                    <td class="mute covers">{row.covers.clone()}</td>
                </tr>
            }
        })
        .collect_view();
    let older = next_before
        .map(|before| view! { <p class="pages"><a class="more" href=format!("{}?dag={dag}&before={before}#grid", routes::PIPELINE) rel="external">"Older runs"</a></p> });
    view! {
        <section class="card wide" id="grid">
            <header><h2>"Runs and their tasks"</h2><nav class="tabs" aria-label="DAG">{choice}</nav></header>
            <div class="scroll">
                <table class="grid"><thead><tr><td></td>{head}<td></td></tr></thead><tbody>{body}</tbody></table>
            </div>
            {older}
        </section>
    }
    .into_any()
}
