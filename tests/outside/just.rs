//! `just`: every spelling starts the same run, and exit codes come through.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use crate::tools;

/// Whether `just` can be run, after an attempt to install it.
fn has_just() -> bool {
    let runs =
        || Command::new("just").arg("--version").output().is_ok_and(|it| it.status.success());
    let install = || tools::run(Command::new("pip").args(["install", "-q", "rust-just"]));
    let installed = if runs() { Ok(()) } else { install() };
    tools::need("`just`", installed).is_some()
}

/// A `cargo` that has just built the tool, and notes what it was asked for.
fn built(folder: &Path) {
    let script = "#!/bin/sh\necho \"$@\" >> \"${0%/*}/asked\"\n";
    fs::write(folder.join("cargo"), script).unwrap();
    fs::set_permissions(folder.join("cargo"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.join("release")).unwrap();
    symlink(env!("CARGO_BIN_EXE_plimsoll"), folder.join("release/plimsoll")).unwrap();
}

/// `just` in the project's folder, with none of our settings in the environment but `workers`.
fn just(arguments: &[&str], workers: Option<&str>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    built(folder.path());
    let paths = env::var_os("PATH").unwrap_or_default();
    let path =
        env::join_paths([folder.path().to_owned()].into_iter().chain(env::split_paths(&paths)));
    let mut command = Command::new("just");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    command.env("PATH", path.unwrap()).env("CARGO_TARGET_DIR", folder.path());
    for (name, _) in env::vars_os() {
        if name == "WORKERS" || name.to_string_lossy().starts_with("PLIMSOLL_") {
            command.env_remove(name);
        }
    }
    if let Some(workers) = workers {
        command.env("WORKERS", workers);
    }
    let output = command.output().expect("just runs");
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap_or_default();
    assert_eq!(asked, "build --release --workspace --quiet\n", "what is run is what is there");
    output
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
