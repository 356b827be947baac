//! The whole job as a pure state machine: warm up, searches, levels; a measured recovery after each trial.
//!
//! It asks for one step after the other and is told what came of it. Elapsed time comes in as an
//! argument, so that a campaign can be run in virtual time, replayed from its journal, and stopped by its
//! budget without ever looking at a clock.

pub mod budget;
pub mod levels;
pub mod plan;
pub mod presets;
mod repeats;
mod trials;

use crate::search::finding::{Capacity, Finding, Flag};
use crate::search::{Attempt, Next, Standing};
use crate::trial::evidence::{Median, Observation};
use crate::trial::result::Recovery;
use crate::trial::verdict::Verdict;
use crate::trial::{Purpose, RecoverPlan, StopCause, TrialId, TrialPlan};
use crate::units::{LoadPercent, Rps};
use plan::CampaignPlan;
use repeats::Searches;

/// Two blocks of the warm-up whose medians differ by less are the same ...
const SETTLED_RATIO: f64 = 0.10;
/// ... and the warm-up ends after so many seconds of load, settled or not.
const WARM_UP_MOST_S: f64 = 60.0;

/// What a campaign wants next.
#[derive(Debug)]
pub enum Step {
    /// A trial.
    Run(TrialPlan),
    /// A recovery.
    Recover(RecoverPlan),
    /// Nothing more.
    Done,
}

/// One load level that was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelOutcome {
    /// Share of the capacity that was offered.
    pub percent: LoadPercent,
    /// The trial that measured it.
    pub trial: TrialId,
    /// Seconds from the level's last due time to the first of the good probes in a row; `None` where
    /// recovery was not reached or not measured.
    pub recovery_s: Option<f64>,
}

/// What a campaign came to.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignOutcome {
    /// The answer of the search, or of all searches together.
    pub capacity: Capacity,
    /// What each of the searches that were begun came to, in their order; the only one is there too.
    pub repeats: Vec<Capacity>,
    /// The levels that were measured to their end, in the order in which they were run.
    pub levels: Vec<LevelOutcome>,
    /// Why levels are missing although a capacity was certified, in words.
    pub levels_missing: Option<String>,
    /// What ended the campaign before its plan did, if something did.
    pub ended_by: Option<Finding>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// So many seconds of it are done, the last block with this median.
    WarmUp {
        done_s: f64,
        last: Option<Median>,
    },
    Search,
    Alone {
        capacity: Rps,
    },
    Level {
        position: usize,
        capacity: Rps,
    },
    Done,
}

/// The state of a campaign.
#[derive(Debug)]
pub struct Campaign {
    plan: CampaignPlan,
    searches: Searches,
    phase: Phase,
    next_id: u32,
    /// The trial that still has to be recovered from, and seconds since its last due time.
    recovering: Option<(TrialId, f64)>,
    levels: Vec<LevelOutcome>,
    levels_missing: Option<String>,
    /// Whether indexing alone holds a tenth more than with the dashboard beside it.
    queries_cost: bool,
    ended_by: Option<Finding>,
}

impl Campaign {
    /// A campaign at its beginning.
    ///
    /// # Panics
    /// When the plan's search was not checked.
    #[must_use]
    pub fn new(plan: CampaignPlan) -> Self {
        Self {
            searches: Searches::new(&plan),
            plan,
            phase: Phase::WarmUp { done_s: 0.0, last: None },
            next_id: 1,
            recovering: None,
            levels: Vec::new(),
            levels_missing: None,
            queries_cost: false,
            ended_by: None,
        }
    }

    /// What the campaign wants next, `elapsed_s` seconds after its beginning.
    pub fn next_step(&mut self, elapsed_s: f64) -> Step {
        if let Some((after, _)) = self.recovering {
            let id = self.take_id();
            return Step::Recover(trials::recover_plan(&self.plan, id, after));
        }
        match self.phase {
            Phase::WarmUp { .. } => Step::Run(self.warm_up()),
            Phase::Search => self.search_step(elapsed_s),
            Phase::Alone { capacity } => self.alone_step(capacity, elapsed_s),
            Phase::Level { position, capacity } => self.level_step(position, capacity, elapsed_s),
            Phase::Done => Step::Done,
        }
    }

