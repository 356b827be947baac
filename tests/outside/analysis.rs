//! The loader and the notebooks of `analysis/`, on the sample and on what the tool has just made.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::tool;
use crate::{python, tools};

/// Runs `pytest` in `analysis/`, with folders of its own for whatever it and its kernels leave behind.
fn pytest(program: &Path, folder: &Path, run: &Path, corpus: &Path) -> (bool, String) {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PLIMSOLL_") {
            command.env_remove(name);
        }
    }
    let output = command
        .args(["-m", "pytest", "-q", "-rs", "--tb=short", "-p", "no:cacheprovider"])
        .current_dir(python::analysis())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PLIMSOLL_TEST_RUNS", run)
        .env("PLIMSOLL_TEST_CORPUS", corpus)
        .env("PLIMSOLL_TEST_CACHE", env!("CARGO_TARGET_TMPDIR"))
        .env("MPLCONFIGDIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("matplotlib"))
        .env("IPYTHONDIR", folder.join("ipython"))
        .env("JUPYTER_RUNTIME_DIR", folder.join("jupyter"))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn results_load_and_notebooks_draw_them() {
    let Some(program) = tools::need("python3 with venv and pip is needed", python::python()) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let run = python::rehearsed(folder.path());
    let corpus = folder.path().join("corpus.json");
    let sample = tool::run(folder.path(), &["corpus", "--count", "50000", "--sample-profile"]);
    fs::write(&corpus, sample.stdout).unwrap();
    let (passed, said) = pytest(&program, folder.path(), &run, &corpus);
    let summary =
        said.lines().rev().find(|line| line.contains(" passed") || line.contains(" failed"));
    tools::say(&format!("pytest: {}", summary.unwrap_or("no summary")));
    assert!(passed, "pytest of analysis/:\n{said}");
    assert!(
        !said.contains(" skipped"),
        "with a run and a corpus at hand nothing is left out:\n{said}"
    );
}
