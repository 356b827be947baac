//! `plimsoll explain RUN_DIR`: the search retold, trial by trial.

use std::path::Path;

use super::capacity::plan;
use crate::app::exit::{Exit, Failure};
use crate::app::past::PastRun;
use crate::app::sources::Given;
use crate::campaign::Campaign;
use crate::report::explain::retell;
use crate::term::{complain, say};

/// Runs the command.
///
/// # Errors
/// When the folder holds no run of this tool.
pub fn run(folder: &Path) -> Result<Exit, Failure> {
    let past = PastRun::read(folder)?;
    let settings = past.settings(&Given::default(), false)?;
    let mut campaign = Campaign::new(plan(&settings, None));
    let mut text = format!("{}, seed {}\n\n", past.header.id, past.header.seed);
    past.replay(&mut campaign, |trial, before, after| {
        text.push_str(&retell(trial, &before, &after));
    })
    .map_err(Failure::usage)?;
    let capacity = campaign.outcome().capacity;
    let found = capacity.rps.map_or_else(String::new, |rps| format!(" {rps}"));
    say(&format!("{text}\nfinding: {}{found}", capacity.finding.name()));
    for reason in &capacity.reasons {
        say(&format!("     {reason}"));
    }
    if past.torn_bytes > 0 {
        complain("caution: the last line of the journal is torn and was left out");
    }
    Ok(Exit::Pass)
}
