//! `plimsoll explain RUN_DIR`: the search retold, trial by trial.

use std::path::Path;

use super::capacity::plan;
use crate::app::exit::{Exit, Failure};
use crate::app::past::PastRun;
use crate::app::sources::Given;
use crate::campaign::{Campaign, Step};
use crate::report::explain::{heading, retell};
use crate::report::repeats::{RepeatRecord, repeats_told};
use crate::term::{complain, say};

/// Runs the command.
///
/// # Errors
/// When the folder holds no run of this tool.
pub fn run(folder: &Path) -> Result<Exit, Failure> {
    let past = PastRun::read(folder)?;
    let settings = past.settings(&Given::default(), false)?;
    // The search speaks of requests, the user of documents.
    let batch = settings.batch as f64;
    let mut campaign = Campaign::new(plan(&settings, None, past.header.generator_rps));
    let mut text = format!("{}, seed {}\n\n", past.header.id, past.header.seed);
    let mut search = None;
    let replayed = past.replay(&mut campaign, |trial, before, after| {
        if settings.repeats > 1 && trial.repeat.is_some() && trial.repeat != search {
            search = trial.repeat;
            text.push_str(&heading(search.unwrap_or_default(), settings.repeats));
        }
        text.push_str(&retell(trial, &before.scaled(batch), &after.scaled(batch)));
    });
    if let Some(finding) = replayed.map_err(Failure::usage)? {
        campaign.stop(finding);
    }
    if matches!(campaign.next_step(past.elapsed_s()), Step::Done) {
        let outcome = campaign.outcome();
        let capacity = outcome.capacity;
        let found = capacity.rps.map_or_else(String::new, |rps| format!(" {}", rps.scaled(batch)));
        say(&format!("{text}\nfinding: {}{found}", capacity.finding.name()));
        let repeats = outcome.repeats.iter().map(|one| RepeatRecord::new(one, settings.batch));
        let repeats = repeats_told(&repeats.collect::<Vec<_>>());
        if !repeats.is_empty() {
            say(&format!("searches: {repeats}"));
        }
        for reason in &capacity.reasons {
            say(&format!("     {reason}"));
        }
    } else {
        say(&format!("{text}\nunfinished; `plimsoll capacity --resume` goes on with it"));
    }
    if past.torn_bytes > 0 {
        complain("caution: the last line of the journal is torn and was left out");
    }
    Ok(Exit::Pass)
}
