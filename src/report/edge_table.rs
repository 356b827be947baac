//! What a target made of the edge documents: a table for a person, rows for a program.

use serde::Serialize;

use super::figure::counted;
use crate::edge::Heard;
use crate::edge::examine::{Ended, Examined};
use crate::edge::judge::{Row, Seen, Verdict};
use crate::profile::exchange::shown;
use crate::units::usize_to_u64;

/// Of an answer's body so much is shown in the table.
const EXCERPT_CHARS: usize = 44;
/// Of an answer's body so much is kept in JSON.
const EXCERPT_JSON_CHARS: usize = 500;

/// One case, as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EdgeRecord {
    /// The case.
    pub id: &'static str,
    /// What was sent.
    pub sent: &'static str,
    /// What a target usually makes of it: `accept`, `reject` or `either`.
    pub expected: &'static str,
    /// How many requests it took.
    pub requests: u64,
    /// Status of the first unusual answer, or else of the last; null where there was none.
    pub status: Option<u16>,
    /// What came, shortened.
    pub came: String,
    /// Whether that is as expected.
    pub as_expected: bool,
    /// Over what the next good document went: `kept`, `anew` or `no`.
    pub alive: &'static str,
    /// Whether it was accepted.
    pub next_accepted: bool,
    /// `ok`, or how the target broke.
    pub verdict: &'static str,
}

impl EdgeRecord {
    /// The row as JSON.
    #[must_use]
    pub fn new(row: &Row) -> Self {
        let telling = telling(row);
        Self {
            id: row.id,
            sent: row.sent,
            expected: row.expected.name(),
            requests: usize_to_u64(row.seen.len()),
            status: telling.and_then(|seen| match seen.heard {
                Heard::Answer { status, .. } => Some(status),
                _ => None,
            }),
            came: telling.map_or_else(String::new, |seen| came(seen, EXCERPT_JSON_CHARS)),
            as_expected: row.is_as_expected,
            alive: row.alive.name(),
            next_accepted: row.is_next_accepted,
            verdict: row.verdict.name(),
        }
    }
}

/// The table, with a footer that says what counts.
#[must_use]
pub fn edge_table(examined: &Examined, cases: usize) -> String {
    let header =
        ["case", "sent", "expected", "came back", "as expected", "alive", "next", "verdict"];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(examined.rows.iter().map(cells));
    format!("{}\n{}", table(&rows), footer(examined, cases))
}

/// A row in one line, for a target that broke.
#[must_use]
pub fn edge_line(row: &Row) -> String {
    format!("{}: {} ({}; sent: {})", row.id, row.verdict.name(), answers(row), row.sent)
}

fn cells(row: &Row) -> [String; 8] {
    [
        row.id.to_owned(),
        row.sent.to_owned(),
        row.expected.name().to_owned(),
        answers(row),
        if row.is_as_expected { "yes" } else { "NO" }.to_owned(),
        row.alive.name().to_owned(),
        if row.is_next_accepted { "accepted" } else { "REFUSED" }.to_owned(),
        row.verdict.name().to_owned(),
    ]
}

/// The answers of a case: the one, or how many and the one that tells most.
fn answers(row: &Row) -> String {
    let Some(telling) = telling(row) else { return String::new() };
    let text = came(telling, EXCERPT_CHARS);
    match row.seen.len() {
        1 => text,
        count => format!("{count} answers; {text}"),
    }
}

/// The first answer that is unusual, or the last.
fn telling(row: &Row) -> Option<&Seen> {
    let is_unusual = |seen: &&Seen| !seen.is_accepted;
    row.seen.iter().find(is_unusual).or(row.seen.last())
}

fn came(seen: &Seen, chars_max: usize) -> String {
    match &seen.heard {
        Heard::Answer { status, body } => {
            let body = String::from_utf8_lossy(body);
            // A table has one line for each case.
            let words: Vec<&str> = body.split_whitespace().collect();
            format!("{status} {}", shown(&words.join(" "), chars_max)).trim_end().to_owned()
        }
        Heard::Silence => "no answer in time".to_owned(),
        Heard::Waits => "waits for the rest; hung up".to_owned(),
        Heard::CutOff => "closed while it was being sent".to_owned(),
        Heard::Broken(how) => how.clone(),
        Heard::Interrupted => "interrupted".to_owned(),
    }
}

fn footer(examined: &Examined, cases: usize) -> String {
    let rows = &examined.rows;
    let count = |is: &dyn Fn(&&Row) -> bool| usize_to_u64(rows.iter().filter(is).count());
    let broke = counted(count(&|row| row.verdict != Verdict::Sound), "case");
    let other = count(&|row| !row.is_as_expected);
    let sent = match examined.ended {
        None => format!("all {cases} cases were sent"),
        Some(ended) => {
            let why = match ended {
                Ended::Gone => "the target does not answer any more",
                Ended::TooLong => "it took too long",
                Ended::Interrupted => "interrupted",
            };
            format!("{} of {cases} cases were sent: {why}", rows.len())
        }
    };
    format!(
        "{sent}; the target broke in {broke}; {other} not as expected\n\
         It breaks where it answers 5xx or not at all, closes the connection without an answer, or refuses the\n\
         next good document: then the exit code is 1. Which documents it takes is its own affair: what is\n\
         not as expected does not change the exit code.\n"
    )
}

/// Left-aligned columns, two spaces apart.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::judge::Alive;
    use crate::edge::{Case, Expectation};

    fn row(id: &'static str, expected: Expectation, heard: Heard, is_accepted: bool) -> Row {
        let case = Case { id, sent: "something", expected, sendings: Vec::new() };
        Row::judge(&case, vec![Seen { heard, is_accepted }], Alive::Kept, true)
    }

    fn answer(status: u16, body: &str) -> Heard {
        Heard::Answer { status, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_table_has_a_line_for_each_case_and_says_what_counts() {
        let rows = vec![
            row("a", Expectation::Accept, answer(200, "\"OK\"\n"), true),
            row("bb", Expectation::Reject, answer(200, "\"OK\""), true),
            row("c", Expectation::Either, answer(500, "<h1>\n\u{1b}[31mError"), false),
            row("d", Expectation::Either, Heard::Waits, false),
        ];
        insta::assert_snapshot!(edge_table(&Examined { rows, ended: None }, 4), @r#"
        case  sent       expected  came back                    as expected  alive  next      verdict
        a     something  accept    200 "OK"                     yes          kept   accepted  ok
        bb    something  reject    200 "OK"                     NO           kept   accepted  ok
        c     something  either    500 <h1>  [31mError          NO           kept   accepted  5xx
        d     something  either    waits for the rest; hung up  yes          kept   accepted  ok

        all 4 cases were sent; the target broke in 1 case; 2 not as expected
        It breaks where it answers 5xx or not at all, closes the connection without an answer, or refuses the
        next good document: then the exit code is 1. Which documents it takes is its own affair: what is
        not as expected does not change the exit code.
        "#);
    }

    #[test]
    fn json_keeps_the_status_and_no_more_of_a_body_than_is_of_use() {
        let long = answer(413, &"x".repeat(9000));
        let record = EdgeRecord::new(&row("a", Expectation::Either, long, false));
        assert_eq!((record.status, record.verdict), (Some(413), "ok"), "{record:?}");
        assert!(record.came.len() < 600, "{} bytes", record.came.len());
    }
}
