//! Statistics of the verdicts: intervals of shares and quantiles, growth of a backlog.

pub mod growth;
pub mod interval;
