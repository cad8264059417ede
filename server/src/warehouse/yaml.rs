//! dbt reads YAML 1.1, this program 1.2: plain words that mean something else there are refused, so that nothing changes without a word.
//!
//! Not a parser: it tells plain scalars from quoted ones, from block scalars and from comments, which is all that it takes. What is no YAML at
//! all is for the parser behind it to refuse.

use super::Error;

/// # Errors
/// The first plain scalar that dbt reads otherwise, with its line.
pub(super) fn check(file: &str, text: &str) -> Result<(), Error> {
    for (line, word) in plain(text) {
        if let Some(what) = differs(&word) {
            return Err(Error::source(file, line, format!("dbt reads {word} as {what}: write it in quotes, or as what you mean")));
        }
    }
    Ok(())
}

/// What PyYAML makes of a plain scalar, where that isn't what YAML 1.2 makes of it.
fn differs(word: &str) -> Option<&'static str> {
    match word {
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Some("true, and this program as a text"),
        "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Some("false, and this program as a text"),
        _ => {}
    }
    let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
    let all = |text: &str, more: &str| text.chars().all(|c| c.is_ascii_digit() || more.contains(c));
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !digits.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.len() > 1 && digits.starts_with('0') && digits[1..].chars().all(|c| matches!(c, '0'..='7' | '_')) {
        return Some("a number to the base of 8");
    }
    if digits.starts_with("0o") && all(&digits[2..], "_") {
        return Some("a text, and this program as a number");
    }
    let is_based = digits.starts_with("0x") || digits.starts_with("0b");
    if digits.contains('_') && (all(digits, "_.") || is_based && digits[2..].chars().all(|c| c.is_ascii_hexdigit() || c == '_')) {
        return Some("a number without the underscores");
    }
    let mut parts = digits.split(':');
    let first = parts.next().unwrap_or_default();
    let is_sixty = |part: &str| {
        let whole = part.split('.').next().unwrap_or_default();
        matches!(whole.len(), 1 | 2) && all(part, ".") && whole.parse::<u8>().is_ok_and(|number| number < 60)
    };
    if digits.contains(':') && all(first, "") && (digits.contains('.') || !first.starts_with('0')) && parts.all(is_sixty) {
        return Some("a number to the base of 60");
    }
    let (number, power) = digits.split_once(['e', 'E'])?;
    let is_float = all(number, ".") && number.matches('.').count() <= 1;
    let unsigned = power.strip_prefix(['-', '+']).unwrap_or(power);
    let is_power = !unsigned.is_empty() && all(unsigned, "");
    // A float of YAML 1.1 has a point, and a sign in its exponent.
    let is_theirs = number.contains('.') && unsigned.len() < power.len();
    (is_float && is_power && !is_theirs).then_some("a text, and this program as a number")
}

/// The plain scalars of a text, keys too, with their lines.
fn plain(text: &str) -> Vec<(usize, String)> {
    let mut scan = Scan { rest: text, line: 1, found: Vec::new() };
    // Behind which column the lines of a block scalar lie, and those that go on with a plain one.
    let (mut block, mut goes_on): (Option<usize>, Option<usize>) = (None, None);
    while !scan.rest.is_empty() {
        let indent = scan.rest.len() - scan.rest.trim_start_matches(' ').len();
        let content = scan.rest[indent..].lines().next().unwrap_or_default().trim_end();
        if content.is_empty() || block.is_some_and(|parent| indent > parent) {
            scan.skip_line();
            continue;
        }
        block = None;
        if content.starts_with('#') || matches!(content, "---" | "...") {
            scan.skip_line();
            continue;
        }
        if let Some(least) = goes_on.take().filter(|least| indent >= *least) {
            // It is longer than the word that it begins with.
            if let Some((_, word)) = scan.found.last_mut() {
                word.push(' ');
            }
            goes_on = Some(least);
            scan.skip_line();
            continue;
        }
        (block, goes_on) = scan.block_line(indent);
    }
    scan.found
}

struct Scan<'t> {
    rest: &'t str,
    line: usize,
    found: Vec<(usize, String)>,
}

