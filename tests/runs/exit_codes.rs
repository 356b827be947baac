//! Every exit code of the contract, produced by the program and named by a test.
//!
//! More ways to each are in other files: targets that die, Ctrl-C and folders that cannot be written in `e2e.rs`,
//! commands of one's own in `launch.rs`, lost documents in `lossy.rs`, edge documents in `edge.rs`, bad input in `cli.rs`.
#![allow(clippy::disallowed_methods, reason = "waiting is held against the clock of the test")]

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::tool::{plimsoll, run, stderr};
use crate::support::{Manner, Server};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

fn assert_code(output: &Output, code: i32, what: &str) {
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), stderr(output));
    assert_eq!(output.status.code(), Some(code), "{what}: {told}");
}

/// A finished run in the folder `RUN`, result and journal, measured in virtual time.
fn finished_run(folder: &Path) {
    let output = run(folder, &["rehearse", "PRESET=quick", "SEED=3", "--json"]);
    assert_code(&output, 0, "a rehearsal");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut lines = vec![json!({
        "kind": "run",
        "schema_version": result["schema_version"],
        "id": result["run"]["id"],
        "started_utc": result["run"]["started_utc"],
        "seed": result["run"]["seed"],
        "settings": result["settings"],
    })];
    lines.extend(result["trials"].as_array().unwrap().iter().map(|trial| {
        let mut line = trial.clone();
        line["kind"] = "trial".into();
        line
    }));
    let journal: Vec<String> = lines.iter().map(Value::to_string).collect();
    fs::create_dir(folder.join("RUN")).unwrap();
    fs::write(folder.join("RUN/result.json"), &output.stdout).unwrap();
    fs::write(folder.join("RUN/trials.jsonl"), journal.join("\n") + "\n").unwrap();
    for (name, text) in [
        ("pass.toml", "[goal]\nindex_rps = 100"),
        ("fail.toml", "[goal]\nindex_rps = 1000"),
        ("invalid.toml", "[index]\np99_ms = 250"),
    ] {
        fs::write(folder.join(name), text).unwrap();
    }
}

#[test]
fn code_0_every_criterion_is_met() {
    let folder = tempfile::tempdir().unwrap();
    finished_run(folder.path());
    for words in [
        &["rehearse", "PRESET=quick", "SEED=3", "GOAL_RPS=100"][..],
        &["signoff", "RUN", "--slo", "pass.toml"],
        &["rejudge", "RUN", "GOAL_RPS=100"],
    ] {
        assert_code(&run(folder.path(), words), 0, words[0]);
    }
}

#[test]
fn code_1_a_criterion_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    finished_run(folder.path());
    for words in [
        &["rehearse", "PRESET=quick", "SEED=3", "GOAL_RPS=1000"][..],
        &["signoff", "RUN", "--slo", "fail.toml"],
        &["rejudge", "RUN", "GOAL_RPS=1000"],
    ] {
        assert_code(&run(folder.path(), words), 1, words[0]);
    }
}

#[test]
fn code_2_wrong_usage_or_settings() {
    let folder = tempfile::tempdir().unwrap();
    finished_run(folder.path());
    for words in [
        &["capacity", "WORKRES=4"][..],
        &["capacity", "GOAL_RPS=5", "CEILING_RPS=4"],
        &["capacity", "BUDGET_S=1"],
        &["rehearse", "SLO=nowhere.toml"],
        &["load"],
        &["signoff", "RUN"],
        &["signoff", "nowhere", "--slo", "pass.toml"],
        &["rejudge", "nowhere"],
        &["rejudge", "RUN", "P99_MS=0"],
        &["nonsense"],
    ] {
        assert_code(&run(folder.path(), words), 2, &words.join(" "));
    }
}

#[test]
fn code_3_the_measurement_allows_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    finished_run(folder.path());
    for words in [
        &["rehearse", "PRESET=quick", "SEED=3", "DASHBOARD_P99_MS=900"][..],
        &["signoff", "RUN", "--slo", "invalid.toml"],
        &["rejudge", "RUN", "P99_MS=1"],
    ] {
        assert_code(&run(folder.path(), words), 3, words[0]);
    }
}

#[test]
fn code_4_nothing_listens() {
    let folder = tempfile::tempdir().unwrap();
    // Taken and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let target = format!("TARGET=http://{address}");
    for words in [&["capacity"][..], &["load", "RPS=5"], &["edge"]] {
        assert_code(&run(folder.path(), &[words, &[&target]].concat()), 4, words[0]);
    }
}

#[test]
fn code_5_the_results_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("taken"), "").unwrap();
    let server = Server::start(Manner::KeepAlive);
    let target = format!("TARGET={}", server.base_url());
    let words = ["capacity", "PRESET=quick", "OUT=taken/results", &target];
    assert_code(&run(folder.path(), &words), 5, "a file where the folder should be");
}

#[test]
fn code_70_a_fault_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Manner::KeepAlive);
    let target = format!("TARGET={}", server.base_url());
    let tool = plimsoll(folder.path(), &["load", "RPS=5", "DURATION_S=0.5", &target]);
    let mut limited = Command::new("sh");
    // One descriptor beside the three that every program has: too few for what the client is made of.
    limited.args(["-c", "ulimit -n 4; exec \"$0\" \"$@\""]).arg(tool.get_program());
    limited.args(tool.get_args()).current_dir(folder.path());
    limited.env_clear().env("XDG_STATE_HOME", folder.path().join("state"));
    let output = limited.stdin(Stdio::null()).output().unwrap();
    assert_code(&output, 70, "no file descriptors");
    assert!(stderr(&output).contains("Too many open files"), "it says why: {}", stderr(&output));
}

#[test]
fn code_130_the_user_wants_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Manner::KeepAlive);
    let target = format!("TARGET={}", server.base_url());
    let child =
        plimsoll(folder.path(), &["load", "RPS=50", "DURATION_S=60", &target]).spawn().unwrap();
    let begun = Instant::now();
    let is_loaded = || server.requests.load(std::sync::atomic::Ordering::Relaxed) > 20;
    while !is_loaded() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_code(&child.wait_with_output().unwrap(), 130, "Ctrl-C");
}
