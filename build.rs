//! Tells the tool what it was built from: commit, whether sources differed from it, compiler.
//!
//! A build without git, or outside of a clone, simply does not know. The variables do not begin as settings do, because
//! cargo also hands them to the tests that it runs.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=Cargo.lock");
    if let Some(log) = said("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        // Moves with every commit and checkout.
        println!("cargo::rerun-if-changed={log}");
    }
    if let Some(commit) = said("git", &["rev-parse", "HEAD"]) {
        println!("cargo::rustc-env=BUILT_FROM_COMMIT={commit}");
        let changed = ["status", "--porcelain", "--", "src", "Cargo.lock", "Cargo.toml"];
        let is_dirty = said("git", &changed).is_some_and(|files| !files.is_empty());
        println!("cargo::rustc-env=BUILT_FROM_DIRTY={is_dirty}");
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
