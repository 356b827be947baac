//! The program as a user meets it: whole runs, wrong targets, targets that die, Ctrl-C.
#![allow(
    clippy::disallowed_methods,
    reason = "the limits of the contract are held against the clock of the test"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support;

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use support::tool::{journal, latest, plimsoll, run, stderr};
use support::{Manner, Server};

/// The processes whose parent is `parent`.
fn children_of(parent: u32) -> Vec<i32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

fn exists(process: i32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or("").trim_start().starts_with('Z'))
}

/// Waits until `ready`, at most `limit_s` seconds.
fn wait_for(what: &str, limit_s: f64, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed().as_secs_f64() < limit_s, "{what} took longer than {limit_s} s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Starts a run and waits until its first trials are in the journal.
fn start_and_wait(folder: &Path, arguments: &[&str]) -> Child {
    let child = plimsoll(folder, arguments).spawn().expect("the tool starts");
    wait_for("the second trial", 30.0, || journal(folder).len() >= 4);
    child
}

fn finish(mut child: Child, limit_s: f64) -> (Option<i32>, f64) {
    let begun = Instant::now();
    let mut status = None;
    wait_for("the end of the run", limit_s, || {
        status = child.try_wait().expect("a child");
        status.is_some()
    });
    let mut rest = String::new();
    child.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
    (status.and_then(|status| status.code()), begun.elapsed().as_secs_f64())
}

const QUICK: [&str; 4] = ["capacity", "WORKERS=4", "PRESET=quick", "LEVELS=none"];

#[test]
fn a_target_that_is_killed_ends_the_run_with_code_4_within_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let child = start_and_wait(folder.path(), &QUICK);
    let target = children_of(child.id())[0];
    kill(Pid::from_raw(target), Signal::SIGKILL).unwrap();
    let (code, took_s) = finish(child, 10.0);
    assert_eq!(code, Some(4), "the target was lost");
    assert!(took_s < 10.0, "{took_s} s");
    let result = latest(folder.path());
    assert_eq!(result["capacity"]["finding"], "target_lost");
    assert!(result["capacity"]["rps"].is_null(), "and no number is invented");
    assert!(!result["trials"].as_array().unwrap().is_empty(), "what was measured is there");
}

#[test]
fn ctrl_c_writes_the_results_and_leaves_no_process_behind() {
    let folder = tempfile::tempdir().unwrap();
    let child = start_and_wait(folder.path(), &QUICK);
    let target = children_of(child.id())[0];
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let (code, _) = finish(child, 10.0);
    assert_eq!(code, Some(130), "interrupted");
    assert_eq!(latest(folder.path())["run"]["interrupted"], true);
    assert!(!exists(target), "the example API has ended");
}

#[test]
fn kill_9_of_the_tool_ends_its_target_and_a_later_run_sends_no_document_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start_and_wait(folder.path(), &QUICK);
    let target = children_of(child.id())[0];
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for("the end of the example API", 5.0, || !exists(target));
    assert!(journal(folder.path()).len() >= 4, "every journal line is whole");
    let next = |folder: &Path| -> u64 {
        let state = fs::read_dir(folder.join("state/plimsoll")).unwrap().flatten();
        let file =
            state.map(|entry| entry.path()).find(|path| path.extension() == Some("json".as_ref()));
        let value: Value =
            serde_json::from_str(&fs::read_to_string(file.unwrap()).unwrap()).unwrap();
        value["next_index"].as_u64().unwrap()
    };
    let before = next(folder.path());
    run(folder.path(), &["load", "RPS=50", "DURATION_S=0.5"]);
    assert!(next(folder.path()) > before, "the numbers go on behind {before}");
}

#[test]
fn a_run_that_was_killed_is_retold_and_goes_on_from_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = start_and_wait(folder.path(), &QUICK);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = journal(folder.path());
    let path = folder.path().join("results/latest/trials.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"kind\":\"tri")).unwrap();
    let told = run(folder.path(), &["explain", "results/latest"]);
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    assert!(String::from_utf8_lossy(&told.stdout).contains("unfinished"), "it says so");
    assert!(stderr(&told).contains("torn"), "and that a line is torn");

    let child =
        plimsoll(folder.path(), &["capacity", "--resume", "results/latest"]).spawn().unwrap();
    let is_longer = || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        text.ends_with('\n') && text.lines().count() >= before.len() + 2
    };
    wait_for("two more lines", 30.0, is_longer);
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let (code, _) = finish(child, 10.0);
    assert_eq!(code, Some(130), "interrupted once more");
    let after = journal(folder.path());
    assert_eq!(after[..before.len()], before[..], "nothing is lost");
    let mut names: Vec<&str> = after.iter().filter_map(|line| line["id"].as_str()).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "and no name is given twice");
    let result = latest(folder.path());
    let trials = result["trials"].as_array().unwrap().len();
    let in_journal = after.iter().filter(|line| line["kind"] == "trial").count();
    assert_eq!(trials, in_journal, "the result holds both halves");
}

