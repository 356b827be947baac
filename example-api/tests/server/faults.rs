//! What goes wrong on purpose, seen by a client.

use std::io::{ErrorKind, Read};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{Answer, DOCUMENT, Server, wait_until};

const FRONTS: [&str; 2] = ["pool", "prefork"];

fn both_fronts(fault: &str, check: impl Fn(&Server)) {
    for front in FRONTS {
        let settings = [("FRONT", front), ("FAULT", fault), ("SERVICE_MS", "1"), ("WORKERS", "1")];
        check(&Server::start(&settings));
    }
}

fn index(server: &Server) -> Answer {
    server.ask("POST", "/api/index", DOCUMENT)
}

fn hits(server: &Server, kind: &str) -> u64 {
    let series = format!("example_api_faults_total{{kind=\"{kind}\"}}");
    server.metric(&series).to_string().parse().unwrap()
}

fn documents(server: &Server) -> String {
    server.metric("example_api_documents_total").to_string()
}

#[test]
fn an_error_takes_the_place_of_work_in_its_share_of_requests() {
    both_fronts("error:0.3", |server| {
        let statuses: Vec<u16> = (0..200).map(|_| index(server).status).collect();
        let errors = statuses.iter().filter(|status| **status == 500).count() as u64;
        assert!(statuses.iter().all(|status| [200, 500].contains(status)), "{statuses:?}");
        // Six standard deviations: 60 ± 39.
        assert!((21..=99).contains(&errors), "{errors} of 200");
        assert_eq!(hits(server, "error"), errors, "counted");
        assert_eq!(documents(server), (200 - errors).to_string(), "the others are stored");
    });
}

#[test]
fn the_same_requests_meet_the_same_faults_in_every_run_and_front() {
    let runs: Vec<Vec<u16>> = FRONTS
        .iter()
        .flat_map(|front| [*front; 2])
        .map(|front| {
            let server =
                Server::start(&[("FRONT", front), ("FAULT", "error:0.5"), ("SERVICE_MS", "1")]);
            (0..50).map(|_| index(&server).status).collect()
        })
        .collect();
    assert!(runs.iter().all(|run| *run == runs[0]), "{runs:?}");
}

#[test]
fn an_error_has_the_shape_of_all_complaints() {
    both_fronts("error:1", |server| {
        for (method, path, body) in
            [("POST", "/api/index", DOCUMENT), ("GET", "/api/query/dashboard", "")]
        {
            let answer = server.ask(method, path, body);
            assert_eq!(answer.status, 500, "{answer:?}");
            assert!(answer.json()["error"].is_string(), "{answer:?}");
        }
        assert_eq!(server.ask("POST", "/api/index", "{}").status, 422, "checked first");
    });
}

#[test]
fn a_reset_is_a_reset_and_nothing_is_stored() {
    both_fronts("reset:1", |server| {
        for _ in 0..5 {
            let mut stream = server.send("POST", "/api/index", DOCUMENT.as_bytes());
            let mut answer = Vec::new();
            let error = stream.read_to_end(&mut answer).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
            assert!(answer.is_empty(), "nothing before it: {answer:?}");
        }
        assert_eq!((hits(server, "reset"), documents(server).as_str()), (5, "0"), "no work");
    });
}

#[test]
fn a_slow_body_comes_long_after_its_headers() {
    both_fronts("slow_body:1/1500", |server| {
        let mut stream = server.send("POST", "/api/index", DOCUMENT.as_bytes());
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200", "the headers");
        let begin = Instant::now();
        let mut rest = String::new();
        while !rest.ends_with("\"OK\"") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            rest.push(char::from(byte[0]));
        }
        let passed = begin.elapsed();
        // Headers may be read a little after they came.
        assert!(passed >= Duration::from_secs(1), "the body came {passed:?} after them");
    });
}

#[test]
fn a_rate_above_the_limit_is_answered_429_with_retry_after() {
    both_fronts("reject_above:5", |server| {
        let begin = Instant::now();
        let answers: Vec<Answer> = (0..60).map(|_| index(server)).collect();
        let passed_s = begin.elapsed().as_secs_f64();
        let accepted = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(accepted as f64 <= 2.0 + 5.0 * (passed_s + 0.1), "{accepted} in {passed_s} s");
        let rejected: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
        assert_eq!(rejected.len() + accepted, 60, "nothing else");
        assert!(rejected.iter().all(|answer| answer.header("retry-after") == Some("1")), "when");
        assert_eq!(hits(server, "reject_above"), rejected.len() as u64, "counted");
        thread::sleep(Duration::from_millis(300));
        assert_eq!(index(server).status, 200, "welcome again after a while");
    });
}

#[test]
fn a_leak_makes_every_later_request_slower() {
    both_fronts("leak:20000", |server| {
        for _ in 0..5 {
            assert_eq!(index(server).status, 200, "served");
        }
        let busy = server.metric("example_api_worker_busy_seconds_total{worker=\"0\"}");
        assert!((busy - 0.205).abs() < 1e-9, "1, 21, 41, 61 and 81 ms, in s: {busy}");
    });
}

