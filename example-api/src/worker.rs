//! A worker: serves one request at a time, and keeps account of when it is free again.
//!
//! In the model engine the account runs in exact instants: a service begins when the request was
//! there and the worker was free, ends a service time later, and the worker sleeps until that very
//! instant. Waking late, reading and answering delay an answer by microseconds but never the next
//! service, so a busy worker completes exactly 1 / mean service time.
//!
//! In every engine the account adds what faults add, and a service is completed only outside of
//! stalls; real work that falls into a stall is done meanwhile and answered behind it.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use serde_json::json;

use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::document::Document;
use crate::engine::{Compat, Law};
use crate::fault::Faults;
use crate::metrics::{Endpoint, Metrics};
use crate::settings::{EngineKind, Settings};
use crate::store::{Fault, Search, SearchError, Store};

/// What all parts of the server share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The server's clock.
    pub(crate) clock: Clock,
    /// The settings.
    pub(crate) settings: Settings,
    /// Counters of documents, for engines that keep none.
    pub(crate) catalogue: Mutex<Catalogue>,
    /// The engine that keeps them.
    pub(crate) store: Option<Arc<Store>>,
    /// Counters of everything else.
    pub(crate) metrics: Metrics,
    /// What goes wrong on purpose.
    pub(crate) faults: Faults,
}

/// A request that has passed all checks.
#[derive(Debug)]
pub(crate) enum Work {
    /// Take in a document.
    Index(Document),
    /// Report the counters.
    Dashboard,
    /// Find documents.
    Search(Search),
    /// Count documents and their distinct names.
    Distinct,
}

/// What a worker has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The status of the answer.
    pub(crate) status: StatusCode,
    /// The JSON text of the answer.
    pub(crate) text: String,
}

impl Reply {
    fn ok(text: String) -> Self {
        Self { status: StatusCode::OK, text }
    }

    fn failed(error: &str) -> Self {
        let text = json!({"error": error}).to_string();
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, text }
    }
}

impl Work {
    /// The endpoint that the request came to.
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Index(_) => Endpoint::Index,
            Self::Dashboard => Endpoint::Dashboard,
            Self::Search(_) => Endpoint::Search,
            Self::Distinct => Endpoint::Count,
        }
    }

    /// About how much memory it takes while it waits, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Index(document) => document.memory_bytes(),
            // Bounded by the longest head of a request, and small beside it.
            Self::Dashboard | Self::Search(_) | Self::Distinct => 0,
        }
    }
}

#[derive(Debug)]
enum Engine {
    Model(Law),
    Compat(Compat),
    Store(Arc<Store>),
}

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    number: usize,
    shared: Arc<Shared>,
    engine: Engine,
    /// How long a replica would take to acknowledge.
    ack_ns: u64,
    next_free_ns: u64,
    /// Requests served since the last rest.
    served: u64,
}

impl Worker {
    /// Worker `number`, free at once.
    pub(crate) fn new(number: usize, shared: Arc<Shared>) -> Self {
        let engine = match (&shared.store, shared.settings.engine) {
            (Some(store), _) => Engine::Store(Arc::clone(store)),
            (None, EngineKind::Compat) => Engine::Compat(Compat::new(&shared.settings)),
            (None, _) => Engine::Model(Law::new(&shared.settings, number)),
        };
        let ack_ns = u64::try_from(shared.settings.store.ack.as_nanos()).unwrap_or(u64::MAX);
        Self { number, shared, engine, ack_ns, next_free_ns: 0, served: 0 }
    }

    /// The instant from which this worker can serve the next request.
    pub(crate) fn next_free_ns(&self) -> u64 {
        self.next_free_ns
    }

    /// Serves a request that was there at `startable_ns`, blocking this thread for the service
    /// time.
    pub(crate) fn serve(&mut self, work: Work, startable_ns: u64) -> Reply {
        let clock = self.shared.clock;
        let (busy_ns, reply) = match &mut self.engine {
            Engine::Model(law) => {
                let begin_ns = startable_ns.max(self.next_free_ns);
                let own_ns = law.draw_ns();
                (self.complete(begin_ns, own_ns), self.answer(&work))
            }
            Engine::Compat(compat) => {
                let begin_ns = clock.now_ns();
                match work {
                    Work::Index(_) => compat.index(clock),
                    Work::Dashboard | Work::Search(_) | Work::Distinct => compat.dashboard(clock),
                }
                let own_ns = clock.now_ns().saturating_sub(begin_ns);
                (self.complete(begin_ns, own_ns), self.answer(&work))
            }
            Engine::Store(store) => {
                let store = Arc::clone(store);
                let begin_ns = startable_ns.max(self.next_free_ns);
                let reply = self.serve_from(&store, work, begin_ns);
                let own_ns = self.next_free_ns.saturating_sub(begin_ns);
                (self.complete(begin_ns, own_ns), reply)
            }
        };
        self.shared.metrics.served(self.number, busy_ns);
        reply
    }

