//! What became of one request, and when.
//!
//! Four instants, all since the start of the schedule: *due*, when the schedule wanted it; *taken*, when
//! the generator took it up; *sent*, when its first byte was offered to a connected socket; *done*, when
//! the last byte of the answer was there. Response time runs from due to done and is the sum of lateness
//! (the generator's own fault), waiting time (for a connection) and service time.

use serde::{Deserialize, Serialize};

use crate::schedule::Part;
use crate::units::OffsetNs;

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Answered 2xx with the expected body.
    Accepted,
    /// Answered with any other status.
    Refused,
    /// Sent, and not answered by its deadline.
    TimedOut,
    /// The transport failed, or a 2xx answer had the wrong body.
    Broken(Break),
    /// Never sent.
    Unsent(Shortage),
}

/// How a transport failed, or what was wrong with a 2xx answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Break {
    /// Nothing listens at the address.
    ConnectRefused,
    /// No connection came about for another reason.
    ConnectFailed,
    /// The connection was reset under the request.
    Reset,
    /// The connection was closed before the answer was whole.
    ClosedEarly,
    /// The answer is not HTTP.
    Garbage,
    /// The answer is larger than is read.
    TooLarge,
    /// The answer's status is 2xx and its body is not the expected one.
    WrongBody,
    /// The two sides could not agree on the encryption, or it was broken.
    Tls,
    /// Given up by us, because the run was stopped or its target lost.
    Abandoned,
    /// Anything else.
    Other,
}

impl Break {
    /// The kind's name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectRefused => "connect_refused",
            Self::ConnectFailed => "connect_failed",
            Self::Reset => "reset",
            Self::ClosedEarly => "closed_early",
            Self::Garbage => "garbage",
            Self::TooLarge => "too_large",
            Self::WrongBody => "wrong_body",
            Self::Tls => "tls",
            Self::Abandoned => "abandoned",
            Self::Other => "other",
        }
    }

    /// Whether no connection came about at all.
    #[must_use]
    pub const fn is_connect(self) -> bool {
        matches!(self, Self::ConnectRefused | Self::ConnectFailed)
    }
}

/// Who lacked what a request needed to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// Every connection was busy with slow answers, or none could be opened in time.
    Target,
    /// The generator had no port or no file descriptor left.
    Generator,
}

/// One request from due to done.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// When the schedule wanted it.
    pub due: OffsetNs,
    /// When the generator took it up.
    pub taken: OffsetNs,
    /// When its first byte was offered to a connected socket, if it was.
    pub sent: Option<OffsetNs>,
    /// When its answer was whole; for a request without one, when it was given up.
    pub ended: OffsetNs,
    /// The answer's status, where there was one.
    pub status: Option<u16>,
    /// How it ended.
    pub ending: Ending,
    /// What became of the documents that it carried.
    pub documents: Documents,
    /// Whether it counts.
    pub part: Part,
}

/// The documents of one request. A query counts as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Documents {
    /// How many it carried.
    pub carried: u64,
    /// Of a request that was not accepted as a whole: those that were all the same.
    pub accepted_in_part: u64,
    /// How many got each status, where the answer tells that of each document; empty: all got the answer's own.
    pub statuses: Vec<(u16, u64)>,
}

impl Documents {
    /// One document, or one query.
    pub const ONE: Self = Self::all_alike(1);

    /// So many of which the answer says the same.
    #[must_use]
    pub const fn all_alike(carried: u64) -> Self {
        Self { carried, accepted_in_part: 0, statuses: Vec::new() }
    }
}

impl Outcome {
    /// Whether an answer came.
    #[must_use]
    pub const fn is_answered(&self) -> bool {
        matches!(self.ending, Ending::Accepted | Ending::Refused | Ending::Broken(Break::WrongBody))
    }

    /// Due to ended, and at least the time-out for a request that never got an answer.
    ///
    /// Leaving such requests out would hide exactly the worst of the tail.
    #[must_use]
    pub fn response_ns(&self, timeout_ns: u64) -> u64 {
        let waited_ns = self.ended.since_ns(self.due);
        if self.is_answered() { waited_ns } else { waited_ns.max(timeout_ns) }
    }

    /// How many of its documents were accepted.
    #[must_use]
    pub const fn accepted(&self) -> u64 {
        match self.ending {
            Ending::Accepted => self.documents.carried,
            _ => self.documents.accepted_in_part,
        }
    }

    /// How many of its documents the target may hold although we do not know it.
    #[must_use]
    pub const fn unknown(&self) -> u64 {
        if self.is_unknown() { self.documents.carried } else { 0 }
    }

    /// Whether the target may hold the document although we do not know it.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        match self.ending {
            Ending::TimedOut => true,
            Ending::Broken(_) => self.sent.is_some(),
            _ => false,
        }
    }

    /// # Panics
    /// When the instants are out of order: a fault of the generator that would falsify every figure.
    pub fn assert_ordered(&self) {
        assert!(self.taken >= self.due, "a request was taken up before it was due");
        if let Some(sent) = self.sent {
            assert!(sent >= self.taken, "a request was sent before it was taken up");
            assert!(self.ended >= sent, "a request ended before it was sent");
        }
    }
}
