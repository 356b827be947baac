//! The engine that keeps every document: what is found, and what the dashboard tells.

use std::fs::{self, File};
use std::time::{Duration, Instant, SystemTime};

use crate::common::{DOCUMENT, Server, command, wait_until};
use serde_json::{Map, Value, json};

const QUICK: [(&str, &str); 2] = [("ACK_MS", "0"), ("REFRESH_MS", "10")];

fn quick(more: &[(&str, &str)]) -> Server {
    Server::start(&[&QUICK[..], more].concat())
}

fn put(server: &Server, document: &Value) {
    let answer = server.ask("POST", "/api/index", &document.to_string());
    assert_eq!((answer.status, answer.json()), (200, json!("OK")), "{answer:?}");
}

fn searchable(server: &Server) -> u64 {
    server.ask("GET", "/api/query/count", "").json()["documents"].as_u64().unwrap()
}

fn wait_for(server: &Server, documents: u64) {
    wait_until(|| searchable(server) == documents);
}

/// Names found and the total.
fn found(server: &Server, query: &str) -> (Vec<String>, u64) {
    let answer = server.ask("GET", &format!("/api/query/search?{query}"), "");
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    let answer = answer.json();
    let documents = answer["documents"].as_array().unwrap();
    let names = documents.iter().map(|document| document["name"].as_str().unwrap().to_owned());
    (names.collect(), answer["total"].as_u64().unwrap())
}

fn document(name: &str, directory: &str, host: &str, file_size: u64, access: &Value) -> Value {
    json!({
        "name": name, "directory": directory, "host": host, "file_size": file_size,
        "permissions": access,
    })
}

#[test]
fn documents_are_found_by_words_whole_name_host_and_extension() {
    for front in ["pool", "prefork"] {
        let server = quick(&[("FRONT", front)]);
        let access = json!({"bob": "READ"});
        put(&server, &document("Annual Plan.TXT", "/home/alice", "h1", 1, &access));
        put(&server, &document("plan-b.pdf", "/srv/Finance", "h2", 2, &access));
        put(&server, &document("notes", "/home/bob/plan", "h1", 3, &json!([{"al": "READ_WRITE"}])));
        put(&server, &document("--", "/x", "h1", 3, &access));
        wait_for(&server, 4);
        for (query, names) in [
            ("", &["--", "notes", "plan-b.pdf", "Annual Plan.TXT"][..]),
            ("q=plan", &["notes", "plan-b.pdf", "Annual Plan.TXT"]),
            ("q=PLAN+home", &["notes", "Annual Plan.TXT"]),
            ("q=plan&host=h2", &["plan-b.pdf"]),
            ("q=pla", &[]),
            ("q=--", &["--"]),
            ("q=Annual+Plan.TXT", &["Annual Plan.TXT"]),
            ("host=h1&ext=txt", &["Annual Plan.TXT"]),
            ("ext=", &["--", "notes"]),
            ("host=H1", &[]),
        ] {
            let (listed, total) = found(&server, query);
            assert_eq!(
                (listed.as_slice(), total),
                (
                    &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()[..],
                    names.len() as u64
                ),
                "{query}"
            );
        }
        assert_eq!(
            found(&server, "from=1&size=2"),
            (vec!["notes".to_owned(), "plan-b.pdf".to_owned()], 4),
            "a part"
        );
        assert_eq!(found(&server, "size=0"), (vec![], 4), "only the total");
        assert_eq!(found(&server, "from=9000"), (vec![], 4), "beyond the last");
        let answer = server.ask("GET", "/api/query/search?q=notes", "").json();
        let expected = json!({
            "name": "notes", "directory": "/home/bob/plan", "host": "h1", "ext": "",
            "file_size": 3, "permissions": {"al": "READ_WRITE"},
        });
        assert_eq!(answer["documents"][0], expected, "the whole document");
    }
}

#[test]
fn a_question_that_cannot_be_answered_is_refused_by_name() {
    let server = quick(&[]);
    let many = format!("search?q={}", "a+".repeat(101));
    for (path, field) in [
        ("search?size=1001", "size"),
        ("search?from=9991", "from"),
        ("search?nmae=x", "nmae"),
        ("search?q=%f", "q"),
        ("count?distinct=yes", "distinct"),
        ("count?x=", "x"),
        (&many, "q"),
    ] {
        let answer = server.ask("GET", &format!("/api/query/{path}"), "");
        assert_eq!((answer.status, &answer.json()["field"]), (422, &json!(field)), "{answer:?}");
    }
    for engine in ["model", "compat"] {
        let server = Server::start(&[("ENGINE", engine)]);
        for path in ["count", "count?distinct=true", "search?q=a"] {
            let answer = server.ask("GET", &format!("/api/query/{path}"), "");
            let error = "this engine keeps no documents; use ENGINE=tantivy";
            assert_eq!((answer.status, answer.json()), (404, json!({"error": error})), "{path}");
        }
    }
}

