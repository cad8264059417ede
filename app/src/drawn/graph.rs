//! A run's DAG with the states of its tasks: in columns by depth where there is room, as an indented list on a phone.

use super::{
    parts::{shade, worst},
    shape::{Node, heights, lay_out},
};
use crate::{
    format,
    pipeline::model::{Run, TaskRow},
};
use leptos::prelude::*;
use std::collections::BTreeMap;

/// In the picture's own units, which are pixels where it has room.
const WIDTH: f64 = 156.0;
const HEIGHT: f64 = 44.0;
const ACROSS: f64 = 36.0;
const DOWN: f64 = 16.0;

/// Of the list.
const INDENT: f64 = 22.0;
const LIST_WIDTH: f64 = 350.0;
const LIST_DOWN: f64 = 10.0;

pub(super) fn card(run: &Run) -> AnyView {
    let mut names: Vec<(String, Vec<String>)> = Vec::new();
    let mut rows: BTreeMap<&str, Vec<&TaskRow>> = BTreeMap::new();
    for task in &run.tasks {
        let rows = rows.entry(task.name.as_str()).or_default();
        if rows.is_empty() {
            names.push((task.name.clone(), task.after.clone()));
        }
        rows.push(task);
    }
    let nodes = lay_out(&names);
    if nodes.is_empty() {
        return ().into_any();
    }
    let (wide, narrow) = (columns(&nodes, &rows), list(&nodes, &rows));
    view! {
        <section class="card wide">
            <header><h2>"Tasks and what each waits for"</h2></header>
            <div class="scroll graph-wide">{wide}</div>
            <div class="graph-narrow">{narrow}</div>
        </section>
    }
    .into_any()
}

/// Depth from left to right, each column centered.
fn columns(nodes: &[Node], rows: &BTreeMap<&str, Vec<&TaskRow>>) -> AnyView {
    let heights = heights(nodes);
    let tallest = heights.iter().copied().max().unwrap_or(1) as f64;
    let (width, height) = (heights.len() as f64 * (WIDTH + ACROSS) - ACROSS + 4.0, tallest * (HEIGHT + DOWN) - DOWN + 4.0);
    let corner = |node: &Node| {
        let free = (tallest - heights[node.depth] as f64) * (HEIGHT + DOWN) / 2.0;
        (2.0 + node.depth as f64 * (WIDTH + ACROSS), 2.0 + free + node.place as f64 * (HEIGHT + DOWN))
    };
    let edges = edges(nodes, |parent, child| {
        let ((px, py), (cx, cy)) = (corner(parent), corner(child));
        let (x1, y1, x2, y2) = (px + WIDTH, py + HEIGHT / 2.0, cx, cy + HEIGHT / 2.0);
        let bend = ACROSS.min((x2 - x1) / 2.0);
        format!("M{x1:.0} {y1:.0}C{:.0} {y1:.0} {:.0} {y2:.0} {x2:.0} {y2:.0}", x1 + bend, x2 - bend)
    });
    picture(width, height, edges, nodes.iter().map(|node| boxed(node, corner(node), WIDTH, rows)).collect())
}

/// One task a line, indented by its depth.
fn list(nodes: &[Node], rows: &BTreeMap<&str, Vec<&TaskRow>>) -> AnyView {
    let mut sorted: Vec<&Node> = nodes.iter().collect();
    sorted.sort_by_key(|node| node.depth);
    let line = |name: &str| sorted.iter().position(|node| node.name == name).unwrap_or(0) as f64;
    // A deep DAG is indented less, so that its names keep their room.
    let deepest = nodes.iter().map(|node| node.depth).max().unwrap_or(0).max(1) as f64;
    let indent = INDENT.min(LIST_WIDTH * 0.45 / deepest);
    let corner = |node: &Node| (2.0 + node.depth as f64 * indent, 2.0 + line(&node.name) * (HEIGHT + LIST_DOWN));
    let edges = edges(nodes, |parent, child| {
        let ((px, py), (cx, cy)) = (corner(parent), corner(child));
        format!("M{:.0} {:.0}V{:.0}H{cx:.0}", px + indent / 2.0, py + HEIGHT, cy + HEIGHT / 2.0)
    });
    let boxes = sorted.iter().map(|node| boxed(node, corner(node), LIST_WIDTH - corner(node).0 - 2.0, rows)).collect();
    picture(LIST_WIDTH, sorted.len() as f64 * (HEIGHT + LIST_DOWN), edges, boxes)
}

fn edges(nodes: &[Node], path: impl Fn(&Node, &Node) -> String) -> String {
    let find = |name: &str| nodes.iter().find(|node| node.name == name);
    nodes
        .iter()
        .flat_map(|child| child.after.iter().filter_map(|parent| find(parent)).map(|parent| path(parent, child)).collect::<Vec<_>>())
        .collect()
}

fn picture(width: f64, height: f64, edges: String, boxes: Vec<AnyView>) -> AnyView {
    let view_box = format!("0 0 {width:.0} {height:.0}");
    view! {
        <svg class="graph" viewBox=view_box width=format!("{width:.0}") role="group" aria-label="The tasks of the run and their states">
            <path class="edge" d=edges></path>
            {boxes}
        </svg>
    }
    .into_any()
}

fn boxed(node: &Node, (x, y): (f64, f64), width: f64, rows: &BTreeMap<&str, Vec<&TaskRow>>) -> AnyView {
    let Some(rows) = rows.get(node.name.as_str()) else { return ().into_any() };
    let state = worst(rows.iter().map(|task| task.state.as_str()));
    let parts = rows.iter().filter(|task| !task.part.is_empty()).count();
    let ended = rows.iter().filter(|task| matches!(task.state.as_str(), "success" | "skipped")).count();
    let (done, total) = rows.iter().fold((0, 0), |(done, total), task| (done + task.done, total + task.total.unwrap_or(0)));
    let said = match (parts, total) {
        (2.., _) => format!("{} · {ended} of {parts} parts", state.replace('_', " ")),
        (_, 1..) if state == "running" => format!("running · {} of {}", format::count(done), format::count(total)),
        _ => state.replace('_', " "),
    };
    let target = rows.iter().find(|task| task.state == state).map_or(0, |task| task.task_id);
    let class = format!("box {}", shade(state));
    let at = format!("translate({x:.0} {y:.0})");
    view! {
        <a href=format!("#task-{target}") class=class>
            <g transform=at>
            <rect width=format!("{width:.0}") height=format!("{HEIGHT:.0}") rx="9"></rect>
            <circle cx="16" cy="16" r="4"></circle>
            <text x="27" y="20" class="name">{format::identifier(&node.name)}</text>
            <text x="27" y="36" class="said">{said}</text>
            </g>
        </a>
    }
    .into_any()
}
