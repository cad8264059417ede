//! What the pipeline page counts and keeps: durations, backfills, nodes, who pressed what.

use super::parts::{button, chip, length};
use crate::{
    format,
    pipeline::model::{AuditRow, NodeRow, Pipeline, TaskTimes},
    ui::Spark,
};
use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;

pub(super) fn durations(dag: &str, times: &[TaskTimes]) -> AnyView {
    if times.is_empty() {
        return ().into_any();
    }
    let shown = |seconds: f64| length(TimeDelta::milliseconds((seconds * 1_000.0) as i64));
    let rows = times
        .iter()
        .map(|task| {
            view! {
                <tr>
                    <th scope="row">{format::identifier(&task.task)}</th>
                    <td class="hide"><Spark points=task.recent.clone()/></td>
                    <td class="r">{shown(task.median)}</td>
                    <td class="r">{shown(task.p95)}</td>
                    <td class="r hide">{shown(task.queue_median)}</td>
                    <td class="r hide">{shown(task.queue_p95)}</td>
                    <td class="r mute hide">{format::count(task.attempts.unsigned_abs())}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card wide">
            <header><h2>{format!("How long tasks of {dag} take")}</h2><small>"the last 100 runs"</small></header>
            <table class="rows">
                <thead>
                    <tr>
                        <td></td><th class="hide">"over time"</th><th class="r">"median"</th><th class="r">"95 of 100"</th>
                        <th class="r hide">"in the queue"</th><th class="r hide">"95 of 100"</th><th class="r hide">"attempts"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
    }
    .into_any()
}

pub(super) fn backfills(page: &Pipeline) -> AnyView {
    if page.backfills.is_empty() {
        return ().into_any();
    }
    let rows = page
        .backfills
        .iter()
        .map(|row| {
            let state = match row {
                _ if row.is_cancelled => "cancelled",
                _ if row.ended < row.runs => "running",
                _ if row.failed > 0 => "failed",
                _ => "success",
            };
            let cancel = (page.may_operate && state == "running").then(|| {
                let question = format!("Cancel the runs of backfill {} that haven't ended?", row.backfill_id);
                button("cancel-backfill", "Cancel", true, &[("backfill_id", row.backfill_id.to_string())], Some(&question))
            });
            view! {
                <tr>
                    <td class="state-cell">{chip(state)}</td>
                    <th scope="row">
                        {format!("Backfill {}, {}", row.backfill_id, row.dag)}
                        <small class="said">{format!("{} to {}", format::date(row.from), format::date(row.to))}</small>
                    </th>
                    <td class="hide"><progress max=row.runs.max(1).to_string() value=row.ended.to_string() aria-label="Runs that have ended"></progress></td>
                    <td class="r">{format!("{} of {}", row.ended, row.runs)}{(row.failed > 0).then(|| format!(", {} failed", row.failed))}</td>
                    <td class="r mute hide">{format::ago(row.created_at, page.rendered_at)}</td>
                    <td class="r">{cancel}</td>
                </tr>
            }
        })
        .collect_view();
    view! { <section class="card wide"><header><h2>"Backfills"</h2></header><table class="rows"><tbody>{rows}</tbody></table></section> }
        .into_any()
}

pub(super) fn nodes(nodes: &[NodeRow], now: DateTime<Utc>) -> AnyView {
    if nodes.is_empty() {
        return view! { <p class="note wide warn">"No node is alive: nothing runs until a server is started."</p> }.into_any();
    }
    let rows = nodes
        .iter()
        .map(|node| {
            view! {
                <tr>
                    <td class="state-cell">{chip(if node.is_draining { "draining" } else { "alive" })}</td>
                    <th scope="row">{node.name.clone()}</th>
                    <td class="hide">{node.role.clone()}</td>
                    <td class="r">{format::plural(node.running_tasks.unsigned_abs(), "task", "tasks")}</td>
                    <td class="r mute hide">{format!("since {}", format::instant(node.started_at, now))}</td>
                </tr>
            }
        })
        .collect_view();
    view! { <section class="card wide"><header><h2>"Nodes"</h2></header><table class="rows"><tbody>{rows}</tbody></table></section> }
        .into_any()
}

pub(super) fn audit(audit: &[AuditRow], now: DateTime<Utc>) -> AnyView {
    if audit.is_empty() {
        return ().into_any();
    }
    let rows = audit
        .iter()
        .map(|row| {
            view! {
                <tr>
                    <th scope="row">{row.who.clone()}</th>
                    <td>{format!("{}: {}", format::identifier(&row.action).to_lowercase(), row.subject)}</td>
                    <td class="r mute">{format::ago(row.at, now)}</td>
                </tr>
            }
        })
        .collect_view();
    view! { <section class="card wide"><header><h2>"Who pressed what"</h2></header><table class="rows"><tbody>{rows}</tbody></table></section> }.into_any()
}
