//! Typed series → ECharts options (charming), as JSON.
//!
//! Colors are roles ("@accent", "@accent/26" with an opacity in percent) and formatters are names ("@money"): the glue in
//! `frontend/js/charts.js` puts the theme's colors and its own functions in their place, so that no code travels in data.

use crate::overview::model::Day;
use charming::{
    Chart,
    component::{Axis, Grid},
    element::{
        AreaStyle, AxisLabel, AxisLine, AxisPointer, AxisPointerType, AxisTick, AxisType, ItemStyle, LineStyle, LineStyleType, SplitLine,
        Step, Symbol, Tooltip, Trigger,
    },
    series::{Line, Scatter},
};
use chrono::NaiveDate;
use serde_json::{Value, json};

/// More points than a wide screen has room for only make the page heavier.
const MOST_POINTS: usize = 420;
/// Rows of the table behind the charts: long ranges show every n-th session and say so.
const MOST_ROWS: usize = 60;

/// What has its place on the axis of days.
trait Dated {
    fn on(&self) -> NaiveDate;
}

impl Dated for Day {
    fn on(&self) -> NaiveDate {
        self.session_date
    }
}

impl Dated for (NaiveDate, Option<f64>) {
    fn on(&self) -> NaiveDate {
        self.0
    }
}

/// Value and net contributions, with a mark for each deposit and withdrawal. `days`: every session in the range, oldest first.
pub fn value_chart(days: &[Day], currency: &str) -> String {
    let kept = kept(days, |day| day.value.map(|value| value.ratio_base()));
    let shown = |index: usize| &days[index];
    let chart = frame("@money", "@tip-money")
        .series(own_line("Value"))
        .series(
            Line::new()
                .name("Net contributions")
                .step(Step::End)
                .symbol(Symbol::None)
                .line_style(LineStyle::new().color("@soft").width(1.4).type_(LineStyleType::Dashed))
                .item_style(ItemStyle::new().color("@soft")),
        )
        .series(flow_marks("Deposit", Symbol::Triangle))
        .series(flow_marks("Withdrawal", Symbol::Diamond));
    let contributed = |index: usize| cents(shown(index).net_contributions.ratio_base());
    let (paid_in, taken_out) = (flows(days, &kept, |day| !day.inflow.is_zero()), flows(days, &kept, |day| !day.outflow.is_zero()));
    option(
        &chart,
        days,
        &kept,
        [
            kept.iter().map(|&index| shown(index).value.map_or(Value::Null, |value| cents(value.ratio_base()))).collect(),
            kept.iter().map(|&index| contributed(index)).collect(),
            paid_in.into_iter().map(|at| json!([at, contributed(kept[at])])).collect(),
            taken_out.into_iter().map(|at| json!([at, contributed(kept[at])])).collect(),
        ],
        json!({ "unit": currency, "between": [0, 1] }),
    )
}

/// Time-weighted return since the range opened, beside the benchmark's.
pub fn return_chart(days: &[Day], benchmark: &str) -> String {
    let kept = kept(days, |day| day.cumulative);
    let chart = frame("@percent", "@tip-percent").series(own_line("Portfolio")).series(
        Line::new()
            .name(benchmark)
            .symbol(Symbol::None)
            .line_style(LineStyle::new().color("@soft").width(1.4).type_(LineStyleType::Dashed))
            .item_style(ItemStyle::new().color("@soft")),
    );
    let series = |of: fn(&Day) -> Option<f64>| kept.iter().map(|&index| fraction(of(&days[index]))).collect();
    option(&chart, days, &kept, [series(|day| day.cumulative), series(|day| day.benchmark_cumulative)], json!({}))
}

/// How far below the last peak.
pub fn drawdown_chart(days: &[Day]) -> String {
    let kept = kept(days, |day| day.drawdown);
    let line = Line::new()
        .name("Drawdown")
        .symbol(Symbol::None)
        .line_style(LineStyle::new().color("@loss").width(1.6))
        .item_style(ItemStyle::new().color("@loss"))
        .area_style(AreaStyle::new().color("@loss/16"));
    let series = kept.iter().map(|&index| fraction(days[index].drawdown)).collect();
    option(&frame("@percent", "@tip-percent").series(line), days, &kept, [series], json!({ "top": 0 }))
}

