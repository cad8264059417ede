//! Who reads whom, drawn: columns from what vendors said to what the pages show, a line for each ref.

use super::page::text;
use crate::warehouse::{Model, Project};
use std::collections::BTreeMap;

const WIDTH: usize = 176;
const HEIGHT: usize = 28;
const GAP_ACROSS: usize = 64;
const GAP_DOWN: usize = 10;

/// An SVG of these models, what they read, and the lines between.
pub(super) fn svg(project: &Project, models: &[&Model]) -> String {
    let mut column: BTreeMap<String, usize> = BTreeMap::new();
    let mut edges: Vec<(String, String)> = Vec::new();
    // Models come in the order in which they are built, so what each reads has its column already.
    for model in models {
        let refs = model.refs.iter().filter_map(|name| project.find(name)).map(Model::relation);
        let sources = model.sources.iter().filter_map(|key| project.sources.get(key)).map(|table| table.relation.clone());
        let reads: Vec<String> = refs.chain(sources).collect();
        let deepest = reads.iter().map(|name| *column.entry(name.clone()).or_insert(0)).max();
        column.insert(model.relation(), deepest.map_or(0, |deepest| deepest + 1));
        edges.extend(reads.into_iter().map(|from| (from, model.relation())));
    }
    // What isn't built here stands right before the first that reads it.
    let first = |name: &str| edges.iter().filter(|(from, _)| from == name).filter_map(|(_, to)| column.get(to)).min();
    let moved: Vec<(String, usize)> = column
        .keys()
        .filter(|name| !models.iter().any(|model| model.relation() == **name))
        .filter_map(|name| Some((name.clone(), first(name)?.saturating_sub(1))))
        .collect();
    column.extend(moved);
    let columns = column.values().max().map_or(0, |most| most + 1);
    let mut place: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut filled = vec![0; columns];
    let mut put = |name: &str| {
        if let Some((name, at)) = column.get_key_value(name) {
            place.entry(name.as_str()).or_insert_with(|| {
                filled[*at] += 1;
                (at * (WIDTH + GAP_ACROSS), (filled[*at] - 1) * (HEIGHT + GAP_DOWN))
            });
        }
    };
    // What a model reads stands about as high as the model.
    for relation in models.iter().rev().map(|model| model.relation()) {
        edges.iter().filter(|(_, to)| *to == relation).for_each(|(from, _)| put(from.as_str()));
        put(relation.as_str());
    }
    let (width, height) = (columns * (WIDTH + GAP_ACROSS), filled.iter().max().unwrap_or(&0) * (HEIGHT + GAP_DOWN));
    let mut drawn = format!(
        "<svg role=\"img\" aria-label=\"Lineage of the models\" viewBox=\"-2 -2 {width} {height}\" width=\"{width}\" height=\"{height}\" xmlns=\"http://www.w3.org/2000/svg\">"
    );
    for (from, to) in &edges {
        if let (Some((x, y)), Some((to_x, to_y))) = (place.get(from.as_str()), place.get(to.as_str())) {
            let (x, y, to_y) = (x + WIDTH, y + HEIGHT / 2, to_y + HEIGHT / 2);
            let bend = GAP_ACROSS / 2;
            drawn.push_str(&format!(
                "<path class=\"edge\" d=\"M{x} {y}C{} {y} {} {to_y} {to_x} {to_y}\"/>",
                x + bend,
                to_x - bend.min(*to_x)
            ));
        }
    }
    for (name, (x, y)) in &place {
        let is_model = models.iter().any(|model| model.relation() == **name);
        let schema = name.split('.').next().unwrap_or_default();
        let inner = format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"5\"/><text x=\"{}\" y=\"{}\">{}</text>",
            x + 8,
            y + HEIGHT / 2 + 4,
            text(&shortened(name))
        );
        drawn.push_str(&if is_model {
            format!("<a href=\"#{0}\" class=\"node {1}\"><title>{0}</title>{inner}</a>", text(name), text(schema))
        } else {
            format!("<g class=\"node source\"><title>{}</title>{inner}</g>", text(name))
        });
    }
    drawn.push_str("</svg>");
    drawn
}

/// What fits into a box.
fn shortened(name: &str) -> String {
    if name.chars().count() <= 25 { name.to_owned() } else { format!("{}…", name.chars().take(24).collect::<String>()) }
}
