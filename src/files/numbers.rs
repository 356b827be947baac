//! The next document number of a target, kept from run to run.
//!
//! A number is used up when its document is written to a socket, because the target may have stored it
//! whatever we learn. So numbers are reserved on the disk, in blocks, before the first of them is used:
//! a second run, or one after a crash, goes on behind them and never sends a document twice.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::corpus::plan::CorpusPlan;
use crate::corpus::{CORPUS_VERSION, Numbers, NumbersError};
use crate::seed::Seed;

/// Least count of numbers that is reserved at once.
const BLOCK: u64 = 4096;
/// Longest readable part of a file's name.
const LABEL_CHARS: usize = 60;

/// What stands in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    corpus_version: String,
    corpus_seed: u64,
    target: String,
    next_index: u64,
}

/// The document numbers of one target and corpus.
#[derive(Debug)]
pub struct NumberFile {
    path: PathBuf,
    /// Numbers below this are documents.
    most: u64,
    empty: State,
    /// From here on numbers may be taken whatever the file says; only before the first reservation.
    first: Option<u64>,
    /// Reserved and not given out yet.
    block: Range<u64>,
    /// From the first number that was given out to behind the last.
    used: Option<Range<u64>>,
}

impl NumberFile {
    /// The numbers of the target named `target`, kept in `folder`; starting at `first` where that is
    /// given.
    ///
    /// # Errors
    /// When the folder cannot be made or the file holds something else.
    pub fn open(
        folder: &Path,
        target: &str,
        corpus: &CorpusPlan,
        first: Option<u64>,
    ) -> Result<Self, NumbersError> {
        fs::create_dir_all(folder).map_err(|error| {
            state_error(
                folder,
                "cannot be made",
                &error,
                "set XDG_STATE_HOME to a folder that can be written",
            )
        })?;
        let empty = State {
            corpus_version: CORPUS_VERSION.to_owned(),
            corpus_seed: corpus.seed,
            target: target.to_owned(),
            next_index: 0,
        };
        let path = folder.join(file_name(&empty));
        let most = corpus.numbers();
        let numbers = Self { path, most, empty, first, block: 0..0, used: None };
        numbers.read()?;
        Ok(numbers)
    }

    /// From the first number that was given out to behind the last; `None` before any was.
    #[must_use]
    pub const fn used(&self) -> Option<&Range<u64>> {
        self.used.as_ref()
    }

    fn read(&self) -> Result<State, NumbersError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self.empty.clone()),
            Err(error) => return Err(self.error("cannot be read", &error)),
        };
        let state: State =
            serde_json::from_str(&text).map_err(|error| self.error("is damaged", &error))?;
        let expected = State { next_index: state.next_index, ..self.empty.clone() };
        if state != expected {
            return Err(self.error("belongs to another target or corpus", &state.target));
        }
        Ok(state)
    }

    fn write(&self, state: &State) -> io::Result<()> {
        let beside = self.path.with_extension("part");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(state)?)?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    fn error(&self, what: &str, why: &dyn std::fmt::Display) -> NumbersError {
        let cure =
            "delete it if the target was emptied, or set FIRST_INDEX behind the last document sent";
        state_error(&self.path, what, why, cure)
    }

    /// Moves the number in the file behind a new block; nobody else may do so meanwhile.
    fn reserve_block(&mut self, count: u64) -> Result<(), NumbersError> {
        let lock = File::create(self.path.with_extension("lock"))
            .map_err(|error| self.error("cannot be locked", &error))?;
        lock.lock().map_err(|error| self.error("cannot be locked", &error))?;
        let mut state = self.read()?;
        let start = self.first.unwrap_or(state.next_index);
        let most = self.most.saturating_sub(start);
        if count > most {
            return Err(NumbersError::Exhausted { next: start });
        }
        let end = start + count.max(BLOCK).min(most);
        state.next_index = state.next_index.max(end);
        self.write(&state).map_err(|error| self.error("cannot be written", &error))?;
        self.first = self.first.map(|_start| end);
        self.block = start..end;
        Ok(())
    }
}

