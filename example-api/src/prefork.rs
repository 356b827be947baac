//! The pre-fork front: as gunicorn's sync workers, one listening socket and many workers, each of
//! which accepts a connection, serves its one request, closes it, and accepts the next.
//!
//! There is no read time-out, so an idle connection occupies a worker until its client closes it,
//! as it does there. `/metrics` and the description of the interface are served by whichever worker
//! accepts the connection, without service time.
//!
//! The account of the model engine wants to know since when a request could have been worked on:
//! a connection that was pending when the worker came back was there at the instant at which the
//! worker was free by its account, which is a little before the worker woke up; for one that the
//! worker had to wait for, it is when accept returned; where the client lets the server wait for
//! bytes, it is when they came.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use axum::Router;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::runtime::{Builder, Runtime};

use crate::api::{Api, Front, router};
use crate::clock::make_sleeps_precise;
use crate::connection::{Visit, serve_connection};
use crate::patience::Patient;
use crate::shutdown::{GRACE, Stop};
use crate::worker::{Shared, Worker};

/// One worker with all that its thread needs.
struct Process {
    worker: Arc<Mutex<Worker>>,
    listener: Arc<TcpListener>,
    /// Waits for connections. Each worker has its own, marked exclusive, so that a connection
    /// wakes one idle worker and not all of them.
    arrivals: Epoll,
    runtime: Runtime,
    router: Router,
    shared: Arc<Shared>,
    stop: Stop,
    /// Workers that hold a connection.
    occupied: Arc<AtomicUsize>,
}

/// Starts the workers and serves `listener` until `stop`; `ready` is called once it does.
pub(crate) async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stop: Stop,
    ready: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let listener = Arc::new(listener);
    let occupied = Arc::new(AtomicUsize::new(0));
    for number in 0..shared.settings.workers {
        let process = Process::new(number, &listener, &shared, &stop, &occupied)?;
        let thread = thread::Builder::new().name(format!("worker-{number}"));
        drop(thread.spawn(move || process.run())?);
    }
    ready()?;
    stop.stopped().await;
    // Idle workers end with the process; only those that hold a connection are waited for.
    let all_free = async {
        while occupied.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // An answer that takes longer than the grace period is lost with the process.
    let _ = tokio::time::timeout(GRACE, all_free).await;
    Ok(())
}

impl Process {
    fn new(
        number: usize,
        listener: &Arc<TcpListener>,
        shared: &Arc<Shared>,
        stop: &Stop,
        occupied: &Arc<AtomicUsize>,
    ) -> io::Result<Self> {
        let worker = Arc::new(Mutex::new(Worker::new(number, Arc::clone(shared))));
        let front = Front::Prefork(Arc::clone(&worker));
        let arrivals = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let one_of_us = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
        arrivals.add(listener.as_ref(), EpollEvent::new(one_of_us, 0))?;
        Ok(Self {
            worker,
            listener: Arc::clone(listener),
            arrivals,
            runtime: Builder::new_current_thread().enable_all().build()?,
            router: router(Api { shared: Arc::clone(shared), front }),
            shared: Arc::clone(shared),
            stop: stop.clone(),
            occupied: Arc::clone(occupied),
        })
    }

    fn run(self) {
        make_sleeps_precise();
        self.lock().occupy_until(self.shared.clock.now_ns());
        let settings = &self.shared.settings;
        let mut requests = 0;
        while !self.stop.is_stopped() {
            let Ok((stream, visit)) = self.accept() else {
                // No file descriptors left: clients wait in the backlog until some are closed.
                thread::sleep(Duration::from_millis(5));
                continue;
            };
            self.occupied.fetch_add(1, Ordering::SeqCst);
            requests += self.serve(stream, visit);
            self.lock().rest();
            self.occupied.fetch_sub(1, Ordering::SeqCst);
            if settings.max_requests.is_some_and(|most| requests >= most) {
                requests = 0;
                self.lock().replace(settings.restart_ns);
            }
        }
    }

    /// Accepts a connection, blocking while there is none.
    fn accept(&self) -> io::Result<(TcpStream, Visit)> {
        let clock = self.shared.clock;
        if let Some(stream) = self.accept_pending()? {
            let visit = Visit::new(clock.now_ns());
            return Ok((stream, visit.startable_since(self.lock().next_free_ns())));
        }
        loop {
            match self.arrivals.wait(&mut [EpollEvent::empty()], EpollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
            // Another worker may have been faster.
            if let Some(stream) = self.accept_pending()? {
                let accepted_ns = clock.now_ns();
                // Idle time is gone: the next request must not be dated back into it.
                self.lock().occupy_until(accepted_ns);
                return Ok((stream, Visit::new(accepted_ns)));
            }
        }
    }

    fn accept_pending(&self) -> io::Result<Option<TcpStream>> {
        match self.listener.accept() {
            Ok((stream, _)) => Ok(Some(stream)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Serves a connection to its end; returns how many requests it carried, metrics left out.
    fn serve(&self, stream: TcpStream, visit: Visit) -> u64 {
        let metrics = &self.shared.metrics;
        metrics.connections_opened.fetch_add(1, Ordering::Relaxed);
        let visit = Arc::new(visit);
        let connection = async {
            let io = Patient::new(stream, Arc::clone(&visit), self.shared.clock)?;
            let router = self.router.clone();
            serve_connection(io, router, Arc::clone(&visit), false, self.stop.clone()).await;
            Ok::<(), io::Error>(())
        };
        // An error means that the connection broke before it could be served.
        drop(self.runtime.block_on(connection));
        visit.count(metrics);
        self.lock().occupy_until(visit.startable_ns());
        visit.requests()
    }

    fn lock(&self) -> MutexGuard<'_, Worker> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
