//! One file per command.

pub mod capacity;
pub mod config;
pub mod explain;
pub mod load;
pub mod rehearse;
pub mod rejudge;

use std::future::Future;

use super::exit::Failure;

/// Runs `work` on this thread, which does everything: its tasks share state without locks.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build_local(tokio::runtime::LocalOptions::default())
        .map_err(Failure::internal)?
        .block_on(work)
}
