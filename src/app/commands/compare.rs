//! `plimsoll compare BASELINE RUN`: is this run worse than that one?

use std::path::Path;

use crate::app::exit::{Exit, Failure};
use crate::files::result_file;
use crate::report::compare::{CompareTerms, compare};
use crate::report::schema::Outcome;
use crate::term::say;

/// Runs the command.
///
/// # Errors
/// When one of the two is no result of this tool, or they were measured under different objectives.
pub fn run(baseline: &Path, run: &Path, json: bool) -> Result<Exit, Failure> {
    let before = result_file::read(baseline).map_err(Failure::usage)?;
    let after = result_file::read(run).map_err(Failure::usage)?;
    let found = compare(&before, &after, &CompareTerms::default()).map_err(Failure::usage)?;
    if json {
        say(&serde_json::to_string_pretty(&found).map_err(Failure::internal)?);
    } else {
        say(found.to_string().trim_end());
    }
    Ok(match found.outcome {
        Outcome::Pass => Exit::Pass,
        Outcome::Fail => Exit::Fail,
        Outcome::Invalid => Exit::Invalid,
    })
}
