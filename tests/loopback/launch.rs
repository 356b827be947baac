//! Targets that the tool starts with somebody else's command: started, waited for, measured, and gone afterwards.

#![allow(clippy::disallowed_methods, reason = "waiting is held against the clock of the test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use crate::support::tool::{latest, plimsoll, run, stderr};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// The example API's program, beside the tool's own.
fn example_api() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_plimsoll")).with_file_name("example-api")
}

/// Processes whose command line names `folder`.
fn running(folder: &Path) -> Vec<i32> {
    let is_ours = |id: &i32| {
        let line = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(folder.to_str().unwrap())
    };
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_ours).collect()
}

fn wait_for(what: &str, limit_s: f64, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed().as_secs_f64() < limit_s, "{what} took longer than {limit_s} s");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn write_program(path: &Path, text: &str) {
    fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A copy of the example API in `folder`, so that its processes can be told from others.
fn server_in(folder: &Path) -> PathBuf {
    let copy = folder.join("server");
    fs::copy(example_api(), &copy).expect("the example API is built");
    copy
}

fn launch_words(folder: &Path) -> String {
    let server = server_in(folder);
    format!("LAUNCH=env SERVICE_MS=2 '{}' --listen 127.0.0.1:{{port}}", server.display())
}

const NONE: [i32; 0] = [];
const SHORT: [&str; 4] = ["load", "RPS=20", "DURATION_S=1", "WORKERS=3"];

#[test]
fn a_start_command_is_started_measured_and_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let launch = launch_words(folder.path());
    let output = run(folder.path(), &[&SHORT[..], &["--json", &launch]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(record["counts"]["accepted"], 20, "{record}");
    assert_eq!(running(folder.path()), NONE, "nothing is left");
}

#[test]
fn the_command_gets_its_port_and_workers_and_no_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let (server, seen) = (folder.path().join("start"), folder.path().join("seen"));
    let text = format!(
        "env > {0}.env; echo \"$@\" > {0}; exec {1} --listen 127.0.0.1:$2",
        seen.display(),
        example_api().display()
    );
    write_program(&server, &text);
    let launch = format!("LAUNCH={} --port {{port}} --n={{workers}} '$HOME'", server.display());
    let output = plimsoll(folder.path(), &[&SHORT[..], &[&launch]].concat())
        .env("PLIMSOLL_BEARER_TOKEN", "hunter2")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let arguments = fs::read_to_string(&seen).unwrap();
    assert!(arguments.trim().ends_with("--n=3 $HOME"), "filled in, and no shell: {arguments}");
    let environment = fs::read_to_string(folder.path().join("seen.env")).unwrap();
    assert!(environment.lines().any(|line| line == "WORKERS=3"), "{environment}");
    assert!(!environment.contains("hunter2"), "credentials are for the target's answers only");
    assert_eq!(running(folder.path()), NONE, "nothing is left");
}

/// Starts a long run and waits until the target has been started.
fn long_run(folder: &Path, words: &[&str]) -> Child {
    let mut command = plimsoll(folder, &[&["load", "RPS=20", "DURATION_S=60"], words].concat());
    let child = command.spawn().unwrap();
    // The tool, its guard, and the server itself.
    wait_for("the start", 20.0, || running(folder).len() >= 3);
    std::thread::sleep(Duration::from_millis(500));
    child
}

fn id(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap())
}

#[test]
fn ctrl_c_and_sigterm_stop_the_target_too() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = tempfile::tempdir().unwrap();
        let launch = launch_words(folder.path());
        let mut child = long_run(folder.path(), &[&launch]);
        kill(id(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        assert_eq!(running(folder.path()), NONE, "{signal}: nothing is left");
    }
}

#[test]
fn a_tool_that_is_killed_takes_its_target_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let launch = launch_words(folder.path());
    let mut child = long_run(folder.path(), &[&launch]);
    kill(id(&child), Signal::SIGKILL).unwrap();
    child.wait().unwrap();
    wait_for("the end of the target", 8.0, || running(folder.path()).is_empty());
}

#[test]
fn a_target_that_does_not_end_when_asked_is_killed_with_all_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let (server, start) = (server_in(folder.path()), folder.path().join("start"));
    let text = format!(
        "trap '' TERM\n'{}' --listen 127.0.0.1:$1 &\nwhile :; do sleep 1; done",
        server.display()
    );
    write_program(&start, &text);
    let launch = format!("LAUNCH='{}' {{port}}", start.display());
    let output = run(folder.path(), &[&SHORT[..], &[&launch]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(running(folder.path()), NONE, "killed");
}

#[test]
fn a_command_that_ends_at_once_is_shown_with_its_last_lines() {
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let failing = run(folder.path(), &["load", "RPS=5", "LAUNCH=ls --no-such-option-{port}"]);
    assert_eq!(failing.status.code(), Some(4), "{}", stderr(&failing));
    let said = stderr(&failing);
    assert!(said.contains("exit code 2") && said.contains("no-such-option"), "{said}");
    let missing = run(folder.path(), &["load", "RPS=5", "LAUNCH=/no/such/server {port}"]);
    assert_eq!(missing.status.code(), Some(4), "{}", stderr(&missing));
    assert!(stderr(&missing).contains("/no/such/server"), "{}", stderr(&missing));
    assert!(begun.elapsed().as_secs_f64() < 5.0, "nobody waits for them");
    for words in
        [["LAUNCH=x {port}", "TARGET=http://127.0.0.1:1"], ["LAUNCH=x {port}", "SERVICE_MS=5"]]
    {
        let refused = run(folder.path(), &["load", "RPS=5", words[0], words[1]]);
        assert_eq!(refused.status.code(), Some(2), "{words:?}");
        assert!(stderr(&refused).contains("LAUNCH"), "{}", stderr(&refused));
    }
}

#[test]
fn a_target_that_dies_in_the_middle_is_lost_and_the_result_names_its_command() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_in(folder.path());
    let launch = format!("LAUNCH={} --listen 127.0.0.1:{{port}}", server.display());
    let words = ["capacity", "PRESET=quick", "LEVELS=none", "GOAL_RPS=1", &launch];
    let mut child = plimsoll(folder.path(), &words).spawn().unwrap();
    wait_for("a trial", 40.0, || crate::support::tool::journal(folder.path()).len() >= 3);
    let is_server =
        |id: &i32| fs::read_link(format!("/proc/{id}/exe")).is_ok_and(|path| path == server);
    let target = running(folder.path()).into_iter().find(is_server).expect("the server");
    kill(Pid::from_raw(target), Signal::SIGKILL).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4), "the target was lost");
    let result = latest(folder.path());
    let command = result["target"]["command"].as_str().unwrap();
    assert!(command.starts_with(server.to_str().unwrap()), "{command}");
    assert!(!command.contains("{port}"), "as it was run: {command}");
    assert_eq!(running(folder.path()), NONE, "nothing is left");
}

