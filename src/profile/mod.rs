//! How to speak to a target: which requests, and what their answers mean. Pure; somebody else sends.

pub mod example_api;
pub mod exchange;
pub mod holdings;
pub mod http;
pub mod search_engine;

use std::fmt;
use std::ops::Range;

pub use crate::corpus::PermissionsShape;
use crate::trial::Workload;
use crate::trial::outcome::Ending;
use holdings::Holdings;

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Asks.
    Get,
    /// Inserts, or asks with a body.
    Post,
    /// Inserts under a name of our own.
    Put,
    /// Changes.
    Patch,
}

impl Verb {
    /// Every method.
    pub const ALL: [Self; 4] = [Self::Get, Self::Post, Self::Put, Self::Patch];

    /// As it stands in a request line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// Everything of a request that is the same each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub verb: Verb,
    /// The type of its body, where it has one.
    pub content_type: Option<String>,
    /// Further headers: name and value, without line ends.
    pub headers: Vec<(String, String)>,
}

impl Route {
    /// A request without a body.
    #[must_use]
    pub const fn get() -> Self {
        Self { verb: Verb::Get, content_type: None, headers: Vec::new() }
    }

    /// A request with a JSON body.
    #[must_use]
    pub fn json(verb: Verb) -> Self {
        Self { verb, content_type: Some("application/json".to_owned()), headers: Vec::new() }
    }
}

/// What an answer says of its request and of the documents in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// How the request ended: accepted only where every document was.
    pub ending: Ending,
    /// Of a request that was not accepted as a whole: documents that were all the same.
    pub accepted_in_part: u64,
    /// How many documents got each status, where the answer tells that of each; empty: all got the answer's own.
    pub statuses: Vec<(u16, u64)>,
}

impl From<Ending> for Reading {
    fn from(ending: Ending) -> Self {
        Self { ending, accepted_in_part: 0, statuses: Vec::new() }
    }
}

/// How to speak to one kind of target; all senders of a trial ask the same one.
pub trait Profile: Holdings + Send + Sync + fmt::Debug {
    /// Its name in settings and results.
    fn name(&self) -> &'static str;

    /// The request of a workload.
    fn route(&self, workload: Workload) -> Route;

    /// Appends the path of a request, with a leading slash; `numbers` are its documents, none for a query.
    fn write_path(&self, workload: Workload, numbers: &Range<u64>, out: &mut Vec<u8>);

    /// Appends the body of a request whose route has a content type.
    fn write_body(&self, workload: Workload, numbers: &Range<u64>, out: &mut Vec<u8>);

    /// Route and path of a request that inserts a single document without naming it, for documents that are no numbered
    /// ones.
    fn nameless(&self) -> (Route, String) {
        let mut path = Vec::new();
        self.write_path(Workload::Index, &(0..0), &mut path);
        (self.route(Workload::Index), String::from_utf8_lossy(&path).into_owned())
    }

    /// What the answer to a request with so many documents means: accepted, refused, or broken for a 2xx with the
    /// wrong body.
    fn classify(&self, workload: Workload, status: u16, body: &[u8], documents: u64) -> Reading;

    /// An answer's body is read to at most this many bytes; a longer one is broken.
    fn body_bytes_max(&self, workload: Workload) -> usize;

    /// In words, the answer that is accepted.
    fn expected(&self, workload: Workload) -> String;

    /// Status and body of an answer that accepts so many documents: for a server that does nothing else.
    fn accepted_answer(&self, documents: u64) -> (u16, Vec<u8>);
}
