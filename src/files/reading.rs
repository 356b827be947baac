//! Files of a run, read back: why that may fail, in one line that names the file and the cure.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::report::schema::SCHEMA_VERSION;

/// Why a file of a run cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
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
    /// A line is not what a journal holds.
    #[error("line {line} of {path} is damaged or not of this tool: {source}")]
    DamagedLine {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It is not what a result holds.
    #[error("{path} is damaged or not a result of this tool: {source}")]
    Damaged {
        /// The result.
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

/// All of a file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            ReadError::Missing { path: path.to_owned() }
        }
        _ => ReadError::Unreadable { path: path.to_owned(), source },
    })
}

/// Refuses what was written at `path` in another major `version`.
///
/// # Errors
/// When it was.
pub(super) fn check_version(path: &Path, version: &str) -> Result<(), ReadError> {
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(version) == major(SCHEMA_VERSION) {
        return Ok(());
    }
    Err(ReadError::Version { path: path.to_owned(), version: version.to_owned() })
}