/// A measure over windows that end on each day; days without one are gaps. `formatter`: "percent" or "number".
pub fn rolling_chart(name: &str, points: &[(NaiveDate, Option<f64>)], formatter: &str) -> String {
    let kept = kept(points, |point| point.1);
    let chart = frame(&format!("@{formatter}"), &format!("@tip-{formatter}")).series(own_line(name));
    let series = kept.iter().map(|&index| fraction(points[index].1)).collect();
    option(&chart, points, &kept, [series], json!({}))
}

/// The rows of the table behind the charts: at most 60, evenly spread, the last session always among them.
pub fn table_days<T>(days: Vec<T>) -> Vec<T> {
    let step = days.len().div_ceil(MOST_ROWS).max(1);
    let last = days.len().saturating_sub(1);
    days.into_iter().enumerate().filter(|(index, _)| (last - index).is_multiple_of(step)).map(|(_, day)| day).collect()
}

fn frame(axis_formatter: &str, tip_formatter: &str) -> Chart {
    Chart::new()
        .tooltip(
            Tooltip::new()
                .trigger(Trigger::Axis)
                .formatter(tip_formatter)
                .background_color("@card")
                .border_color("@line")
                .axis_pointer(AxisPointer::new().type_(AxisPointerType::Line).line_style(LineStyle::new().color("@soft").width(1))),
        )
        .grid(Grid::new().left(4).right(60).top(12).bottom(26))
        .x_axis(
            Axis::new()
                .type_(AxisType::Category)
                .boundary_gap(false)
                .axis_line(AxisLine::new().show(false))
                .axis_tick(AxisTick::new().show(false))
                .axis_label(AxisLabel::new().color("@soft").font_size(11).formatter("@date")),
        )
        .y_axis(
            Axis::new()
                .type_(AxisType::Value)
                .position("right")
                .scale(true)
                .axis_label(AxisLabel::new().color("@soft").font_size(11).formatter(axis_formatter))
                .split_line(SplitLine::new().line_style(LineStyle::new().color("@line").type_(LineStyleType::Dotted))),
        )
}

/// The portfolio's own line: the accent.
fn own_line(name: &str) -> Line {
    Line::new()
        .name(name)
        .symbol(Symbol::None)
        .line_style(LineStyle::new().color("@accent").width(2.1))
        .item_style(ItemStyle::new().color("@accent"))
}

fn flow_marks(name: &str, symbol: Symbol) -> Scatter {
    Scatter::new().name(name).symbol(symbol).symbol_size(8).item_style(ItemStyle::new().color("@soft"))
}

/// The option with its data: charming has no gaps (null) in a series, so the data is put in as plain JSON.
fn option<T: Dated, const N: usize>(chart: &Chart, days: &[T], kept: &[usize], series: [Vec<Value>; N], hints: Value) -> String {
    let mut option = serde_json::to_value(chart).unwrap_or_default();
    for (index, data) in series.into_iter().enumerate() {
        option["series"][index]["data"] = data.into();
    }
    let dates: Vec<Value> = kept.iter().map(|&index| days[index].on().to_string().into()).collect();
    match option["xAxis"].as_array_mut().and_then(|axes| axes.first_mut()) {
        Some(axis) => axis["data"] = dates.into(),
        None => option["xAxis"]["data"] = dates.into(),
    }
    option["hints"] = hints;
    option.to_string()
}

/// Positions among the kept points of the days with a flow; a day that fell out is marked at the next kept one.
fn flows(days: &[Day], kept: &[usize], has_flow: fn(&Day) -> bool) -> Vec<usize> {
    let mut marks: Vec<usize> = days
        .iter()
        .enumerate()
        .filter(|(index, day)| *index > 0 && has_flow(day))
        .map(|(index, _)| kept.partition_point(|&other| other < index).min(kept.len() - 1))
        .collect();
    marks.dedup();
    marks
}

