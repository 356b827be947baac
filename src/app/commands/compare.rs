//! `plimsoll compare BASELINE RUN`: is this run worse than that one?

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::app::exit::{Exit, Failure};
use crate::files::result_file;
use crate::files::run_dir::write_whole;
use crate::report::compare::{CompareTerms, compare, page};
use crate::term::say;

/// Runs the command.
///
/// # Errors
/// When one of the two is no result of this tool, they were measured under different objectives, or the page cannot be
/// written.
pub fn run(baseline: &Path, run: &Path, html: Option<&Path>, json: bool) -> Result<Exit, Failure> {
    let before = result_file::read(baseline).map_err(Failure::usage)?;
    let after = result_file::read(run).map_err(Failure::usage)?;
    let found = compare(&before, &after, &CompareTerms::default()).map_err(Failure::usage)?;
    if let Some(path) = html {
        let page = page(&before, &after, &found).map_err(Failure::internal)?;
        write_page(path, &page).map_err(|error| Failure::new(Exit::Results, error))?;
    }
    if json {
        say(&serde_json::to_string_pretty(&found).map_err(Failure::internal)?);
    } else {
        say(found.to_string().trim_end());
    }
    Ok(found.outcome.into())
}

/// What is renamed over a link or a device would take its place and not be written to it.
fn write_page(path: &Path, page: &str) -> Result<()> {
    let is_free = fs::symlink_metadata(path).map_or(true, |there| there.is_file());
    ensure!(is_free, "`{}` is no regular file; give --html another name", path.display());
    write_whole(path, page.as_bytes()).with_context(|| {
        format!(
            "the page could not be written to `{}`; give --html a name in a folder that is there and writable",
            path.display()
        )
    })
}
