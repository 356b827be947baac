//! The page of a result: `report.html`, one file that opens anywhere and asks nobody for anything.
//!
//! A record becomes a [`document::Document`] (what is said, in which order), that becomes HTML. Charts are
//! drawn twice from the same value: as SVG, which is there without a script and on paper, and by the page's
//! script, which lets a reader point at them. A page of a run under way has the same parts: its script takes
//! the inner part and the data anew with every event.
//!
//! Pages about other things use [`document`], [`chart`] and [`render`] and leave `run` aside.

pub mod axis;
pub mod chart;
pub mod document;
pub mod look;
pub mod render;
mod run;
mod svg;

use serde_json::Value;

use self::chart::ChartError;
pub(in crate::report) use self::run::levels::curve;
use super::schema::RunRecord;

/// How a page lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A file that never changes.
    Saved,
    /// Served by a run under way: the script listens to `/events` of its own origin, each event the JSON of a
    /// [`Body`].
    Live,
}

/// The inner part of a page.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Body {
    /// What the browser's tab shows.
    pub title: String,
    /// What stands within `main`.
    #[serde(rename = "body")]
    pub html: String,
    /// What the script draws.
    pub data: Value,
}

/// Why there is no page: a fault of this program, whatever the record holds.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A chart could not be drawn.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// The template failed.
    #[error("the page could not be put together: {0:#}")]
    Template(#[from] minijinja::Error),
    /// Its data are none that JSON has.
    #[error("the page has no data: {0}")]
    Data(#[from] serde_json::Error),
}

/// The whole page of `run`.
///
/// # Errors
/// Never for a record that was read or assembled, unless this program is at fault.
pub fn page(run: &RunRecord, mode: Mode) -> Result<String, PageError> {
    render::document(&run::document(run)?, mode)
}

/// The inner part of the page of a `run` under way, and what its script draws.
///
/// # Errors
/// As [`page`].
pub fn body(run: &RunRecord) -> Result<Body, PageError> {
    render::body(&run::document(run)?, Mode::Live)
}

/// The whole page of a run under way around its inner part.
///
/// # Errors
/// As [`page`].
pub fn live_page(body: &Body) -> Result<String, PageError> {
    render::frame(body, Mode::Live)
}