/// Indices of the points to draw: all, or the largest triangle of each bucket (LTTB), which keeps peaks and troughs.
fn kept<T>(days: &[T], height: impl Fn(&T) -> Option<f64>) -> Vec<usize> {
    if days.len() <= MOST_POINTS {
        return (0..days.len()).collect();
    }
    let at = |index: usize| height(&days[index]).unwrap_or_default();
    let last = days.len() - 1;
    let edge = |bucket: usize| 1 + bucket * (last - 1) / (MOST_POINTS - 2);
    let mut kept = vec![0];
    for bucket in 0..MOST_POINTS - 2 {
        let (from, to) = (edge(bucket), edge(bucket + 1));
        let next = to..edge(bucket + 2).min(last).max(to + 1);
        let size = next.len() as f64;
        let (next_x, next_y) = next.fold((0.0, 0.0), |(x, y), index| (x + index as f64 / size, y + at(index) / size));
        let before = kept[kept.len() - 1];
        let triangle = |index: usize| {
            let (x, y) = (before as f64, at(before));
            ((x - next_x) * (at(index) - y) - (x - index as f64) * (next_y - y)).abs()
        };
        kept.extend((from..to).max_by(|&a, &b| triangle(a).total_cmp(&triangle(b))));
    }
    kept.push(last);
    kept
}

fn cents(amount: f64) -> Value {
    json!((amount * 100.0).round() / 100.0)
}

/// A hundredth of a basis point is finer than any screen.
fn fraction(fraction: Option<f64>) -> Value {
    fraction.map_or(Value::Null, |fraction| json!((fraction * 1e5).round() / 1e5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Money;
    use chrono::Days;
    use rust_decimal::Decimal;

    fn days(count: u64) -> Vec<Day> {
        let first = NaiveDate::from_ymd_opt(2021, 11, 22).unwrap();
        (0..count)
            .map(|index| Day {
                session_date: first + Days::new(index),
                value: (index != 3).then(|| Money(Decimal::from(1_000 + index * 7 % 90))),
                net_contributions: Money(Decimal::from(500)),
                inflow: Money(Decimal::from(u64::from(index == 2))),
                outflow: Money::ZERO,
                cumulative: Some(index as f64 / 1e4),
                benchmark_cumulative: None,
                drawdown: Some(if index == 777 { -0.5 } else { 0.0 }),
            })
            .collect()
    }

    fn parsed(option: &str) -> Value {
        serde_json::from_str(option).unwrap()
    }

    fn dates(option: &Value) -> &Vec<Value> {
        option["xAxis"][0]["data"].as_array().or(option["xAxis"]["data"].as_array()).unwrap()
    }

    #[test]
    fn an_empty_range_is_a_valid_chart() {
        for option in
            [rolling_chart("Beta", &[], "number"), value_chart(&[], "USD"), return_chart(&[], "SPY total return"), drawdown_chart(&[])]
        {
            assert!(dates(&parsed(&option)).is_empty());
        }
    }

    #[test]
    fn a_day_without_a_value_is_a_gap_and_a_deposit_is_marked() {
        let option = parsed(&value_chart(&days(10), "USD"));
        assert_eq!(option["series"][0]["data"][3], Value::Null);
        assert_eq!(option["series"][2]["data"], json!([[2, 500.0]]));
        assert_eq!(option["series"][3]["data"], json!([]));
    }

    #[test]
    fn long_ranges_are_thinned_but_keep_their_ends_and_their_deepest_day() {
        let all = days(2_520);
        let option = parsed(&drawdown_chart(&all));
        let shown = dates(&option);
        assert_eq!(shown.len(), MOST_POINTS);
        assert_eq!(shown[0], "2021-11-22");
        assert_eq!(shown[MOST_POINTS - 1], all[2_519].session_date.to_string());
        assert!(shown.contains(&all[777].session_date.to_string().into()));
        assert!(value_chart(&all, "USD").len() < 24_000);
    }

    #[test]
    fn the_table_has_at_most_sixty_rows_and_ends_with_the_last_session() {
        for count in [0, 1, 59, 60, 61, 252, 2_520] {
            let all = days(count);
            let rows = table_days(all.clone());
            assert!(rows.len() <= MOST_ROWS, "{count}");
            assert_eq!(rows.last(), all.last());
        }
    }

    #[test]
    fn no_code_travels_in_an_option() {
        let option = return_chart(&days(5), "</script><script>alert(1)</script>");
        assert!(!option.contains("function"));
    }
}
