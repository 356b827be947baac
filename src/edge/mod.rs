//! Edge documents: what careless, foreign or hostile clients send, and what an API must make of it. Pure; somebody
//! else sends the bytes.
//!
//! Whatever is sent, one rule holds for every target: no 5xx, no silence, no connection that breaks, and the next
//! good document is accepted. Which of the documents are taken is the API's own affair; where there is a usual
//! answer the catalogue says so, and a target that answers otherwise is shown, not condemned. None of this is ever
//! mixed into a measurement.

pub mod catalogue;
pub mod draft;
pub mod examine;
pub mod form;
pub mod judge;

/// What a target usually makes of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// Accepted, with the body that says so.
    Accept,
    /// Refused with a 4xx.
    Reject,
    /// One or the other.
    Either,
}

impl Expectation {
    /// Its name in tables and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Either => "either",
        }
    }
}

/// One case of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name, each once.
    pub id: &'static str,
    /// What is sent, in a few words.
    pub sent: &'static str,
    /// What a target usually makes of it.
    pub expected: Expectation,
    /// What is sent, one request after the other; nearly always one.
    pub sendings: Vec<Sending>,
}

/// One request, as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// Its bytes, in the pieces in which they go out.
    pub pieces: Vec<Piece>,
    /// What the connection is good for afterwards.
    pub after: After,
}

impl Sending {
    /// A request that is whole, in one piece.
    #[must_use]
    pub fn whole(bytes: Vec<u8>) -> Self {
        Self { pieces: vec![Piece { bytes, pause_ms: 0 }], after: After::Keep }
    }

    /// The same with another end.
    #[must_use]
    pub fn then(self, after: After) -> Self {
        Self { after, ..self }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn length(&self) -> usize {
        self.pieces.iter().map(|piece| piece.bytes.len()).sum()
    }
}

/// Bytes that go out together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Before the next piece the target is listened to for so long, or until it says something.
    pub pause_ms: u64,
}

/// What becomes of the connection after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It carries the next document, where the target keeps it.
    Keep,
    /// It is closed: where the request ends is a matter of opinion.
    Close,
    /// The request is not whole. A target that waits for the rest does what it should: it is listened to for a
    /// moment, then the connection is closed.
    HangUp,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A whole answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its body.
        body: Vec<u8>,
    },
    /// Nothing whole within the time-out.
    Silence,
    /// The target waited for the rest of an unfinished request.
    Waits,
    /// The connection was closed while a large request was still on its way: a way of refusing it.
    CutOff,
    /// The connection broke, or what came was no answer; says how.
    Broken(String),
    /// The user wants to stop.
    Interrupted,
}

/// What came of a request, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Came {
    /// What came.
    pub heard: Heard,
    /// Whether it went over a connection that had carried a request before.
    pub is_reused: bool,
    /// How long it took.
    pub took_ms: f64,
}

/// The port through which bytes are sent as they are.
pub trait RawExchange {
    /// Closes the connection in use: the next request opens one.
    fn renew(&mut self);

    /// Sends a request, over the connection in use where there is one, and listens.
    fn send(&mut self, sending: &Sending) -> Came;
}
