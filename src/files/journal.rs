//! The journal: one line per trial and per recovery, on the disk before the next one starts.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::run_dir::{RunDir, WriteError};

/// Name of the journal within a run's folder.
pub const JOURNAL_FILE: &str = "trials.jsonl";

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Begins the journal of a run.
    ///
    /// # Errors
    /// When it cannot be made, or is there already.
    pub fn create(run: &RunDir) -> Result<Self, WriteError> {
        let path = run.path().join(JOURNAL_FILE);
        let file = OpenOptions::new().append(true).create_new(true).open(&path);
        let file = file.map_err(WriteError::at(&path))?;
        Ok(Self { file, path })
    }

    /// Appends one line and waits until the disk has it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, line: &impl Serialize) -> Result<(), WriteError> {
        let written = self.write_line(line);
        written.map_err(WriteError::at(&self.path))
    }

    /// The line and its end go out in one call, so that a crash leaves at most one torn line, the last.
    fn write_line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)?;
        self.file.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::record::{JournalLine, RecoveryRecord, RunHeader};
    use crate::trial::TrialId;
    use crate::trial::result::Recovery;
    use std::collections::BTreeMap;

    fn recovery() -> JournalLine {
        let recovery = Recovery {
            id: TrialId(2),
            recovered_s: Some(0.4),
            wall_s: 0.6,
            probes: 3,
            accepted: 3,
            unknown: 0,
            stopped: None,
        };
        JournalLine::Recovery(RecoveryRecord::new(&recovery, Some(TrialId(1))))
    }

    #[test]
    fn every_line_of_a_journal_stands_for_itself() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(parent.path(), "capacity").unwrap();
        let mut journal = Journal::create(&run).unwrap();
        let header = JournalLine::Run(RunHeader {
            schema_version: "1.0.0".to_owned(),
            id: run.id().to_owned(),
            started_utc: run.stamp().rfc3339(),
            seed: u64::MAX,
            settings: BTreeMap::new(),
        });
        journal.append(&header).unwrap();
        journal.append(&recovery()).unwrap();
        let text = std::fs::read_to_string(run.path().join(JOURNAL_FILE)).unwrap();
        let lines: Vec<JournalLine> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, [header, recovery()], "they come back");
        assert!(text.ends_with('\n'), "and the last line is closed");
    }

    #[test]
    fn a_journal_is_never_begun_twice() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(parent.path(), "capacity").unwrap();
        let _first = Journal::create(&run).unwrap();
        assert!(Journal::create(&run).unwrap_err().to_string().contains(JOURNAL_FILE));
    }
}
