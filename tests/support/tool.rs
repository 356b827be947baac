//! The tool as a user starts it, and what it leaves behind.
#![allow(dead_code, reason = "every test crate uses its own part")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The tool in a folder of its own, with its state there.
pub(crate) fn plimsoll(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.current_dir(folder).env("XDG_STATE_HOME", folder.join("state")).args(arguments);
    command.env_remove("GITHUB_STEP_SUMMARY");
    for (name, _) in std::env::vars_os() {
        let is_ours =
            ["PLIMSOLL_", "NATS_"].into_iter().any(|of| name.to_string_lossy().starts_with(of));
        if name == "WORKERS" || is_ours {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Output {
    plimsoll(folder, arguments).output().expect("the tool runs")
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn latest(folder: &Path) -> Value {
    let text =
        fs::read_to_string(folder.join("results/latest/result.json")).expect("a result is there");
    serde_json::from_str(&text).expect("and it is JSON")
}

/// The lines of the newest journal, each a value.
pub(crate) fn journal(folder: &Path) -> Vec<Value> {
    let path = folder.join("results/latest/trials.jsonl");
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect()
}
