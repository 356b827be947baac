//! What sets the two fronts apart.

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Answer, DOCUMENT, PATIENCE, Server, wait_until};

#[test]
fn prefork_closes_the_connection_after_every_answer() {
    let server = Server::start(&[("FRONT", "prefork"), ("SERVICE_MS", "1")]);
    for (method, path, body) in [
        ("POST", "/api/index", DOCUMENT),
        ("POST", "/api/index", "{}"),
        ("GET", "/api/query/dashboard", ""),
        ("GET", "/metrics", ""),
        ("GET", "/nowhere", ""),
    ] {
        let answer = server.ask(method, path, body);
        assert_eq!(answer.header("connection"), Some("close"), "{path}: {answer:?}");
    }
}

#[test]
fn as_many_idle_connections_as_workers_block_prefork_until_one_closes() {
    let server = Server::start(&[("FRONT", "prefork"), ("WORKERS", "3"), ("SERVICE_MS", "1")]);
    let mut idle: Vec<TcpStream> = (0..3).map(|_| server.connect()).collect();
    // Time for all three to be accepted; should it not suffice, the request is answered early and
    // the test fails, it never passes wrongly.
    thread::sleep(Duration::from_millis(300));
    let mut blocked = server.send("POST", "/api/index", DOCUMENT.as_bytes());
    blocked.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    assert!(blocked.peek(&mut [0]).is_err(), "answered although every worker is occupied");
    drop(idle.pop());
    blocked.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(Answer::read(&mut blocked).status, 200, "answered once a worker was released");
}

#[test]
fn an_idle_connection_does_not_block_the_pool() {
    let server = Server::start(&[("WORKERS", "1"), ("SERVICE_MS", "1")]);
    let idle: Vec<TcpStream> = (0..50).map(|_| server.connect()).collect();
    assert_eq!(server.ask("POST", "/api/index", DOCUMENT).status, 200, "answered meanwhile");
    drop(idle);
}

#[test]
fn time_spent_waiting_for_a_client_is_not_made_up_for_later() {
    let settings = [("FRONT", "prefork"), ("WORKERS", "1"), ("SERVICE_MS", "100")];
    let server = Server::start(&settings);
    let idle = server.connect();
    thread::sleep(Duration::from_millis(600));
    let begin = Instant::now();
    let mut pending: Vec<TcpStream> =
        (0..4).map(|_| server.send("POST", "/api/index", DOCUMENT.as_bytes())).collect();
    drop(idle);
    for stream in &mut pending {
        assert_eq!(Answer::read(stream).status, 200, "answered");
    }
    assert!(
        begin.elapsed() >= Duration::from_millis(400),
        "four services in {:?}",
        begin.elapsed()
    );
}

#[test]
fn a_pool_with_a_full_queue_answers_429_with_retry_after() {
    let server = Server::start(&[("WORKERS", "1"), ("QUEUE", "2"), ("SERVICE_MS", "1500")]);
    let mut taken: Vec<TcpStream> = Vec::new();
    for _ in 0..3 {
        taken.push(server.send("POST", "/api/index", DOCUMENT.as_bytes()));
        // One in service and two waiting: they must come in before the next ones do.
        thread::sleep(Duration::from_millis(100));
    }
    for (method, path, body) in
        [("POST", "/api/index", DOCUMENT), ("GET", "/api/query/dashboard", "")]
    {
        let answer = server.ask(method, path, body);
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")), "{answer:?}");
        assert!(answer.json()["error"].is_string(), "{answer:?}");
    }
    assert_eq!(server.ask("POST", "/api/index", "{}").status, 422, "needs no worker");
    assert_eq!(server.metric("example_api_refused_total").to_string(), "2", "refusals counted");
    for stream in &mut taken {
        assert_eq!(Answer::read(stream).status, 200, "those that were taken are served");
    }
}

#[test]
fn a_worker_pauses_after_its_last_request_and_goes_on() {
    let server = Server::start(&[
        ("FRONT", "prefork"),
        ("WORKERS", "1"),
        ("SERVICE_MS", "1"),
        ("MAX_REQUESTS", "2"),
        ("RESTART_MS", "400"),
    ]);
    let begin = Instant::now();
    for _ in 0..5 {
        // Looks at the metrics do not wear a worker out.
        assert!(server.metric("example_api_workers") > 0.5, "one worker");
        assert_eq!(server.ask("POST", "/api/index", DOCUMENT).status, 200, "answered");
    }
    assert!(begin.elapsed() >= Duration::from_millis(800), "two pauses in {:?}", begin.elapsed());
}

#[test]
fn a_request_that_its_client_gave_up_is_served_all_the_same() {
    for front in ["pool", "prefork"] {
        let server = Server::start(&[("FRONT", front), ("WORKERS", "1"), ("SERVICE_MS", "50")]);
        for _ in 0..3 {
            drop(server.send("POST", "/api/index", DOCUMENT.as_bytes()));
            thread::sleep(Duration::from_millis(10));
        }
        wait_until(|| server.metric("example_api_documents_total") > 2.5);
    }
}

#[test]
fn service_takes_no_less_than_the_service_time_and_stops_in_a_stall() {
    for front in ["pool", "prefork"] {
        // All but the first 100 ms of each second are a stall, so 150 ms of work meet at least one.
        let settings = [
            ("FRONT", front),
            ("SERVICE_MS", "150"),
            ("STALL_MS", "900"),
            ("STALL_EVERY_MS", "1000"),
        ];
        let server = Server::start(&settings);
        let begin = Instant::now();
        server.ask("POST", "/api/index", DOCUMENT);
        let passed = begin.elapsed();
        assert!(passed >= Duration::from_secs(1), "{front}: answered after {passed:?}");
    }
}
