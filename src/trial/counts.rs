//! The small counts that a tally is made of: by ending, by tick, by second.

use serde::{Deserialize, Serialize};

use super::compact::CompactLog;
use super::outcome::{Ending, Outcome};

/// Numbers of requests, or of documents, by ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndingCounts {
    /// Answered 2xx with the expected body.
    pub accepted: u64,
    /// Any other status.
    pub refused: u64,
    /// Not answered by the deadline.
    pub timed_out: u64,
    /// Transport failed, or a wrong body.
    pub broken: u64,
    /// Never sent.
    pub unsent: u64,
}

impl EndingCounts {
    /// All that ended.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.accepted + self.refused + self.timed_out + self.broken + self.unsent
    }

    /// All that ended in another way than accepted.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.total() - self.accepted
    }

    pub(super) const fn count(&mut self, ending: Ending) {
        self.add(ending, 1);
    }

    /// Counts the documents of a request.
    pub(super) const fn count_documents(&mut self, outcome: &Outcome) {
        let accepted = outcome.accepted();
        self.accepted += accepted;
        if !matches!(outcome.ending, Ending::Accepted) {
            self.add(outcome.ending, outcome.documents.carried - accepted);
        }
    }

    const fn add(&mut self, ending: Ending, count: u64) {
        match ending {
            Ending::Accepted => self.accepted += count,
            Ending::Refused => self.refused += count,
            Ending::TimedOut => self.timed_out += count,
            Ending::Broken(_) => self.broken += count,
            Ending::Unsent(_) => self.unsent += count,
        }
    }
}

/// The requests that were due within one tick of the measured part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DueBin {
    /// How many were due.
    pub due: u64,
    /// How many of them have ended.
    pub ended: u64,
    /// How many of them ended later than the stream's limit for a slow response.
    pub slow: u64,
    /// How many of them ended in another way than accepted.
    pub failed: u64,
}

/// One second of the measured part, or of the wait after it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// Requests due in it.
    pub offered: u64,
    /// Accepted answers that came in it.
    pub accepted: u64,
    /// Requests that ended otherwise in it.
    pub failed: u64,
    /// Documents that were accepted in it.
    pub documents: u64,
    /// Response times of what ended in it; of the running second none yet.
    pub response: CompactLog,
}

impl Second {
    /// The same without its times.
    #[must_use]
    pub fn counts(&self) -> Self {
        Self { response: CompactLog::default(), ..*self }
    }
}

/// How evenly requests went over the connections that are open at the end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Those connections.
    pub connections: u64,
    /// Requests that the busiest of them carried.
    pub busiest: u64,
    /// Requests that all of them carried.
    pub carried: u64,
}

impl Spread {
    /// Adds one connection.
    pub fn add(&mut self, carried: u64) {
        self.merge(Self { connections: 1, busiest: carried, carried });
    }

    /// Adds the connections of another sender.
    pub fn merge(&mut self, other: Self) {
        self.connections += other.connections;
        self.busiest = self.busiest.max(other.busiest);
        self.carried += other.carried;
    }
}

/// The warm-up part, counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUpCounts {
    /// Arrivals due before the measured part.
    pub scheduled: u64,
    /// How they ended.
    pub counts: EndingCounts,
    /// How their documents did.
    pub documents: EndingCounts,
    /// Documents of which it is not known whether the target holds them.
    pub unknown: u64,
}
