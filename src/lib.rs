//! Plimsoll finds the highest rate that an HTTP service sustains.

pub mod campaign;
pub mod schedule;
pub mod search;
pub mod seed;
pub mod stats;
pub mod trial;
pub mod units;
