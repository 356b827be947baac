//! The files of a result, all made of the one record: written by a run.

use super::schema::RunRecord;

/// Name of the result within a run's folder.
pub const RESULT_FILE: &str = "result.json";

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
/// When a number of the result is none that JSON has.
pub fn artifacts(run: &RunRecord) -> serde_json::Result<Vec<Artifact>> {
    let mut text = serde_json::to_string_pretty(run)?;
    text.push('\n');
    Ok(vec![Artifact { name: RESULT_FILE, text }])
}
