//! The only loop: ask the campaign, run the step, write it down, tell the campaign.
//!
//! It is the same loop in earnest and in virtual time; it decides nothing itself.

use std::cell::RefCell;

use crate::campaign::{Campaign, Step};
use crate::search::finding::Finding;
use crate::trial::criteria::Judge;
use crate::trial::evidence::{Evidence, Observation};
use crate::trial::objective::Objective;
use crate::trial::result::{Recovery, TrialResult};
use crate::trial::{Flow, Measurer, StopCause, Tick, TrialError, TrialId, TrialPlan, Watch};

/// Sees everything as it happens: progress, journal, interrupt.
///
/// What only concerns whoever looks on can be left out.
pub trait Witness {
    /// A trial of `campaign` is about to start.
    fn begins(&mut self, _plan: &TrialPlan, _campaign: &Campaign, _elapsed_s: f64) {}
    /// A look at the running trial.
    fn looks(&mut self, _plan: &TrialPlan, _tick: &Tick<'_>) {}
    /// A recovery is about to start; `campaign` knows of the trial before it.
    fn recovers(&mut self, _after: TrialId, _campaign: &Campaign, _elapsed_s: f64) {}
    /// The recovery goes on.
    fn waits(&mut self) {}
    /// A trial has ended and is judged.
    ///
    /// # Errors
    /// When it could not be written down.
    fn trial(&mut self, result: &TrialResult, evidence: &Evidence) -> anyhow::Result<()>;
    /// A recovery has ended.
    ///
    /// # Errors
    /// When it could not be written down.
    fn recovery(&mut self, recovery: &Recovery, after: TrialId) -> anyhow::Result<()>;
    /// Whether the user wants to stop.
    fn interrupted(&self) -> bool;
}

/// Why a campaign could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ConductError {
    /// The generator failed.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// The journal could not be written.
    #[error("the journal could not be written: {0:#}")]
    Journal(anyhow::Error),
}

/// Runs the campaign to its end.
///
/// # Errors
/// When the generator fails or the journal cannot be written; what the campaign has come to stays.
pub fn conduct<M: Measurer>(
    campaign: &mut Campaign,
    objective: Objective,
    measurer: &mut M,
    witness: &mut impl Witness,
) -> Result<(), ConductError> {
    loop {
        match campaign.next_step(measurer.elapsed_s()) {
            Step::Run(plan) => {
                witness.begins(&plan, campaign, measurer.elapsed_s());
                let mut watcher =
                    Watcher { plan: &plan, judge: Judge::new(&plan, objective), witness };
                let result = match measurer.run(&plan, &mut watcher) {
                    Err(TrialError::AgentLost(_)) => {
                        campaign.stop(Finding::AgentLost);
                        continue;
                    }
                    Err(TrialError::AgentsLost) => {
                        campaign.stop(Finding::AgentsLost);
                        continue;
                    }
                    result => result?,
                };
                let evidence = watcher.judge.evidence(&result);
                witness.trial(&result, &evidence).map_err(ConductError::Journal)?;
                campaign.observe_trial(&Observation::new(&result, evidence));
            }
            Step::Recover(plan) => {
                witness.recovers(plan.after, campaign, measurer.elapsed_s());
                let mut bystander = Bystander { witness: RefCell::new(&mut *witness) };
                let recovery = measurer.recover(&plan, &mut bystander)?;
                witness.recovery(&recovery, plan.after).map_err(ConductError::Journal)?;
                campaign.observe_recovery(&recovery);
            }
            Step::Done => return Ok(()),
        }
        if witness.interrupted() {
            campaign.stop(Finding::Interrupted);
        }
    }
}

/// Judges a trial while it runs, and lets the witness see it.
struct Watcher<'a, W: Witness> {
    plan: &'a TrialPlan,
    judge: Judge,
    witness: &'a mut W,
}

impl<W: Witness> Watch for Watcher<'_, W> {
    fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        self.witness.looks(self.plan, tick);
        if self.witness.interrupted() {
            return Flow::Stop(StopCause::Interrupted);
        }
        self.judge.tick(tick)
    }

    fn interrupted(&self) -> bool {
        self.witness.interrupted()
    }
}

/// Nothing to judge: only the interrupt counts. It is asked for between probes, which is when the witness sees that
/// time goes on.
struct Bystander<'a, W: Witness> {
    witness: RefCell<&'a mut W>,
}

impl<W: Witness> Watch for Bystander<'_, W> {
    fn tick(&mut self, _tick: &Tick<'_>) -> Flow {
        Flow::Continue
    }

    fn interrupted(&self) -> bool {
        let mut witness = self.witness.borrow_mut();
        witness.waits();
        witness.interrupted()
    }
}
