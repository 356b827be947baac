//! A small HTTP server for whoever watches a run: a thread of its own, few connections, no names but its own.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::live_page::LivePage;
use super::metrics::{Format, Metrics};

/// Connections at a time; more wait in the system's queue.
const CONNECTIONS_MAX: usize = 64;
/// Those of them that may listen, which they do for as long as they like: the others stay for whoever asks once.
const LISTENERS_MAX: usize = 32;
/// Whoever does not listen must have read its answer by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A client that has not sent the head of its request by then is no client.
const HEAD_WITHIN: Duration = Duration::from_secs(5);

const HTML: &str = "text/html; charset=utf-8";
const EVENTS: &str = "text/event-stream";
/// What stands there until the run has begun; it asks again by itself.
const NOT_BEGUN: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" \
    content=\"1\"><title>plimsoll</title><p>The run is about to begin.</p></html>\n";

type Body = BoxBody<Bytes, Infallible>;

/// What is served at an address.
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// At `/metrics`.
    pub metrics: Option<Metrics>,
    /// At `/` and `/events`.
    pub page: Option<LivePage>,
}

/// A running server; it ends with its handle.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Serves `offer` at `address`; port 0 is a free one.
    ///
    /// # Errors
    /// When the address is taken or not this machine's, or the system gives no thread.
    pub fn start(address: SocketAddr, offer: Offer) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let door = Arc::new(Door { is_local: address.ip().is_loopback(), offer });
        let thread = thread::Builder::new().name("live view".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, door) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A server that has panicked has ended too.
            drop(thread.join());
        }
    }
}

/// Who is let in, and to what.
#[derive(Debug)]
struct Door {
    /// Whether only this machine can connect.
    is_local: bool,
    offer: Offer,
}

