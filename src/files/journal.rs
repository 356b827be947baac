//! The journal: one line per trial and per recovery, on the disk before the next one starts.

use std::fs::{File, OpenOptions};
use std::io::Write;

use anyhow::{Context, Result};
use serde::Serialize;

use super::run_dir::RunDir;

/// The journal's file name.
pub const JOURNAL: &str = "trials.jsonl";

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// Starts the journal of `run`.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub fn create(run: &RunDir) -> Result<Self> {
        let path = run.path().join(JOURNAL);
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("`{}` could not be made", path.display()))?;
        Ok(Self { file })
    }

    /// Appends a line, and returns once it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, line: &impl Serialize) -> Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        // One call: a line is never interleaved with another, and a torn one can only be the last.
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_value_of_its_own() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(parent.path(), "t", "n").unwrap();
        let mut journal = Journal::create(&run).unwrap();
        journal.append(&serde_json::json!({"a": "two\nlines"})).unwrap();
        journal.append(&serde_json::json!({"a": 2})).unwrap();
        let text = std::fs::read_to_string(run.path().join(JOURNAL)).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "a line break inside a value is no line break of the file");
    }
}
