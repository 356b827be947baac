//! The terminal: results on stdout, everything else on stderr; the only place that prints.

mod bars;
mod block;
pub mod colour;
mod layout;
mod line;
pub mod progress;
mod told;
mod view;

use std::io::{self, Write};

/// Prints `text` to stdout as it is.
///
/// A reader that went away, as `head` does, is no error of ours: the rest is dropped.
pub fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("could not write to stdout: {error}"));
        }
        Ok(()) | Err(_) => {}
    }
}

/// Prints `text` to stderr as a line of its own; where even that fails, nothing is left to tell it.
///
/// Not while a live block is shown: it would stand in the middle of it.
pub fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