/// A stand-in for Docker's client: writes down its arguments; `run` starts the example API where `-p` says.
fn stand_in(folder: &Path, version: &str, image: &str) -> PathBuf {
    let server = server_in(folder);
    let programs = folder.join("programs");
    fs::create_dir_all(&programs).unwrap();
    let text = format!(
        "echo \"$@\" >> '{0}/docker.log'\n\
         case \"$1\" in\n\
         version) {version} ;;\n\
         image) {image} ;;\n\
         run) while [ \"$1\" != -p ]; do shift; done\n\
         inner=${{2#127.0.0.1:}}; exec '{1}' --listen 127.0.0.1:${{inner%:1234}} ;;\n\
         esac",
        folder.display(),
        server.display()
    );
    write_program(&programs.join("docker"), &text);
    programs
}

fn with_docker(folder: &Path, programs: &Path, words: &[&str]) -> Command {
    let mut command = plimsoll(folder, words);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", programs.display()));
    command
}

fn docker_log(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("docker.log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
}

#[test]
fn a_container_is_run_and_removed_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let programs = stand_in(folder.path(), ":", ":");
    let words = [&SHORT[..], &["TARGET=docker", "IMAGE=own/image:7"]].concat();
    assert_code(&with_docker(folder.path(), &programs, &words).output().unwrap(), 0);
    let log = docker_log(folder.path());
    let run = log.iter().find(|line| line.starts_with("run ")).expect("it is run");
    let name = run.split(' ').find(|word| word.starts_with("plimsoll-")).expect("a name");
    let port = run.split("127.0.0.1:").nth(1).unwrap().split(':').next().unwrap();
    let expected =
        format!("run --rm --name {name} -e WORKERS=3 -p 127.0.0.1:{port}:1234 own/image:7");
    assert_eq!(*run, expected, "workers, a port of the loopback, the image");
    assert_eq!(log.last(), Some(&format!("rm --force {name}")), "{log:?}");
    assert_eq!(running(folder.path()), NONE, "nothing is left");
}

#[test]
fn a_container_is_removed_after_ctrl_c_and_after_kill() {
    for (signal, code) in [(Signal::SIGINT, Some(130)), (Signal::SIGKILL, None)] {
        let folder = tempfile::tempdir().unwrap();
        let programs = stand_in(folder.path(), ":", "false");
        let words = ["load", "RPS=20", "DURATION_S=60", "TARGET=docker"];
        let mut child = with_docker(folder.path(), &programs, &words).spawn().unwrap();
        wait_for("the start", 20.0, || {
            docker_log(folder.path()).iter().any(|it| it.starts_with("run "))
        });
        std::thread::sleep(Duration::from_millis(500));
        kill(id(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), code, "{signal}");
        wait_for("the removal", 8.0, || {
            docker_log(folder.path())
                .last()
                .is_some_and(|line| line.starts_with("rm --force plimsoll-"))
        });
        let log = docker_log(folder.path());
        let image = "drorwolmer/stress_test";
        assert!(log.contains(&format!("pull --quiet {image}")), "what is not here: {log:?}");
        assert!(
            log.iter().any(|line| line.starts_with("run ") && line.ends_with(image)),
            "{log:?}"
        );
        wait_for("the end", 8.0, || running(folder.path()).is_empty());
    }
}

#[test]
fn without_an_engine_there_is_a_hint_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let programs =
        stand_in(folder.path(), "echo Cannot connect to the Docker daemon >&2; exit 1", ":");
    let words = ["load", "RPS=5", "TARGET=docker"];
    let output = with_docker(folder.path(), &programs, &words).output().unwrap();
    assert_code(&output, 4);
    let said = stderr(&output);
    assert!(said.contains("Cannot connect") && said.contains("embedded"), "{said}");
    assert_eq!(docker_log(folder.path()).len(), 1, "nothing else is asked");
    let none = plimsoll(folder.path(), &words).env("PATH", folder.path()).output().unwrap();
    assert_code(&none, 4);
    assert!(stderr(&none).contains("no Docker engine"), "{}", stderr(&none));
}
