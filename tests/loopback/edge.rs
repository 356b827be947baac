//! `plimsoll edge` over real sockets: the example API stands everything, and whoever does not is found out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::encrypted::Encrypted;
use crate::support::tool::{plimsoll, run, stderr};
use crate::support::{Manner, Server};
use plimsoll::edge::{After, Heard, RawExchange, Sending};
use plimsoll::live::raw::RawLine;
use plimsoll::live::tls::{TlsClient, Trust};
use plimsoll::live::{Address, Secret};
use serde_json::Value;

fn rows(stdout: &[u8]) -> Vec<Value> {
    serde_json::from_slice(stdout).expect("JSON rows")
}

/// Ids and verdicts of the rows in which the target broke.
fn broken(rows: &[Value]) -> Vec<(String, String)> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    let bad = rows.iter().filter(|row| row["verdict"] != "ok");
    bad.map(|row| (text(row, "id"), text(row, "verdict"))).collect()
}

#[test]
fn the_example_api_stands_every_case_in_both_fronts() {
    let fronts =
        [&["SERVICE_MS=1"][..], &["FRONT=prefork", "ENGINE=compat", "SERVICE_MS=1", "WORKERS=1"]];
    for words in fronts {
        let folder = tempfile::tempdir().unwrap();
        let output = run(folder.path(), &[&["edge", "--json"], words].concat());
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
        let rows = rows(&output.stdout);
        assert!(rows.len() >= 150, "{words:?}: {} rows", rows.len());
        assert!(broken(&rows).is_empty(), "{words:?}");
        for row in &rows {
            assert_eq!(row["next_accepted"], true, "{row}");
            assert_eq!(row["as_expected"], true, "{row}");
        }
        let waits = rows.iter().find(|row| row["id"] == "http-length-long").unwrap();
        assert_eq!(waits["status"], Value::Null, "waiting is no answer: {waits}");
    }
}

/// Answers good documents, and breaks at three cases: 500 without permissions, silence at a host, and a connection
/// closed at a size.
fn fragile() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&connections);
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::Relaxed);
            thread::spawn(move || serve_fragile(socket));
        }
    });
    (address, connections)
}

fn serve_fragile(mut socket: TcpStream) {
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    loop {
        let (mut line, mut length, mut is_chunked) = (String::new(), 0, false);
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            is_chunked |= lower.starts_with("transfer-encoding");
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let document = serde_json::from_slice::<Value>(&body).unwrap_or(Value::Null);
        let (status, close) = match &document {
            _ if is_chunked => (411, true),
            Value::Object(fields) if !fields.contains_key("permissions") => (500, false),
            Value::Object(_) if document["host"] == "2001:db8::1" => {
                thread::sleep(Duration::from_secs(30));
                return;
            }
            Value::Object(_) if document["file_size"].as_f64() == Some(1.5) => return,
            Value::Object(_) => (200, false),
            _ => (400, true),
        };
        let end = if close { "connection: close\r\n" } else { "" };
        let text = if status == 200 { "\"OK\"" } else { "{}" };
        let answer =
            format!("HTTP/1.1 {status} X\r\n{end}content-length: {}\r\n\r\n{text}", text.len());
        if socket.write_all(answer.as_bytes()).is_err() || close {
            return;
        }
    }
}

#[test]
fn a_target_that_breaks_is_found_out_case_by_case() {
    let (address, connections) = fragile();
    let folder = tempfile::tempdir().unwrap();
    let target = format!("TARGET=http://{address}");
    let output = run(folder.path(), &["edge", "--json", &target]);
    let rows = rows(&output.stdout);
    let expected =
        [("permissions-absent", "5xx"), ("size-fraction", "broke"), ("host-ipv6", "hung")];
    let expected = expected.map(|(id, verdict)| (id.to_owned(), verdict.to_owned()));
    assert_eq!(broken(&rows), expected, "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(1), "each of them is a fault");
    assert!(stderr(&output).contains("host-ipv6: hung"), "told as it comes: {}", stderr(&output));
    assert!(rows.iter().all(|row| row["next_accepted"] == true), "it lives on");
    let unusual: Vec<_> = rows.iter().filter(|row| row["as_expected"] == false).collect();
    assert!(unusual.len() > 5, "it takes sizes that are none: {}", unusual.len());
    assert!(connections.load(Ordering::Relaxed) < 400, "a connection for each case, not more");
    let table = run(folder.path(), &["edge", &target]);
    let text = String::from_utf8(table.stdout).unwrap();
    assert!(text.contains("the target broke in 3 cases"), "{text}");
}

#[test]
fn a_target_that_is_not_ready_is_not_asked() {
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nothing = run(folder.path(), &["edge", &format!("TARGET=http://127.0.0.1:{port}")]);
    assert_eq!(nothing.status.code(), Some(4), "{}", stderr(&nothing));
    let server = Server::start(Manner::Html);
    let html = run(folder.path(), &["edge", &format!("TARGET={}", server.base_url())]);
    assert_eq!(html.status.code(), Some(4), "{}", stderr(&html));
    for words in [&["edge", "RPS=5"][..], &["edge", "TARGET=http://192.0.2.1"], &["edge", "x"]] {
        assert_eq!(run(folder.path(), words).status.code(), Some(2), "{words:?}");
    }
}

#[test]
fn a_target_that_dies_is_given_up_and_ctrl_c_ends_it_all() {
    let folder = tempfile::tempdir().unwrap();
    // The preflight takes some 20 requests, the catalogue more.
    let server = Server::start(Manner::KeepAlive);
    let mut child =
        plimsoll(folder.path(), &["edge", "--json", &format!("TARGET={}", server.base_url())])
            .spawn()
            .unwrap();
    while server.requests.load(Ordering::Relaxed) < 60 {
        thread::sleep(Duration::from_millis(5));
    }
    let id = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "at once, with the rows so far");

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || mortal(&listener, 40));
    let output = run(folder.path(), &["edge", "--json", &format!("TARGET=http://{address}")]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(rows(&output.stdout).len() < 30, "nobody asks a dead target 150 times");
}

