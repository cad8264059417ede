//! The run that this person waits for, on every page: it refreshes itself while something runs, and only then.

use crate::{
    format,
    overview::{
        api::show_frame,
        model::{Frame, RunningNote},
    },
    routes,
    ui::{Refresh, use_scope},
};
use leptos::{leptos_dom::helpers::set_timeout_with_handle, prelude::*, task::spawn_local};
use std::time::Duration;

/// Often enough to see it move, seldom enough not to weigh on the run itself.
const ASK_EVERY: Duration = Duration::from_millis(1_500);

/// Not a literal in the view: an element without anything of Rust in it is printed as it stands, `inner_html` as an attribute.
const AGAIN: &str = "<meta http-equiv='refresh' content='4'>";

#[component]
pub fn Running(frame: Frame) -> impl IntoView {
    let known = RwSignal::new(frame);
    let note = Memo::new(move |_| known.with(|frame| frame.running.clone()));
    watch_while_running(known, note);
    view! {
        {move || note.get().map(|note| view! { <Progress note/> })}
    }
}

/// Asks for the frame until nothing runs; a new publication or the end of the run asks for the page again.
fn watch_while_running(known: RwSignal<Frame>, note: Memo<Option<RunningNote>>) {
    let scope = use_scope();
    let refresh = use_context::<Refresh>();
    let asked = RwSignal::new(0_u32);
    Effect::new(move |_| {
        asked.track();
        if note.with(Option::is_none) {
            return;
        }
        let ask = move || {
            spawn_local(async move {
                let answer = show_frame(scope.get_untracked().query()).await;
                let before = known.try_get_untracked();
                if let (Ok(now), Some(before)) = (answer, before) {
                    let is_news = now.publication != before.publication || now.running.is_some() != before.running.is_some();
                    known.try_set(now);
                    if let (true, Some(refresh)) = (is_news, refresh) {
                        refresh.raise();
                    }
                }
                asked.try_update(|count| *count = count.wrapping_add(1));
            });
        };
        if let Ok(timer) = set_timeout_with_handle(ask, ASK_EVERY) {
            on_cleanup(move || timer.clear());
        }
    });
}

#[component]
fn Progress(note: RunningNote) -> impl IntoView {
    let count = match note.total {
        Some(total) => format!("{} of {}", format::count(note.done), format::count(total)),
        None if note.done > 0 => format::count(note.done),
        None => String::new(),
    };
    let bar = match note.total {
        Some(total) => {
            view! { <progress max=total.max(1).to_string() value=note.done.to_string() aria-label="Progress"></progress> }.into_any()
        }
        None => view! { <progress aria-label="Progress"></progress> }.into_any(),
    };
    view! {
        <aside class="running" role="status">
            <p>
                <a href=routes::run(note.run_id)>{format::identifier(&note.dag)}" is running"</a>
                <span class="mute">{format::identifier(&note.task)}</span>
                <span class="num">{count}</span>
            </p>
            {bar}
            <noscript inner_html={AGAIN}></noscript>
        </aside>
    }
}
