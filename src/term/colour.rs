//! Colour for the few words that carry a judgement; none where it is not wanted.

use std::env;
use std::io::{self, IsTerminal};

/// What a word says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As wished.
    Good,
    /// Missed.
    Bad,
    /// Cannot be said.
    Unsure,
    /// Beside the point.
    Aside,
}

/// Whether stderr takes a live block: a terminal that can move its cursor, and no log of a build server.
#[must_use]
pub fn stderr_is_live() -> bool {
    io::stderr().is_terminal() && !is_dumb() && !is_built()
}

/// Whether stderr may be coloured.
#[must_use]
pub fn stderr_takes_colour() -> bool {
    io::stderr().is_terminal() && !is_dumb() && !no_colour()
}

/// Whether stdout may be coloured.
#[must_use]
pub fn stdout_takes_colour() -> bool {
    io::stdout().is_terminal() && !is_dumb() && !no_colour()
}

/// `text` in the colour of `tone`, or as it is.
#[must_use]
pub fn paint(text: &str, tone: Tone, colour: bool) -> String {
    if !colour {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => 32,
        Tone::Bad => 31,
        Tone::Unsure => 33,
        Tone::Aside => 2,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// A summary with the words of its judgement coloured.
#[must_use]
pub fn paint_summary(summary: &str, colour: bool) -> String {
    let tone_of = |word: &str| match word {
        "PASS" => Some(Tone::Good),
        "FAIL" => Some(Tone::Bad),
        "INVALID" => Some(Tone::Unsure),
        _ => None,
    };
    let paint_line = |line: &str| {
        let word = line.strip_prefix("outcome").unwrap_or(line).split_whitespace().next();
        match word.and_then(|word| Some((word, tone_of(word)?))) {
            Some((word, tone)) => line.replacen(word, &paint(word, tone, colour), 1),
            None => line.to_owned(),
        }
    };
    summary.split('\n').map(paint_line).collect::<Vec<_>>().join("\n")
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|kind| kind == "dumb")
}

/// Build servers set it, some of them with a terminal that nobody looks at.
fn is_built() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// See <https://no-color.org>: set and not empty.
fn no_colour() -> bool {
    env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_judgement_are_coloured() {
        let text = "goal       met\noutcome    FAIL\n           INVALID  goal: no\n";
        assert_eq!(
            paint_summary(text, true),
            "goal       met\noutcome    \x1b[31mFAIL\x1b[0m\n           \x1b[33mINVALID\x1b[0m  goal: no\n"
        );
        assert_eq!(paint_summary(text, false), text, "without colour nothing changes");
    }
}
