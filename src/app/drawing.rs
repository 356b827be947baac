//! The result so far, put together for the live page: after each step, and within a trial while somebody listens.

use super::run::Sketch;
use super::witness::RunLog;
use crate::campaign::{Campaign, CampaignOutcome};
use crate::page::live_page::LivePage;
use crate::report::assemble::sent;
use crate::report::recent::under_way;
use crate::report::schema::{RUNNING, RunRecord};
use crate::trial::{Tick, TrialPlan};

/// Seconds between two drafts within a trial.
const EVERY_S: f64 = 2.0;

/// Puts drafts of the result down for a live page.
#[derive(Debug)]
pub struct Drawing {
    page: LivePage,
    sketch: Sketch,
    outcome: CampaignOutcome,
    /// Campaign seconds at which the trial under way began, and at which the last draft was put down.
    began_s: f64,
    drawn_s: f64,
}

impl Drawing {
    /// Drafts of the run that `sketch` describes.
    #[must_use]
    pub fn new(page: LivePage, sketch: Sketch, campaign: &Campaign) -> Self {
        Self { page, sketch, outcome: campaign.outcome(), began_s: 0.0, drawn_s: 0.0 }
    }

    /// A step of the campaign begins at `elapsed_s`; `log` has all that were made.
    pub fn steps(&mut self, campaign: &Campaign, log: &RunLog, elapsed_s: f64) {
        self.outcome = campaign.outcome();
        self.began_s = elapsed_s;
        self.put(log.clone(), elapsed_s);
    }

    /// A look at the running trial.
    pub fn looks(&mut self, plan: &TrialPlan, tick: &Tick<'_>, log: &RunLog) {
        let now_s = self.began_s + tick.at_s;
        if now_s - self.drawn_s < EVERY_S || !self.page.is_watched() {
            return;
        }
        let mut log = log.clone();
        log.trials.extend(under_way(plan, tick, self.began_s));
        self.put(log, now_s);
    }

    /// The run is over; another may follow it.
    pub fn ends(&self, run: &RunRecord) {
        self.page.put(run.clone());
    }

    fn put(&mut self, log: RunLog, elapsed_s: f64) {
        self.drawn_s = elapsed_s;
        let verification = sent(&log.sums, &log.trials, &log.recoveries);
        let mut run = self.sketch.record(elapsed_s, &self.outcome, log, verification, None);
        RUNNING.clone_into(&mut run.capacity.finding);
        run.capacity.reasons.clear();
        // Nothing is judged before the end.
        run.criteria.clear();
        self.page.put(run);
    }
}
