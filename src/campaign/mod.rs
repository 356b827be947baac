//! The whole job as a pure state machine: warm up, search, levels; a measured recovery after each trial.
//!
//! It asks for one step after the other and is told what came of it. Elapsed time comes in as an
//! argument, so that a campaign can be run in virtual time, replayed from its journal, and stopped by its
//! budget without ever looking at a clock.

pub mod budget;
pub mod levels;
pub mod plan;
pub mod presets;

use crate::search::finding::{Capacity, Finding};
use crate::search::{Attempt, Next, Search};
use crate::trial::criteria::Rule;
use crate::trial::result::{Recovery, TrialResult};
use crate::trial::verdict::Verdict;
use crate::trial::{
    Purpose, RecoverPlan, StopCause, StreamPlan, TrialId, TrialPlan, Workload, outstanding_max,
};
use crate::units::{LoadPercent, Rps};
use plan::CampaignPlan;

/// Good probes in a row that make a recovery.
const GOOD_PROBES: u32 = 3;

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
    /// The answer of the search.
    pub capacity: Capacity,
    /// The levels that were measured to their end, in the order in which they were run.
    pub levels: Vec<LevelOutcome>,
    /// Why levels are missing although a capacity was certified, in words.
    pub levels_missing: Option<String>,
    /// What ended the campaign before its plan did, if something did.
    pub ended_by: Option<Finding>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    WarmUp,
    Search,
    Level { position: usize, capacity: Rps },
    Done,
}

/// The state of a campaign.
#[derive(Debug)]
pub struct Campaign {
    plan: CampaignPlan,
    search: Search,
    phase: Phase,
    next_id: u32,
    /// The trial that still has to be recovered from: seconds since its last due time.
    recovering: Option<f64>,
    levels: Vec<LevelOutcome>,
    levels_missing: Option<String>,
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
            search: Search::new(plan.search()),
            plan,
            phase: Phase::WarmUp,
            next_id: 1,
            recovering: None,
            levels: Vec::new(),
            levels_missing: None,
            ended_by: None,
        }
    }

    /// What the campaign wants next, `elapsed_s` seconds after its beginning.
    pub fn next_step(&mut self, elapsed_s: f64) -> Step {
        if self.recovering.is_some() {
            return Step::Recover(self.recover_plan());
        }
        match self.phase {
            Phase::WarmUp => Step::Run(self.warm_up()),
            Phase::Search => self.search_step(elapsed_s),
            Phase::Level { position, capacity } => self.level_step(position, capacity, elapsed_s),
            Phase::Done => Step::Done,
        }
    }

    /// Takes the result of the trial that was asked for.
    pub fn observe_trial(&mut self, result: &TrialResult, verdict: &Verdict, dispersion: f64) {
        let offering_s = result.plan.warmup_s + result.plan.measure_s;
        self.recovering = Some((result.vitals.wall_s - offering_s).max(0.0));
        match result.stopped {
            Some(StopCause::Interrupted) => return self.stop(Finding::Interrupted),
            Some(StopCause::TargetLost) => return self.stop(Finding::TargetLost),
            Some(StopCause::Decided | StopCause::Outstanding) | None => {}
        }
        match (self.phase, result.plan.purpose) {
            (Phase::WarmUp, _) => self.phase = Phase::Search,
            (Phase::Search, _) => self.search.observe(result.plan.id, verdict, dispersion),
            (Phase::Level { .. }, Purpose::Level(percent)) => {
                let trial = result.plan.id;
                self.levels.push(LevelOutcome { percent, trial, recovery_s: None });
            }
            _ => {}
        }
    }

    /// Takes the outcome of the recovery that was asked for.
    pub fn observe_recovery(&mut self, recovery: &Recovery) {
        let since_last_due_s = self.recovering.take().unwrap_or_default();
        match (recovery.stopped, recovery.recovered_s) {
            (Some(StopCause::TargetLost), _) => self.stop(Finding::TargetLost),
            (Some(_), _) => self.stop(Finding::Interrupted),
            (None, None) => self.stop(Finding::Metastable),
            (None, Some(recovered_s)) => {
                if let Phase::Level { position, capacity } = self.phase {
                    if let Some(level) = self.levels.last_mut() {
                        level.recovery_s = Some(since_last_due_s + recovered_s);
                    }
                    self.phase = self.level_or_done(position + 1, capacity);
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
            Finding::Metastable => "the target did not recover within the drain's limit",
            _ => "the time was up",
        };
        self.search.finish(finding, reason.to_owned());
        if !self.plan.levels.is_empty() && self.confirmed().is_some() {
            self.levels_missing = Some(reason.to_owned());
        }
        self.phase = Phase::Done;
    }

    /// What the campaign has come to so far; can be asked at any time.
    #[must_use]
    pub fn outcome(&self) -> CampaignOutcome {
        CampaignOutcome {
            capacity: self.search.outcome(Finding::Interrupted),
            levels: self.levels.clone(),
            levels_missing: self.levels_missing.clone(),
            ended_by: self.ended_by,
        }
    }

    /// The rate that the search has confirmed so far.
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
        let attempt = Attempt {
            purpose: Purpose::WarmUp,
            offered: self.plan.warm_up_rate(),
            arrivals: crate::schedule::ArrivalLaw::Stratified,
            rule: Rule::Measure,
            measure_s: self.plan.effort.warm_up_s,
        };
        self.trial(&attempt)
    }

    fn search_step(&mut self, elapsed_s: f64) -> Step {
        match self.search.next() {
            Next::Try(attempt) => {
                let needed_s =
                    self.plan.effort.settle_s + attempt.measure_s + budget::levels_s(&self.plan);
                if elapsed_s + needed_s > self.plan.budget_s {
                    let reason = format!("the budget of {:.0} s was up", self.plan.budget_s);
                    self.search.finish(Finding::OutOfBudget, reason);
                    return self.search_step(elapsed_s);
                }
                Step::Run(self.trial(&attempt))
            }
            Next::Done(capacity) => {
                self.phase = capacity.rps.map_or(Phase::Done, |rps| self.level_or_done(0, rps));
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
        let p99_ms = self.plan.objective.p99_ms;
        let stream = StreamPlan {
            workload: Workload::Index,
            offered: attempt.offered,
            arrivals: attempt.arrivals,
            timeout_ms: self.plan.timeout_ms,
            slow_ms: Some(p99_ms),
            outstanding_max: Some(outstanding_max(attempt.offered, p99_ms)),
        };
        TrialPlan {
            id,
            purpose: attempt.purpose,
            streams: vec![stream],
            warmup_s: self.plan.effort.settle_s,
            measure_s: attempt.measure_s,
            rule: attempt.rule,
            seed: self.plan.seed.named("trial").numbered(u64::from(id.0)),
        }
    }

    fn recover_plan(&mut self) -> RecoverPlan {
        RecoverPlan {
            id: self.take_id(),
            good_ms: self.plan.good_probe_ms(),
            good_in_a_row: GOOD_PROBES,
            timeout_ms: self.plan.timeout_ms,
            cap_s: self.plan.effort.recover_cap_s,
        }
    }
}