#[test]
fn distinct_names_are_counted_exactly_over_many_refreshes() {
    let server = quick(&[]);
    assert_eq!(distinct(&server), (0, 0), "an empty index");
    for number in 0..60_u64 {
        put(&server, &document(&format!("n{}", number % 17), "/", "h", number, &json!({})));
        if number % 10 == 0 {
            wait_for(&server, number + 1);
        }
    }
    wait_for(&server, 60);
    assert_eq!(distinct(&server), (60, 17), "documents and names");
}

fn distinct(server: &Server) -> (u64, u64) {
    let answer = server.ask("GET", "/api/query/count?distinct=true", "").json();
    (answer["documents"].as_u64().unwrap(), answer["distinct_names"].as_u64().unwrap())
}

#[test]
fn the_dashboard_is_computed_over_all_documents() {
    let server = quick(&[]);
    let empty = server.ask("GET", "/api/query/dashboard", "").json()["dashboard"].clone();
    assert_eq!(empty["documents"], 0, "{empty}");
    assert_eq!(empty["file_size"]["percentiles"], json!({"p50": null, "p90": null, "p99": null}));
    for number in 0..30_u64 {
        let access = json!({"everyone": "READ", (format!("u{}", number % 3)): "READ_WRITE"});
        let name = format!("n{number}.{}", if number < 20 { "txt" } else { "PDF" });
        let host = format!("h{:02}", number % 15);
        put(&server, &document(&name, "/d", &host, number * 100, &access));
    }
    wait_for(&server, 30);
    let dashboard = server.ask("GET", "/api/query/dashboard", "").json()["dashboard"].clone();
    assert_eq!(dashboard["documents"], 30, "{dashboard}");
    assert_eq!(dashboard["documents_per_second"], 6.0, "all within five seconds: {dashboard}");
    assert_eq!(dashboard["hosts"].as_array().unwrap().len(), 10, "{dashboard}");
    assert_eq!(dashboard["hosts"][0], json!({"host": "h00", "documents": 2}), "{dashboard}");
    let extensions =
        json!([{"extension": "txt", "documents": 20}, {"extension": "pdf", "documents": 10}]);
    assert_eq!(dashboard["extensions"], extensions, "{dashboard}");
    let everyone = json!({"principal": "everyone", "access": "READ", "documents": 30});
    assert_eq!(dashboard["principals"][0], everyone, "{dashboard}");
    let one = json!({"principal": "u0", "access": "READ_WRITE", "documents": 10});
    assert_eq!(dashboard["principals"][1], one, "{dashboard}");
    let histogram = json!([
        {"from_bytes": 0, "documents": 1},
        {"from_bytes": 100, "documents": 9},
        {"from_bytes": 1000, "documents": 20},
    ]);
    assert_eq!(dashboard["file_size"]["histogram"], histogram, "{dashboard}");
    let median = dashboard["file_size"]["percentiles"]["p50"].as_f64().unwrap();
    assert!((1300.0..1600.0).contains(&median), "{dashboard}");
    let newest = &dashboard["newest"];
    assert_eq!((newest.as_array().unwrap().len(), &newest[0]["name"]), (10, &json!("n29.PDF")));
    assert!(newest[0]["accepted_unix_ms"].as_u64().unwrap() > 1_600_000_000_000, "{newest}");
}

