//! Programs that only tests need: installed beside the build, or the test is skipped.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "shared by the tests of both packages, of which each crate uses a part"
)]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// What was installed; without it the one line that tells why the test is skipped, or, with STRICT
/// set, a failure.
pub fn need<T>(what: &str, installed: Result<T, String>) -> Option<T> {
    match installed {
        Ok(tool) => Some(tool),
        Err(reason) if std::env::var_os("STRICT").is_some() => panic!("{what}: {reason}"),
        Err(reason) => {
            say(&format!("skipped: {what} ({})", reason.lines().last().unwrap_or_default()));
            None
        }
    }
}

/// Says one line, past the test harness, which keeps to itself what a passing test prints.
pub fn say(line: &str) {
    io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Runs a program to its end; what it said where it failed.
pub fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

/// Asks the system for a package, where we may; whether it is there afterwards is for the caller to see.
pub fn install(package: &str) {
    // It serves one at a time, and refuses the others.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    if is_root {
        let script =
            "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install \"$0\"";
        drop(Command::new("bash").args(["-c", script, package]).output());
    }
}

/// Whether `folder` holds what these files ask for.
pub fn is_installed(folder: &Path, files: &[&Path]) -> bool {
    fs::read(folder.join("installed")).is_ok_and(|mark| mark == content(files))
}

/// Notes that `folder` holds what these files ask for.
pub fn mark_installed(folder: &Path, files: &[&Path]) {
    fs::write(folder.join("installed"), content(files)).unwrap();
}

/// Installs what the lock file in `folder` names, once; why not where that fails.
pub fn npm(folder: &Path) -> Result<(), String> {
    let _turn = turn(folder)?;
    let names = folder.join("package-lock.json");
    if !is_installed(folder, &[&names]) {
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder);
        run(&mut install)?;
        mark_installed(folder, &[&names]);
    }
    Ok(())
}

/// Python with what `requirements` asks for in `folder`, installed once for each state of it; why not
/// where that fails.
pub fn python(folder: &Path, requirements: &Path) -> Result<PathBuf, String> {
    let _turn = turn(folder)?;
    let program = folder.join("bin/python");
    if !is_installed(folder, &[requirements]) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let mut install = Command::new(&program);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(install.arg("--requirement").arg(requirements))?;
        mark_installed(folder, &[requirements]);
    }
    Ok(program)
}

/// Several tests may want `folder` at once: held until it is dropped.
fn turn(folder: &Path) -> Result<File, String> {
    let lock = File::create(folder.with_extension("lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    Ok(lock)
}

fn content(files: &[&Path]) -> Vec<u8> {
    files.iter().flat_map(|file| fs::read(file).unwrap()).collect()
}
