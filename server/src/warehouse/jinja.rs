//! Where minijinja and Jinja2 differ and SQL would change without a word: made equal where that is simple, else refused.
//!
//! Can't be seen from here: `//` and `%` by a negative number that isn't written as one, and a list that is joined to a text by `~`.

use super::{functions::This, methods};
use minijinja::{
    Environment, Error, ErrorKind, Output, State, escape_formatter,
    value::{Kwargs, Value, ValueKind},
};

/// Makes an environment agree with Jinja2.
pub(super) fn agree(environment: &mut Environment<'_>) {
    environment.set_unknown_method_callback(methods::method);
    environment.set_formatter(printed);
    environment.add_filter("round", round);
    environment.add_filter("title", title);
    environment.remove_filter("pprint");
}

/// What `{{ … }}` writes. Lists come out in Python's spelling there and in JSON's here; a number that is none is an error there.
fn printed(out: &mut Output, state: &State, value: &Value) -> Result<(), Error> {
    match value.kind() {
        // Has items, and a text of its own.
        ValueKind::Map if value.downcast_object_ref::<This>().is_some() => {}
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            let what = format!("a {} can't be printed as it is: write its items, such as {{{{ x | join(', ') }}}}", value.kind());
            return Err(Error::new(ErrorKind::InvalidOperation, what));
        }
        ValueKind::Number if !value.is_integer() => {
            let number = f64::try_from(value.clone())?;
            if !number.is_finite() {
                return Err(Error::new(ErrorKind::InvalidOperation, "the number is infinite: is something divided by zero?"));
            }
            if number != 0.0 && !(1e-4..1e16).contains(&number.abs()) {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    "a number of this size is written otherwise by dbt: write it as a text",
                ));
            }
        }
        _ => {}
    }
    escape_formatter(out, state, value)
}

/// Python's: of two equally near the even one, by the number's exact value; a whole number stays one.
fn round(value: Value, precision: Option<i32>, method: Option<String>, named: Kwargs) -> Result<Value, Error> {
    let refused = |what: &str| Error::new(ErrorKind::InvalidOperation, format!("round: {what}"));
    let precision = precision.map_or_else(|| named.get::<Option<i32>>("precision"), |precision| Ok(Some(precision)))?.unwrap_or(0);
    let method = method.map_or_else(|| named.get::<Option<String>>("method"), |method| Ok(Some(method)))?;
    named.assert_all_used()?;
    let places = usize::try_from(precision).map_err(|_| refused("it takes no negative number of digits here"))?;
    if places > 15 {
        return Err(refused("it takes at most 15 digits"));
    }
    if value.kind() != ValueKind::Number {
        return Err(refused("it takes a number"));
    }
    let (number, shift) = (f64::try_from(value.clone())?, 10_f64.powi(precision));
    match method.as_deref() {
        None | Some("common") if value.is_integer() => Ok(value),
        None | Some("common") => Ok(format!("{number:.places$}").parse::<f64>().map_err(|_| refused("it takes a number"))?.into()),
        Some("ceil") => Ok(((number * shift).ceil() / shift).into()),
        Some("floor") => Ok(((number * shift).floor() / shift).into()),
        Some(other) => Err(refused(&format!("the method is common, ceil or floor, not {other}"))),
    }
}

/// Jinja2's: a word begins behind a space, a dash or an opening bracket, and nowhere else.
fn title(text: &str) -> String {
    let (mut written, mut begins) = (String::with_capacity(text.len()), true);
    for letter in text.chars() {
        if begins {
            written.extend(letter.to_uppercase());
        } else {
            written.extend(letter.to_lowercase());
        }
        begins = letter.is_whitespace() || "-({[<".contains(letter);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(template: &str) -> Result<String, String> {
        let mut environment = Environment::new();
        agree(&mut environment);
        environment.render_str(template, ()).map_err(|error| error.to_string())
    }

    /// Each as Jinja2 3.1 on Python 3 says it.
    #[test]
    fn what_jinja2_says() {
        for (template, expect) in [
            ("{{ 2.5|round }} {{ 3.5|round }} {{ 0.5|round }} {{ -2.5|round }} {{ 2|round }} {{ 2|round(1) }}", "2.0 4.0 0.0 -2.0 2 2"),
            (
                "{{ 2.675|round(2) }} {{ 0.125|round(2) }} {{ 0.375|round(2) }} {{ 1.005|round(2) }} {{ 1e3|round(1) }}",
                "2.67 0.12 0.38 1.0 1000.0",
            ),
            ("{{ 2.1|round(0, 'ceil') }} {{ 2.19|round(1, method='floor') }} {{ 2|round(method='ceil') }}", "3.0 2.1 2.0"),
            ("{{ \"they're o'neil-smith (ltd) x_y a.b\"|title }}", "They're O'neil-Smith (Ltd) X_y A.b"),
            ("{{ 'xxaxx'.strip('x') }} {{ 'xxa'.lstrip('x') }} {{ 'axx'.rstrip('x') }} {{ ' a '.strip() }}{{ ' a'.lstrip() }}", "a a a aa"),
            (
                "{{ 7 / 2 }} {{ 4 / 2 }} {{ -7 // 2 }} {{ -7 % 2 }} {{ true }} {{ none }} {{ 1.0 }} {{ 0.0001 }} {{ 1e15 }}",
                "3.5 2.0 -4 1 True None 1.0 0.0001 1000000000000000.0",
            ),
            ("{{ ['a', 'b']|join(',') }} {{ (1, 2)|length }} {% for a, b in {'x': 1}.items() %}{{ a }}{{ b }}{% endfor %}", "a,b 2 x1"),
        ] {
            assert_eq!(said(template).as_deref(), Ok(expect), "{template}");
        }
    }

    #[test]
    fn what_it_would_say_otherwise_is_refused() {
        for (template, why) in [
            ("\n{{ ['a', 'b'] }}", "a sequence can't be printed"),
            ("{{ ('a', 'b') }}", "can't be printed"),
            ("{{ {'a': 1} }}", "can't be printed"),
            ("{{ 1 / 0 }}", "divided by zero"),
            ("{{ 0.00001 }}", "write it as a text"),
            ("{{ 1e17 }}", "write it as a text"),
            ("{{ 1|round(-1) }}", "negative"),
            ("{{ 'a'.upper(1) }}", "too many arguments"),
            ("{{ 'a'.split('') }}", "split"),
            ("{{ 'a'.title() }}", "title"),
            ("{{ [1]|pprint }}", "pprint"),
        ] {
            let error = said(template).unwrap_err();
            assert!(error.contains(why), "{template}: {error}");
        }
    }
}
