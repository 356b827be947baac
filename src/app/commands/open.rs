//! `plimsoll open RUN_DIR`: the path of the page, and the page itself where there is a desktop.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::report;
use crate::app::exit::{Exit, Failure};
use crate::report::artifacts::{REPORT_FILE, RESULT_FILE};
use crate::term::{complain, say};

/// Runs the command.
///
/// # Errors
/// When there is no page and none can be made.
pub fn run(place: &Path) -> Result<Exit, Failure> {
    let folder = report::folder(place);
    let page = folder.join(REPORT_FILE);
    // A page without its result is none of a run, and is refused as one that is missing.
    if !page.is_file() || !folder.join(RESULT_FILE).is_file() {
        report::write(place)?;
    }
    // The link to the newest run may point elsewhere tomorrow; what is told stays right.
    let page = fs::canonicalize(&page).unwrap_or(page);
    say(&page.display().to_string());
    if has_desktop() {
        show(&page);
    }
    Ok(Exit::Pass)
}

fn has_desktop() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Nobody waits for the program: a browser may stay open for days, and outlives this one.
fn show(page: &Path) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(program);
    command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.process_group(0).spawn() {
        complain(&format!("`{program}` could not be started: {error}; open the page by hand"));
    }
}
