//! The summary of a run where GitHub shows it: on the page of the workflow.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::report::caution::cautions;
use crate::report::markdown::markdown;
use crate::report::schema::RunRecord;
use crate::term::complain;

/// The variable that names the file.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// Appends the summary of `record` to the workflow's, where there is one; what fails is told and changes nothing.
pub(super) fn append(record: &RunRecord) {
    let Some(file) = std::env::var_os(VARIABLE).filter(|name: &OsString| !name.is_empty()) else {
        return;
    };
    if let Err(error) = append_to(Path::new(&file), &markdown(record, &cautions(record))) {
        let file = file.to_string_lossy();
        complain(&format!("caution: the summary could not be added to {VARIABLE}={file}: {error}"));
    }
}

fn append_to(file: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    // Other steps may have written before, without an end of their last line.
    file.write_all(format!("\n{text}\n").as_bytes())
}
