//! Whole searches, one after the other, and what they come to together.
//!
//! Each begins at a rate of its own on a target that has recovered; only the warm-up is shared. A run has an answer only
//! where each of them ends in a capacity. One that could confirm no rate is followed by the others all the same, because
//! they tell how rare that is; one that ends in anything else ends them all.

use super::budget::search_least_s;
use super::plan::CampaignPlan;
use crate::search::Search;
use crate::search::finding::{Capacity, Ends, Finding};
use crate::stats::bootstrap;
use crate::units::Rps;

/// The searches of a campaign.
#[derive(Debug)]
pub(super) struct Searches {
    pub current: Search,
    /// Which one it is, counted from 1.
    pub number: u32,
    planned: u32,
    /// What those before it came to.
    finished: Vec<Capacity>,
    /// Campaign time of the current one's first trial.
    began_s: Option<f64>,
}

/// Seconds that the current search may still take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    /// At the most, so that every later search can still bring an answer.
    pub most_s: f64,
    /// Its fair share: beyond it the search becomes coarser.
    pub share_s: f64,
}

impl Searches {
    pub(super) fn new(plan: &CampaignPlan) -> Self {
        Self {
            current: Search::new(plan.search_of(1)),
            number: 1,
            planned: plan.repeats.max(1),
            finished: Vec::new(),
            began_s: None,
        }
    }

    /// Begins the next search; false where the current one was the last, or how it ended ends them all.
    pub(super) fn go_on(&mut self, plan: &CampaignPlan) -> bool {
        let found = self.current.outcome(Finding::Interrupted);
        let goes_on = matches!(found.finding, Finding::Capacity | Finding::Unconfirmed);
        if self.number >= self.planned || !goes_on {
            return false;
        }
        self.finished.push(found);
        self.number += 1;
        self.current = Search::new(plan.search_of(self.number));
        self.began_s = None;
        true
    }

    /// What is left for the current search at `elapsed_s` when all of them must end by `end_s`.
    pub(super) fn left(&mut self, plan: &CampaignPlan, end_s: f64, elapsed_s: f64) -> Left {
        let began_s = *self.began_s.get_or_insert(elapsed_s);
        let later = f64::from(self.planned - self.number);
        let most_s = end_s - later * search_least_s(plan) - elapsed_s;
        let share_s = began_s + (end_s - began_s) / (later + 1.0) - elapsed_s;
        Left { most_s, share_s: share_s.min(most_s) }
    }

    /// What each has come to so far, the current one included.
    pub(super) fn outcomes(&self) -> Vec<Capacity> {
        let current = self.current.outcome(Finding::Interrupted);
        self.finished.iter().cloned().chain([current]).collect()
    }

    /// What they come to together; `ended_by` is what ended the campaign from outside.
    pub(super) fn together(&self, ended_by: Option<Finding>) -> Capacity {
        let searches = self.outcomes();
        let current = self.current.outcome(Finding::Interrupted);
        if self.planned == 1 {
            return current;
        }
        let unconfirmed = (1..).zip(&searches).find(|(_, one)| one.finding != Finding::Capacity);
        match (current.finding, unconfirmed) {
            // A floor that held before and does not now is no answer, but a contradiction.
            (Finding::BelowFloor, _) if self.number > 1 => {
                self.without_answer(Finding::Unconfirmed, self.number, &current)
            }
            (Finding::Capacity | Finding::Unconfirmed, _) if self.number < self.planned => {
                // What it had come to stays its own, but those after it are missing.
                let finding = ended_by.unwrap_or(Finding::Interrupted);
                self.without_answer(finding, self.number, &Capacity { finding, ..current })
            }
            (Finding::Capacity | Finding::Unconfirmed, Some((number, one))) => {
                self.without_answer(Finding::Unconfirmed, number, one)
            }
            (Finding::Capacity, None) => agreed(&searches, current),
            (finding, _) => self.without_answer(finding, self.number, &current),
        }
    }

    /// No answer together, because of the search `number`, which came to `one`.
    fn without_answer(&self, finding: Finding, number: u32, one: &Capacity) -> Capacity {
        let ended = format!("search {number} of {} ended {}", self.planned, one.finding.name());
        Capacity {
            finding,
            rps: None,
            ends: Ends::Bracket,
            confirmed_by: Vec::new(),
            reasons: [ended].into_iter().chain(one.reasons.clone()).collect(),
            ..one.clone()
        }
    }
}

/// The lower median of the rates between the least lower and the greatest upper end, with every flag.
fn agreed(repeats: &[Capacity], last: Capacity) -> Capacity {
    let lowest = |ends: Option<Vec<Rps>>| ends?.into_iter().reduce(Rps::min);
    let highest = |ends: Option<Vec<Rps>>| ends?.into_iter().reduce(Rps::max);
    let mut flags: Vec<_> = repeats.iter().flat_map(|one| one.flags.iter().copied()).collect();
    flags.sort_unstable();
    flags.dedup();
    let is_posterior = repeats.iter().all(|one| one.ends == Ends::Posterior);
    Capacity {
        flags,
        rps: lower_median(repeats.iter().filter_map(|one| one.rps)),
        low: lowest(repeats.iter().map(|one| one.low).collect()),
        high: highest(repeats.iter().map(|one| one.high).collect()),
        ends: if is_posterior { Ends::Posterior } else { Ends::Bracket },
        confirmed_by: repeats.iter().flat_map(|one| one.confirmed_by.iter().copied()).collect(),
        stability: lower_median(repeats.iter().filter_map(|one| one.stability)),
        ..last
    }
}

/// A rate that was itself confirmed.
fn lower_median(rates: impl Iterator<Item = Rps>) -> Option<Rps> {
    let rates: Vec<f64> = rates.map(Rps::get).collect();
    bootstrap::lower_median(&rates).and_then(Rps::new)
}
