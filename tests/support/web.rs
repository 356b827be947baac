//! A server in a few lines: every request is answered by a function.
#![allow(dead_code, reason = "not every test crate needs one")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A request as the function sees it.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Serves on a free port as long as the process lives; status and body are the answer.
pub(crate) fn serve(
    answer: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, answer) = (listener.local_addr().unwrap(), Arc::new(answer));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            // A client that goes away ends its own thread.
            thread::spawn(move || connection(&stream, &*answer));
        }
    });
    address
}

fn connection(stream: &TcpStream, answer: &dyn Fn(&Request) -> (u16, String)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut first, mut head, mut length) = (String::new(), String::new(), 0);
        reader.read_line(&mut first).ok().filter(|bytes| *bytes > 0)?;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? <= 2 {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse().ok()?;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let mut words = first.split(' ').map(str::to_owned);
        let (method, path) = (words.next()?, words.next()?);
        let (status, text) = answer(&Request { method, path, head, body });
        let mut stream = stream;
        let length = text.len();
        write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n\r\n{text}").ok()?;
    }
}
