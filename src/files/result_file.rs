//! `result.json`, read back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::report::artifacts::RESULT_FILE;
use crate::report::schema::{RunRecord, SCHEMA_VERSION};

/// Why a result cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// There is none.
    #[error("{path} is not there: give the folder of a run, such as results/latest")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The system does not hand it over.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what a result holds.
    #[error("{path} is damaged or not a result of this tool: {source}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is of another major version.
    #[error(
        "{path} was written in version {version} of the format and this tool knows {SCHEMA_VERSION}: use the tool that wrote it"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: String,
    },
}

/// Reads the result in the folder of a run, or the result itself where its file is named.
///
/// # Errors
/// When it is not there, cannot be read, is not of this tool, or of another major version of it.
pub fn read(place: &Path) -> Result<RunRecord, ResultError> {
    let path = if place.is_file() { place.to_owned() } else { place.join(RESULT_FILE) };
    let bytes = fs::read(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ResultError::Missing { path: path.clone() }
        }
        _ => ResultError::Unreadable { path: path.clone(), source },
    })?;
    let foreign = |source| ResultError::Foreign { path: path.clone(), source };
    let value: Value = serde_json::from_slice(&bytes).map_err(foreign)?;
    // The version first: a file of another major version would only be told to be damaged.
    let version = value.get("schema_version").and_then(Value::as_str);
    let major = |version: &str| version.split('.').next().unwrap_or_default().to_owned();
    if let Some(version) = version.filter(|version| major(version) != major(SCHEMA_VERSION)) {
        return Err(ResultError::Version { path: path.clone(), version: version.to_owned() });
    }
    serde_json::from_slice(&bytes).map_err(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: Option<&str>) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(text) = text {
            fs::write(folder.path().join(RESULT_FILE), text).expect("a file");
        }
        let error = read(folder.path()).expect_err("no result");
        error.to_string().replace(&folder.path().display().to_string(), "RUN")
    }

    #[test]
    fn a_result_that_cannot_be_used_is_told_in_one_line_with_its_file() {
        assert!(told(None).contains("RUN/result.json is not there"), "{}", told(None));
        assert!(told(Some("{")).contains("damaged or not a result"), "{}", told(Some("{")));
        let newer = r#"{"schema_version": "9.1.0"}"#;
        assert!(told(Some(newer)).contains("version 9.1.0"), "{}", told(Some(newer)));
    }
}
