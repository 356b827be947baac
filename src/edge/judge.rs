//! What a target's answers come to: one row for each case.

use super::{Case, Expectation, Heard};

/// An answer as it is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What came.
    pub heard: Heard,
    /// Whether it says that the document was accepted.
    pub is_accepted: bool,
}

/// Over what the next good document went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alive {
    /// Over the connection of the case.
    Kept,
    /// Over a new one.
    Anew,
    /// There was no answer to it.
    No,
}

impl Alive {
    /// Its name in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Anew => "anew",
            Self::No => "no",
        }
    }
}

/// Whether a target stood a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It did.
    Sound,
    /// It answered 5xx.
    ServerError,
    /// It did not answer.
    Hung,
    /// It broke the connection, or answered what is no HTTP.
    Broke,
    /// It did not accept the next good document.
    NextRefused,
}

impl Verdict {
    /// Its name in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sound => "ok",
            Self::ServerError => "5xx",
            Self::Hung => "hung",
            Self::Broke => "broke",
            Self::NextRefused => "next refused",
        }
    }
}

/// One case and what the target made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The case.
    pub id: &'static str,
    /// What was sent.
    pub sent: &'static str,
    /// What a target usually makes of it.
    pub expected: Expectation,
    /// What came, one for each request; empty when the case was never sent.
    pub seen: Vec<Seen>,
    /// Whether all of it is as usual.
    pub is_as_expected: bool,
    /// Over what the next good document went.
    pub alive: Alive,
    /// Whether the next good document was accepted.
    pub is_next_accepted: bool,
    /// Whether the target stood it.
    pub verdict: Verdict,
}

impl Row {
    /// Judges a case by what came, and by what came of the next good document.
    #[must_use]
    pub fn judge(case: &Case, seen: Vec<Seen>, alive: Alive, is_next_accepted: bool) -> Self {
        let worst = seen.iter().map(|seen| verdict(&seen.heard)).find(|it| *it != Verdict::Sound);
        let verdict =
            worst.unwrap_or(if is_next_accepted { Verdict::Sound } else { Verdict::NextRefused });
        Self {
            id: case.id,
            sent: case.sent,
            expected: case.expected,
            is_as_expected: seen.iter().all(|seen| is_as_expected(case.expected, seen)),
            seen,
            alive,
            is_next_accepted,
            verdict,
        }
    }
}

const fn verdict(heard: &Heard) -> Verdict {
    match heard {
        Heard::Answer { status, .. } if *status >= 500 => Verdict::ServerError,
        Heard::Answer { .. } | Heard::Waits | Heard::CutOff | Heard::Interrupted => Verdict::Sound,
        Heard::Silence => Verdict::Hung,
        Heard::Broken(_) => Verdict::Broke,
    }
}

fn is_as_expected(expected: Expectation, seen: &Seen) -> bool {
    let is_rejected = match &seen.heard {
        Heard::Answer { status, .. } => (400..500).contains(status),
        // Nothing of an unfinished request was taken.
        Heard::Waits | Heard::CutOff => true,
        Heard::Silence | Heard::Broken(_) | Heard::Interrupted => false,
    };
    match expected {
        Expectation::Accept => seen.is_accepted,
        Expectation::Reject => is_rejected,
        Expectation::Either => seen.is_accepted || is_rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: u16) -> Seen {
        let heard = Heard::Answer { status, body: Vec::new() };
        Seen { heard, is_accepted: status == 200 }
    }

    fn silent(heard: Heard) -> Seen {
        Seen { heard, is_accepted: false }
    }

    fn judged(expected: Expectation, seen: Vec<Seen>, is_next_accepted: bool) -> (Verdict, bool) {
        let case = Case { id: "x", sent: "x", expected, sendings: Vec::new() };
        let row = Row::judge(&case, seen, Alive::Anew, is_next_accepted);
        (row.verdict, row.is_as_expected)
    }

    #[test]
    fn an_unusual_answer_is_told_but_no_fault() {
        for (expected, status, usual) in [
            (Expectation::Accept, 200, true),
            (Expectation::Accept, 422, false),
            (Expectation::Reject, 422, true),
            (Expectation::Reject, 200, false),
            (Expectation::Either, 200, true),
            (Expectation::Either, 413, true),
            (Expectation::Either, 302, false),
        ] {
            let found = judged(expected, vec![seen(status)], true);
            assert_eq!(found, (Verdict::Sound, usual), "{expected:?} {status}");
        }
    }

    #[test]
    fn a_target_breaks_by_5xx_silence_a_lost_connection_or_a_refused_good_document() {
        for (came, verdict) in [
            (seen(500), Verdict::ServerError),
            (seen(503), Verdict::ServerError),
            (silent(Heard::Silence), Verdict::Hung),
            (silent(Heard::Broken("reset".to_owned())), Verdict::Broke),
        ] {
            let found = judged(Expectation::Either, vec![seen(200), came.clone()], true);
            assert_eq!(found, (verdict, false), "{came:?} among several");
        }
        let next = judged(Expectation::Either, vec![seen(422)], false);
        assert_eq!(next, (Verdict::NextRefused, true), "the next document");
    }

    #[test]
    fn waiting_for_the_rest_of_a_request_and_refusing_a_large_one_midway_are_no_faults() {
        for heard in [Heard::Waits, Heard::CutOff] {
            let found = judged(Expectation::Either, vec![silent(heard.clone())], true);
            assert_eq!(found, (Verdict::Sound, true), "{heard:?}");
        }
    }
}
