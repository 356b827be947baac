//! Watching a run: figures for Prometheus, and the page that follows it. Both need whole runs, which go side by side.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "test code fails loudly, and its helpers are shared with the tests of the example API"
)]

#[path = "../../example-api/tests/common/browser.rs"]
mod browser;
#[path = "../../example-api/tests/common/tools.rs"]
mod tools;
#[path = "../support"]
mod support {
    pub(crate) mod tool;
}
mod metrics;
mod page;
