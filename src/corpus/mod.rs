//! Documents.
use std::ops::Range;
/// Why no numbers are left.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NumbersError(pub String);
/// The port through which document numbers are reserved before use.
pub trait Numbers {
    /// Reserves.
    fn reserve(&mut self, count: u64) -> Result<Range<u64>, NumbersError>;
}