#[test]
fn any_content_is_kept_found_and_counted() {
    let server = quick(&[]);
    let many: Map<String, Value> =
        (0..10_000).map(|number| (format!("user-{number}"), json!("READ"))).collect();
    let long = "n".repeat(32_767);
    let huge = "ä".repeat(400_000);
    let access = json!({"": "READ", "a\u{1f}b": "READ_WRITE", "\u{0}": "READ"});
    let documents = [
        document(&long, "/", "h", 0, &access),
        document("nul\u{0}l", "\u{0}", "\u{0}", i64::MAX as u64, &access),
        document("😀.🦀", "/😀", "😀", 1, &access),
        document("", "", "", 0, &json!({})),
        document(&huge, "/huge", "h", 1, &json!({})),
        document("host.huge", "/", &huge, 1, &json!({})),
        document(&format!("huge.{huge}"), "/", "h", 1, &json!({})),
        document("principal.huge", "/", "h", 1, &json!({(huge.clone()): "READ"})),
        document("many", "/", "h", 1, &Value::Object(many)),
        document("\"quoted\\\u{1f}\u{2028}\u{feff}\u{10ffff}", "\r\n", "\t", 1, &json!({})),
    ];
    for one in &documents {
        put(&server, one);
    }
    wait_for(&server, documents.len() as u64);
    assert_eq!(distinct(&server), (10, 10), "each has a name of its own");
    let answer = server.ask("GET", "/api/query/search", "").json();
    let kept = answer["documents"].as_array().unwrap();
    for (one, kept) in documents.iter().zip(kept.iter().rev()) {
        for field in ["name", "directory", "host", "file_size", "permissions"] {
            assert!(one[field] == kept[field], "{field} of {:.60}", one["name"].to_string());
        }
    }
    assert_eq!(found(&server, &format!("q={long}")).1, 1, "the long name");
    assert_eq!(found(&server, "q=nul%00l&host=%00").1, 1, "U+0000");
    assert_eq!(found(&server, "q=%F0%9F%98%80.%F0%9F%A6%80").1, 1, "emoji");
    assert_eq!(server.ask("GET", "/api/query/dashboard", "").status, 200, "the dashboard");
    let mut larger = documents[1].clone();
    larger["file_size"] = json!(i64::MAX as u64 + 1);
    let answer = server.ask("POST", "/api/index", &larger.to_string());
    assert_eq!((answer.status, &answer.json()["field"]), (422, &json!("file_size")), "{answer:?}");
}

#[test]
fn queries_with_workers_of_their_own_do_not_wait_for_documents() {
    let settings = [("WORKERS", "1"), ("QUERY_WORKERS", "1"), ("ACK_MS", "3000")];
    let server = Server::start(&settings);
    let taken = server.send("POST", "/api/index", DOCUMENT.as_bytes());
    wait_until(|| server.metric("example_api_pending_documents") > 0.5);
    let begin = Instant::now();
    for path in ["dashboard", "search", "count?distinct=true"] {
        assert_eq!(server.ask("GET", &format!("/api/query/{path}"), "").status, 200, "{path}");
    }
    assert!(begin.elapsed() < Duration::from_secs(2), "waited for the document");
    let requests = server.metric("example_api_worker_requests_total{worker=\"query-0\"}");
    assert!((requests - 3.0).abs() < 0.5, "served by the worker for queries: {requests}");
    drop(taken);
}

#[test]
fn a_worker_takes_no_second_document_before_the_replica_would_have_acknowledged_the_first() {
    for front in ["pool", "prefork"] {
        let server = Server::start(&[("FRONT", front), ("WORKERS", "1"), ("ACK_MS", "150.5")]);
        let begin = Instant::now();
        let taken: Vec<_> =
            (0..3).map(|_| server.send("POST", "/api/index", DOCUMENT.as_bytes())).collect();
        for mut stream in taken {
            assert_eq!(crate::common::Answer::read(&mut stream).status, 200, "{front}: accepted");
        }
        let passed = begin.elapsed();
        assert!(passed >= Duration::from_micros(3 * 150_500), "{front}: three in {passed:?}");
        let busy = server.metric("example_api_worker_busy_seconds_total{worker=\"0\"}");
        assert!(busy >= 3.0 * 0.1505, "{front}: {busy} s of service");
    }
}

#[test]
fn a_temporary_folder_is_gone_after_an_orderly_end_and_later_after_any() {
    let temporary = tempfile::tempdir().unwrap();
    let place = temporary.path().to_str().unwrap();
    let folders = || fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
    let server = quick(&[("TMPDIR", place)]);
    put(&server, &serde_json::from_str(DOCUMENT).unwrap());
    assert_eq!(folders().count(), 1, "while it runs");
    drop(server);
    assert_eq!(folders().count(), 0, "after an orderly end");
    quick(&[("TMPDIR", place)]).kill();
    let left = folders().next().unwrap();
    let lock = File::options().write(true).open(left.join("lock")).unwrap();
    drop(quick(&[("TMPDIR", place)]));
    assert!(left.exists(), "it might belong to a server that is just starting");
    lock.set_modified(SystemTime::now() - Duration::from_secs(100)).unwrap();
    drop(quick(&[("TMPDIR", place)]));
    assert_eq!(folders().count(), 0, "the next server tidies up");
}

#[test]
fn a_folder_that_cannot_be_used_is_refused_in_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let foreign = folder.path().join("foreign");
    fs::create_dir_all(foreign.join("index")).unwrap();
    fs::write(foreign.join("index/meta.json"), "{}\n{}").unwrap();
    for data in [file.clone(), file.join("below"), foreign] {
        let data = data.to_str().unwrap();
        let output = command(&[("DATA", data)]).args(["--listen", "127.0.0.1:0"]).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.lines().count() == 1 && message.contains(data), "{message}");
        assert!(message.contains("DATA"), "{message}");
    }
}
