//! What a failing check of rows says to a person: what is expected, one row that isn't so, and what to do.

use super::check::{Action, Check};
use serde_json::Value;

/// `first` is shown where the result is its owner's alone.
pub fn sentence(check: &Check, symbol: Option<&str>, failures: u64, first: Option<&Value>) -> String {
    let name = symbol.map_or_else(String::new, |symbol| format!("{symbol}: "));
    let rows = if failures == 1 { "one row isn't".to_owned() } else { format!("{failures} rows aren't") };
    let such = first.and_then(Value::as_object).map_or_else(String::new, |row| {
        let shown = |(name, value): (&String, &Value)| match value {
            Value::Null => None,
            Value::String(text) => Some(format!("{name} {text}")),
            other => Some(format!("{name} {other}")),
        };
        let parts: Vec<String> =
            row.iter().filter(|(name, _)| !name.ends_with("_id") && *name != "body").filter_map(shown).take(6).collect();
        format!(" ({})", parts.join(", "))
    });
    let next = match check.action {
        Action::Quarantine => "They are kept out until you release them; fetch again, or correct their source.",
        Action::Block => "What is in its scope keeps its last good numbers; correct the source, then run again.",
        Action::Fail => "The run stops here; correct the source, then run again.",
        Action::Record => "Look at the samples, and correct their source.",
    };
    format!("{name}Expected is that {}, and {rows} so{such}. {next}", check.expected)
}