#[test]
fn a_stopped_target_is_no_hang() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["load", "RPS=100", "DURATION_S=4", "TIMEOUT_MS=1500", "--json"];
    let child = plimsoll(folder.path(), &words).spawn().unwrap();
    wait_for("the example API", 5.0, || !children_of(child.id()).is_empty());
    std::thread::sleep(Duration::from_millis(1500));
    let target = children_of(child.id())[0];
    kill(Pid::from_raw(target), Signal::SIGSTOP).unwrap();
    let begun = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(begun.elapsed().as_secs_f64() < 12.0, "ended after {:?}", begun.elapsed());
    let stream: Value = serde_json::from_slice(&output.stdout).expect("a STREAM");
    let counts = &stream["counts"];
    assert!(counts["timed_out"].as_u64().unwrap() > 50, "silence is a time-out: {counts}");
    let sum: u64 = ["accepted", "refused", "timed_out", "broken", "unsent"]
        .iter()
        .map(|ending| counts[ending].as_u64().unwrap())
        .sum();
    assert_eq!(counts["scheduled"].as_u64(), Some(sum), "the books balance");
    assert!(!exists(target), "a stopped target is ended as well");
}

#[test]
fn a_wrong_target_is_told_in_a_few_lines_with_code_4_and_leaves_nothing() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("TARGET=http://{}", listener.local_addr().unwrap())
    };
    let servers =
        [Manner::Status(404), Manner::Status(500), Manner::Html, Manner::Garbage, Manner::Silent]
            .map(Server::start);
    let targets = servers.iter().map(|server| format!("TARGET={}", server.base_url()));
    for target in targets.chain([closed]) {
        let folder = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let output = run(folder.path(), &["capacity", &target]);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(4), "{target}: {text}");
        assert!(text.contains(&target["TARGET=".len()..]), "names the address: {text}");
        assert!(text.lines().count() <= 3, "in a few lines: {text}");
        assert!(begun.elapsed().as_secs_f64() < 5.0, "{target} took {:?}", begun.elapsed());
        assert!(!folder.path().join("results").exists(), "{target} left a folder");
    }
}

#[test]
fn a_results_folder_that_cannot_be_written_is_refused_with_code_5() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("taken"), "").unwrap();
    let output = run(folder.path(), &["capacity", "PRESET=quick", "OUT=taken/results"]);
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(stderr(&output).contains("taken"), "{}", stderr(&output));
}

#[test]
fn a_budget_that_allows_no_answer_is_refused_before_any_load() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["capacity", "PRESET=quick", "BUDGET_S=20"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("BUDGET_S"), "{}", stderr(&output));
}

#[test]
fn a_server_that_serves_one_connection_at_a_time_is_never_blocked_by_an_idle_one() {
    let folder = tempfile::tempdir().unwrap();
    let words =
        ["load", "FRONT=prefork", "SERVICE_MS=5", "WORKERS=2", "RPS=150", "DURATION_S=2", "--json"];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let stream: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(stream["counts"]["accepted"], 300, "every request: {}", stream["counts"]);
    assert_eq!(stream["connects"], 300, "a connection for each, and none beside them");
}

#[test]
fn a_stall_of_the_server_is_felt_by_every_request_that_was_due_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "load",
        "WORKERS=8",
        "SERVICE_MS=1",
        "STALL_MS=500",
        "STALL_EVERY_MS=2500",
        "RPS=300",
        "DURATION_S=5",
        "ARRIVALS=uniform",
        "--json",
    ];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let stream: Value = serde_json::from_slice(&output.stdout).unwrap();
    let p99_ms = stream["response_ms"]["p99"].as_f64().unwrap();
    // A fifth of the requests is due in a stall: the p99 lies 5 % below its length.
    assert!((425.0..525.0).contains(&p99_ms), "475 ms is the closed form, not {p99_ms} ms");
}
