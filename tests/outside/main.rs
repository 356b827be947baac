//! What other programs make of our files: notebooks, decoders in other languages, validators of manifests, `just`.
//!
//! One crate for all of them, since each crate of tests is a whole program to link.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

#[path = "../support/python.rs"]
mod python;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../example-api/tests/common/tools.rs"]
mod tools;

mod analysis;
mod deploy;
mod interchange;
mod just;
