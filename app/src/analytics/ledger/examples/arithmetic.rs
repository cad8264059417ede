//! Works out sums as a person writes them: + - * / and parentheses, and ^ for a power.

/// # Panics
/// On what is no sum.
pub(super) fn worked_out(sum: &str) -> f64 {
    let text: Vec<char> = sum.chars().filter(|letter| !letter.is_whitespace() && *letter != ',').collect();
    let (value, rest) = terms(&text);
    assert!(rest.is_empty(), "{sum}");
    value
}

fn terms(text: &[char]) -> (f64, &[char]) {
    let (mut value, mut rest) = factors(text);
    while let [sign @ ('+' | '-'), after @ ..] = rest {
        let (next, later) = factors(after);
        (value, rest) = (if *sign == '+' { value + next } else { value - next }, later);
    }
    (value, rest)
}

fn factors(text: &[char]) -> (f64, &[char]) {
    let (mut value, mut rest) = power(text);
    while let [sign @ ('*' | '/'), after @ ..] = rest {
        let (next, later) = power(after);
        (value, rest) = (if *sign == '*' { value * next } else { value / next }, later);
    }
    (value, rest)
}

fn power(text: &[char]) -> (f64, &[char]) {
    let (base, rest) = number(text);
    let ['^', after @ ..] = rest else { return (base, rest) };
    let (exponent, rest) = number(after);
    (base.powf(exponent), rest)
}

fn number(text: &[char]) -> (f64, &[char]) {
    match text {
        ['(', inner @ ..] => {
            let (value, rest) = terms(inner);
            let [')', rest @ ..] = rest else { panic!("a parenthesis is open") };
            (value, rest)
        }
        ['-', rest @ ..] => {
            let (value, rest) = number(rest);
            (-value, rest)
        }
        _ => {
            let end = text.iter().position(|letter| !letter.is_ascii_digit() && *letter != '.').unwrap_or(text.len());
            (text[..end].iter().collect::<String>().parse().unwrap(), &text[end..])
        }
    }
}

#[test]
fn sums_work_out() {
    assert_eq!(worked_out("2 * (3 - 5) / 4 + 1,000"), 999.0);
    assert_eq!(worked_out("4 ^ (1 / 2) - -1"), 3.0);
}
