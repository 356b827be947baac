//! The notebook runs, on a sample that the tool makes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "test code fails loudly"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs every code cell of a notebook, one after the other, and saves what they draw.
const RUN_CELLS: &str = "
import json, sys
import matplotlib
matplotlib.use('Agg')
import matplotlib.pyplot as plt
names = {}
for cell in json.load(open('corpus.ipynb'))['cells']:
    if cell['cell_type'] == 'code':
        exec(compile(''.join(cell['source']), 'cell', 'exec'), names)
for number in plt.get_fignums():
    plt.figure(number).savefig(f'figure-{number}.png', dpi=80)
print(len(plt.get_fignums()), 'figures')
";

/// Python with matplotlib, installed beside the build once; why not where that fails.
fn python() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("analysis");
    let program = folder.join("bin/python");
    let is_ready = |program: &Path| {
        let check = Command::new(program).args(["-c", "import matplotlib"]).output();
        check.is_ok_and(|output| output.status.success())
    };
    if is_ready(&program) {
        return Ok(program);
    }
    let run = |command: &mut Command| {
        let output = command.output().map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(()) } else { Err(said) }
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&program).args(["-m", "pip", "install", "-q", "matplotlib"]))?;
    Ok(program)
}

#[test]
fn the_notebook_of_the_corpus_draws_a_sample() {
    let python = match python() {
        Ok(python) => python,
        Err(reason) if std::env::var_os("STRICT").is_some() => {
            panic!("python3 with venv and pip is needed: {reason}")
        }
        Err(reason) => {
            let line = reason.lines().last().unwrap_or_default();
            eprintln!("skipped: python3 with venv and pip is needed ({line})");
            return;
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let analysis = Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis");
    for name in ["corpus.ipynb", "published.json"] {
        fs::copy(analysis.join(name), folder.path().join(name)).unwrap();
    }
    let sample = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(["corpus", "--count", "200000", "--sample-profile"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    fs::write(folder.path().join("corpus-profile.json"), sample.stdout).unwrap();
    let ran =
        Command::new(python).args(["-c", RUN_CELLS]).current_dir(folder.path()).output().unwrap();
    let (said, wrong) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{wrong}");
    assert!(said.contains("5 figures"), "{said}");
    assert!(said.contains("hosts: exponent 0.8"), "{said}");
}
