//! `plimsoll signoff RUN_DIR --slo FILE`: a finished run judged once more, without measuring.

use std::path::Path;

use crate::app::exit::{Exit, Failure};
use crate::app::slo::{baseline, from_file};
use crate::files::result_file;
use crate::report::signoff::again::judge_again;
use crate::term::say;

/// Runs the command; the result stays as it is.
///
/// # Errors
/// When there is no result of this tool, no sign-off file, or something that must be known is in neither.
pub fn run(place: &Path, slo: &Path, json: bool) -> Result<Exit, Failure> {
    let slo = from_file(slo).map_err(Failure::usage)?;
    let run = result_file::read(place).map_err(Failure::usage)?;
    let baseline = baseline(&slo).map_err(Failure::usage)?;
    let signoff = judge_again(run, slo, baseline.as_ref()).map_err(Failure::usage)?;
    if json {
        say(&serde_json::to_string_pretty(&signoff).map_err(Failure::internal)?);
    } else {
        say(&signoff.to_string());
    }
    Ok(signoff.outcome.into())
}
