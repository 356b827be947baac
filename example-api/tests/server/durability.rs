//! What is acknowledged is there afterwards, once, whatever happens to the server.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::common::{Server, command, send_on, wait_until};
use serde_json::{Value, json};

fn body(name: &str, host: &str) -> String {
    json!({
        "name": name, "directory": "/d", "host": host, "file_size": 1,
        "permissions": {"alice": "READ"},
    })
    .to_string()
}

fn searchable(server: &Server) -> u64 {
    server.ask("GET", "/api/query/count", "").json()["documents"].as_u64().unwrap()
}

/// Posts documents of `host` until the server is gone, at most `most`.
/// Returns the names that were acknowledged, and one that may or may not be there.
fn post_until_the_end(address: String, host: String, most: usize) -> JoinHandle<Posted> {
    thread::spawn(move || {
        let mut posted = Posted::default();
        let mut stream = TcpStream::connect(address).unwrap();
        for number in 0..most {
            let name = format!("{host}n{number}");
            if !is_acknowledged(&mut stream, &body(&name, &host)) {
                posted.unknown = Some(name);
                break;
            }
            posted.acknowledged.push(name);
        }
        posted
    })
}

#[derive(Default)]
struct Posted {
    acknowledged: Vec<String>,
    unknown: Option<String>,
}

fn is_acknowledged(stream: &mut TcpStream, body: &str) -> bool {
    let head =
        format!("POST /api/index HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n", body.len());
    if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
        return false;
    }
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 || !line.starts_with("HTTP/1.1 200") {
        return false;
    }
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        if let Some(text) = line.strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).is_ok()
}

/// All names of a host; each page is asked for by itself.
fn names_of(server: &Server, host: &str) -> Vec<String> {
    let mut names = Vec::new();
    for from in (0..10_000).step_by(1000) {
        let path = format!("/api/query/search?host={host}&from={from}&size=1000");
        let answer = server.ask("GET", &path, "").json();
        let documents = answer["documents"].as_array().unwrap();
        names.extend(documents.iter().map(|one| one["name"].as_str().unwrap().to_owned()));
        if documents.len() < 1000 {
            break;
        }
    }
    names
}

/// Rounds of load, kill -9 and a start on the same folder.
fn kill_rounds(rounds: usize, settings: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let settings = [settings, &[("DATA", data), ("WORKERS", "8"), ("REFRESH_MS", "150")]].concat();
    let mut before = 0;
    for round in 0..rounds {
        let server = Server::start(&settings);
        assert_eq!(searchable(&server), before, "round {round}: as it was left");
        let hosts: Vec<String> = (0..6).map(|thread| format!("r{round}t{thread}")).collect();
        let posting: Vec<_> = hosts
            .iter()
            .map(|host| post_until_the_end(server.address.clone(), host.clone(), 9000))
            .collect();
        // Another moment in each round, in the middle of a refresh or between two.
        thread::sleep(Duration::from_millis(900 + 37 * round as u64));
        server.kill();
        let posted: Vec<Posted> = posting.into_iter().map(|one| one.join().unwrap()).collect();
        let server = Server::start(&settings);
        let total = searchable(&server);
        let mut acknowledged_total = 0;
        for (host, posted) in hosts.iter().zip(&posted) {
            let names = names_of(&server, host);
            let found: HashSet<&String> = names.iter().collect();
            assert_eq!(found.len(), names.len(), "round {round}: none is there twice");
            for name in &posted.acknowledged {
                assert!(found.contains(name), "round {round}: {name} is lost");
            }
            let more = names.len() - posted.acknowledged.len();
            assert!(more <= usize::from(posted.unknown.is_some()), "round {round}: {more} more");
            acknowledged_total += posted.acknowledged.len() as u64;
        }
        let unknown = posted.iter().filter(|one| one.unknown.is_some()).count() as u64;
        let range = before + acknowledged_total..=before + acknowledged_total + unknown;
        assert!(range.contains(&total), "round {round}: {total} of {range:?}");
        assert!(acknowledged_total > 20, "round {round}: {acknowledged_total} documents only");
        let distinct = server.ask("GET", "/api/query/count?distinct=true", "").json();
        assert_eq!(distinct["distinct_names"], total, "round {round}: every name is there once");
        before = total;
    }
}

#[test]
fn a_killed_server_has_lost_no_acknowledged_document_and_holds_none_twice() {
    let rounds = std::env::var("KILL_ROUNDS").ok().and_then(|text| text.parse().ok());
    kill_rounds(rounds.unwrap_or(2), &[("ACK_MS", "0")]);
}

#[test]
fn a_killed_server_keeps_what_it_wrote_without_a_sync_too() {
    kill_rounds(1, &[("ACK_MS", "1"), ("DURABILITY", "async")]);
}

#[test]
fn without_waiting_for_it_the_log_is_synced_within_five_seconds() {
    let server = Server::start(&[("DURABILITY", "async"), ("REFRESH_MS", "60000")]);
    for number in 0..20 {
        server.ask("POST", "/api/index", &body(&format!("n{number}"), "h"));
    }
    assert!(server.metric("example_api_log_syncs_total") < 1.5, "no sync for each document");
    wait_until(|| server.metric("example_api_log_syncs_total") > 0.5);
}

