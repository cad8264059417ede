//! Standard output and the sentence on standard error: the one way to print. `println!` panics where it can't write.

use std::{
    fmt,
    io::{self, ErrorKind, Write},
    sync::OnceLock,
};

/// Why nothing can be written any more. The command goes on to its end, so that what it opened is closed.
static FAULT: OnceLock<io::Error> = OnceLock::new();

/// Prints a line, as `println!` does.
macro_rules! say {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

/// Prints a line; after the first that couldn't be written none.
pub fn line(text: fmt::Arguments<'_>) {
    if FAULT.get().is_some() {
        return;
    }
    let mut output = io::stdout().lock();
    if let Err(error) = writeln!(output, "{text}").and_then(|()| output.flush()) {
        let _ = FAULT.set(error);
    }
}

/// Prints a line on standard error; where that can't be written there is nobody left to be told.
pub fn complain(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// What kept a line from being written. Who reads no further, as `head` does, has read enough: that is none.
pub fn fault() -> Option<&'static io::Error> {
    FAULT.get().filter(|error| error.kind() != ErrorKind::BrokenPipe)
}
