//! Schedules: what comes, what was decided, and why it did or didn't run at a time.

use super::parts::chip;
use crate::{
    format,
    pipeline::model::{Answer, Pipeline, ScheduleRow, TickRow},
    routes,
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;

pub(super) fn schedules(page: &Pipeline) -> AnyView {
    let now = page.rendered_at;
    let rows = page.schedules.iter().map(|schedule| schedule_row(schedule, now)).collect_view();
    let options = page.schedules.iter().map(|schedule| {
        let is_chosen = page.asked.as_ref().is_some_and(|asked| asked.schedule == schedule.name);
        view! { <option value=schedule.name.clone() selected=is_chosen>{format::identifier(&schedule.name)}</option> }
    });
    let options = options.collect_view();
    let at = page.asked.as_ref().map_or(now, |asked| asked.at).format("%Y-%m-%dT%H:%M").to_string();
    let answer = page.asked.as_ref().map(|asked| answered(asked, now));
    view! {
        <section class="card wide" id="schedules">
            <header><h2>"Schedules"</h2></header>
            <div class="schedules">{rows}</div>
            <form class="ask-tick" method="get" action=format!("{}#schedules", routes::PIPELINE)>
                <p class="field"><label for="why-schedule">"Why did it, or didn't it, run?"</label><select id="why-schedule" name="schedule">{options}</select></p>
                <p class="field"><label for="why-at">"At (UTC)"</label><input id="why-at" type="datetime-local" name="at" value=at required/></p>
                <button class="button quiet" type="submit">"Ask"</button>
            </form>
            {answer}
        </section>
    }
    .into_any()
}

fn schedule_row(schedule: &ScheduleRow, now: DateTime<Utc>) -> AnyView {
    let next = schedule
        .next
        .iter()
        .map(|at| view! { <li>{format::weekday(at.date_naive())}", "{format!("{} UTC", at.format("%H:%M"))}</li> })
        .collect_view();
    let last = schedule.decided.iter().map(|tick| decided(tick, now)).collect_view();
    let last = (!schedule.decided.is_empty())
        .then(|| view! { <p class="mute">"Decided last"</p><table class="rows"><tbody>{last}</tbody></table> });
    view! {
        <article>
            <h3>{format::identifier(&schedule.name)}</h3>
            <p>{schedule.description.clone()}</p>
            <p class="mute"><code>{schedule.expression.clone()}</code></p>
            <p class="mute">"Next"</p>
            <ol class="ticks">{next}</ol>
            {last}
        </article>
    }
    .into_any()
}

fn decided(tick: &TickRow, now: DateTime<Utc>) -> AnyView {
    let run = tick.run_id.map(|run| view! { " "<a class="more" href=routes::run(run)>{format!("Run {run}")}</a> });
    view! {
        <tr>
            <td class="state-cell">{chip(&tick.outcome)}</td>
            <td>{format::instant(tick.logical_at, now)}<small class="said">{tick.reason.clone()}</small></td>
            <td class="r">{run}</td>
        </tr>
    }
    .into_any()
}

fn answered(asked: &Answer, now: DateTime<Utc>) -> AnyView {
    let rows = [("before", &asked.before), ("at this time", &asked.tick), ("after", &asked.after)];
    let rows = rows.into_iter().filter_map(|(_, tick)| tick.as_ref()).map(|tick| decided(tick, now)).collect_view();
    view! { <p class="note" role="status">{asked.sentence.clone()}</p><table class="rows"><tbody>{rows}</tbody></table> }.into_any()
}
