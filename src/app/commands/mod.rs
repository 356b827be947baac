//! One file per command.

#[cfg(feature = "nats")]
pub mod agent;
pub mod capacity;
pub mod compare;
pub mod config;
pub mod corpus;
pub mod edge;
pub mod explain;
pub mod guard;
pub mod load;
pub mod open;
pub mod rehearse;
pub mod rejudge;
pub mod report;
pub mod scale;
pub mod schema;
pub mod signoff;
