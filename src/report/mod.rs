//! What a run leaves behind, as pure values and text: records, sign-off, cautions, summary.

pub mod caution;
pub mod schema;
pub mod signoff;
pub mod stream;
pub mod summary;
pub mod trial;
