//! Any HTTP service: the examples of docs/targets.md, as they stand there, against services that they describe.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;

use crate::support::tool::{latest, run, stderr};
use crate::support::web::serve;
use serde_json::{Value, json};

/// Puts an example of the documentation into `folder`, with another address.
fn settle(folder: &Path, name: &str, address: SocketAddr) {
    let page = include_str!("../../docs/targets.md");
    let (_, behind) = page.split_once(&format!("<!-- example: {name} -->\n```toml\n")).expect(name);
    let (example, _) = behind.split_once("```").unwrap();
    assert!(example.contains("http://127.0.0.1:8080"), "{example}");
    let example = example.replace("127.0.0.1:8080", &address.to_string());
    fs::write(folder.join("plimsoll.toml"), example).unwrap();
}

fn load(folder: &Path, words: &[&str]) -> Value {
    let output = run(folder, &[&["load", "RPS=40", "DURATION_S=1", "--json"], words].concat());
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Stores files under names of their own; `keeps` says which.
fn files(keeps: fn(u64) -> bool) -> SocketAddr {
    let stored = Mutex::new((BTreeSet::new(), 0_u64));
    serve(move |request| {
        let mut stored = stored.lock().unwrap();
        match (request.method.as_str(), request.path.split_once("/files/")) {
            ("PUT", Some((_, number))) => {
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let is_whole =
                    body["title"].is_string() && body["bytes"].is_u64() && body["acl"].is_object();
                assert!(is_whole, "{body}");
                stored.1 += 1;
                if keeps(stored.1) {
                    stored.0.insert(number.to_owned());
                }
                (201, String::new())
            }
            _ => (200, json!({"files": stored.0.len()}).to_string()),
        }
    })
}

#[test]
fn the_first_example_stores_files_and_queries_and_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path(), "files", files(|_| true));
    let index = load(folder.path(), &[]);
    assert_eq!(index["counts"]["accepted"], 40, "{}", index["counts"]);
    assert_eq!(index["statuses"]["201"], 40, "{}", index["statuses"]);
    let dashboard = load(folder.path(), &["WORKLOAD=dashboard"]);
    assert_eq!(dashboard["counts"]["accepted"], 40, "{}", dashboard["counts"]);
}

#[test]
fn the_second_example_is_judged_by_what_stands_in_the_answer() {
    let stored = Mutex::new(0_u64);
    let address = serve(move |request| {
        assert!(request.head.contains("x-collection: shares"), "{}", request.head);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        if body["facets"].is_array() {
            return (200, json!({"facets": {}}).to_string());
        }
        assert!(body["documents"][0]["name"].is_string(), "{body}");
        let mut stored = stored.lock().unwrap();
        *stored += 1;
        let status = if *stored > 30 && stored.is_multiple_of(2) { "failed" } else { "stored" };
        (200, json!({"results": [{"status": status}]}).to_string())
    });
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path(), "search", address);
    // The preflight has sent 21 before.
    let index = load(folder.path(), &[]);
    let counts = &index["counts"];
    assert_eq!(
        (counts["accepted"].as_u64(), index["broken"]["wrong_body"].as_u64()),
        (Some(25), Some(15)),
        "{counts}"
    );
    let dashboard = load(folder.path(), &["WORKLOAD=dashboard"]);
    assert_eq!(dashboard["counts"]["accepted"], 40, "{}", dashboard["counts"]);
}

#[test]
fn a_service_that_loses_documents_fails_by_its_total() {
    let folder = tempfile::tempdir().unwrap();
    settle(folder.path(), "files", files(|number| number % 100 != 0));
    let words = [
        "capacity",
        "PRESET=quick",
        "LEVELS=none",
        "CEILING_RPS=300",
        "GOAL_RPS=20",
        "FLOOR_RPS=5",
        "ERROR_RATIO=0.05",
    ];
    let output = run(folder.path(), &words);
    let result = latest(folder.path());
    let verification = &result["verification"];
    assert_eq!(output.status.code(), Some(1), "{}{verification}", stderr(&output));
    assert!(verification["lost"].as_u64().unwrap() > 0, "{verification}");
    assert_eq!(
        verification["doubled"],
        Value::Null,
        "a total says nothing of that: {verification}"
    );
    assert_eq!(result["outcome"], "FAIL", "whatever was found");
}

#[test]
fn what_is_missing_or_wrong_in_the_file_is_said_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let config = |text: &str| {
        fs::write(folder.path().join("plimsoll.toml"), text).unwrap();
        let output = run(folder.path(), &["load", "RPS=5"]);
        assert_eq!(output.status.code(), Some(2), "{text}: {}", stderr(&output));
        stderr(&output)
    };
    let head = "profile = \"http\"\ntarget = \"http://127.0.0.1:9\"\n";
    let index = "[http.index]\nmethod = \"GET\"\npath = \"/\"\n";
    assert!(config(head).contains("[http.index]"), "nothing described");
    assert!(config(&format!("{head}{index}")).contains("dashboard"), "half of it");
    let both = format!("{head}{index}[http.dashboard]\nmethod = \"GET\"\n");
    assert!(
        config(&format!("{both}path = \"/{{name}}\"\n")).contains("no document"),
        "a query with a field"
    );
    assert!(config("profile = \"http\"\n").contains("TARGET"), "no address");
    assert!(config("profile = \"opensearch\"\n").contains("TARGET"), "nor for an engine");
    assert!(config("batch = 5\n").contains("PROFILE"), "a batch without an engine");
}
