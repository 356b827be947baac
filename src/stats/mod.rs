//! Statistics of the verdicts: intervals of shares and quantiles, growth of a backlog; of the search: where the capacity
//! lies; and of comparisons: do two runs differ, and by how much?

pub mod bootstrap;
pub mod growth;
pub mod interval;
pub mod overflow;
pub mod posterior;
pub mod rank;