#[test]
fn one_sync_carries_the_documents_of_many_workers() {
    let server = Server::start(&[("WORKERS", "32"), ("ACK_MS", "0")]);
    let posting: Vec<_> = (0..32)
        .map(|thread| post_until_the_end(server.address.clone(), format!("t{thread}"), 100))
        .collect();
    for one in posting {
        assert_eq!(one.join().unwrap().acknowledged.len(), 100, "all are acknowledged");
    }
    let documents = server.metric("example_api_documents_total");
    let syncs = server.metric("example_api_log_syncs_total");
    assert_eq!(documents.to_string(), "3200", "all are counted");
    assert!(syncs < documents / 2.0, "{syncs} syncs for {documents} documents");
    assert!(server.metric("example_api_log_bytes_total") > 3200.0 * 100.0, "bytes are counted");
}

/// A folder whose server was killed with five documents in the log and none in the index.
fn killed_with_five(folder: &Path) -> PathBuf {
    let data = folder.to_str().unwrap();
    let server = Server::start(&[("DATA", data), ("REFRESH_MS", "60000"), ("ACK_MS", "0")]);
    for number in 0..5 {
        let answer = server.ask("POST", "/api/index", &body(&format!("n{number}"), "h"));
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    assert_eq!(searchable(&server), 0, "not before the refresh");
    server.kill();
    let mut files = fs::read_dir(folder.join("log")).unwrap();
    files.next().unwrap().unwrap().path()
}

#[test]
fn a_record_that_was_never_completed_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let log = killed_with_five(folder.path());
    let whole = fs::read(&log).unwrap();
    fs::write(&log, [&whole[..], &whole[..50]].concat()).unwrap();
    let server = Server::start(&[("DATA", data)]);
    assert_eq!(searchable(&server), 5, "all that were completed");
    drop(server);

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let log = killed_with_five(folder.path());
    let whole = fs::read(&log).unwrap();
    fs::write(&log, &whole[..whole.len() - 1]).unwrap();
    let server = Server::start(&[("DATA", data), ("REFRESH_MS", "10")]);
    assert_eq!(searchable(&server), 4, "the fifth is cut off");
    assert_eq!(server.ask("POST", "/api/index", &body("next", "h")).status, 200, "it goes on");
    wait_until(|| searchable(&server) == 5);
}

#[test]
fn damage_in_the_middle_of_the_log_is_told_in_one_line() {
    for place in [6, 40] {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let log = killed_with_five(folder.path());
        let mut bytes = fs::read(&log).unwrap();
        bytes[place] ^= 1;
        fs::write(&log, bytes).unwrap();
        let output = command(&[("DATA", data)]).args(["--listen", "127.0.0.1:0"]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
        for part in ["DATA", "damaged at byte 0", log.to_str().unwrap()] {
            assert!(message.contains(part), "{message}");
        }
    }
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = Server::start(&[("DATA", data)]);
    let output = command(&[("DATA", data)]).args(["--listen", "127.0.0.1:0"]).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.lines().count() == 1 && message.contains("another server"), "{message}");
    assert_eq!(server.ask("POST", "/api/index", &body("n", "h")).status, 200, "unharmed");
}

#[test]
fn an_orderly_end_makes_everything_searchable() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    for round in 1..=2 {
        let mut server = Server::start(&[("DATA", data), ("REFRESH_MS", "60000")]);
        let answer = server.ask("POST", "/api/index", &body(&format!("n{round}"), "h"));
        assert_eq!(answer.status, 200, "{answer:?}");
        server.close_stdin();
        assert_eq!(server.wait().code(), Some(0), "ended");
        let log = fs::read_dir(folder.path().join("log")).unwrap().next().unwrap().unwrap();
        let server = Server::start(&[("DATA", data)]);
        assert!(!log.path().exists(), "the log of the earlier run is gone");
        assert_eq!(searchable(&server), round, "documents");
    }
}

#[test]
fn after_a_write_that_fails_nothing_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    // No file may grow beyond 64 KiB; the signal that would end the server is ignored.
    let shell = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} --listen 127.0.0.1:0 --until-stdin-closes",
        env!("CARGO_BIN_EXE_example-api")
    );
    let mut child = Command::new("bash")
        .args(["-c", &shell])
        .env_clear()
        .envs([("DATA", data), ("REFRESH_MS", "60000"), ("ACK_MS", "0")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    let (mut accepted, mut failed) = (Vec::new(), 0);
    for number in 0..40 {
        let name = format!("n{number}{}", "x".repeat(3000));
        let mut stream = TcpStream::connect(&address).unwrap();
        send_on(&mut stream, "POST", "/api/index", body(&name, "h").as_bytes());
        let answer = crate::common::Answer::read(&mut stream);
        match answer.status {
            200 => accepted.push(name),
            500 => failed += 1,
            other => panic!("{other}: {answer:?}"),
        }
        assert!(failed == 0 || answer.status == 500, "none is accepted after the first failure");
        if answer.status == 500 {
            let error = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(error.contains("log"), "{error}");
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!accepted.is_empty() && failed > 0, "{} accepted, {failed} failed", accepted.len());
    let server = Server::start(&[("DATA", data)]);
    let names: HashSet<String> = names_of(&server, "h").into_iter().collect();
    assert!(accepted.iter().all(|name| names.contains(name)), "those accepted are there");
    assert_eq!(names.len(), accepted.len(), "and no other");
}

#[test]
fn a_killed_server_can_be_killed_again_while_it_reads_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    drop(killed_with_five(folder.path()));
    for pause_ms in [0, 5, 10, 20, 40] {
        let mut child = command(&[("DATA", data)])
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(pause_ms));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let server = Server::start(&[("DATA", data)]);
    let answer: Value = server.ask("GET", "/api/query/count?distinct=true", "").json();
    assert_eq!(answer, json!({"documents": 5, "distinct_names": 5}), "each once");
}
