//! The files of a result, all made of the one record: written by a run.

use super::caution::cautions;
use super::junit::junit;
use super::markdown::markdown;
use super::schema::RunRecord;

/// Name of the result within a run's folder.
pub const RESULT_FILE: &str = "result.json";
/// Name of the summary in Markdown.
pub const SUMMARY_FILE: &str = "summary.md";
/// Name of the criteria as a test report.
pub const JUNIT_FILE: &str = "junit.xml";

/// Why a result cannot be put into text; neither happens to a result that was measured.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// A number that JSON has not.
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Text that XML has not.
    #[error("the criteria cannot be written as XML: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

/// A file of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its name within the folder of the run.
    pub name: &'static str,
    /// All of it.
    pub text: String,
}

/// What is written of `run`, the result first: all others are made of it.
///
/// # Errors
/// When it holds what one of the formats has not.
pub fn artifacts(run: &RunRecord) -> Result<Vec<Artifact>, ArtifactError> {
    let mut text = serde_json::to_string_pretty(run)?;
    text.push('\n');
    Ok(vec![
        Artifact { name: RESULT_FILE, text },
        Artifact { name: SUMMARY_FILE, text: markdown(run, &cautions(run)) },
        Artifact { name: JUNIT_FILE, text: junit(run)? },
    ])
}
