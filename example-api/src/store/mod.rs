//! A search engine inside: every accepted document is durable, and soon searchable.
//!
//! A document goes into the log ([`log`]), is synced there, and is acknowledged. The indexing
//! thread ([`indexer`]) takes it into the index and makes it searchable with the next refresh. At
//! the start what the log holds beyond the index is read back ([`recovery`]), so that a server that
//! was killed has lost no acknowledged document and holds none twice.

mod dashboard;
mod folder;
mod indexer;
mod log;
mod record;
mod recovery;
mod schema;
mod search;
mod settings;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tantivy::directory::MmapDirectory;
use tantivy::{Index, IndexReader, IndexSettings, ReloadPolicy, TantivyError};

use crate::clock::Clock;
use crate::document::Document;
use crate::window::Window;
use folder::Folder;
use indexer::{Indexer, Indexing, Progress};
pub(crate) use log::Fault;
use log::Log;
use schema::{Fields, WORDS_TOKENIZER, words_tokenizer};
pub(crate) use search::{REACH_MAX, SIZE_MAX, Search, SearchError};
pub(crate) use settings::{Durability, StoreSettings};

/// With `DURABILITY=async`, how old the oldest document may become that is not synced.
const ASYNC_SYNC: Duration = Duration::from_secs(5);

/// Blocks of stored documents that each segment keeps unpacked; a block may hold a document of
/// over a megabyte.
const BLOCKS_KEPT: usize = 4;

/// What the metrics tell of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Documents that can be searched, those of earlier runs included.
    pub(crate) searchable_documents: u64,
    /// Documents that were written and cannot be searched yet.
    pub(crate) pending_documents: u64,
    /// Refreshes since the start.
    pub(crate) refreshes: u64,
    /// Segments that a search looks at.
    pub(crate) segments: u64,
    /// Syncs of the log since the start.
    pub(crate) log_syncs: u64,
    /// Bytes written to the log since the start.
    pub(crate) log_bytes: u64,
}

/// The search engine with its log.
pub(crate) struct Store {
    log: Arc<Log>,
    reader: IndexReader,
    fields: Fields,
    progress: Arc<Progress>,
    durability: Durability,
    accepted: AtomicU64,
    recent: Mutex<Window>,
    /// What ends with the server.
    open: Mutex<Option<Open>>,
}

struct Open {
    threads: Vec<JoinHandle<()>>,
    folder: Folder,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("log", &self.log).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the folder of the settings and brings its index up to its log. The error is one line.
    pub(crate) fn open(settings: &StoreSettings, clock: Clock) -> Result<Self, String> {
        let folder = Folder::open(settings.data.as_deref())?;
        let place = settings
            .data
            .as_ref()
            .map_or_else(String::new, |data| format!("DATA={} cannot be used: ", data.display()));
        let explain = |error: TantivyError| one_line(&format!("{place}{error}"));
        let (fields, index) = open_index(&folder).map_err(explain)?;
        let mut indexer = Indexer::new(&index, fields).map_err(explain)?;
        let last = recovery::replay(&folder.log(), indexer.committed(), |accepted| {
            indexer.add(&accepted).map_err(|error| error.to_string())
        });
        let last = last.map_err(|error| one_line(&format!("{place}{error}")))?;
        if indexer.is_behind() {
            indexer.commit().map_err(explain)?;
        }
        recovery::clear(&folder.log()).map_err(|error| one_line(&format!("{place}{error}")))?;
        let log = Log::create(&folder.log(), last).map_err(|error| explain(error.into()))?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual);
        let reader = reader.doc_store_cache_num_blocks(BLOCKS_KEPT).try_into().map_err(explain)?;
        Self::start(settings, clock, folder, indexer, reader, Arc::new(log))
            .map_err(|error| explain(error.into()))
    }

    fn start(
        settings: &StoreSettings,
        clock: Clock,
        folder: Folder,
        indexer: Indexer,
        reader: IndexReader,
        log: Arc<Log>,
    ) -> std::io::Result<Self> {
        let progress = Arc::new(Progress::default());
        progress.searchable.store(indexer.committed(), Ordering::Release);
        let fields = indexer.fields();
        let indexing = Indexing {
            indexer,
            log: Arc::clone(&log),
            reader: reader.clone(),
            progress: Arc::clone(&progress),
            clock,
            refresh: settings.refresh,
            is_kept: folder.is_kept(),
        };
        let thread = thread::Builder::new().name("indexing".to_owned());
        let mut threads = vec![thread.spawn(move || indexing.run())?];
        if settings.durability == Durability::Async {
            let log = Arc::clone(&log);
            let sync = move || {
                // A failed sync is the log's fault for good, and workers will hear of it.
                while !log.wait_closing(ASYNC_SYNC) && log.sync().is_ok() {}
            };
            threads.push(thread::Builder::new().name("sync".to_owned()).spawn(sync)?);
        }
        Ok(Self {
            log,
            reader,
            fields,
            progress,
            durability: settings.durability,
            accepted: AtomicU64::new(0),
            recent: Mutex::new(Window::new()),
            open: Mutex::new(Some(Open { threads, folder })),
        })
    }

    /// Writes a document to the log; returns its number.
    pub(crate) fn append(&self, document: Document) -> Result<u64, Fault> {
        self.log.append(document)
    }

    /// Waits until document number `sequence` counts as accepted.
    pub(crate) fn wait_durable(&self, sequence: u64) -> Result<(), Fault> {
        match self.durability {
            Durability::Request => self.log.wait_synced(sequence),
            Durability::Async => Ok(()),
        }
    }

    /// Counts a document that was accepted at `at_ns`.
    pub(crate) fn accept(&self, at_ns: u64) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).add(at_ns);
    }

    /// Documents accepted since the start of the server.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Documents that can be searched.
    pub(crate) fn searchable_documents(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// What the metrics tell.
    pub(crate) fn figures(&self) -> Figures {
        let searcher = self.reader.searcher();
        let searchable = self.progress.searchable.load(Ordering::Acquire);
        Figures {
            searchable_documents: searcher.num_docs(),
            pending_documents: self.log.written().saturating_sub(searchable),
            refreshes: self.progress.refreshes.load(Ordering::Relaxed),
            segments: searcher.segment_readers().len() as u64,
            log_syncs: self.log.syncs.load(Ordering::Relaxed),
            log_bytes: self.log.bytes.load(Ordering::Relaxed),
        }
    }

    /// Ends in an orderly way: what was accepted is synced and, in a folder that is kept, indexed.
    pub(crate) fn close(&self) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Open { threads, folder }) = open else { return };
        self.log.close();
        // A log that failed has told so in its answers already.
        drop(self.log.sync());
        for thread in threads {
            drop(thread.join());
        }
        folder.end();
    }
}

fn open_index(folder: &Folder) -> Result<(Fields, Index), TantivyError> {
    let (fields, schema) = Fields::new();
    let directory = MmapDirectory::open(folder.index())?;
    let settings =
        IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
    let index = Index::builder().schema(schema).settings(settings).open_or_create(directory)?;
    index.tokenizers().register(WORDS_TOKENIZER, words_tokenizer());
    Ok((fields, index))
}

/// The text without line breaks: messages are one line each.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