impl Scan<'_> {
    fn skip(&mut self, bytes: usize) {
        let (passed, rest) = self.rest.split_at(bytes);
        self.line += passed.matches('\n').count();
        self.rest = rest;
    }

    fn skip_line(&mut self) {
        self.skip(self.rest.find('\n').map_or(self.rest.len(), |at| at + 1));
    }

    /// One line outside of brackets, and what a bracket or a quote on it opens. Yields the column of what a block scalar belongs to, or the
    /// least column of lines that go on with its plain scalar.
    fn block_line(&mut self, indent: usize) -> (Option<usize>, Option<usize>) {
        let start = self.rest.len();
        let mut parent = None;
        loop {
            let column = start - self.rest.len();
            let spaces = self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len();
            if spaces > 0 {
                self.skip(spaces);
                continue;
            }
            let mut letters = self.rest.chars();
            let (first, second) = (letters.next(), letters.next());
            match first {
                None => return (None, None),
                Some('\n' | '\r' | '#') => {
                    self.skip_line();
                    return (None, None);
                }
                Some('-' | '?') if second.is_none_or(char::is_whitespace) => {
                    parent = Some(column);
                    self.skip(1);
                }
                Some(quote @ ('"' | '\'')) => self.quoted(quote),
                Some('[' | '{') => self.flow(),
                Some(':') if second.is_none_or(char::is_whitespace) => {
                    parent.get_or_insert(indent);
                    self.skip(1);
                }
                Some('|' | '>') => {
                    self.skip_line();
                    return (Some(parent.unwrap_or(0)), None);
                }
                Some('&' | '*' | '!') => self.skip(self.rest.find(char::is_whitespace).unwrap_or(self.rest.len())),
                Some(_) => {
                    let line = self.rest.lines().next().unwrap_or_default();
                    let comment = line.find(" #").unwrap_or(line.len());
                    let key = line.find(": ").or_else(|| line.trim_end().strip_suffix(':').map(str::len)).filter(|at| *at < comment);
                    let word = line[..key.unwrap_or(comment)].trim_end();
                    self.found.push((self.line, word.to_owned()));
                    match key {
                        Some(at) => {
                            parent = Some(column);
                            self.skip(at + 1);
                        }
                        None => {
                            self.skip_line();
                            return (None, Some(parent.map_or(indent, |parent| parent + 1)));
                        }
                    }
                }
            }
        }
    }

    fn quoted(&mut self, quote: char) {
        let mut is_escaped = false;
        let end = self.rest.char_indices().skip(1).find(|(_, letter)| {
            let ends = *letter == quote && !is_escaped;
            is_escaped = quote == '"' && *letter == '\\' && !is_escaped;
            ends
        });
        self.skip(end.map_or(self.rest.len(), |(at, _)| at + 1));
    }

    /// A list or a mapping in brackets, to its end.
    fn flow(&mut self) {
        let (mut depth, mut word, mut line) = (0_usize, String::new(), self.line);
        while let Some(letter) = self.rest.chars().next() {
            let next = self.rest[letter.len_utf8()..].chars().next();
            let ends = matches!(letter, '[' | ']' | '{' | '}' | ',')
                || letter == ':' && next.is_none_or(|next| next.is_whitespace() || ",]}[{".contains(next));
            if ends {
                if !word.trim().is_empty() {
                    self.found.push((line, word.trim().to_owned()));
                }
                word.clear();
            }
            match letter {
                '[' | '{' => depth += 1,
                ']' | '}' => depth -= 1,
                '"' | '\'' if word.trim().is_empty() => {
                    self.quoted(letter);
                    continue;
                }
                '#' if word.is_empty() || word.ends_with(char::is_whitespace) => {
                    self.skip_line();
                    continue;
                }
                _ if ends => {}
                _ => {
                    if word.trim().is_empty() {
                        line = self.line;
                    }
                    word.push(letter);
                }
            }
            self.skip(letter.len_utf8());
            if depth == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        plain(text).into_iter().map(|(line, word)| format!("{line} {word}")).collect()
    }

    #[test]
    fn plain_scalars_are_told_from_the_rest() {
        let text = "a: one # no\nb: 'no'\nc: |\n  no\n\n  off\nd:\n  - yes\n  - e: \"on\n      off\"\n    f: >-\n      no\n    g: [h, no, 'on', {i: off, \"j\": 1}]\n# on\nk:\n  goes\n  on\nl: it goes\n  on\nm: {n: ref('on'),\n  o: no}\n- p: q:r\n";
        let expect = [
            "1 a",
            "1 one",
            "2 b",
            "3 c",
            "7 d",
            "8 yes",
            "9 e",
            "11 f",
            "13 g",
            "13 h",
            "13 no",
            "13 i",
            "13 off",
            "13 1",
            "15 k",
            "16 goes ",
            "18 l",
            "18 it goes ",
            "20 m",
            "20 n",
            "20 ref('on')",
            "21 o",
            "21 no",
            "22 p",
            "22 q:r",
        ];
        assert_eq!(found(text), expect);
        assert_eq!(found("---\na: b\n---\nc: d\n"), ["2 a", "2 b", "4 c", "4 d"]);
    }

    #[test]
    fn what_dbt_reads_otherwise_is_refused_by_its_line() {
        for word in [
            "yes",
            "No",
            "ON",
            "off",
            "010",
            "-07",
            "0_7",
            "0o17",
            "1_000",
            "1_0.5",
            "0x1_f",
            "12:30:00",
            "1:30",
            "190:20:30.15",
            "1e3",
            "1E-3",
            "1.5e3",
            ".5e3",
            "+1e3",
        ] {
            for text in [format!("a:\n  b: {word}"), format!("a:\n- {word}"), format!("a:\n  [x, {word}]"), format!("a:\n  {word}: 1")] {
                let error = check("x.yml", &text).expect_err(&text).to_string();
                assert!(error.starts_with(&format!("x.yml:2: dbt reads {word} as ")), "{text}: {error}");
            }
            check("x.yml", &format!("a: '{word}'\nb: [\"{word}\"]\nc: |\n  {word}\nd: {word} more\n# {word}\n")).unwrap();
        }
        for word in [
            "y",
            "n",
            "yEs",
            "true",
            "False",
            "0",
            "10",
            "-1",
            "1.5",
            "1.5e+3",
            "08",
            "0x1f",
            "0b11",
            "2026-11-20",
            "2026-11-20 12:30:00",
            "00:30",
            "1.2.3",
            "e3",
            "1e",
            "_1",
            "~",
            ".",
            "-",
            "ref('yes')",
            "1:99",
            "a:1",
        ] {
            check("x.yml", &format!("a: {word}\nb: [{word}]\n")).unwrap_or_else(|error| panic!("{word}: {error}"));
        }
        for broken in ["a: [", "a: \"", "]", "{{", "a: {b: \"\\", "-", ":", "- - -", "\t"] {
            drop(check("x.yml", broken));
        }
    }
}
