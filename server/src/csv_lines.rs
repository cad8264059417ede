//! Lines of a CSV file: on which one a row begins, and quotation marks that would swallow the rows after them.

/// What is wrong with a file's quotation marks, and on which line.
#[derive(Debug, PartialEq, Eq)]
pub struct Unquoted {
    pub line: u64,
    /// A sentence's end: what it is, and what to do.
    pub what: &'static str,
}

/// Finds what the reader of rows would take for one long field without a word. Quotation marks count where a field begins, as there.
///
/// # Errors
/// The first mark that is never closed, or is closed within a field.
pub fn quoted_well(text: &str) -> Result<(), Unquoted> {
    let mut lines = Lines::of(text);
    let bytes = text.as_bytes();
    let (mut at, mut is_start) = (0, true);
    while let Some(byte) = bytes.get(at) {
        if !is_start || *byte != b'"' {
            is_start = matches!(byte, b',' | b'\r' | b'\n');
            at += 1;
            continue;
        }
        let opened = at;
        at += 1;
        loop {
            match (bytes.get(at), bytes.get(at + 1)) {
                (None, _) => {
                    let what = "a quotation mark opens a field here and nothing closes it, so that the rows after it would be part of the field. Close it, or remove it.";
                    return Err(Unquoted { line: lines.at(opened), what });
                }
                (Some(b'"'), Some(b'"')) => at += 2,
                (Some(b'"'), _) => break,
                _ => at += 1,
            }
        }
        at += 1;
        // Blanks behind it are trimmed, as everywhere.
        let rest = bytes.get(at..).unwrap_or_default();
        at += rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if bytes.get(at).is_some_and(|byte| !matches!(byte, b',' | b'\r' | b'\n')) {
            let what = "a quotation mark closes a field here and the field goes on. Write marks within a field twice, and put marks around the whole field.";
            return Err(Unquoted { line: lines.at(at), what });
        }
        is_start = false;
    }
    Ok(())
}

/// Counts lines as people's editors do, asked for places that only go forward. `csv::Position::line` says where its reader stood before
/// it skipped the end of the row before and empty lines.
pub struct Lines<'t> {
    bytes: &'t [u8],
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    pub fn of(text: &'t str) -> Self {
        Self { bytes: text.as_bytes(), at: 0, line: 1 }
    }

    /// The line on which the row begins that the reader found from this position on; without a position the first.
    pub fn row(&mut self, position: Option<&csv::Position>) -> u64 {
        let from = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or_default();
        let rest = self.bytes.get(from..).unwrap_or_default();
        self.at(from + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count())
    }

    fn at(&mut self, place: usize) -> u64 {
        let passed = self.bytes.get(self.at..place).unwrap_or_default();
        // `\r\n` is one end: it counts by its second half.
        let ends = passed.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => self.bytes.get(self.at + at + 1) != Some(&b'\n'),
            _ => false,
        });
        self.line += ends.count() as u64;
        self.at = self.at.max(place);
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<u64> {
        let mut lines = Lines::of(text);
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        reader.records().map(|record| lines.row(record.unwrap().position())).collect()
    }

    #[test]
    fn rows_are_where_an_editor_shows_them() {
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(rows(&["a,b", "1,2", "", "", "3,4", "5,\"6", "7\"", "8,9", ""].join(end)), [2, 5, 6, 8], "{end:?}");
            assert_eq!(rows(&["", "", "a,b", "", "1,2"].join(end)), [5], "{end:?}");
        }
        assert_eq!(rows(""), Vec::<u64>::new());
    }

    #[test]
    fn a_mark_that_would_swallow_rows_is_found_with_its_line() {
        let wrong = |text: &str| quoted_well(text).err().map(|wrong| (wrong.line, wrong.what.contains("closes a field here")));
        for text in ["", "a,b\n1,\"2\"\n", "a,\"b \"\"c\"\" d\"\r\n\"\",\"x,\ny\"", "a,5\" pipe, 6\"\n", "\"a\" ,\"b\"\t\r\n", "\"a\""] {
            assert_eq!(wrong(text), None, "{text}");
        }
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(wrong(&["a,b", "", "1,\"two", "3,4", ""].join(end)), Some((3, false)), "{end:?}");
            assert_eq!(wrong(&["a,b", "\"x", "y\",2", "1,\"two\"3", "5,6"].join(end)), Some((4, true)), "{end:?}");
            assert_eq!(wrong(&["a,b", "1,\"two", "3,\"four\"", "5,6"].join(end)), Some((3, true)), "{end:?}");
        }
    }
}
