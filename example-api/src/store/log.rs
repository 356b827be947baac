//! The log: a document stands here, synced, before it is answered.
//!
//! One lock gives the sequence number, writes the record and puts the document into the queue of
//! the indexing thread, so all three are in the same order. Syncing is shared: the first worker
//! that waits for its record syncs all that was written so far, and those that come meanwhile wait
//! for it; so the busier the server, the more documents one sync carries.
//!
//! After a failed write or sync nobody knows what the disk holds, and a second sync that succeeds
//! would prove nothing. So a log that failed once accepts nothing more until the server is started
//! again and reads what is really there.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::record::Record;
use super::schema::Accepted;
use crate::clock::unix_ms;
use crate::document::Document;

/// A file of the log is closed, and a new one begun, beyond this size.
const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many documents, and how much memory, may wait for the indexing thread. Workers wait beyond.
const QUEUE_DOCUMENTS_MAX: usize = 10_000;
const QUEUE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Ends the names of the log's files; what stands before is the number of the first document.
const ENDING: &str = ".log";

/// Why nothing more is accepted; one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(Arc<str>);

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The log of one server.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    state: Mutex<State>,
    /// A sync has ended.
    synced: Condvar,
    /// There is room in the queue.
    room: Condvar,
    /// The queue has filled up from empty or beyond its half, or the log is to close.
    arrival: Condvar,
    /// The log is to close.
    closing: Condvar,
    /// Syncs so far.
    pub(super) syncs: AtomicU64,
    /// Bytes written so far.
    pub(super) bytes: AtomicU64,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    path: PathBuf,
    file_bytes: usize,
    /// Closed files with the number of their last document.
    closed: VecDeque<(PathBuf, u64)>,
    /// Number of the last document written, and of the last one that is synced.
    written: u64,
    synced: u64,
    is_syncing: bool,
    is_closing: bool,
    fault: Option<Fault>,
    queue: VecDeque<Accepted>,
    queue_bytes: usize,
}

impl State {
    fn has_room(&self) -> bool {
        self.queue.len() < QUEUE_DOCUMENTS_MAX && self.queue_bytes < QUEUE_BYTES_MAX
    }

    /// The indexing thread should not wait for more.
    fn is_urgent(&self) -> bool {
        self.is_closing
            || self.queue.len() >= QUEUE_DOCUMENTS_MAX / 2
            || self.queue_bytes >= QUEUE_BYTES_MAX / 2
    }

    fn fail(&mut self, what: &str, error: &io::Error) -> Fault {
        let text = format!("the log could not be {what}: {error}; nothing more is accepted");
        self.fault.get_or_insert(Fault(text.into())).clone()
    }
}

/// The documents that waited, in their order.
#[derive(Debug)]
pub(super) struct Taken {
    /// Documents; none when the time was up.
    pub(super) documents: VecDeque<Accepted>,
    /// The log is closed and these are the last.
    pub(super) is_last: bool,
}

impl Log {
    /// A new log in `folder`, whose last document was number `last`.
    pub(super) fn create(folder: &Path, last: u64) -> io::Result<Self> {
        let (file, path) = new_file(folder, last + 1)?;
        let state = State {
            file: Arc::new(file),
            path,
            file_bytes: 0,
            closed: VecDeque::new(),
            written: last,
            synced: last,
            is_syncing: false,
            is_closing: false,
            fault: None,
            queue: VecDeque::new(),
            queue_bytes: 0,
        };
        Ok(Self {
            folder: folder.to_owned(),
            state: Mutex::new(state),
            synced: Condvar::new(),
            room: Condvar::new(),
            arrival: Condvar::new(),
            closing: Condvar::new(),
            syncs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        })
    }

