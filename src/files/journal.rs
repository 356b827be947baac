//! The journal: one line per trial and per recovery, on the disk before the next one starts.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::reading::{ReadError, bytes, check_version};
use super::run_dir::{RunDir, WriteError};
use crate::units::usize_to_u64;

/// Name of the journal within a run's folder.
pub const JOURNAL_FILE: &str = "trials.jsonl";

/// What a journal holds.
#[derive(Debug)]
pub struct Lines<T> {
    /// Its whole lines.
    pub lines: Vec<T>,
    /// Bytes of a last line that a crash tore; it is left out.
    pub torn_bytes: u64,
}

/// What the first line of every version has.
#[derive(Deserialize)]
struct Version {
    schema_version: String,
}

/// Reads the journal in the folder of a run.
///
/// # Errors
/// When it is not there, cannot be read, is of another major version, or a whole line of it cannot be understood.
pub fn read<T: DeserializeOwned>(folder: &Path) -> Result<Lines<T>, ReadError> {
    let path = folder.join(JOURNAL_FILE);
    let bytes = bytes(&path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let (whole, torn) = bytes.split_at(whole);
    // The version first: lines of another major version would only be told to be damaged.
    let first = whole.split(|byte| *byte == b'\n').find(|line| !line.is_empty());
    let first = first.and_then(|line| serde_json::from_slice::<Version>(line).ok());
    if let Some(Version { schema_version }) = first {
        check_version(&path, &schema_version)?;
    }
    let lines =
        whole.split(|byte| *byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()).map(
            |(number, line)| {
                serde_json::from_slice(line).map_err(|source| ReadError::DamagedLine {
                    path: path.clone(),
                    line: number + 1,
                    source,
                })
            },
        );
    Ok(Lines { lines: lines.collect::<Result<_, _>>()?, torn_bytes: usize_to_u64(torn.len()) })
}

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

    /// Goes on with the journal of a run, without the `torn_bytes` at its end.
    ///
    /// # Errors
    /// When it cannot be opened or cut.
    pub fn reopen(run: &RunDir, torn_bytes: u64) -> Result<Self, WriteError> {
        let path = run.path().join(JOURNAL_FILE);
        let opened = OpenOptions::new().append(true).open(&path).and_then(|file| {
            let length = file.metadata()?.len();
            file.set_len(length.saturating_sub(torn_bytes))?;
            Ok(file)
        });
        let file = opened.map_err(WriteError::at(&path))?;
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
            generator_rps: None,
            calibration: None,
            slo: None,
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
    fn a_torn_last_line_is_left_out_and_cut_off() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(parent.path(), "capacity").unwrap();
        Journal::create(&run).unwrap().append(&recovery()).unwrap();
        let path = run.path().join(JOURNAL_FILE);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"kind\":\"rec");
        std::fs::write(&path, &text).unwrap();
        let seen: Lines<JournalLine> = read(run.path()).unwrap();
        assert_eq!((seen.lines.len(), seen.torn_bytes), (1, 12), "the whole line is there");
        Journal::reopen(&run, seen.torn_bytes).unwrap().append(&recovery()).unwrap();
        let again: Lines<JournalLine> = read(run.path()).unwrap();
        assert_eq!((again.lines.len(), again.torn_bytes), (2, 0), "and goes on after it");
    }

    #[test]
    fn a_journal_of_a_later_version_is_refused_by_its_version() {
        let parent = tempfile::tempdir().unwrap();
        let text = "{\"kind\":\"run\",\"schema_version\":\"9.1.0\"}\n{\"kind\":\"new\"}\n";
        std::fs::write(parent.path().join(JOURNAL_FILE), text).unwrap();
        let error = read::<JournalLine>(parent.path()).unwrap_err().to_string();
        assert!(error.contains("was written in version 9.1.0"), "{error}");
    }

    #[test]
    fn a_damaged_line_is_named() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join(JOURNAL_FILE), "\n{}\n").unwrap();
        let error = read::<JournalLine>(parent.path()).unwrap_err().to_string();
        assert!(error.starts_with("line 2 of"), "{error}");
        let error = read::<JournalLine>(&parent.path().join("nowhere")).unwrap_err().to_string();
        assert!(error.contains("give the folder of a run"), "{error}");
    }

    #[test]
    fn a_journal_is_never_begun_twice() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunDir::create(parent.path(), "capacity").unwrap();
        let _first = Journal::create(&run).unwrap();
        assert!(Journal::create(&run).unwrap_err().to_string().contains(JOURNAL_FILE));
    }
}