impl Numbers for NumberFile {
    fn reserve(&mut self, count: u64) -> Result<Range<u64>, NumbersError> {
        // What is left of a block that is too small stays unused: a trial's numbers are one range.
        if self.block.end - self.block.start < count {
            self.reserve_block(count)?;
        }
        let reserved = self.block.start..self.block.start + count;
        self.block.start = reserved.end;
        let first = self.used.as_ref().map_or(reserved.start, |used| used.start);
        self.used = Some(first..reserved.end);
        Ok(reserved)
    }
}

fn state_error(path: &Path, what: &str, why: &dyn std::fmt::Display, cure: &str) -> NumbersError {
    NumbersError::State(format!("`{}` {what}: {why}; {cure}", path.display()))
}

/// Readable, and different for every target and corpus.
fn file_name(state: &State) -> String {
    let label: String = state
        .target
        .trim_start_matches("http://")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(LABEL_CHARS)
        .collect();
    let corpus = format!("{} {}", state.corpus_version, state.corpus_seed);
    let hash = Seed(0).named(&state.target).named(&corpus).0;
    format!("{label}-{hash:016x}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(folder: &Path) -> NumberFile {
        NumberFile::open(folder, "http://127.0.0.1:1234", &CorpusPlan::usual(1), None).unwrap()
    }

    #[test]
    fn a_later_run_goes_on_behind_an_earlier_one_even_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = open(folder.path());
        let used = first.reserve(10).unwrap();
        // Nothing is written at the end of a run: dropping it is what a crash does.
        drop(first);
        let again = open(folder.path()).reserve(10).unwrap();
        assert!(again.start >= used.end, "{used:?} then {again:?}");
    }

    #[test]
    fn reservations_are_contiguous_and_never_overlap() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = open(folder.path());
        let mut last_end = 0;
        for count in [1, 4000, 4000, 0, 100_000, 5] {
            let reserved = numbers.reserve(count).unwrap();
            assert_eq!(reserved.end - reserved.start, count, "as many as asked for");
            assert!(reserved.start >= last_end, "behind the last");
            last_end = reserved.end;
        }
    }

    #[test]
    fn two_runs_at_once_get_different_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || {
                    let mut numbers = open(&path);
                    (0..20).map(|_| numbers.reserve(3000).unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut ranges: Vec<_> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        ranges.sort_by_key(|range| range.start);
        for pair in ranges.windows(2) {
            assert!(pair[0].end <= pair[1].start, "{pair:?}");
        }
    }

    #[test]
    fn a_given_first_number_is_used_and_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let target = "http://127.0.0.1:1234";
        let mut given =
            NumberFile::open(folder.path(), target, &CorpusPlan::usual(1), Some(1_000_000))
                .unwrap();
        assert_eq!(given.reserve(5).unwrap(), 1_000_000..1_000_005, "as given");
        assert!(open(folder.path()).reserve(1).unwrap().start >= 1_000_005, "and remembered");
    }

    #[test]
    fn a_damaged_file_is_refused_with_its_path_and_never_taken_for_empty() {
        let folder = tempfile::tempdir().unwrap();
        let mut numbers = open(folder.path());
        numbers.reserve(1).unwrap();
        fs::write(&numbers.path, "{\"next_index\":").unwrap();
        let error =
            NumberFile::open(folder.path(), "http://127.0.0.1:1234", &CorpusPlan::usual(1), None);
        let text = error.unwrap_err().to_string();
        assert!(text.contains("127.0.0.1-1234") && text.contains("FIRST_INDEX"), "{text}");
    }

    #[test]
    fn beyond_the_last_document_there_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let last = (1_u64 << 30) - 10;
        let mut numbers =
            NumberFile::open(folder.path(), "x", &CorpusPlan::usual(1), Some(last)).unwrap();
        assert!(numbers.reserve(11).is_err(), "eleven do not fit");
        assert_eq!(numbers.reserve(10).unwrap(), last..1 << 30, "ten do");
    }
}
