//! Where to go after signing in: a path of ours, never another site.

/// `path` if it is one of this site, else `/`. `//host`, `/\host` and control characters lead elsewhere in some browsers.
pub fn same_site_path(path: &str) -> &str {
    let is_ours = path.starts_with('/')
        && !path.starts_with("//")
        && !path.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace())
        && path.is_ascii()
        && !["/sign-in", "/setup", "/api/"].iter().any(|door| path.starts_with(door));
    if is_ours { path } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::same_site_path;

    #[test]
    fn leads_nowhere_else() {
        for ours in ["/", "/holdings?portfolio=3&range=1Y", "/activity"] {
            assert_eq!(same_site_path(ours), ours);
        }
        for other in [
            "",
            "//evil.test",
            "/\\evil.test",
            "https://evil.test",
            "javascript:alert(1)",
            "/\t/evil.test",
            "/sign-in?next=/",
            "/a\r\nb: c",
            "/api/x",
        ] {
            assert_eq!(same_site_path(other), "/", "{other:?}");
        }
    }
}
