//! The HTTP interface, the same in both fronts.

use std::io::Write;

use crate::common::{Answer, DOCUMENT, Server, wait_until};
use serde_json::{Value, json};

const FRONTS: [&str; 2] = ["pool", "prefork"];

fn both_fronts(check: impl Fn(&Server)) {
    for front in FRONTS {
        check(&Server::start(&[("FRONT", front), ("SERVICE_MS", "1")]));
    }
}

#[test]
fn a_document_is_answered_ok_and_appears_on_the_dashboard() {
    both_fronts(|server| {
        let answer = server.ask("POST", "/api/index", DOCUMENT);
        assert_eq!((answer.status, answer.json()), (200, json!("OK")), "{answer:?}");
        let answer = server.ask("GET", "/api/query/dashboard", "");
        assert_eq!(answer.status, 200, "{answer:?}");
        let dashboard = &answer.json()["dashboard"];
        assert_eq!(dashboard["documents"], 1, "{dashboard}");
        assert_eq!(dashboard["hosts"], json!([{"host": "h1", "documents": 1}]), "{dashboard}");
    });
}

#[test]
fn a_wrong_field_is_answered_422_with_its_name() {
    let wrong = [
        ("name", json!(1), "name"),
        ("directory", Value::Null, "directory"),
        ("host", json!({}), "host"),
        ("file_size", json!("12"), "file_size"),
        ("permissions", json!(7), "permissions"),
        ("permissions", json!({"alice": "OWN"}), "permissions.alice"),
        ("permissions", json!([{"bob": 1}]), "permissions.bob"),
    ];
    both_fronts(|server| {
        for (field, value, named) in &wrong {
            let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
            document[*field] = value.clone();
            let answer = server.ask("POST", "/api/index", &document.to_string());
            assert_eq!(
                (answer.status, &answer.json()["field"]),
                (422, &json!(named)),
                "{answer:?}"
            );
        }
    });
}

#[test]
fn a_missing_field_is_answered_422_with_its_name() {
    let server = Server::start(&[]);
    for field in ["name", "directory", "host", "file_size", "permissions"] {
        let mut document: Value = serde_json::from_str(DOCUMENT).unwrap();
        document.as_object_mut().unwrap().remove(field);
        let answer = server.ask("POST", "/api/index", &document.to_string());
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!(field)), "{answer:?}");
        assert!(answer.json()["error"].as_str().unwrap().contains("missing"), "{answer:?}");
    }
}

#[test]
fn malformed_json_is_answered_400() {
    both_fronts(|server| {
        for body in ["", "{", "\"", "{\"name\":}", "[[[["] {
            let answer = server.ask("POST", "/api/index", body);
            assert_eq!(answer.status, 400, "{body}: {answer:?}");
            assert!(answer.json()["error"].is_string(), "{answer:?}");
        }
    });
}

#[test]
fn an_unknown_path_is_answered_404_and_a_wrong_method_405() {
    both_fronts(|server| {
        for (method, path, status) in [
            ("GET", "/", 404),
            ("POST", "/api/index/", 404),
            ("GET", "/api/index", 405),
            ("POST", "/api/query/dashboard", 405),
            ("DELETE", "/metrics", 405),
        ] {
            let answer = server.ask(method, path, "");
            assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
            assert!(answer.json()["error"].is_string(), "{answer:?}");
            assert_eq!(answer.header("allow").is_some(), status == 405, "{answer:?}");
        }
    });
}

#[test]
fn a_body_over_one_mebibyte_is_answered_413_and_one_of_just_that_size_is_read() {
    both_fronts(|server| {
        let mut body = DOCUMENT.to_owned();
        body.push_str(&" ".repeat(1024 * 1024 - body.len()));
        assert_eq!(server.ask("POST", "/api/index", &body).status, 200, "just small enough");
        body.push(' ');
        assert_eq!(server.ask("POST", "/api/index", &body).status, 413, "one byte more");
        let body = " ".repeat(5 * 1024 * 1024);
        assert_eq!(server.ask("POST", "/api/index", &body).status, 413, "much more");
    });
}

#[test]
fn bytes_that_are_no_http_do_not_hurt_the_server() {
    both_fronts(|server| {
        for bytes in
            [&b"\x16\x03\x01\x02\x00"[..], b"GET\r\n\r\n", &[0; 5000], b"POST / HTTP/9.9\r\n\r\n"]
        {
            drop(server.connect().write_all(bytes));
        }
        assert_eq!(server.ask("POST", "/api/index", DOCUMENT).status, 200, "still alive");
    });
}

#[test]
fn requests_on_one_kept_connection_are_answered_in_turn() {
    let server = Server::start(&[("SERVICE_MS", "1")]);
    let mut stream = server.connect();
    for _ in 0..3 {
        crate::common::send_on(&mut stream, "POST", "/api/index", DOCUMENT.as_bytes());
        assert_eq!(Answer::read(&mut stream).status, 200, "on the same connection");
    }
    assert!(server.metric("example_api_connections_opened_total") < 2.5, "this one and the scrape");
}

#[test]
fn the_compat_engine_answers_as_the_published_server() {
    for front in FRONTS {
        let settings =
            [("FRONT", front), ("ENGINE", "compat"), ("SERVICE_MS", "1"), ("WORKERS", "1")];
        let server = Server::start(&settings);
        assert_eq!(server.ask("POST", "/api/index", DOCUMENT).body, "\"OK\"\n", "with line break");
        let answer = server.ask("GET", "/api/query/dashboard", "");
        assert_eq!(answer.json()["dasbhoard"]["documents"], 1, "{answer:?}");
        let answer = server.ask(
            "POST",
            "/api/index",
            r#"{"name":"a","directory":"b","host":"c","file_size":1}"#,
        );
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!("permissions")), "422");
    }
}

#[test]
fn the_metrics_count_what_the_workers_did_and_nothing_else() {
    for front in FRONTS {
        let server = Server::start(&[("FRONT", front), ("SERVICE_MS", "4"), ("WORKERS", "1")]);
        server.ask("POST", "/api/index", DOCUMENT);
        server.ask("GET", "/api/query/dashboard", "");
        server.ask("POST", "/api/index", "{}");
        drop(server.connect());
        let requests = "example_api_worker_requests_total{worker=\"0\"}";
        let busy = "example_api_worker_busy_seconds_total{worker=\"0\"}";
        wait_until(|| server.metric("example_api_connections_without_request_total") > 0.5);
        let figures = [requests, busy, "example_api_documents_total", "example_api_workers"]
            .map(|series| server.metric(series));
        assert_eq!(figures.map(|figure| figure.to_string()), ["2", "0.008", "1", "1"], "{front}");
        let index = "example_api_request_seconds{endpoint=\"index\",quantile=\"0.5\"}";
        assert!(server.metric(index) >= 0.003_99, "{front}: at least the service time");
        let without = server.metric("example_api_connections_without_request_total");
        assert!(without < 1.5, "{front}: scrapes are no connections without a request");
    }
}
