//! A chart's container with its option as JSON; `frontend/js/charts.js` finds and draws it, before WASM too.

use leptos::prelude::*;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Options, and whole parts of the page that is being rendered on the server, kept out of the data sent for hydration: they stand in the
/// document already, and a second copy would double the page.
#[derive(Clone, Default)]
pub struct Options(Arc<Mutex<BTreeMap<String, String>>>);

impl Options {
    pub fn provide() {
        provide_context(Self::default());
    }

    /// On the server while a page is rendered: puts the option aside and leaves an empty text. Elsewhere it leaves it.
    pub fn put_aside(id: &str, option: &mut String) {
        if let Some(options) = use_context::<Self>()
            && let Ok(mut options) = options.0.lock()
        {
            options.insert(id.into(), std::mem::take(option));
        }
    }

    /// Not taken out: the server may build a view more than once before it is sent.
    pub(super) fn set_aside(id: &str) -> Option<String> {
        use_context::<Self>().and_then(|options| options.0.lock().ok().and_then(|options| options.get(id).cloned()))
    }
}

/// A chart of fixed height. `option` is empty where the document holds it already.
#[component]
pub fn ChartBox(id: &'static str, #[prop(into)] label: String, option: String) -> impl IntoView {
    let option = Options::set_aside(id).unwrap_or(option);
    view! {
        <div class="chart-box" id=id data-chart=id role="img" aria-label=label>
            <script type="application/json" inner_html=breakout_free(&option)></script>
            <div class="canvas"></div>
        </div>
    }
}

/// JSON may spell "<" as an escape, so that no text in it can end the script element.
fn breakout_free(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_can_not_end_the_script() {
        assert_eq!(super::breakout_free(r#"{"a":"</script>"}"#), r#"{"a":"\u003c/script>"}"#);
    }
}