    /// Takes what came of the trial that was asked for.
    pub fn observe_trial(&mut self, seen: &Observation) {
        self.recovering = Some((seen.id, seen.drained_s));
        match seen.stopped {
            Some(StopCause::Interrupted) => return self.stop(Finding::Interrupted),
            Some(StopCause::TargetLost) => return self.stop(Finding::TargetLost),
            Some(StopCause::Decided | StopCause::Outstanding | StopCause::AgentLost) | None => {}
        }
        match (self.phase, seen.purpose) {
            (Phase::WarmUp { done_s, last }, _) => {
                self.phase = after_warm_up(done_s + seen.evidence.measured_s, last, seen);
            }
            (Phase::Search, _) => self.searches.current.observe(seen),
            // What was not offered as planned is offered again, after the recovery.
            (Phase::Alone { .. } | Phase::Level { .. }, _)
                if seen.stopped == Some(StopCause::AgentLost) => {}
            (Phase::Alone { capacity }, _) => {
                self.queries_cost |= matches!(seen.evidence.verdict, Verdict::Sustained(_));
                self.phase = self.level_or_done(0, capacity);
            }
            (Phase::Level { .. }, Purpose::Level(percent)) => {
                self.levels.push(LevelOutcome { percent, trial: seen.id, recovery_s: None });
            }
            _ => {}
        }
    }

    /// Takes the outcome of the recovery that was asked for.
    pub fn observe_recovery(&mut self, recovery: &Recovery) {
        let recovering = self.recovering.take();
        let since_last_due_s = recovering.map_or(0.0, |(_, drained_s)| drained_s);
        match (recovery.stopped, recovery.recovered_s) {
            (Some(StopCause::TargetLost), _) => self.stop(Finding::TargetLost),
            (Some(_), _) => self.stop(Finding::Interrupted),
            (None, None) => self.stop(Finding::Metastable),
            (None, Some(recovered_s)) => {
                if let Phase::Level { position, capacity } = self.phase {
                    let last = self.levels.last_mut();
                    let level = last
                        .filter(|level| recovering.is_some_and(|(after, _)| after == level.trial));
                    if let Some(level) = level {
                        level.recovery_s = Some(since_last_due_s + recovered_s);
                        self.phase = self.level_or_done(position + 1, capacity);
                    }
                }
            }
        }
    }

    /// Ends the campaign from outside; a certified capacity stays.
    pub fn stop(&mut self, finding: Finding) {
        self.recovering = None;
        if self.phase == Phase::Done {
            return;
        }
        self.ended_by = Some(finding);
        let reason = match finding {
            Finding::Interrupted => "the run was interrupted",
            Finding::TargetLost => "the target could no longer be reached",
            Finding::AgentLost => "an agent was lost",
            Finding::AgentsLost => "all agents were lost",
            Finding::Metastable => "the target did not recover within the drain's limit",
            _ => "the time was up",
        };
        self.searches.current.finish(finding, reason.to_owned());
        if !self.plan.levels.is_empty() && self.confirmed().is_some() {
            self.levels_missing = Some(reason.to_owned());
        }
        self.phase = Phase::Done;
    }

    /// What the campaign has come to so far; can be asked at any time.
    #[must_use]
    pub fn outcome(&self) -> CampaignOutcome {
        let mut capacity = self.searches.together(self.ended_by);
        if self.queries_cost {
            capacity.flags.push(Flag::QueriesCost);
        }
        CampaignOutcome {
            capacity,
            repeats: self.searches.outcomes(),
            levels: self.levels.clone(),
            levels_missing: self.levels_missing.clone(),
            ended_by: self.ended_by,
        }
    }

