//! Whole runs in earnest whose figures need no calm machine, two at a time: how they end, and what they leave behind.
//!
//! One crate for all of them, since each crate of tests is a whole program to link.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

#[path = "../../example-api/tests/common/browser.rs"]
mod browser;
#[path = "../support/mod.rs"]
mod support;
#[path = "../../example-api/tests/common/tools.rs"]
mod tools;

mod exit_codes;
mod http_profile;
mod live_page;
mod lossy;
mod metrics;
mod page_in_browser;
mod scale;
mod schema;
mod signoff;
