//! The methods of Python's strings and dictionaries that templates of dbt commonly call.

use minijinja::{
    Error, ErrorKind, State,
    value::{Value, ValueKind, from_args},
};

/// Called where minijinja itself knows no such method.
pub(super) fn method(state: &State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    match (value.kind(), name) {
        (ValueKind::Map, "items") => state.apply_filter("items", std::slice::from_ref(value)),
        (ValueKind::Map, "keys") => Ok(value.try_iter()?.collect()),
        (ValueKind::Map, "values") => value.try_iter()?.map(|key| value.get_item(&key)).collect::<Result<Value, _>>(),
        (ValueKind::Map, "get") => {
            let (key, default): (Value, Option<Value>) = from_args(args)?;
            let found = value.get_item(&key)?;
            Ok(if found.is_undefined() { default.unwrap_or(Value::from(())) } else { found })
        }
        (ValueKind::String, _) => text(value.as_str().unwrap_or_default(), name, args),
        _ => Err(unknown(name)),
    }
}

fn text(text: &str, name: &str, args: &[Value]) -> Result<Value, Error> {
    Ok(match name {
        "upper" | "lower" => {
            let () = from_args(args)?;
            if name == "upper" { text.to_uppercase() } else { text.to_lowercase() }.into()
        }
        "strip" | "lstrip" | "rstrip" => {
            let (letters,): (Option<&str>,) = from_args(args)?;
            let goes = |letter: char| letters.map_or_else(|| letter.is_whitespace(), |letters| letters.contains(letter));
            match name {
                "strip" => text.trim_matches(goes),
                "lstrip" => text.trim_start_matches(goes),
                _ => text.trim_end_matches(goes),
            }
            .into()
        }
        "replace" => {
            let (from, to): (&str, &str) = from_args(args)?;
            text.replace(from, to).into()
        }
        "split" => {
            let (by,): (&str,) = from_args(args)?;
            if by.is_empty() {
                return Err(Error::new(ErrorKind::InvalidOperation, "split needs what to split at"));
            }
            text.split(by).collect()
        }
        "startswith" => {
            let (start,): (&str,) = from_args(args)?;
            text.starts_with(start).into()
        }
        "endswith" => {
            let (end,): (&str,) = from_args(args)?;
            text.ends_with(end).into()
        }
        _ => return Err(unknown(name)),
    })
}

fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::UnknownMethod, format!("the method {name} isn't supported: use a filter, such as {{{{ x | upper }}}}"))
}
