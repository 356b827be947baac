//! The only place that writes to the terminal.
//!
//! stdout carries answers, stderr everything else. A reader that has gone away, as `head` does, is no
//! error of ours.

pub mod progress;

use std::io::{self, Write};

/// Writes `text` and a line break to stdout.
pub fn say(text: &str) {
    write_line(&mut io::stdout().lock(), text);
}

/// Writes `text` and a line break to stderr.
pub fn complain(text: &str) {
    write_line(&mut io::stderr().lock(), text);
}

/// One write for the whole line, so that lines of several processes do not mix.
fn write_line(sink: &mut impl Write, text: &str) {
    let line = format!("{text}\n");
    // Nobody is left to be told when the terminal itself cannot be written to.
    if sink.write_all(line.as_bytes()).is_ok() {
        drop(sink.flush());
    }
}
