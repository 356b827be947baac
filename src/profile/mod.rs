//! How to speak to a target.
use crate::trial::Workload;
use crate::trial::outcome::Ending;
/// Verb.
#[derive(Debug, Clone, Copy)]
pub enum Verb {
    /// GET
    Get,
    /// POST
    Post,
}
impl Verb {
    /// Name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}
/// Route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// verb
    pub verb: Verb,
    /// path
    pub path: &'static str,
    /// type
    pub content_type: Option<&'static str>,
}
/// Profile.
pub trait Profile {
    /// route
    fn route(&self, workload: Workload) -> Route;
    /// body
    fn write_index_body(&self, number: u64, out: &mut Vec<u8>);
    /// classify
    fn classify(&self, workload: Workload, status: u16, body: &[u8]) -> Ending;
    /// max
    fn body_bytes_max(&self, workload: Workload) -> usize;
}

/// The shape of `permissions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionsShape {
    /// object
    Object,
    /// list
    List,
}
/// A question to the target outside of any trial.
#[derive(Debug, Clone)]
pub struct Question {
    /// route
    pub route: Route,
    /// body
    pub body: Vec<u8>,
    /// limit
    pub timeout_ms: u64,
    /// most
    pub body_bytes_max: usize,
}
/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// status
    pub status: u16,
    /// type
    pub content_type: Option<String>,
    /// body
    pub body: Vec<u8>,
    /// ms
    pub took_ms: f64,
}
/// No answer.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// refused
    #[error("nothing listens there")]
    Refused,
    /// silent
    #[error("no answer within {timeout_ms} ms")]
    NoAnswer {
        /// limit
        timeout_ms: u64,
    },
    /// broken
    #[error("{0}")]
    Broken(String),
}
/// The port.
pub trait Exchange {
    /// ask
    fn ask(&mut self, question: &Question) -> impl Future<Output = Result<Answer, ExchangeError>>;
}
