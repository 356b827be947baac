//! The thread that brings documents from the log into the index and makes them searchable.
//!
//! A commit of the index is what others call a refresh and a flush in one: it makes documents
//! searchable and is durable by itself. It carries the number of the last document in it; the
//! log's files up to there are deleted afterwards.

use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tantivy::indexer::{IndexWriterOptions, UserOperation};
use tantivy::{Directory as _, Index, IndexReader, IndexWriter, TantivyError};

use super::log::Log;
use super::schema::{Accepted, Fields};
use crate::clock::Clock;

/// Memory of the index's own thread, in bytes.
const WRITER_BYTES: usize = 64 * 1024 * 1024;

/// Documents of this size in all are committed even before it is time, so that what the index has
/// not yet taken in stays bounded whatever is sent.
const UNCOMMITTED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Documents handed to the index at a time.
const BATCH_DOCUMENTS: usize = 500;

/// How long the thread waits for more documents to come with the first: a wake-up costs more than
/// taking a document.
const LINGER: Duration = Duration::from_millis(20);

/// The index's writer, and how far it has come.
pub(super) struct Indexer {
    writer: IndexWriter,
    fields: Fields,
    /// Number of the last document that was handed to the writer, and of the last committed one.
    added: u64,
    committed: u64,
    uncommitted_bytes: usize,
}

impl Indexer {
    /// A writer for an index that holds all documents up to its commit's payload.
    pub(super) fn new(index: &Index, fields: Fields) -> Result<Self, TantivyError> {
        let payload = index.load_metas()?.payload;
        let committed = match payload {
            None => 0,
            Some(text) => text.parse().map_err(|error| {
                let text = format!("the commit tells no document's number ({text:?}): {error}");
                TantivyError::InvalidArgument(text)
            })?,
        };
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_BYTES)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = index.writer_with_options(options)?;
        Ok(Self { writer, fields, added: committed, committed, uncommitted_bytes: 0 })
    }

    /// Number of the last committed document.
    pub(super) fn committed(&self) -> u64 {
        self.committed
    }

    /// The fields of the index.
    pub(super) fn fields(&self) -> Fields {
        self.fields
    }

    /// Whether documents wait to be committed.
    pub(super) fn is_behind(&self) -> bool {
        self.added > self.committed
    }

    fn is_full(&self) -> bool {
        self.uncommitted_bytes >= UNCOMMITTED_BYTES_MAX
    }

    /// Hands one document to the index, and commits when it is too much in all.
    pub(super) fn add(&mut self, accepted: &Accepted) -> Result<(), TantivyError> {
        self.writer.add_document(self.fields.index_form(accepted))?;
        self.note(accepted);
        if self.is_full() { self.commit() } else { Ok(()) }
    }

    /// Hands the first of `documents` to the index.
    fn add_batch(&mut self, documents: &mut VecDeque<Accepted>) -> Result<(), TantivyError> {
        let mut batch = Vec::with_capacity(documents.len().min(BATCH_DOCUMENTS));
        while batch.len() < BATCH_DOCUMENTS && !self.is_full() {
            let Some(accepted) = documents.pop_front() else { break };
            self.note(&accepted);
            batch.push(UserOperation::Add(self.fields.index_form(&accepted)));
        }
        self.writer.run(batch).map(drop)
    }

    fn note(&mut self, accepted: &Accepted) {
        self.added = accepted.sequence;
        self.uncommitted_bytes += accepted.memory_bytes();
    }

    /// Makes all documents that were handed over durable in the index.
    pub(super) fn commit(&mut self) -> Result<(), TantivyError> {
        let mut commit = self.writer.prepare_commit()?;
        commit.set_payload(&self.added.to_string());
        commit.commit()?;
        // The commit renames its list of segments; until the folder is synced a power cut may undo that, and the log
        // is about to be let go of.
        self.writer.index().directory().sync_directory()?;
        self.committed = self.added;
        self.uncommitted_bytes = 0;
        Ok(())
    }
}

/// What others may know of the indexing thread.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Refreshes since the start.
    pub(super) refreshes: AtomicU64,
    /// Number of the last document that can be searched.
    pub(super) searchable: AtomicU64,
}

/// The indexing thread's surroundings.
pub(super) struct Indexing {
    /// The index's writer.
    pub(super) indexer: Indexer,
    /// Where documents come from.
    pub(super) log: Arc<Log>,
    /// What searches look at.
    pub(super) reader: IndexReader,
    /// Where the thread tells how far it is.
    pub(super) progress: Arc<Progress>,
    /// The server's clock.
    pub(super) clock: Clock,
    /// How old the oldest document may become that cannot be searched yet.
    pub(super) refresh: Duration,
    /// Whether the last documents are committed when the log is closed.
    pub(super) is_kept: bool,
}

impl Indexing {
    /// Runs until the log is closed. An index that fails takes the log with it: otherwise workers
    /// would wait for ever for room in the queue.
    pub(super) fn run(mut self) {
        let log = Arc::clone(&self.log);
        // Nothing of this thread is looked at after a panic but the log, which has its own lock.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.serve()));
        let error = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it panicked".to_owned(),
        };
        let reason = format!("the index failed: {error}; nothing more is accepted");
        log.fail(&super::one_line(&reason));
    }

    fn serve(&mut self) -> Result<(), TantivyError> {
        let refresh_ns = u64::try_from(self.refresh.as_nanos()).unwrap_or(u64::MAX);
        let linger = LINGER.min(self.refresh / 2);
        let mut due_ns = 0;
        loop {
            let left_ns = u64::saturating_sub(due_ns, self.clock.now_ns());
            let most = self.indexer.is_behind().then(|| Duration::from_nanos(left_ns));
            let mut taken = self.log.take(most, linger);
            if taken.is_last && !self.is_kept {
                return Ok(());
            }
            while !taken.documents.is_empty() {
                if !self.indexer.is_behind() {
                    due_ns = self.clock.now_ns().saturating_add(refresh_ns);
                }
                self.indexer.add_batch(&mut taken.documents)?;
                if self.indexer.is_full() {
                    self.make_searchable()?;
                }
            }
            let is_due = self.clock.now_ns() >= due_ns || taken.is_last;
            if self.indexer.is_behind() && is_due {
                self.make_searchable()?;
            }
            if taken.is_last {
                return Ok(());
            }
        }
    }

    fn make_searchable(&mut self) -> Result<(), TantivyError> {
        self.indexer.commit()?;
        self.reader.reload()?;
        self.progress.searchable.store(self.indexer.committed(), Ordering::Release);
        self.progress.refreshes.fetch_add(1, Ordering::Relaxed);
        self.log.forget(self.indexer.committed())?;
        Ok(())
    }
}
