//! What pages share: the scope in the URL, the signal to ask again, the answer's status, the chosen theme.

use crate::domain::Scope;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use std::sync::Arc;

/// The scope bar's state, as it stands in the URL.
pub fn use_scope() -> Memo<Scope> {
    let search = use_location().search;
    Memo::new(move |_| Scope::parse(&search.get()))
}

/// Raised after a write or a new publication: what is shown is asked for again.
#[derive(Debug, Clone, Copy)]
pub struct Refresh(RwSignal<u32>);

impl Refresh {
    pub fn provide() -> Self {
        let refresh = Self(RwSignal::new(0));
        provide_context(refresh);
        refresh
    }

    /// Tracked: whoever reads it asks again when it is raised. Outside the application it stays at 0.
    pub fn count() -> impl Fn() -> u32 + Copy + Send + Sync {
        let refresh = use_context::<Self>();
        move || refresh.map_or(0, |refresh| refresh.0.get())
    }

    pub fn raise(self) {
        self.0.update(|count| *count = count.wrapping_add(1));
    }
}

/// Sets the HTTP status of the page that is being rendered. The server provides it; the browser has none.
#[derive(Clone)]
pub struct PageStatus(Arc<dyn Fn(u16) + Send + Sync>);

impl PageStatus {
    pub fn new(set: impl Fn(u16) + Send + Sync + 'static) -> Self {
        Self(Arc::new(set))
    }

    pub fn set(status: u16) {
        if let Some(page) = use_context::<Self>() {
            (page.0)(status);
        }
    }
}

/// Light or dark where a person chose one; the system's otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    /// Reads the request's `Cookie` header: `theme=light` or `theme=dark`.
    pub fn from_cookies(header: &str) -> Self {
        match header.split(';').find_map(|pair| pair.trim().strip_prefix("theme=")) {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    /// The value of `<html data-theme>`; absent when the system decides.
    pub fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_theme_is_read_from_cookies_and_nothing_else_is_believed() {
        assert_eq!(Theme::from_cookies("id=1; theme=dark"), Theme::Dark);
        assert_eq!(Theme::from_cookies("theme=light"), Theme::Light);
        for other in ["", "theme=", "theme=\"><script>", "mytheme=dark"] {
            assert_eq!(Theme::from_cookies(other), Theme::System, "{other}");
        }
    }
}
