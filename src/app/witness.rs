//! Writes down what happens, and shows it.

use crate::app::conduct::Witness;
use crate::app::interrupt::Interrupt;
use crate::app::past::PastRun;
use crate::files::journal::Journal;
use crate::report::assemble::RunSums;
use crate::report::record::{JournalLine, RecoveryRecord, TrialRecord};
use crate::term::progress::Progress;
use crate::trial::evidence::Evidence;
use crate::trial::result::{Recovery, TrialResult};
use crate::trial::{Tick, TrialId, TrialPlan};

/// A recovery that took less is not shown; it stands in the journal.
const WORTH_TELLING_S: f64 = 1.0;

/// What a run has measured so far.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    /// Its trials, judged.
    pub trials: Vec<TrialRecord>,
    /// Its recoveries.
    pub recoveries: Vec<RecoveryRecord>,
    /// Their sums.
    pub sums: RunSums,
}

impl RunLog {
    /// The log of a run that has measured what stands in `past`; the target has accepted
    /// `preflight_accepted` documents before.
    #[must_use]
    pub fn after(past: Option<&PastRun>, preflight_accepted: u64) -> Self {
        let mut log = Self::default();
        log.sums.add_accepted(preflight_accepted);
        for trial in past.into_iter().flat_map(PastRun::trials) {
            log.sums.add_record(trial);
            log.trials.push(trial.clone());
        }
        log.recoveries.extend(past.into_iter().flat_map(PastRun::recoveries).cloned());
        log
    }
}

/// The witness of a run in earnest: journal, log, progress.
#[derive(Debug)]
pub struct Recorder {
    log: RunLog,
    journal: Journal,
    progress: Progress,
    interrupt: Interrupt,
}

impl Recorder {
    /// A witness that writes to `journal`, goes on with `log` and shows `progress`.
    #[must_use]
    pub const fn new(
        journal: Journal,
        interrupt: Interrupt,
        progress: Progress,
        log: RunLog,
    ) -> Self {
        Self { log, journal, progress, interrupt }
    }

    /// What the run has measured; takes the live line away.
    #[must_use]
    pub fn into_log(mut self) -> RunLog {
        self.progress.close();
        self.log
    }
}

impl Witness for Recorder {
    fn begins(&mut self, plan: &TrialPlan, elapsed_s: f64) {
        self.progress.begins(plan, elapsed_s);
    }

    fn looks(&mut self, plan: &TrialPlan, tick: &Tick<'_>) {
        self.progress.looks(plan, tick);
    }

    fn recovers(&mut self, after: TrialId, elapsed_s: f64) {
        self.progress.recovers(after, elapsed_s);
    }

    fn trial(&mut self, result: &TrialResult, evidence: &Evidence) -> anyhow::Result<()> {
        let record = TrialRecord::new(result, evidence);
        self.progress.finished(&record);
        self.log.sums.add_trial(result);
        self.log.trials.push(record.clone());
        self.journal.append(&JournalLine::Trial(Box::new(record)))?;
        Ok(())
    }

    fn recovery(&mut self, recovery: &Recovery, after: TrialId) -> anyhow::Result<()> {
        let record = RecoveryRecord::new(recovery, Some(after));
        if record.recovered_s.is_none_or(|recovered_s| recovered_s >= WORTH_TELLING_S) {
            self.progress.recovered(&record);
        }
        self.log.recoveries.push(record.clone());
        self.journal.append(&JournalLine::Recovery(record))?;
        Ok(())
    }

    fn interrupted(&self) -> bool {
        self.interrupt.is_asked()
    }
}