    fn serve_from(&mut self, store: &Store, work: Work, begin_ns: u64) -> Reply {
        let clock = self.shared.clock;
        let reply = match work {
            Work::Index(document) => return self.index_into(store, document, begin_ns),
            Work::Dashboard => store
                .dashboard(clock.now_ns())
                .map(|dashboard| json!({"dashboard": dashboard}).to_string()),
            Work::Search(search) => store.search(&search),
            Work::Distinct => store.distinct_names().map(|(documents, names)| {
                json!({"documents": documents, "distinct_names": names}).to_string()
            }),
        };
        self.next_free_ns = clock.now_ns();
        match reply {
            Ok(text) => Reply::ok(text),
            Err(SearchError::Failed(error)) => Reply::failed(&error),
            Err(SearchError::Parameter { field, error }) => {
                let text = json!({"error": error, "field": field}).to_string();
                Reply { status: StatusCode::UNPROCESSABLE_ENTITY, text }
            }
        }
    }

    /// Takes in a document. A replica's acknowledgement and the sync of the log go on at the same
    /// time, so the worker is free at the later of the two; for the former there is an account, as
    /// in the model engine, so that waking late never delays the next document.
    fn index_into(&mut self, store: &Store, document: Document, begin_ns: u64) -> Reply {
        let clock = self.shared.clock;
        let before_ns = clock.now_ns();
        let copies = self.shared.faults.copies();
        let appended = append_copies(store, document, copies);
        let append_ns = clock.now_ns().saturating_sub(before_ns);
        let durable = appended
            .and_then(|sequence| sequence.map_or(Ok(()), |sequence| store.wait_durable(sequence)));
        let durable_ns = clock.now_ns();
        if let Err(fault) = durable {
            self.next_free_ns = durable_ns;
            return Reply::failed(&fault.to_string());
        }
        let acknowledged_ns = begin_ns.saturating_add(append_ns).saturating_add(self.ack_ns);
        if acknowledged_ns > durable_ns {
            clock.sleep_until(acknowledged_ns);
        }
        self.next_free_ns = acknowledged_ns.max(durable_ns);
        for _ in 0..copies {
            store.accept(clock.now_ns());
        }
        Reply::ok("\"OK\"".to_owned())
    }

    /// Completes a service that began at `begin_ns` and takes `own_ns`, real work included that is
    /// already done: sleeps for the rest, for what faults add and for stalls. Returns the service
    /// time.
    fn complete(&mut self, begin_ns: u64, own_ns: u64) -> u64 {
        self.served += 1;
        let service_ns = self.shared.faults.service_ns(own_ns, begin_ns);
        self.next_free_ns = self.shared.settings.stalls.completion_ns(begin_ns, service_ns);
        self.shared.clock.sleep_until(self.next_free_ns);
        service_ns
    }

    /// To be called when an answer is out: makes the pause that is due by `FAULT`, if any.
    pub(crate) fn rest(&mut self) {
        if let Some(pause_ns) = self.shared.faults.pause_ns(self.served) {
            self.served = 0;
            self.replace(pause_ns);
        }
    }

    /// Keeps the worker occupied until `until_ns`: neither idle time nor waiting for a
    /// client is made up for later.
    pub(crate) fn occupy_until(&mut self, until_ns: u64) {
        self.next_free_ns = self.next_free_ns.max(until_ns);
    }

    /// Replaces the worker by a new one that remembers nothing, which takes `restart_ns`.
    pub(crate) fn replace(&mut self, restart_ns: u64) {
        if let Engine::Compat(compat) = &mut self.engine {
            *compat = Compat::new(&self.shared.settings);
        }
        self.next_free_ns = self.next_free_ns.saturating_add(restart_ns);
        self.shared.clock.sleep_until(self.next_free_ns);
    }

    /// The answer of an engine that keeps no documents.
    fn answer(&self, work: &Work) -> Reply {
        let compat = matches!(self.engine, Engine::Compat(_));
        let now_ns = self.shared.clock.now_ns();
        let mut catalogue = self.shared.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        match work {
            Work::Index(document) => {
                for _ in 0..self.shared.faults.copies() {
                    catalogue.accept(document, now_ns);
                }
                // The published server ends its answer with a line break.
                Reply::ok(if compat { "\"OK\"\n" } else { "\"OK\"" }.to_owned())
            }
            Work::Dashboard => {
                // The published server spells its key so; clients must live with it.
                let key = if compat { "dasbhoard" } else { "dashboard" };
                Reply::ok(json!({ key: catalogue.dashboard(now_ns) }).to_string())
            }
            // The front has answered these already.
            Work::Search(_) | Work::Distinct => Reply::failed("this engine keeps no documents"),
        }
    }
}

/// Writes a document to the log as often as it is to be stored; returns the number of the last one.
fn append_copies(store: &Store, document: Document, copies: u64) -> Result<Option<u64>, Fault> {
    if copies == 0 {
        return Ok(None);
    }
    for _ in 1..copies {
        store.append(document.clone())?;
    }
    store.append(document).map(Some)
}