/// Takes so many requests, one on each connection, then is gone.
fn mortal(listener: &TcpListener, requests: usize) {
    for _ in 0..requests {
        let (mut socket, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(socket.try_clone().unwrap());
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap_or(0) > 2 {
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        drop(reader.read_exact(&mut body));
        drop(
            socket.write_all(
                b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\n\"OK\"",
            ),
        );
    }
}

#[test]
fn bytes_go_over_encrypted_connections_too_with_who_we_are() {
    let server = Encrypted::start("\"OK\"", None);
    let tls = Some(TlsClient::new("127.0.0.1", &Trust::File(server.ca.clone())).unwrap());
    let authorization = Some(Secret("Bearer t".to_owned()));
    let address = Address { tls, authorization, ..Address::plain(server.address) };
    let mut line = RawLine::new(address, 3000, &|| false);
    let request = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    for is_reused in [false, true] {
        let came = line.send(&Sending::whole(request.clone()));
        assert_eq!(came.is_reused, is_reused, "the connection is kept");
        assert_eq!(came.heard, Heard::Answer { status: 200, body: b"\"OK\"".to_vec() }, "heard");
    }
    line.renew();
    assert!(!line.send(&Sending::whole(request)).is_reused, "a new one");
    let heads = server.heads.lock().unwrap();
    assert!(heads.iter().all(|head| head.contains("authorization: Bearer t")), "{heads:?}");
}

#[test]
fn each_way_of_not_answering_has_its_name() {
    let ask = |manner, after| {
        let server = Server::start(manner);
        let mut line = RawLine::new(Address::plain(server.address), 1500, &|| false);
        let whole = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}".to_vec();
        let part = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{}".to_vec();
        let bytes = if after == After::HangUp { part } else { whole };
        line.send(&Sending::whole(bytes).then(after))
    };
    let silent = ask(Manner::Silent, After::Keep);
    assert_eq!(silent.heard, Heard::Silence, "silence");
    assert!((1400.0..2500.0).contains(&silent.took_ms), "for its time-out: {}", silent.took_ms);
    let waiting = ask(Manner::KeepAlive, After::HangUp);
    assert_eq!(waiting.heard, Heard::Waits, "a server that waits for the rest is not silent");
    for manner in [Manner::Slam, Manner::HangUp, Manner::Garbage, Manner::Truncate, Manner::Reset] {
        let came = ask(manner, After::Keep);
        assert!(matches!(came.heard, Heard::Broken(_)), "{manner:?}: {came:?}");
    }
    let filling = vec![b'x'; 9_000_000];
    let large =
        [b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9000000\r\n\r\n".as_slice(), &filling];
    let server = Server::start(Manner::HangUp);
    let mut line = RawLine::new(Address::plain(server.address), 3000, &|| false);
    let came = line.send(&Sending::whole(large.concat()));
    assert_eq!(came.heard, Heard::CutOff, "refused while it is under way");
    let early = Server::start(Manner::Early);
    let mut line = RawLine::new(Address::plain(early.address), 3000, &|| false);
    let came = line.send(&Sending::whole(large.concat()));
    let is_refusal = matches!(came.heard, Heard::Answer { status: 413, .. } | Heard::CutOff);
    assert!(is_refusal, "an answer before the end counts: {came:?}");
}
