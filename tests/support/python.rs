//! Python with what `analysis/requirements.txt` asks for, installed beside the build.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::tool;
use crate::tools;

/// The folder of the loader and the notebooks.
pub(crate) fn analysis() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis")
}

/// The program; why not where it cannot be installed.
pub(crate) fn python() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("analysis");
    tools::python(&folder, &analysis().join("requirements.txt"))
}

/// A run in virtual time, as a folder within `folder` that holds its result.
pub(crate) fn rehearsed(folder: &Path) -> PathBuf {
    let run = folder.join("rehearsed");
    let words = ["rehearse", "PRESET=quick", "SEED=3", "SERVICE_LAW=exp", "--json"];
    let output = tool::run(folder, &words);
    assert!(output.status.success(), "a rehearsal: {}", tool::stderr(&output));
    fs::create_dir(&run).expect("a folder for the run");
    fs::write(run.join("result.json"), output.stdout).expect("its result");
    run
}
