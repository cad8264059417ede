//! A part of the page that the server drew whole.

use crate::ui::Options;
use leptos::prelude::*;

/// `html` is empty where the document holds it already. Only what our own server drew belongs here.
#[component]
pub fn Drawn(id: &'static str, html: String) -> impl IntoView {
    let html = Options::set_aside(id).unwrap_or(html);
    view! { <div class="drawn" id=id inner_html=html></div> }
}
