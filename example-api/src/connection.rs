//! One connection, as both fronts serve it: HTTP/1.1 by hyper, and a record of the visit.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;

use crate::metrics::Metrics;
use crate::shutdown::Stop;

/// What is known about one connection; handlers find it among the request's extensions.
#[derive(Debug)]
pub(crate) struct Visit {
    /// When the connection was accepted.
    pub(crate) accepted_ns: u64,
    /// Since when its request could be worked on (pre-fork only).
    startable_ns: AtomicU64,
    requests: AtomicU64,
    scrapes: AtomicU64,
    is_reset: AtomicBool,
}

impl Visit {
    /// A connection that was accepted at `accepted_ns`.
    pub(crate) fn new(accepted_ns: u64) -> Self {
        Self {
            accepted_ns,
            startable_ns: AtomicU64::new(accepted_ns),
            requests: AtomicU64::new(0),
            scrapes: AtomicU64::new(0),
            is_reset: AtomicBool::new(false),
        }
    }

    /// Says that the request could be worked on from `startable_ns` on, before the accept returned.
    pub(crate) fn startable_since(self, startable_ns: u64) -> Self {
        Self { startable_ns: AtomicU64::new(startable_ns), ..self }
    }

    /// Since when the request could be worked on.
    pub(crate) fn startable_ns(&self) -> u64 {
        self.startable_ns.load(Ordering::Relaxed)
    }

    /// The client let the server wait until `until_ns`.
    pub(crate) fn waited_until(&self, until_ns: u64) {
        self.startable_ns.fetch_max(until_ns, Ordering::Relaxed);
    }

    /// Marks the current request as a look at the server itself, its metrics or its description.
    pub(crate) fn mark_scrape(&self) {
        self.scrapes.fetch_add(1, Ordering::Relaxed);
    }

    /// The connection is to be reset instead of carrying the answer to its current request.
    pub(crate) fn mark_reset(&self) {
        self.is_reset.store(true, Ordering::Relaxed);
    }

    fn is_reset(&self) -> bool {
        self.is_reset.load(Ordering::Relaxed)
    }

    /// Requests so far, looks at the server itself left out.
    pub(crate) fn requests(&self) -> u64 {
        let scrapes = self.scrapes.load(Ordering::Relaxed);
        self.requests.load(Ordering::Relaxed).saturating_sub(scrapes)
    }

    /// Adds this connection, which has ended, to the counters.
    pub(crate) fn count(&self, metrics: &Metrics) {
        if self.requests.load(Ordering::Relaxed) == 0 {
            metrics.connections_without_request.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What a connection runs over, if it can end without a farewell.
pub(crate) trait Breakable {
    /// Closes the connection so that the client finds it reset.
    fn break_off(self);
}

impl Breakable for TokioIo<TcpStream> {
    fn break_off(self) {
        // To be closed with nothing left to send and no time for it is to be reset.
        drop(self.inner().set_zero_linger());
    }
}

/// Serves a connection until it ends, or until `stop`: then the request in progress is the last.
pub(crate) async fn serve_connection<I>(
    io: I,
    router: Router,
    visit: Arc<Visit>,
    keep_alive: bool,
    mut stop: Stop,
) where
    I: hyper::rt::Read + hyper::rt::Write + Breakable + Unpin,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(|mut request: Request<Incoming>| {
        visit.requests.fetch_add(1, Ordering::Relaxed);
        request.extensions_mut().insert(Arc::clone(&visit));
        let answer = router.call(request);
        let visit = Arc::clone(&visit);
        async move {
            // Nothing is written when the service itself fails.
            if let (Ok(answer), false) = (answer.await, visit.is_reset()) {
                Ok(answer)
            } else {
                Err(io::Error::from(io::ErrorKind::ConnectionReset))
            }
        }
    });
    let mut connection = http1::Builder::new()
        .keep_alive(keep_alive)
        // A client that gave up has closed its end already. Its request is served all the same, as
        // most servers do: time-outs of clients do not take work off a server.
        .half_close(true)
        .serve_connection(io, service);
    // A connection that breaks is the client's affair; the counters show it.
    let is_stopped = tokio::select! {
        _ = &mut connection => false,
        () = stop.stopped() => true,
    };
    if is_stopped {
        Pin::new(&mut connection).graceful_shutdown();
        drop((&mut connection).await);
    }
    if visit.is_reset() {
        connection.into_parts().io.break_off();
    }
}
