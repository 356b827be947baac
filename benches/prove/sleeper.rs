//! A server inside this process whose workers sleep: what it sustains does not depend on the machine.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use plimsoll::sim::plan::ServiceLaw;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp1};
use tokio::sync::oneshot;

/// A request that waits for a worker: since when, and whom to tell.
type Job = (Instant, oneshot::Sender<()>);

/// A running server; it ends with its handle.
pub(crate) struct Sleeper {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Sleeper {
    /// Starts a server with so many workers; the exponential service times follow from `seed`.
    pub(crate) fn start(workers: u32, service_ms: f64, law: ServiceLaw, seed: u64) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a listener can be non-blocking");
        let address = listener.local_addr().expect("a listener has an address");
        let (queue, jobs) = mpsc::channel::<Job>();
        let jobs = Arc::new(Mutex::new(jobs));
        for worker in 0..u64::from(workers) {
            let jobs = Arc::clone(&jobs);
            let chance = Xoshiro256PlusPlus::seed_from_u64(seed * 1000 + worker);
            thread::spawn(move || serve(&jobs, service_ms, law, chance));
        }
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! {
                    () = accept(listener, queue) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server did not panic");
        }
    }
}

/// One worker. It keeps account of when it is free in exact instants, so that waking late delays an answer but
/// never the next service.
fn serve(
    jobs: &Mutex<mpsc::Receiver<Job>>,
    service_ms: f64,
    law: ServiceLaw,
    mut chance: Xoshiro256PlusPlus,
) {
    let mut free = Instant::now();
    loop {
        let Ok((since, done)) = jobs.lock().expect("no worker panics").recv() else { return };
        let factor: f64 = match law {
            ServiceLaw::Exponential => Exp1.sample(&mut chance),
            _ => 1.0,
        };
        free = free.max(since) + Duration::from_secs_f64(service_ms * factor / 1000.0);
        thread::sleep(free.saturating_duration_since(Instant::now()));
        // The caller may have given up meanwhile.
        let _ = done.send(());
    }
}

async fn accept(listener: std::net::TcpListener, queue: mpsc::Sender<Job>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    while let Ok((socket, _)) = listener.accept().await {
        socket.set_nodelay(true).expect("a socket without delay");
        let queue = queue.clone();
        let service = service_fn(move |request| answer(request, queue.clone()));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    queue: mpsc::Sender<Job>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let is_index = request.method() == Method::POST;
    drop(request.into_body().collect().await);
    let (done, ended) = oneshot::channel();
    drop(queue.send((Instant::now(), done)));
    drop(ended.await);
    let body: &'static [u8] = if is_index { b"\"OK\"" } else { b"{}" };
    Ok(Response::new(Full::new(Bytes::from_static(body))))
}
