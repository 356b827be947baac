//! Plimsoll finds the highest rate that an HTTP service sustains.

pub mod app;
pub mod campaign;
pub mod corpus;
pub mod files;
pub mod live;
pub mod profile;
pub mod report;
pub mod schedule;
pub mod search;
pub mod seed;
pub mod sim;
pub mod stats;
pub mod target;
pub mod term;
pub mod trial;
pub mod units;
