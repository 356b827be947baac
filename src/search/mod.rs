//! The search for the capacity.

pub mod finding;
