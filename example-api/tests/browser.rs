//! Swagger UI in a real browser.
#![allow(
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::missing_panics_doc,
    reason = "tests: a panic is a failed test, waits need a clock, and each test crate uses a part of the helpers"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Server, tools};

/// The folder with what drives the browser, installed beside the build once.
fn driver() -> Result<PathBuf, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "package-lock.json", "swagger.mjs"] {
        fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    let lock = source.join("package-lock.json");
    if !tools::is_installed(&folder, &[&lock]) {
        let mut install = Command::new("npm");
        install.args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder);
        tools::run(&mut install)?;
        tools::mark_installed(&folder, &[&lock]);
    }
    Ok(folder)
}

fn chromium() -> Result<PathBuf, String> {
    find_chromium().or_else(|_| {
        tools::install("chromium");
        find_chromium()
    })
}

fn find_chromium() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|program| program.is_file())
        .ok_or_else(|| "no chromium in PATH".to_owned())
}

#[test]
fn a_document_goes_in_through_the_page_and_is_found_again() {
    let Some(chromium) = tools::need("chromium is needed", chromium()) else { return };
    let Some(folder) = tools::need("node and npm are needed", driver()) else { return };
    for front in ["pool", "prefork"] {
        // A browser opens connections ahead of need, and each occupies a pre-forked worker.
        let server = Server::start(&[("FRONT", front), ("WORKERS", "16"), ("ENGINE", "tantivy")]);
        let picture = folder.join(format!("swagger-{front}.png"));
        let ran = Command::new("node")
            .args(["swagger.mjs", &format!("http://{}", server.address)])
            .arg(&picture)
            .env("CHROMIUM", &chromium)
            .current_dir(&folder)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        let wrong = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{front}: {said}\n{wrong}");
        assert!(picture.is_file(), "{front}: a picture of the page");
        assert!(server.metric("example_api_documents_total") > 0.5, "{front}: stored");
    }
}
