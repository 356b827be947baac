//! The files of a result, all made of the one record: written by a run, and again by `report`.

use super::caution::cautions;
use super::junit::junit;
use super::markdown::markdown;
use super::page::{Mode, PageError, page};
use super::schema::RunRecord;

/// Name of the result within a run's folder.
pub const RESULT_FILE: &str = "result.json";
/// Name of the page.
pub const REPORT_FILE: &str = "report.html";
/// Name of the summary in Markdown.
pub const SUMMARY_FILE: &str = "summary.md";
/// Name of the criteria as a test report.
pub const JUNIT_FILE: &str = "junit.xml";

/// A file of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its name within the folder of the run.
    pub name: &'static str,
    /// All of it.
    pub text: String,
}

/// Why a file of a result could not be made; none of it happens to a result that was measured.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A number of the result is none that JSON has.
    #[error("{RESULT_FILE} could not be made: {0}")]
    Result(#[from] serde_json::Error),
    /// The page failed.
    #[error("{REPORT_FILE} could not be made: {0}")]
    Page(#[from] PageError),
    /// Text that XML has not.
    #[error("{JUNIT_FILE} could not be made: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

/// How a file of a result is made of the record.
type Maker = fn(&RunRecord) -> Result<String, ArtifactError>;

/// Everything that is made of the result, and again whenever somebody asks.
const DERIVED: &[(&str, Maker)] = &[
    (SUMMARY_FILE, |run| Ok(markdown(run, &cautions(run)))),
    (JUNIT_FILE, |run| Ok(junit(run)?)),
    (REPORT_FILE, |run| Ok(page(run, Mode::Saved)?)),
];

/// What is written of `run`, the result first: all others are made of it.
///
/// Each file is made when it is its turn, so that one that cannot be made takes none before it along.
pub fn artifacts(run: &RunRecord) -> impl Iterator<Item = Result<Artifact, ArtifactError>> {
    let first = [(RESULT_FILE, result as Maker)].into_iter();
    first.chain(DERIVED.iter().copied()).map(|(name, make)| Ok(Artifact { name, text: make(run)? }))
}

/// What is made of the result, without the result itself.
pub fn derived(run: &RunRecord) -> impl Iterator<Item = Result<Artifact, ArtifactError>> {
    DERIVED.iter().map(|(name, make)| Ok(Artifact { name, text: make(run)? }))
}

fn result(run: &RunRecord) -> Result<String, ArtifactError> {
    let mut text = serde_json::to_string_pretty(run)?;
    text.push('\n');
    Ok(text)
}