async fn serve(listener: TcpListener, door: Arc<Door>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let seats = Arc::new(Semaphore::new(LISTENERS_MAX));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let Ok((socket, _)) = listener.accept().await else {
            // Out of descriptors, most likely: those of the trial come first.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let door = Arc::clone(&door);
        let seat = Arc::new(Seat { free: Arc::clone(&seats), taken: OnceLock::new() });
        let own = Arc::clone(&seat);
        let service = service_fn(move |request: Request<Incoming>| {
            let response = door.answer(&request, &own);
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WITHIN)
            // A place is given back with every answer.
            .keep_alive(false)
            .serve_connection(TokioIo::new(socket), service);
        tokio::spawn(async move {
            let mut connection = pin!(connection);
            // Whatever a client breaks off is its own loss.
            let answered = tokio::time::timeout(ANSWER_WITHIN, &mut connection).await;
            if answered.is_err() && seat.taken.get().is_some() {
                drop(connection.await);
            }
            drop(place);
        });
    }
}

/// The place of one who listens, which it has for as long as its connection.
#[derive(Debug)]
struct Seat {
    free: Arc<Semaphore>,
    taken: OnceLock<OwnedSemaphorePermit>,
}

impl Seat {
    /// Whether there was one.
    fn take(&self) -> bool {
        let permit = Arc::clone(&self.free).try_acquire_owned();
        permit.is_ok_and(|permit| self.taken.set(permit).is_ok())
    }
}

impl Door {
    fn answer<T>(&self, request: &Request<T>, seat: &Seat) -> Response<Body> {
        let headers = request.headers();
        if self.is_local && !names_this_machine(headers) {
            return refusal(StatusCode::FORBIDDEN, "ask by address or as localhost");
        }
        if request.method() != Method::GET {
            return refusal(StatusCode::METHOD_NOT_ALLOWED, "GET only");
        }
        let Offer { metrics, page } = &self.offer;
        match (request.uri().path(), metrics, page) {
            ("/metrics", Some(metrics), _) => {
                let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
                let format = Format::of(accept.unwrap_or_default());
                response(StatusCode::OK, format.content_type(), metrics.text(format))
            }
            ("/", _, Some(page)) => page.whole().map_or_else(
                || response(StatusCode::OK, HTML, NOT_BEGUN.to_owned()),
                |page| response(StatusCode::OK, HTML, page),
            ),
            ("/events", _, Some(_)) if !seat.take() => {
                refusal(StatusCode::SERVICE_UNAVAILABLE, "too many listen already")
            }
            ("/events", _, Some(page)) => dressed(Response::new(page.events().boxed()), EVENTS),
            // Browsers ask for it by themselves.
            ("/favicon.ico", _, _) => response(StatusCode::NO_CONTENT, HTML, String::new()),
            (_, Some(_), _) => refusal(StatusCode::NOT_FOUND, "figures are at /metrics"),
            _ => refusal(StatusCode::NOT_FOUND, "nothing here"),
        }
    }
}

/// Whether the request was meant for this machine: a page of somebody else's, whose name was made to point here, names
/// itself in the `Host` header.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_port = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(host, |it| it.0);
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

fn refusal(status: StatusCode, why: &str) -> Response<Body> {
    response(status, "text/plain; charset=utf-8", format!("{why}\n"))
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(Full::new(text.into()).boxed());
    *response.status_mut() = status;
    dressed(response, content_type)
}

fn dressed(mut response: Response<Body>, content_type: &'static str) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{capacity, run, terms};
    use crate::search::finding::Finding;
    use std::io::{Read, Write};
    use std::net::TcpStream;

    fn start() -> Server {
        let offer = Offer { metrics: Some(Metrics::default()), page: None };
        Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), offer).unwrap()
    }

    fn ask(server: &Server, request: &str) -> String {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn only_requests_that_name_this_machine_are_answered() {
        let server = start();
        for (host, status) in [
            ("localhost", "200"),
            ("localhost:9464", "200"),
            ("127.0.0.1:9464", "200"),
            ("[::1]:9464", "200"),
            ("evil.example", "403"),
            ("evil.example:9464", "403"),
            ("localhost.evil.example", "403"),
            ("127.0.0.1.evil.example", "403"),
        ] {
            let answer = ask(&server, &format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n"));
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{host}: {answer}");
        }
        assert!(ask(&server, "GET /metrics HTTP/1.0\r\n\r\n").contains(" 403 "), "no host at all");
    }

    #[test]
    fn other_paths_and_methods_are_refused() {
        let server = start();
        let get = ask(&server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(get.contains(" 404 ") && get.contains("/metrics"), "{get}");
        let post = ask(&server, "POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(post.contains(" 405 "), "{post}");
    }

    #[test]
    fn idle_connections_leave_room_for_others_and_end_with_the_server() {
        let server = start();
        let idle: Vec<TcpStream> = (0..CONNECTIONS_MAX - 1)
            .map(|_| TcpStream::connect(server.address()).unwrap())
            .collect();
        let answer = ask(&server, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop(server);
        for mut socket in idle {
            assert_eq!(socket.read(&mut [0; 1]).unwrap_or(0), 0, "it is closed");
        }
    }

    #[test]
    fn those_who_listen_leave_room_for_those_who_ask() {
        let page = LivePage::new(|| 0);
        let offer = Offer { metrics: Some(Metrics::default()), page: Some(page.clone()) };
        let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), offer).unwrap();
        let listen = || {
            let mut socket = TcpStream::connect(server.address()).unwrap();
            socket.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut begun = [0; 12];
            socket.read_exact(&mut begun).unwrap();
            (String::from_utf8_lossy(&begun).into_owned(), socket)
        };
        let listeners: Vec<(String, TcpStream)> = (0..CONNECTIONS_MAX).map(|_| listen()).collect();
        let let_in = listeners.iter().filter(|(head, _)| head == "HTTP/1.1 200").count();
        assert_eq!(let_in, LISTENERS_MAX, "the others are told so");
        let answer = ask(&server, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    #[test]
    fn a_page_of_several_runs_is_heard_to_the_end_of_the_last() {
        let page = LivePage::new(|| 0);
        let offer = Offer { metrics: None, page: Some(page.clone()) };
        let server = Server::start(SocketAddr::from(([127, 0, 0, 1], 0)), offer).unwrap();
        let result = || run(capacity(Finding::Capacity, Some(400.0)), terms(), 20);
        page.put(result());
        let address = server.address();
        let heard = std::thread::spawn(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut text = String::new();
            socket.read_to_string(&mut text).unwrap();
            text
        });
        let mut looks = 0..100;
        while !page.is_watched() && looks.next().is_some() {
            std::thread::sleep(Duration::from_millis(20));
        }
        page.put(result());
        page.finish();
        let heard = heard.join().unwrap();
        assert!(heard.matches("data: {").count() >= 2, "the first run did not end it");
        assert!(heard.contains("event: end\n"), "and the last one did");
    }

    #[test]
    fn a_taken_address_is_an_error() {
        let server = start();
        let again = Server::start(server.address(), Offer::default());
        assert_eq!(again.unwrap_err().kind(), io::ErrorKind::AddrInUse, "it is taken");
    }
}
