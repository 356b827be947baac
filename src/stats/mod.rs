//! Statistics of the verdicts: intervals of shares and quantiles, growth of a backlog; and of the search:
//! where the capacity lies; and of scaling: how it grows with workers.

pub mod forecast;
pub mod growth;
pub mod interval;
pub mod overflow;
pub mod posterior;
pub mod usl;
