//! Several machines as one: real agents on a real bus, what happens when one of them is lost, and what is made of lies.
#![cfg(feature = "nats")]
#![allow(
    clippy::disallowed_methods,
    reason = "the limits of the contract are held against the clock of the test"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

#[path = "../support/mod.rs"]
mod support;
#[path = "../../example-api/tests/common/tools.rs"]
mod tools;

mod hostile;
mod hosts;
mod liars;
mod losses;
mod refusals;
mod secrets;
mod site;
mod talk;
