//! The terminal: results on stdout, everything else on stderr.

pub mod progress;

use std::io::{self, Write};

/// Writes `text` to stdout. A reader that has closed the pipe has seen what it wanted.
pub fn say(text: &str) {
    write_to(&mut io::stdout().lock(), text);
}

/// Writes a line to stderr.
pub fn complain(text: &str) {
    write_to(&mut io::stderr().lock(), &format!("{text}\n"));
}

fn write_to(stream: &mut impl Write, text: &str) {
    if stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_err() {
        // There is nobody left to tell.
    }
}
