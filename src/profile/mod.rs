//! How to speak to a target: which requests, and what their answers mean. Pure; somebody else sends.

pub mod example_api;
pub mod exchange;

pub use crate::corpus::PermissionsShape;
use crate::trial::Workload;
use crate::trial::outcome::Ending;

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Asks.
    Get,
    /// Inserts.
    Post,
}

impl Verb {
    /// As it stands in a request line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Everything of a request that is the same each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Its method.
    pub verb: Verb,
    /// Its path, with a leading slash.
    pub path: &'static str,
    /// The type of its body, where it has one.
    pub content_type: Option<&'static str>,
}

/// How to speak to one kind of target; all senders of a trial ask the same one.
pub trait Profile: Send + Sync {
    /// The request of a workload.
    fn route(&self, workload: Workload) -> Route;

    /// Appends the body that inserts document `number`.
    fn write_index_body(&self, number: u64, out: &mut Vec<u8>);

    /// What an answer means: accepted, refused, or broken for a 2xx with the wrong body.
    fn classify(&self, workload: Workload, status: u16, body: &[u8]) -> Ending;

    /// An answer's body is read to at most this many bytes; a longer one is broken.
    fn body_bytes_max(&self, workload: Workload) -> usize;
}
