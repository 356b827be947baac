//! Real sockets against servers of the tests: what is sent, what is made of each answer, what is started and ended.
//!
//! One crate for all of them, since each crate of tests is a whole program to link.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

#[path = "../support/mod.rs"]
mod support;

mod bad_servers;
mod edge;
mod encrypted;
mod http_answers;
mod launch;
mod services;