    /// Writes a document and queues it for the indexing thread; waits while the queue is full.
    /// Returns its number.
    pub(super) fn append(&self, document: Document) -> Result<u64, Fault> {
        let canonical = document.canonical();
        let mut state = self
            .room
            .wait_while(self.lock(), |state| {
                !state.has_room() && state.fault.is_none() && !state.is_closing
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.is_closing {
            return Err(Fault("the server is ending".into()));
        }
        if let Some(fault) = &state.fault {
            return Err(fault.clone());
        }
        let sequence = state.written + 1;
        let unix_ms = unix_ms();
        let document_bytes = canonical.as_bytes();
        let bytes = Record { sequence, unix_ms, document: document_bytes }.encode();
        if let Err(error) = (&*state.file).write_all(&bytes) {
            return Err(state.fail("written", &error));
        }
        state.written = sequence;
        state.file_bytes += bytes.len();
        self.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let accepted = Accepted { sequence, unix_ms, document, canonical };
        let was_urgent = state.is_urgent();
        state.queue_bytes += accepted.memory_bytes();
        state.queue.push_back(accepted);
        // One wake-up for a crowd of documents: the indexing thread waits for more by itself.
        if state.queue.len() == 1 || state.is_urgent() != was_urgent {
            self.arrival.notify_one();
        }
        if state.file_bytes >= FILE_BYTES_MAX {
            // The kernel tells an error of a file once: a sync under way must hear of it itself.
            state = self
                .synced
                .wait_while(state, |state| state.is_syncing)
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(fault) = &state.fault {
                return Err(fault.clone());
            }
            if state.file_bytes >= FILE_BYTES_MAX {
                self.begin_next_file(&mut state)?;
            }
        }
        Ok(sequence)
    }

    /// Closes the current file, synced, and begins the next.
    fn begin_next_file(&self, state: &mut State) -> Result<(), Fault> {
        let next = state.file.sync_data().and_then(|()| new_file(&self.folder, state.written + 1));
        match next {
            Ok((file, path)) => {
                self.syncs.fetch_add(1, Ordering::Relaxed);
                state.synced = state.written;
                let last = state.written;
                state.file = Arc::new(file);
                let closed = std::mem::replace(&mut state.path, path);
                state.closed.push_back((closed, last));
                state.file_bytes = 0;
                self.synced.notify_all();
                Ok(())
            }
            Err(error) => Err(state.fail("continued in a new file", &error)),
        }
    }

    /// Waits until document number `sequence` is synced; syncs it if nobody else is at it.
    pub(super) fn wait_synced(&self, sequence: u64) -> Result<(), Fault> {
        let mut state = self.lock();
        // Bounded: each round follows a sync that ended, and the second one covers this document.
        loop {
            if state.synced >= sequence {
                return Ok(());
            }
            if let Some(fault) = &state.fault {
                return Err(fault.clone());
            }
            if state.is_syncing {
                state = self.synced.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.is_syncing = true;
            let (file, written) = (Arc::clone(&state.file), state.written);
            drop(state);
            let outcome = file.sync_data();
            self.syncs.fetch_add(1, Ordering::Relaxed);
            state = self.lock();
            state.is_syncing = false;
            match outcome {
                Ok(()) => state.synced = state.synced.max(written),
                Err(error) => drop(state.fail("synced", &error)),
            }
            self.synced.notify_all();
        }
    }

    /// Syncs all that was written so far.
    pub(super) fn sync(&self) -> Result<(), Fault> {
        let written = self.lock().written;
        self.wait_synced(written)
    }

    /// Waits until the log is to close, at most for `most`; tells whether it is.
    pub(super) fn wait_closing(&self, most: Duration) -> bool {
        let waited = self.closing.wait_timeout_while(self.lock(), most, |state| !state.is_closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_closing
    }

    /// Takes the documents that wait for the indexing thread.
    ///
    /// Waits for the first one, at most for `most` where given; then for more to come with it, for
    /// as long as `linger`, unless the queue is half full or the log is to close.
    pub(super) fn take(&self, most: Option<Duration>, linger: Duration) -> Taken {
        let nothing = |state: &mut State| state.queue.is_empty() && !state.is_closing;
        let state = self.lock();
        let state = match most {
            None => self.arrival.wait_while(state, nothing).unwrap_or_else(PoisonError::into_inner),
            Some(most) => {
                let waited = self.arrival.wait_timeout_while(state, most, nothing);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let waited = self.arrival.wait_timeout_while(state, linger, |state| {
            !state.queue.is_empty() && !state.is_urgent()
        });
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.queue_bytes = 0;
        let documents = std::mem::take(&mut state.queue);
        let is_last = state.is_closing;
        drop(state);
        self.room.notify_all();
        Taken { documents, is_last }
    }

    /// Deletes the files whose documents the index holds: all up to number `committed`.
    pub(super) fn forget(&self, committed: u64) -> io::Result<()> {
        let mut covered = Vec::new();
        let mut state = self.lock();
        while state.closed.front().is_some_and(|(_, last)| *last <= committed) {
            covered.extend(state.closed.pop_front());
        }
        drop(state);
        covered.iter().try_for_each(|(path, _)| fs::remove_file(path))
    }

    /// Accepts nothing more, for a reason outside of the log; one line.
    pub(super) fn fail(&self, reason: &str) {
        self.lock().fault.get_or_insert(Fault(reason.into()));
        self.room.notify_all();
        self.synced.notify_all();
    }

    /// Accepts nothing more; [`Log::take`] returns the last documents.
    pub(super) fn close(&self) {
        self.lock().is_closing = true;
        self.arrival.notify_all();
        self.closing.notify_all();
        self.room.notify_all();
    }

    /// Number of the last document written.
    pub(super) fn written(&self) -> u64 {
        self.lock().written
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The files of the log in `folder`, the oldest first.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ENDING) {
            files.push(path);
        }
    }
    // Their names are numbers of the same length.
    files.sort();
    Ok(files)
}

/// Creates the file of the log that begins with document number `first`.
fn new_file(folder: &Path, first: u64) -> io::Result<(File, PathBuf)> {
    let path = folder.join(format!("{first:020}{ENDING}"));
    let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
    // A synced record in a file without a synced name would be lost all the same.
    File::open(folder)?.sync_all()?;
    Ok((file, path))
}
