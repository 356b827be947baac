//! A real browser and what drives it.
#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "shared by the tests of both packages, of which each crate uses a part"
)]

use std::fs;
use std::path::{Path, PathBuf};

use super::tools;

const PACKAGES: [(&str, &str); 2] = [
    ("package.json", include_str!("../browser/package.json")),
    ("package-lock.json", include_str!("../browser/package-lock.json")),
];

/// The folder with what drives the browser, installed beside the build once, and `script` in it.
pub fn driver(script: &Path) -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in PACKAGES {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::copy(script, folder.join(script.file_name().unwrap())).unwrap();
    tools::npm(&folder)?;
    Ok(folder)
}

/// The browser's program.
pub fn chromium() -> Result<PathBuf, String> {
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
