//! The page of one run: what is said of it, in the order of reading.

mod answer;
mod crew;
mod facts;
mod generator;
mod heat;
pub(super) mod levels;
mod search;
mod timeline;
mod words;

use super::PageError;
use super::document::Document;
use crate::report::schema::RunRecord;

/// What the page of `run` says.
///
/// # Errors
/// When a chart cannot be drawn.
pub(super) fn document(run: &RunRecord) -> Result<Document, PageError> {
    let mut sections = vec![answer::criteria(run), search::staircase(run)?, search::latency(run)?];
    sections.push(levels::percentiles(run)?);
    sections.push(timeline::heat(run)?);
    sections.push(timeline::rates(run)?);
    sections.push(levels::tables(run));
    sections.push(levels::recovery(run)?);
    sections.push(generator::health(run)?);
    sections.push(facts::documents(run));
    sections.push(facts::corpus(run));
    sections.push(facts::environment(run));
    sections.push(facts::settings(run));
    sections.push(facts::beware(run));
    Ok(Document {
        title: words::title(run),
        about: answer::about(run),
        answer: answer::answer(run),
        sections,
    })
}
