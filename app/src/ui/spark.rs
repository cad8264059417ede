//! A small line without axes: the last closes beside a holding.

use leptos::prelude::*;

const WIDTH: f64 = 72.0;
const HEIGHT: f64 = 20.0;

/// Closes, oldest first; fewer than two draw nothing.
#[component]
pub fn Spark(points: Vec<f64>) -> impl IntoView {
    view! {
        <svg class="spark" viewBox="0 0 72 22" aria-hidden="true">
            <path d=path(&points)/>
        </svg>
    }
}

fn path(points: &[f64]) -> String {
    if points.len() < 2 {
        return String::new();
    }
    let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &y| (low.min(y), high.max(y)));
    let span = if high > low { high - low } else { 1.0 };
    let step = WIDTH / (points.len() - 1) as f64;
    let mut path = String::with_capacity(points.len() * 9);
    for (index, y) in points.iter().enumerate() {
        let start = if index == 0 { 'M' } else { 'L' };
        path.push_str(&format!("{start}{:.0} {:.1}", index as f64 * step, 1.0 + (high - y) / span * HEIGHT));
    }
    path
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn the_highest_close_is_on_top_and_a_flat_line_stays_in_the_picture() {
        assert_eq!(path(&[1.0, 3.0, 2.0]), "M0 21.0L36 1.0L72 11.0");
        assert_eq!(path(&[5.0, 5.0]), "M0 1.0L72 1.0");
        assert_eq!(path(&[5.0]), "");
    }
}
