//! A server that does nothing: accepts every request on a thread of its own.
//!
//! What a generator reaches against it is the generator's own limit on this machine.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

/// A running sink; it ends with its handle.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Sink {
    /// Starts a sink on a free port of the loopback that answers every request with `status` and `answer`.
    pub(super) fn start(status: u16, answer: Vec<u8>) -> io::Result<Self> {
        let status = StatusCode::from_u16(status).map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("sink".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, status, Bytes::from(answer)) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A sink that has panicked has ended too.
            drop(thread.join());
        }
    }
}

async fn serve(listener: TcpListener, status: StatusCode, answer: Bytes) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    // What one client opens at the most is bounded by that client; an error of accept is its shortage.
    while let Ok((socket, _)) = listener.accept().await {
        drop(socket.set_nodelay(true));
        let answer = answer.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer.clone();
            async move {
                // The body is read to its end, as a real server would.
                drop(request.into_body().collect().await);
                let mut response = Response::new(Full::new(answer));
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), service));
    }
}
