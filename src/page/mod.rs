//! What others see of a run while it goes on: its page and figures for Prometheus, served over HTTP on a thread of
//! its own.
//!
//! Nothing here is asked by a sender: figures are put down twice a second by whoever looks at the trial, and are read
//! when somebody asks for them ([why](../../docs/decisions/023-live-view.md)).

mod exposition;
mod figures;
pub mod live_page;
pub mod metrics;
pub mod server;
