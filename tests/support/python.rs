//! Python with what `analysis/requirements.txt` asks for, installed beside the build.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// The folder of the loader and the notebooks.
pub(crate) fn analysis() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("analysis")
}

/// The program, installed once for each state of the requirements; why not where that fails.
pub(crate) fn python() -> Result<PathBuf, String> {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (folder, requirements) = (parent.join("analysis"), analysis().join("requirements.txt"));
    // Several test programs may want it at once.
    let lock = File::create(parent.join("analysis.lock")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| error.to_string())?;
    let program = folder.join("bin/python");
    if !tools::is_installed(&folder, &[&requirements]) {
        tools::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut install = Command::new(&program);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        tools::run(install.arg("--requirement").arg(&requirements))?;
        tools::mark_installed(&folder, &[&requirements]);
    }
    Ok(program)
}

/// A run in virtual time, as a folder within `folder` that holds its result.
pub(crate) fn rehearsed(folder: &Path) -> PathBuf {
    let run = folder.join("rehearsed");
    let words = ["rehearse", "PRESET=quick", "SEED=3", "SERVICE_LAW=exp", "--json"];
    let output = crate::tool::run(folder, &words);
    assert!(output.status.success(), "a rehearsal: {}", crate::tool::stderr(&output));
    fs::create_dir(&run).expect("a folder for the run");
    fs::write(run.join("result.json"), output.stdout).expect("its result");
    run
}
