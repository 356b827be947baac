//! Real search engines, measured from end to end: OpenSearch in bulk, and Elasticsearch document by document.
//!
//! The rates are low, so that a busy machine holds them: what is tested is that everything fits together, and that
//! every document is accounted for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support;
#[path = "../example-api/tests/common/tools.rs"]
mod tools;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use support::tool::{latest, plimsoll, run, stderr};

/// Two engines at once would take each other's processor.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// What the script answers where an engine cannot be had.
const CANNOT_BE_HAD: i32 = 77;

/// A node that ends with its handle, or with this process.
struct Node {
    kind: &'static str,
    url: String,
}

fn engine(words: &[&str]) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engines/engine"));
    command.args(words);
    command
}

impl Node {
    /// Starts an engine; `None`, and one line, where it cannot be had. With STRICT set that is a failure.
    fn start(kind: &'static str) -> Option<Self> {
        let process = std::process::id().to_string();
        let words = [kind, "up", "--port", "auto", "--until-pid", &process];
        let output = engine(&words).output().expect("bash runs the script");
        let said = stderr(&output);
        if output.status.code() == Some(CANNOT_BE_HAD) {
            return tools::need(&format!("{kind} is needed"), Err(said));
        }
        assert!(output.status.success(), "{kind} did not start: {said}");
        let url = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Some(Self { kind, url })
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    fn words(&self, more: &[&str]) -> Vec<String> {
        let own = [format!("TARGET={}", self.url), format!("PROFILE={}", self.kind)];
        own.into_iter().chain(more.iter().map(|word| (*word).to_owned())).collect()
    }

    fn run(&self, folder: &Path, command: &str, more: &[&str]) -> std::process::Output {
        let words = self.words(more);
        let words: Vec<&str> =
            [command].into_iter().chain(words.iter().map(String::as_str)).collect();
        run(folder, &words)
    }

    fn kill(&self) {
        let output = engine(&[self.kind, "status", "--port", self.port()]).output().unwrap();
        let status = String::from_utf8(output.stdout).unwrap();
        let pid =
            status.split(" pid ").nth(1).and_then(|rest| rest.split(' ').next()).expect(&status);
        assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success(), "killed");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(engine(&[self.kind, "down", "--port", self.port()]).output());
    }
}

const SHORT: [&str; 7] = [
    "PRESET=quick",
    "LEVELS=0,100",
    "P99_MS=4000",
    "GOAL_RPS=100",
    "FLOOR_RPS=5",
    "SEED=1",
    "ERROR_RATIO=0.01",
];

/// A short campaign up to a low ceiling: every document accepted is there, once.
fn campaign(node: &Node, folder: &Path, more: &[&str]) {
    let output = node.run(folder, "capacity", &[&SHORT[..], &["DASHBOARD_S=5"], more].concat());
    let result = latest(folder);
    let told = format!("{more:?}: {}\n{}", stderr(&output), result["verification"]);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(result["capacity"]["finding"], "at_ceiling", "{told}");
    let verification = &result["verification"];
    for (key, count) in [("lost", 0), ("doubled", 0), ("surplus", 0)] {
        assert_eq!(verification[key], count, "{told}");
    }
    if verification["unknown"] == 0 {
        assert_eq!(verification["found"], verification["accepted"], "{told}");
    }
    assert!(verification["accepted"].as_u64().unwrap() > 500, "{told}");
    let server = result["target"]["server"].as_str().unwrap_or_default();
    assert!(server.starts_with(node.kind), "it says what it is: {server}");
    let soak = result["trials"]
        .as_array()
        .unwrap()
        .iter()
        .find(|trial| trial["purpose"] == "soak")
        .unwrap();
    assert!(
        soak["server"]["write_completed_total"].as_f64().unwrap() > 0.0,
        "its figures: {}",
        soak["server"]
    );
    assert!(!soak["visible"].as_array().unwrap().is_empty(), "and what searches found");
    let dashboard = &result["levels"][1]["dashboard"];
    assert!(
        dashboard["counts"]["accepted"].as_u64().unwrap() > 0,
        "the dashboard was asked: {}",
        dashboard["counts"]
    );
}

/// More than the write queue holds: refused, counted as such, and nothing is lost.
fn overload(node: &Node, folder: &Path) {
    let words = ["RPS=4000", "DURATION_S=4", "--json"];
    let output = node.run(folder, "load", &words);
    let stream: Value = serde_json::from_slice(&output.stdout).unwrap();
    let refused = stream["counts"]["refused"].as_u64().unwrap();
    assert!(refused > 0, "the queue of 200 ran over: {} {}", stream["counts"], stream["statuses"]);
    assert_eq!(stream["statuses"]["429"], refused, "and 429 is a refusal: {}", stream["statuses"]);
}

/// The node dies in the middle of a level: exit 4, and the results so far.
fn killed(node: &Node, folder: &Path) {
    let more = ["CEILING_RPS=120", "DASHBOARD_S=60", "OUT=killed"];
    let words = node.words(&[&SHORT[..], &more].concat());
    let words: Vec<&str> =
        ["capacity"].into_iter().chain(words.iter().map(String::as_str)).collect();
    let mut child = plimsoll(folder, &words).spawn().unwrap();
    let journal = folder.join("killed/latest/trials.jsonl");
    let has_soaked = || {
        std::fs::read_to_string(&journal).is_ok_and(|text| text.contains("\"purpose\":\"soak\""))
    };
    for _ in 0..2400 {
        if has_soaked() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert!(has_soaked(), "a soak within four minutes");
    thread::sleep(Duration::from_secs(3));
    node.kill();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(4), "the target is lost");
    let text = std::fs::read_to_string(folder.join("killed/latest/result.json")).unwrap();
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        result["verification"]["found"],
        Value::Null,
        "nobody could count: {}",
        result["verification"]
    );
    assert!(result["trials"].as_array().unwrap().len() > 1, "what was measured is there");
}

#[test]
fn opensearch_is_measured_in_bulk_overloaded_and_killed() {
    let _turn = ONE_AT_A_TIME.lock();
    let Some(node) = Node::start("opensearch") else { return };
    // One folder, so that the numbers of documents go on.
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    campaign(&node, folder, &["CEILING_RPS=600", "BATCH=5"]);
    overload(&node, folder);
    killed(&node, folder);
}

#[test]
fn elasticsearch_is_measured_document_by_document() {
    let _turn = ONE_AT_A_TIME.lock();
    let Some(node) = Node::start("elasticsearch") else { return };
    let folder = tempfile::tempdir().unwrap();
    campaign(&node, folder.path(), &["CEILING_RPS=120"]);
}
