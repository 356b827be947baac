//! `plimsoll rejudge RUN_DIR`: other criteria over the saved trials, without measuring.

use std::path::Path;

use anyhow::anyhow;

use crate::app::exit::{Exit, Failure};
use crate::app::past::PastRun;
use crate::app::sources::Given;
use crate::report::rejudge::{Criteria, rejudge};
use crate::report::signoff::needed_rps;
use crate::term::{complain, say};

/// Runs the command.
///
/// # Errors
/// When the folder holds no run of this tool, or a criterion cannot be used.
pub fn run(folder: &Path, changed: &Given, json: bool) -> Result<Exit, Failure> {
    let past = PastRun::read(folder)?;
    let settings = past.settings(changed, json)?;
    let criteria = Criteria {
        p99_ms: settings.p99_ms as f64,
        error_ratio: settings.error_ratio,
        needed_rps: needed_rps(settings.goal.get(), settings.headroom_ratio),
    };
    let trials: Vec<_> = past.trials().collect();
    if trials.is_empty() {
        return Err(Failure::usage(anyhow!("the journal in {} holds no trial", folder.display())));
    }
    let judged = rejudge(&trials, &criteria);
    if json {
        say(&serde_json::to_string_pretty(&judged).map_err(Failure::internal)?);
    } else {
        say(judged.to_string().trim_end());
    }
    if past.torn_bytes > 0 {
        complain("caution: the last line of the journal is torn and was left out");
    }
    Ok(match judged.is_goal_met {
        Some(true) => Exit::Pass,
        Some(false) => Exit::Fail,
        None => Exit::Invalid,
    })
}
