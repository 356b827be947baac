//! Tells the tool what it was built from: commit, whether sources differed from it, compiler.
//!
//! A build without git, or outside of a clone, simply does not know. The variables do not begin as settings do, because
//! cargo also hands them to the tests that it runs.

use std::env;
use std::process::Command;

/// What the tool and the server that it starts by default are made of.
const SOURCES: [&str; 5] = ["src", "example-api", "build.rs", "Cargo.lock", "Cargo.toml"];

fn main() {
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    if let Some(log) = said("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        // Moves with every commit and checkout.
        println!("cargo::rerun-if-changed={log}");
    }
    // Within the repository of somebody else the commit would be theirs.
    let is_own = said("git", &["rev-parse", "--show-prefix"]).is_some_and(|path| path.is_empty());
    if let Some(commit) = said("git", &["rev-parse", "HEAD"]).filter(|_| is_own) {
        println!("cargo::rustc-env=BUILT_FROM_COMMIT={commit}");
        let changed = [&["status", "--porcelain", "--"], &SOURCES[..]].concat();
        if let Some(files) = said("git", &changed) {
            println!("cargo::rustc-env=BUILT_FROM_DIRTY={}", !files.is_empty());
        }
    }
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    if let Some(version) = said(&rustc, &["--version"]) {
        println!("cargo::rustc-env=BUILT_BY_RUSTC={version}");
    }
}

/// What a command says; nothing where it fails or is not there.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