#[test]
fn services_take_longer_while_the_server_warms_up() {
    let settings = [("FAULT", "warm_up:4/100"), ("SERVICE_MS", "5"), ("WORKERS", "1")];
    let server = Server::start(&settings);
    let busy = || server.metric("example_api_worker_busy_seconds_total{worker=\"0\"}");
    index(&server);
    let cold_s = busy();
    assert!(cold_s > 0.25 && cold_s <= 0.5, "close to a hundred times as long: {cold_s} s");
    thread::sleep(Duration::from_millis(4100));
    index(&server);
    let warm_s = busy() - cold_s;
    assert!((warm_s - 0.005).abs() < 1e-9, "its own time: {warm_s} s");
}

#[test]
fn a_worker_pauses_behind_its_answer_and_goes_on() {
    both_fronts("recycle:2/1500", |server| {
        let begin = Instant::now();
        for _ in 0..2 {
            assert_eq!(index(server).status, 200, "answered");
        }
        let two = begin.elapsed();
        assert!(two < Duration::from_millis(1500), "the pause comes behind the answer: {two:?}");
        assert_eq!(index(server).status, 200, "answered after the pause");
        let three = begin.elapsed();
        assert!(three >= Duration::from_millis(1500), "the third after {three:?}");
    });
}

#[test]
fn stalls_stop_every_engine() {
    for (engine, duration) in
        [("model", "SERVICE_MS"), ("compat", "SERVICE_MS"), ("tantivy", "ACK_MS")]
    {
        for front in FRONTS {
            // 150 ms of work do not fit into the 100 ms before the first stall.
            let settings = [
                ("ENGINE", engine),
                ("FRONT", front),
                (duration, "150"),
                ("FAULT", "stall:1000/900"),
            ];
            let server = Server::start(&settings);
            let begin = Instant::now();
            index(&server);
            let passed = begin.elapsed();
            assert!(passed >= Duration::from_millis(900), "{engine} {front}: after {passed:?}");
        }
    }
}

#[test]
fn a_lost_document_is_answered_ok_and_a_doubled_one_is_there_twice() {
    for (fault, kind, copies) in [("lose:1", "lose", 0), ("double:1", "double", 2)] {
        both_fronts(fault, |server| {
            for _ in 0..5 {
                assert_eq!(index(server).body, "\"OK\"", "{fault}");
            }
            assert_eq!(documents(server), (5 * copies).to_string(), "{fault}: stored");
            assert_eq!(hits(server, kind), 5, "{fault}: counted");
            let dashboard = server.ask("GET", "/api/query/dashboard", "").json();
            assert_eq!(dashboard["dashboard"]["documents"], 5 * copies, "{fault}: {dashboard}");
        });
    }
}

#[test]
fn the_engine_that_keeps_documents_loses_and_doubles_them_too() {
    for (fault, copies) in [("lose:1", 0), ("double:1", 2), ("lose:0", 1)] {
        for front in FRONTS {
            let settings =
                [("ENGINE", "tantivy"), ("FRONT", front), ("FAULT", fault), ("REFRESH_MS", "20")];
            let server = Server::start(&settings);
            let ask = |path: &str| server.ask("GET", path, "").json();
            for _ in 0..5 {
                assert_eq!(index(&server).body, "\"OK\"", "{fault}");
            }
            wait_until(|| ask("/api/query/count")["documents"] == 5 * copies);
            let found = ask("/api/query/search?q=plan.txt");
            assert_eq!(found["total"], 5 * copies, "{fault}: {found}");
            let counted = ask("/api/query/count?distinct=true");
            assert_eq!(counted["distinct_names"], copies.min(1), "{fault}: {counted}");
            assert_eq!(documents(&server), (5 * copies).to_string(), "{fault}: {front}");
        }
    }
}

#[test]
fn the_engine_that_keeps_documents_slows_down_too() {
    let server = Server::start(&[("ENGINE", "tantivy"), ("WORKERS", "1"), ("FAULT", "leak:20000")]);
    let begin = Instant::now();
    for _ in 0..5 {
        assert_eq!(index(&server).status, 200, "served");
    }
    let passed = begin.elapsed();
    assert!(passed >= Duration::from_millis(200), "20, 40, 60 and 80 ms more: {passed:?}");
    let busy = server.metric("example_api_worker_busy_seconds_total{worker=\"0\"}");
    assert!(busy >= 0.2, "counted as service time: {busy} s");
}

#[test]
fn queries_over_documents_go_wrong_like_all_work() {
    let server = Server::start(&[("ENGINE", "tantivy"), ("FAULT", "error:1")]);
    for path in ["/api/query/dashboard", "/api/query/search?q=a", "/api/query/count?distinct=true"]
    {
        assert_eq!(server.ask("GET", path, "").status, 500, "{path}");
    }
    assert_eq!(server.ask("GET", "/api/query/count", "").status, 200, "no worker's business");
}

#[test]
fn the_server_itself_can_be_looked_at_whatever_goes_wrong() {
    both_fronts("error:1,reset:1,lose:1,reject_above:0.001", |server| {
        for path in ["/metrics", "/api-docs/openapi.json", "/swagger-ui/"] {
            for _ in 0..5 {
                assert_eq!(server.ask("GET", path, "").status, 200, "{path}");
            }
        }
    });
}
