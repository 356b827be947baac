//! The example API with its search engine inside: sound it passes, and losing or doubling documents it fails, with an
//! example of each.

use std::thread;
use std::time::Duration;

use crate::support::tool::{latest, plimsoll, run, stderr};
use serde_json::Value;

/// A short search up to a low ceiling.
const SHORT: [&str; 9] = [
    "capacity",
    "WORKERS=2",
    "PRESET=quick",
    "LEVELS=none",
    "CEILING_RPS=150",
    "GOAL_RPS=20",
    "P99_MS=3000",
    "ERROR_RATIO=0.05",
    "SEED=1",
];

fn verified(more: &[&str]) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &[&SHORT[..], more].concat());
    let result = latest(folder.path());
    let told = format!("{more:?}: {}{}", stderr(&output), result["verification"]);
    (output.status.code(), result, told)
}

#[test]
fn every_document_is_accounted_for_and_a_lossy_engine_fails_with_examples() {
    // Both at once: most of the time is waiting for documents to show up.
    let sound = thread::spawn(|| verified(&[]));
    let folder = tempfile::tempdir().unwrap();
    let words = [&SHORT[..], &["FAULT=lose:0.01,double:0.01"]].concat();
    let mut child = plimsoll(folder.path(), &words).spawn().unwrap();
    let file = folder.path().join("results/latest/result.json");
    // What does not show up is waited for; what was measured is on the disk meanwhile.
    while !file.exists() && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(child.try_wait().unwrap().is_none(), "it still counts");
    assert_eq!(latest(folder.path())["outcome"], "INVALID", "not counted yet is no pass");
    let output = child.wait_with_output().unwrap();
    let result = latest(folder.path());
    let told = format!("{}{}", stderr(&output), result["verification"]);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(result["outcome"], "FAIL", "{told}");
    let lossy = &result["verification"];
    assert!(
        lossy["lost"].as_u64().unwrap() > 0 && lossy["doubled"].as_u64().unwrap() > 0,
        "{told}"
    );
    let examples = lossy["examples"].as_array().unwrap().clone();
    for kind in ["lost: ", "doubled: "] {
        let is_of_kind = |example: &&Value| example.as_str().unwrap().starts_with(kind);
        assert!(examples.iter().any(|example| is_of_kind(&example)), "one is shown: {told}");
    }

    let (code, result, told) = sound.join().unwrap();
    assert_eq!(code, Some(0), "{told}");
    let sound = &result["verification"];
    assert!(sound["accepted"].as_u64().unwrap() > 1000, "{told}");
    assert_eq!(sound["found"], sound["accepted"], "{told}");
    assert_eq!((&sound["lost"], &sound["doubled"]), (&Value::from(0), &Value::from(0)), "{told}");
}

#[test]
fn documents_of_a_run_that_is_not_known_here_are_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let load = |more: &[&str]| {
        let words = ["load", "RPS=20", "DURATION_S=1", "DATA=kept", "REFRESH_MS=100"];
        let output = run(folder.path(), &[&words[..], more].concat());
        (output.status.code(), stderr(&output))
    };
    assert_eq!(load(&[]).0, Some(0), "the first run");
    assert_eq!(load(&[]).0, Some(0), "the next one goes on behind it");
    std::fs::remove_dir_all(folder.path().join("state")).unwrap();
    let (code, told) = load(&[]);
    assert_eq!(code, Some(2), "its numbers begin anew: {told}");
    assert!(told.contains("FIRST_INDEX"), "with the cure: {told}");
    assert_eq!(load(&["FIRST_INDEX=5000"]).0, Some(0), "which helps");
}
