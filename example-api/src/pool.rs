//! The pool front: one thread speaks HTTP on keep-alive connections, a bounded queue stands before
//! the workers, and each worker is a thread of its own.
//!
//! The HTTP thread never does a worker's work, so the capacity is that of the workers alone.

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::TokioIo;
use tokio::sync::{mpsc, oneshot};

use crate::api::{Api, Front, router};
use crate::clock::make_sleeps_precise;
use crate::connection::{Visit, serve_connection};
use crate::shutdown::{GRACE, Stop};
use crate::worker::{Reply, Shared, Work, Worker};

/// Memory that waiting requests may take, in bytes; a document may be a megabyte.
const WAITING_BYTES_MAX: usize = 256 * 1024 * 1024;

/// A request in the queue.
#[derive(Debug)]
pub(crate) struct Job {
    /// What to do.
    pub(crate) work: Work,
    /// When the request came in.
    pub(crate) arrived_ns: u64,
    /// Where the answer goes.
    pub(crate) answer: oneshot::Sender<Reply>,
}

/// The queue before the workers.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrival: Condvar,
    room: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    idle_workers: usize,
}

/// The queue is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Queue {
    /// An empty queue in which `room` requests may wait.
    pub(crate) fn new(room: usize) -> Self {
        Self { waiting: Mutex::default(), arrival: Condvar::new(), room }
    }

    /// Queues a request for the worker that is free first.
    pub(crate) fn push(&self, job: Job) -> Result<(), Full> {
        let mut waiting = self.lock();
        // A request that an idle worker is about to take does not wait, so it needs no room.
        if waiting.jobs.len() >= self.room.saturating_add(waiting.idle_workers) {
            return Err(Full);
        }
        let bytes = waiting.bytes.saturating_add(job.work.memory_bytes());
        if bytes > WAITING_BYTES_MAX {
            return Err(Full);
        }
        waiting.bytes = bytes;
        waiting.jobs.push_back(job);
        drop(waiting);
        self.arrival.notify_one();
        Ok(())
    }

    /// Takes the request that has waited longest; blocks while there is none.
    fn take(&self) -> Job {
        let mut waiting = self.lock();
        waiting.idle_workers += 1;
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                waiting.idle_workers -= 1;
                waiting.bytes = waiting.bytes.saturating_sub(job.work.memory_bytes());
                return job;
            }
            waiting = self.arrival.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts the workers and serves `listener` until `stop`; `ready` is called once it does.
pub(crate) async fn run(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut stop: Stop,
    ready: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    let settings = &shared.settings;
    let indexing = Arc::new(Queue::new(settings.queue));
    for number in 0..settings.workers {
        start_worker(number, &shared, &indexing)?;
    }
    let queries = if settings.query_workers == 0 {
        Arc::clone(&indexing)
    } else {
        Arc::new(Queue::new(settings.queue))
    };
    for number in 0..settings.query_workers {
        start_worker(settings.workers + number, &shared, &queries)?;
    }
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let front = Front::Pool { indexing, queries };
    let router = router(Api { shared: Arc::clone(&shared), front });
    ready()?;
    // Every connection holds a sender; the channel is closed when the last one has ended.
    let (open, mut all_closed) = mpsc::channel::<()>(1);
    loop {
        tokio::select! {
            () = stop.stopped() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => spawn_connection(stream, &router, &shared, &stop, open.clone()),
                // No file descriptors left: clients wait in the backlog until some are closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            },
        }
    }
    drop(listener);
    drop(open);
    // An answer that takes longer than the grace period is lost with the process.
    let _ = tokio::time::timeout(GRACE, all_closed.recv()).await;
    Ok(())
}

fn start_worker(number: usize, shared: &Arc<Shared>, queue: &Arc<Queue>) -> io::Result<()> {
    let mut worker = Worker::new(number, Arc::clone(shared));
    let shared = Arc::clone(shared);
    let queue = Arc::clone(queue);
    let serve = move || {
        make_sleeps_precise();
        loop {
            let Job { work, arrived_ns, answer } = queue.take();
            let endpoint = work.endpoint();
            let reply = worker.serve(work, arrived_ns);
            // The client has gone; its request took that long all the same.
            if answer.send(reply).is_err() {
                let response_ns = shared.clock.now_ns().saturating_sub(arrived_ns);
                shared.metrics.answered(endpoint, response_ns);
            }
            worker.rest();
        }
    };
    thread::Builder::new().name(format!("worker-{number}")).spawn(serve).map(drop)
}

fn spawn_connection(
    stream: tokio::net::TcpStream,
    router: &Router,
    shared: &Arc<Shared>,
    stop: &Stop,
    open: mpsc::Sender<()>,
) {
    // Without it an answer may wait for the client's delayed acknowledgement; where it fails the
    // connection is already broken, and serving it finds out.
    drop(stream.set_nodelay(true));
    let visit = Arc::new(Visit::new(shared.clock.now_ns()));
    let router = router.clone();
    let shared = Arc::clone(shared);
    let stop = stop.clone();
    shared.metrics.connections_opened.fetch_add(1, Ordering::Relaxed);
    tokio::spawn(async move {
        serve_connection(TokioIo::new(stream), router, Arc::clone(&visit), true, stop).await;
        visit.count(&shared.metrics);
        drop(open);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;
    use serde_json::json;

    fn job() -> Job {
        Job { work: Work::Dashboard, arrived_ns: 0, answer: oneshot::channel().0 }
    }

    #[test]
    fn a_full_queue_refuses_and_room_is_free_again_after_a_take() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(job()), queue.push(job())), (Ok(()), Ok(())), "two fit");
        assert_eq!(queue.push(job()), Err(Full), "a third does not");
        drop(queue.take());
        assert_eq!(queue.push(job()), Ok(()), "until one is taken");
    }

    #[test]
    fn a_queue_of_large_documents_is_full_before_it_takes_too_much_memory() {
        let queue = Queue::new(100_000);
        let large = |megabytes: usize| {
            let body = json!({
                "name": "x".repeat(megabytes * 1024 * 1024), "directory": "", "host": "",
                "file_size": 0, "permissions": {},
            });
            let document = document::parse(body.to_string().as_bytes()).expect("a document");
            Job { work: Work::Index(document), ..job() }
        };
        for _ in 0..3 {
            assert_eq!(queue.push(large(80)), Ok(()), "240 MB fit");
        }
        assert_eq!(queue.push(large(80)), Err(Full), "320 MB do not");
        drop(queue.take());
        assert_eq!(queue.push(large(80)), Ok(()), "until one is taken");
    }

    #[test]
    fn a_request_that_an_idle_worker_takes_needs_no_room() {
        let queue = Queue::new(0);
        assert_eq!(queue.push(job()), Err(Full), "nobody is idle");
        queue.lock().idle_workers = 1;
        assert_eq!(queue.push(job()), Ok(()), "one worker is idle");
        assert_eq!(queue.push(job()), Err(Full), "and no second");
    }
}
