//! `just`: every spelling starts the same run, and exit codes come through.
#![allow(clippy::expect_used, clippy::panic, reason = "test code fails loudly")]

use std::env;
use std::io::{self, Write};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Whether `just` can be run, after an attempt to install it; says once why a test is skipped.
fn has_just() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let runs = || succeeds("just", &["--version"]);
        if runs() || (succeeds("pip", &["install", "-q", "rust-just"]) && runs()) {
            return true;
        }
        let is_strict = env::var("STRICT").is_ok_and(|strict| strict == "1");
        assert!(!is_strict, "`just` is missing and could not be installed with pip");
        // Written past the test harness, which keeps what a passing test prints to itself.
        let said = writeln!(io::stderr(), "skipped: `just` is missing and pip cannot install it");
        said.expect("stderr can be written");
        false
    })
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// `just` in the project's folder, with none of our settings in the environment but `workers`.
fn just(arguments: &[&str], workers: Option<&str>) -> Output {
    let mut command = Command::new("just");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    for (name, _) in env::vars_os() {
        if name == "WORKERS" || name.to_string_lossy().starts_with("PLIMSOLL_") {
            command.env_remove(name);
        }
    }
    if let Some(workers) = workers {
        command.env("WORKERS", workers);
    }
    command.output().expect("just runs")
}

/// The value of `key` in what `just config` printed.
fn shown(output: &Output, key: &str) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found = lines.find(|words| words.first() == Some(&key));
    let value = found.and_then(|words| words.get(1).map(|word| (*word).to_owned()));
    value.unwrap_or_else(|| panic!("no {key}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn assert_refused(output: &Output, needle: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains(needle), "does not say {needle}: {stderr}");
}

#[test]
fn every_spelling_of_workers_resolves_alike() {
    if !has_just() {
        return;
    }
    let spellings = [
        just(&["config", "WORKERS=3"], None),
        just(&["WORKERS=3", "config"], None),
        just(&["config"], Some("3")),
    ];
    for output in &spellings {
        assert_eq!(shown(output, "WORKERS"), "3", "three workers");
    }
    assert_eq!(shown(&just(&["config"], None), "WORKERS"), "4", "the default");
    let both = just(&["config", "WORKERS=4", "P99_MS=250"], None);
    assert_eq!(shown(&both, "WORKERS"), "4", "the first word");
    assert_eq!(shown(&both, "P99_MS"), "250", "the second word");
}

#[test]
fn every_spelling_reaches_capacity_and_its_exit_code_comes_through() {
    if !has_just() {
        return;
    }
    assert_refused(&just(&["capacity", "WORKERS=0"], None), "WORKERS");
    assert_refused(&just(&["WORKERS=0", "capacity"], None), "WORKERS");
    assert_refused(&just(&["capacity"], Some("0")), "WORKERS");
    assert_refused(&just(&["capacity", "WORKRES=4"], None), "`WORKERS=4`?");
}
