//! One file per command.

pub mod capacity;
pub mod config;
pub mod corpus;
pub mod explain;
pub mod load;
pub mod rehearse;
pub mod rejudge;
