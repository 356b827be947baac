//! A server for tests: plain threads on a free port of the loopback, one behaviour each.
#![allow(dead_code, reason = "every test crate uses its own part")]

pub(crate) mod bus;
pub(crate) mod crew;
pub(crate) mod encrypted;
pub(crate) mod hosts;
pub(crate) mod page;
pub(crate) mod search;
pub(crate) mod tool;
pub(crate) mod trials;
pub(crate) mod web;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the server does with a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Manner {
    /// Answers `"OK"` and keeps the connection.
    KeepAlive,
    /// Answers `"OK"` and closes the connection, saying so.
    CloseEach,
    /// Answers `"OK"` and closes the connection without a word after so many requests.
    CloseAfter(u32),
    /// Answers after this many milliseconds.
    Slow(u64),
    /// Reads the request and never answers.
    Silent,
    /// Answers with this status and a JSON error.
    Status(u16),
    /// Answers 200 with a page.
    Html,
    /// Answers something that is not HTTP.
    Garbage,
    /// Closes the connection in the middle of the answer.
    Truncate,
    /// Sends a body without end, as fast as it is taken.
    Endless,
    /// Sends its answer byte by byte, one each 20 ms.
    Drip,
    /// Sends a head of 1 MB.
    BigHead,
    /// Sends interim answers without end.
    Interim,
    /// Closes every connection as soon as it is accepted.
    Slam,
    /// Says that it closes the connection and leaves it open.
    CloseNever,
    /// Resets the connection in the middle of the answer.
    Reset,
    /// Refuses a request with 413 as soon as its head is there, and closes.
    Early,
    /// Closes the connection as soon as the head of a request is there.
    HangUp,
    /// Announces a body of 1 GB and sends it as fast as it is taken.
    Gigabyte,
}

/// A running server; it stops answering when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicU64>,
    pub(crate) requests: Arc<AtomicU64>,
    /// Bodies of the requests.
    pub(crate) bodies: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let server = Self {
            address: listener.local_addr().expect("an address"),
            connections: Arc::default(),
            requests: Arc::default(),
            bodies: Arc::default(),
            stop: Arc::default(),
        };
        let (connections, requests) = (server.connections.clone(), server.requests.clone());
        let bodies = server.bodies.clone();
        let stop = server.stop.clone();
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                connections.fetch_add(1, Ordering::Relaxed);
                let (requests, bodies) = (requests.clone(), bodies.clone());
                thread::spawn(move || serve(socket, manner, &requests, &bodies));
            }
        });
        server
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the accepting thread, which then lets go of the port.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(socket: TcpStream, manner: Manner, requests: &AtomicU64, bodies: &Mutex<Vec<String>>) {
    if manner == Manner::Slam {
        return;
    }
    socket.set_nodelay(true).expect("a live socket");
    let mut reader = BufReader::new(socket.try_clone().expect("a second handle"));
    let mut writer = socket;
    let mut served = 0;
    while let Some((is_query, length)) = read_head(&mut reader) {
        if manner == Manner::HangUp {
            return;
        }
        if manner == Manner::Early {
            drop(
                writer.write_all(
                    b"HTTP/1.1 413 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                ),
            );
            return;
        }
        let mut request = vec![0; length];
        if reader.read_exact(&mut request).is_err() {
            return;
        }
        requests.fetch_add(1, Ordering::Relaxed);
        bodies.lock().expect("no panic").push(String::from_utf8_lossy(&request).into_owned());
        served += 1;
        let body = if is_query { "{\"documents\":1}" } else { "\"OK\"" };
        if !answer(&mut writer, manner, body) {
            return;
        }
        if manner == Manner::CloseEach || manner == Manner::CloseAfter(served) {
            return;
        }
    }
}

/// Reads the head of one request; `None` at the end of the connection, else whether it was a GET, and how long its
/// body is.
fn read_head(reader: &mut BufReader<TcpStream>) -> Option<(bool, usize)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let is_query = line.starts_with("GET");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            return Some((is_query, length));
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
}

/// Sends `part` after `head`, again and again, until the other side has had enough.
fn pour(writer: &mut TcpStream, head: &str, part: &str) -> bool {
    let mut goes_on = writer.write_all(head.as_bytes()).is_ok();
    while goes_on {
        goes_on = writer.write_all(part.as_bytes()).is_ok();
    }
    false
}

fn answer(writer: &mut TcpStream, manner: Manner, body: &str) -> bool {
    let says_close = matches!(manner, Manner::CloseEach | Manner::CloseNever);
    let close = if says_close { "connection: close\r\n" } else { "" };
    let (status, kind, body) = match manner {
        Manner::Status(status) => (status, "application/json", "{\"error\":\"no\"}"),
        Manner::Html => (200, "text/html", "<html>hello</html>"),
        _ => (200, "application/json", body),
    };
    match manner {
        Manner::Slow(delay_ms) => thread::sleep(Duration::from_millis(delay_ms)),
        Manner::Silent => thread::sleep(Duration::from_secs(120)),
        Manner::Endless => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let chunk = format!("1;{}\r\nx\r\n", "e".repeat(8000)).repeat(8);
            return pour(writer, head, &chunk);
        }
        Manner::Gigabyte => {
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
            return pour(writer, head, &"x".repeat(1 << 16));
        }
        Manner::Reset => {
            drop(writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
            // The other side reads the half first.
            thread::sleep(Duration::from_millis(5));
            let linger = nix::libc::linger { l_onoff: 1, l_linger: 0 };
            nix::sys::socket::setsockopt(writer, nix::sys::socket::sockopt::Linger, &linger)
                .expect("a live socket");
            return false;
        }
        Manner::Interim => return pour(writer, "", &"HTTP/1.1 100 Go on\r\n\r\n".repeat(1000)),
        Manner::BigHead => {
            return pour(writer, "HTTP/1.1 200 OK\r\n", &format!("x: {}\r\n", "y".repeat(1 << 20)));
        }
        Manner::Drip => {
            let text = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\"OK\"";
            return text.bytes().all(|byte| {
                thread::sleep(Duration::from_millis(20));
                writer.write_all(&[byte]).is_ok()
            });
        }
        Manner::Garbage => return writer.write_all(b"\x00\x01 what?\r\n\r\n").is_ok(),
        Manner::Truncate => {
            drop(writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"));
            return false;
        }
        _ => {}
    }
    let text = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{close}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    writer.write_all(text.as_bytes()).is_ok()
}