    /// Where the current search stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.searches.current.standing()
    }

    /// Gives no name up to `last` to a trial: they are taken in a journal that is gone on with.
    pub fn number_after(&mut self, last: TrialId) {
        self.next_id = self.next_id.max(last.0 + 1);
    }

    /// The rate that the searches have confirmed so far.
    #[must_use]
    pub fn confirmed(&self) -> Option<Rps> {
        self.outcome().capacity.rps
    }

    fn take_id(&mut self) -> TrialId {
        let id = TrialId(self.next_id);
        self.next_id += 1;
        id
    }

    fn warm_up(&mut self) -> TrialPlan {
        self.trial(&trials::warm_up(&self.plan))
    }

    /// The answer alone, without the dashboard beside it and a tenth higher: what do its queries cost?
    fn alone_step(&mut self, capacity: Rps, elapsed_s: f64) -> Step {
        let attempt = trials::alone(&self.plan, capacity);
        let needed_s = self.plan.effort.settle_s + attempt.measure_s + budget::levels_s(&self.plan);
        if elapsed_s + needed_s > self.plan.budget_s {
            self.phase = self.level_or_done(0, capacity);
            return self.next_step(elapsed_s);
        }
        Step::Run(self.trial(&attempt))
    }

    fn search_step(&mut self, elapsed_s: f64) -> Step {
        // What the last trial leaves behind must be recovered from within the budget too.
        let kept_s = budget::levels_s(&self.plan) + budget::OVERLOAD_RECOVERY_S;
        let left = self.searches.left(&self.plan, self.plan.budget_s - kept_s, elapsed_s);
        let (left_s, settle_s) = (left.most_s, self.plan.effort.settle_s);
        let search = &mut self.searches.current;
        while search.rest_s(settle_s + budget::RECOVERY_S) > left.share_s && search.widen() {}
        match search.next() {
            Next::Try(mut attempt) => {
                // A trial is cut short by the budget as long as it can still bring a verdict.
                if settle_s + attempt.least_s() > left_s {
                    let reason = format!("the budget of {:.0} s was up", self.plan.budget_s);
                    search.finish(Finding::OutOfBudget, reason);
                    return self.search_step(elapsed_s);
                }
                attempt.measure_s = attempt.measure_s.min(left_s - settle_s);
                Step::Run(self.trial(&attempt))
            }
            Next::Done(_) if self.searches.go_on(&self.plan) => self.next_step(elapsed_s),
            Next::Done(_) => {
                self.phase = match (self.confirmed(), self.plan.mix) {
                    (Some(capacity), Some(_)) => Phase::Alone { capacity },
                    (Some(capacity), None) => self.level_or_done(0, capacity),
                    (None, _) => Phase::Done,
                };
                self.next_step(elapsed_s)
            }
        }
    }

    fn level_step(&mut self, position: usize, capacity: Rps, elapsed_s: f64) -> Step {
        let Some(percent) = self.plan.levels.get(position).copied() else {
            self.phase = Phase::Done;
            return Step::Done;
        };
        let needed_s = self.plan.effort.settle_s + self.plan.dashboard.level_s;
        if elapsed_s + needed_s > self.plan.budget_s {
            self.stop(Finding::OutOfBudget);
            return Step::Done;
        }
        let id = self.take_id();
        Step::Run(levels::level_trial(&self.plan, id, percent, capacity))
    }

    fn level_or_done(&self, position: usize, capacity: Rps) -> Phase {
        if position < self.plan.levels.len() {
            Phase::Level { position, capacity }
        } else {
            Phase::Done
        }
    }

    fn trial(&mut self, attempt: &Attempt) -> TrialPlan {
        let id = self.take_id();
        let repeat = (self.phase == Phase::Search).then_some(self.searches.number);
        trials::attempt_trial(&self.plan, id, repeat, attempt)
    }
}

/// The next block of the warm-up, or the search once two blocks are alike.
fn after_warm_up(done_s: f64, last: Option<Median>, seen: &Observation) -> Phase {
    let now = seen.evidence.median;
    let is_settled = last.zip(now).is_some_and(|(last, now)| {
        let (low, high) = (1.0 - SETTLED_RATIO, 1.0 + SETTLED_RATIO);
        let is_near = now.ms > last.ms * low && now.ms < last.ms * high;
        is_near || (now.low_ms <= last.high_ms && last.low_ms <= now.high_ms)
    });
    if is_settled || done_s >= WARM_UP_MOST_S {
        Phase::Search
    } else {
        Phase::WarmUp { done_s, last: now }
    }
}
