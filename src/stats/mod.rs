//! Statistics of the verdicts: intervals of shares and quantiles, growth of a backlog; of the search: where the capacity
//! lies; of comparisons: do two runs differ, and by how much? And of scaling: how a capacity grows with workers.

pub mod bootstrap;
pub mod forecast;
pub mod growth;
pub mod interval;
pub mod overflow;
pub mod posterior;
pub mod rank;
pub mod usl;
