//! What needs no calm machine: laws, whole runs in virtual time, texts, and commands that send nothing.
//!
//! One crate for all of them, since each crate of tests is a whole program to link.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

#[path = "../support/replay.rs"]
#[allow(unreachable_pub, missing_docs, reason = "shared with the fuzzer")]
mod replay;
#[path = "../support/mod.rs"]
mod support;

mod agents_thousand;
mod agents_virtual;
mod agents_wire;
mod answers;
mod architecture;
mod cli;
mod compare;
mod corpus;
mod edge_documents;
mod page;
mod rehearsal;
mod repeats;
mod report;
mod scaling_law;
mod shaky_agents;
mod verdicts;
mod verification;
