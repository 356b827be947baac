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

use serde_json::json;

use crate::catalogue::Catalogue;
use crate::clock::Clock;
use crate::document::Document;
use crate::engine::{Compat, Law};
use crate::fault::Faults;
use crate::metrics::{Endpoint, Metrics};
use crate::settings::{EngineKind, Settings};

/// What all parts of the server share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The server's clock.
    pub(crate) clock: Clock,
    /// The settings.
    pub(crate) settings: Settings,
    /// Counters of documents.
    pub(crate) catalogue: Mutex<Catalogue>,
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
}

impl Work {
    /// The endpoint that the request came to.
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Index(_) => Endpoint::Index,
            Self::Dashboard => Endpoint::Dashboard,
        }
    }
}

#[derive(Debug)]
enum Engine {
    Model(Law),
    Compat(Compat),
}

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    number: usize,
    shared: Arc<Shared>,
    engine: Engine,
    next_free_ns: u64,
    /// Requests served since the last rest.
    served: u64,
}

impl Worker {
    /// Worker `number`, free at once.
    pub(crate) fn new(number: usize, shared: Arc<Shared>) -> Self {
        let engine = match shared.settings.engine {
            EngineKind::Model => Engine::Model(Law::new(&shared.settings, number)),
            EngineKind::Compat => Engine::Compat(Compat::new(&shared.settings)),
        };
        Self { number, shared, engine, next_free_ns: 0, served: 0 }
    }

    /// The instant from which this worker can serve the next request.
    pub(crate) fn next_free_ns(&self) -> u64 {
        self.next_free_ns
    }

    /// Serves a request that was there at `startable_ns`, blocking this thread for the service
    /// time; returns the JSON text of the answer.
    pub(crate) fn serve(&mut self, work: &Work, startable_ns: u64) -> String {
        let clock = self.shared.clock;
        let (begin_ns, own_ns) = match &mut self.engine {
            Engine::Model(law) => (startable_ns.max(self.next_free_ns), law.draw_ns()),
            Engine::Compat(compat) => {
                let begin_ns = clock.now_ns();
                match work {
                    Work::Index(_) => compat.index(clock),
                    Work::Dashboard => compat.dashboard(clock),
                }
                (begin_ns, clock.now_ns().saturating_sub(begin_ns))
            }
        };
        let busy_ns = self.complete(begin_ns, own_ns);
        self.shared.metrics.served(self.number, busy_ns);
        self.answer(work)
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

    fn answer(&self, work: &Work) -> String {
        let compat = matches!(self.engine, Engine::Compat(_));
        let now_ns = self.shared.clock.now_ns();
        let mut catalogue = self.shared.catalogue.lock().unwrap_or_else(PoisonError::into_inner);
        match work {
            Work::Index(document) => {
                for _ in 0..self.shared.faults.copies() {
                    catalogue.accept(document, now_ns);
                }
                // The published server ends its answer with a line break.
                if compat { "\"OK\"\n" } else { "\"OK\"" }.to_owned()
            }
            Work::Dashboard => {
                // The published server spells its key so; clients must live with it.
                let key = if compat { "dasbhoard" } else { "dashboard" };
                json!({ key: catalogue.dashboard(now_ns) }).to_string()
            }
        }
    }
}
