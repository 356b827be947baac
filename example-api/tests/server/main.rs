//! The server as its clients, its operators and its readers meet it.
//!
//! One crate for all of them, since each crate of tests is a whole program to link.
#![allow(
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "tests: a panic is a failed test, waits need a clock, and each test crate uses a part of the helpers"
)]

#[path = "../common/mod.rs"]
mod common;

mod api;
mod browser;
mod durability;
mod faults;
mod fronts;
mod lifecycle;
mod openapi;
mod store;
