//! `plimsoll report RUN_DIR`: everything that is made of a result, made again.

use std::path::{Path, PathBuf};

use crate::app::exit::{Exit, Failure};
use crate::files::result_file;
use crate::files::run_dir::RunDir;
use crate::report::artifacts::{Artifact, derived};
use crate::term::say;

/// Runs the command.
///
/// # Errors
/// When the folder holds no result of this tool, or nothing can be written there.
pub fn run(place: &Path) -> Result<Exit, Failure> {
    let written = write(place)?;
    let lines: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    say(&lines.join("\n"));
    Ok(Exit::Pass)
}

/// Writes what is made of the result in `place`, which stays as it is; returns the files.
pub(super) fn write(place: &Path) -> Result<Vec<PathBuf>, Failure> {
    let record = result_file::read(place).map_err(Failure::usage)?;
    let failed = |error| Failure::new(Exit::Results, error);
    let dir = RunDir::reopen(&folder(place)).map_err(failed)?;
    let mut written = Vec::new();
    for artifact in derived(&record) {
        let Artifact { name, text } = artifact.map_err(Failure::internal)?;
        dir.write_atomic(name, text.as_bytes()).map_err(failed)?;
        written.push(dir.path().join(name));
    }
    Ok(written)
}

/// The folder of the run, where its result may have been named instead.
pub(super) fn folder(place: &Path) -> PathBuf {
    let named = place.is_file().then(|| place.parent()).flatten();
    match named {
        // `result.json` without a folder lies in the current one.
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => place.to_owned(),
    }
}
