//! What a run says: the result file, the sign-off, the cautions and the summary, all as pure values.
//!
//! Nothing here touches a file, a clock or a terminal. A result can be put together at any moment of a
//! run, from whatever is there: an interrupted run has the same keys as a finished one.

pub mod advice;
pub mod agents;
pub mod artifacts;
pub mod assemble;
pub mod caution;
pub mod compare;
pub mod criterion;
pub mod edge_table;
pub mod environment;
pub mod explain;
pub mod figure;
pub mod junit;
pub mod load_table;
pub mod markdown;
pub mod page;
pub mod recent;
pub mod record;
pub mod rejudge;
pub mod repeats;
#[cfg(test)]
pub(crate) mod sample;
pub mod scale;
pub mod schema;
pub mod signoff;
pub mod slo;
pub mod stream;
pub mod summary;
pub mod times;
pub mod verification;
