//! Sends the catalogue, case by case, each followed by a good document. Bounded: a target that is gone or hangs
//! again and again is not asked to the end.

use super::judge::{Alive, Row, Seen, Verdict};
use super::{Case, Heard, RawExchange, Sending};

/// After so many good documents in a row without an answer the target is gone.
const GONE_AFTER: usize = 3;
/// All waiting for answers together ends here.
const TOTAL_MS: f64 = 300_000.0;

/// Why not all cases were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The target does not answer any more.
    Gone,
    /// It took too long.
    TooLong,
    /// The user wants to stop.
    Interrupted,
}

/// What the catalogue has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// One for each case that was sent.
    pub rows: Vec<Row>,
    /// Why that are not all; `None` when they are.
    pub ended: Option<Ended>,
}

impl Examined {
    /// The rows in which the target broke.
    pub fn failed(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.verdict != Verdict::Sound)
    }
}

/// Sends `cases` over `exchange`, and behind each a good document of `good`.
///
/// `is_accepted` says what a status with a body means; `told` hears of each row as it comes.
pub fn examine(
    cases: &[Case],
    exchange: &mut impl RawExchange,
    good: &mut impl FnMut() -> Sending,
    is_accepted: impl Fn(u16, &[u8]) -> bool,
    mut told: impl FnMut(&Row),
) -> Examined {
    let mut asked = Asked { exchange, is_accepted, spent_ms: 0.0 };
    let mut rows = Vec::new();
    let mut without_answer = 0;
    for case in cases {
        let ended = match without_answer {
            GONE_AFTER.. => Some(Ended::Gone),
            _ if asked.spent_ms > TOTAL_MS => Some(Ended::TooLong),
            _ => None,
        };
        if ended.is_some() {
            return Examined { rows, ended };
        }
        let seen = asked.send_all(&case.sendings);
        let (alive, next) = asked.send_good(good);
        let is_interrupted = |seen: &Seen| seen.heard == Heard::Interrupted;
        if is_interrupted(&next) || seen.iter().any(is_interrupted) {
            return Examined { rows, ended: Some(Ended::Interrupted) };
        }
        without_answer = if alive == Alive::No { without_answer + 1 } else { 0 };
        let row = Row::judge(case, seen, alive, next.is_accepted);
        told(&row);
        rows.push(row);
    }
    Examined { rows, ended: None }
}

struct Asked<'a, E, F> {
    exchange: &'a mut E,
    is_accepted: F,
    spent_ms: f64,
}

impl<E: RawExchange, F: Fn(u16, &[u8]) -> bool> Asked<'_, E, F> {
    /// All requests of a case, up to the first without an answer; the first on a connection of its own.
    fn send_all(&mut self, sendings: &[Sending]) -> Vec<Seen> {
        self.exchange.renew();
        let mut all = Vec::new();
        for sending in sendings {
            let (seen, _) = self.send(sending);
            let goes_on = matches!(seen.heard, Heard::Answer { .. });
            all.push(seen);
            if !goes_on {
                break;
            }
        }
        all
    }

    fn send_good(&mut self, good: &mut impl FnMut() -> Sending) -> (Alive, Seen) {
        let (seen, is_reused) = self.send(&good());
        let alive = match seen.heard {
            Heard::Answer { .. } if is_reused => Alive::Kept,
            Heard::Answer { .. } => Alive::Anew,
            _ => Alive::No,
        };
        (alive, seen)
    }

    /// Sends a request; once more where a connection that had been kept turns out to be closed.
    fn send(&mut self, sending: &Sending) -> (Seen, bool) {
        let mut came = self.exchange.send(sending);
        if came.is_reused && matches!(came.heard, Heard::Broken(_)) {
            self.spent_ms += came.took_ms;
            self.exchange.renew();
            came = self.exchange.send(sending);
        }
        self.spent_ms += came.took_ms;
        let is_accepted = match &came.heard {
            Heard::Answer { status, body } => (self.is_accepted)(*status, body),
            _ => false,
        };
        (Seen { heard: came.heard, is_accepted }, came.is_reused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::{Came, Expectation};

    /// Answers by what is sent: the bytes are the status, or a word.
    struct Script {
        is_open: bool,
        sent: Vec<String>,
    }

    impl RawExchange for Script {
        fn renew(&mut self) {
            self.is_open = false;
        }

        fn send(&mut self, sending: &Sending) -> Came {
            let text = String::from_utf8(sending.pieces[0].bytes.clone()).unwrap();
            let is_reused = self.is_open;
            let heard = match text.as_str() {
                "hang" => Heard::Silence,
                "stop" => Heard::Interrupted,
                "stale" if is_reused => Heard::Broken("closed early".to_owned()),
                "stale" => Heard::Answer { status: 200, body: Vec::new() },
                status => Heard::Answer { status: status.parse().unwrap(), body: Vec::new() },
            };
            self.is_open = matches!(heard, Heard::Answer { .. });
            self.sent.push(text);
            Came { heard, is_reused, took_ms: 1.0 }
        }
    }

    fn sending(text: &str) -> Sending {
        Sending::whole(text.as_bytes().to_vec())
    }

    fn run(cases: &[&'static str], good: &str) -> (Examined, Vec<String>) {
        let case = |text: &&'static str| Case {
            id: text,
            sent: text,
            expected: Expectation::Either,
            sendings: vec![sending(text)],
        };
        let cases: Vec<Case> = cases.iter().map(case).collect();
        let mut script = Script { is_open: false, sent: Vec::new() };
        let good = &mut || sending(good);
        let found = examine(&cases, &mut script, good, |status, _| status == 200, |_| {});
        (found, script.sent)
    }

    #[test]
    fn a_good_document_follows_each_case() {
        let (found, sent) = run(&["422", "500"], "200");
        assert_eq!(sent, ["422", "200", "500", "200"], "in turn");
        let alive: Vec<Alive> = found.rows.iter().map(|row| row.alive).collect();
        assert_eq!(alive, [Alive::Kept; 2], "over the same connection");
        assert_eq!(found.failed().count(), 1, "{found:?}");
        assert_eq!(found.ended, None, "all were sent");
    }

    #[test]
    fn a_target_that_is_gone_is_not_asked_to_the_end() {
        let (found, _) = run(&["422"; 9], "hang");
        assert_eq!((found.rows.len(), found.ended), (3, Some(Ended::Gone)), "three in a row");
        let (found, _) = run(&["422", "stop", "422"], "200");
        assert_eq!((found.rows.len(), found.ended), (1, Some(Ended::Interrupted)), "the user");
    }

    #[test]
    fn a_good_document_on_a_connection_that_had_closed_is_sent_anew() {
        let (found, sent) = run(&["422"], "stale");
        assert_eq!(sent, ["422", "stale", "stale"], "once more");
        assert_eq!(found.rows[0].alive, Alive::Anew, "over a new connection");
        assert!(found.rows[0].is_next_accepted, "and accepted");
    }
}
