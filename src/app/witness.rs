//! Writes down what happens, and shows it.

use crate::app::conduct::Witness;
use crate::app::interrupt::Interrupt;
use crate::app::live_view::LiveView;
use crate::app::past::PastRun;
use crate::campaign::Campaign;
use crate::files::journal::Journal;
use crate::live::clock::now_ns;
use crate::report::assemble::RunSums;
use crate::report::recent::Recent;
use crate::report::record::{JournalLine, RecoveryRecord, TrialRecord};
use crate::search::Standing;
use crate::term::progress::Progress;
use crate::trial::evidence::Evidence;
use crate::trial::result::{Recovery, TrialResult};
use crate::trial::{Tick, TrialId, TrialPlan};
use crate::units::OffsetNs;

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

/// The witness of a run in earnest: journal, log, and whoever looks on.
#[derive(Debug)]
pub struct Recorder {
    log: RunLog,
    journal: Journal,
    recent: Recent,
    audience: Audience,
    interrupt: Interrupt,
    /// Campaign seconds and the clock at the beginning of the last recovery.
    recovers_at: (f64, u64),
}

/// Whoever looks on.
#[derive(Debug)]
pub struct Audience {
    /// The terminal.
    pub progress: Progress,
    /// Whoever watches from outside.
    pub live_view: LiveView,
    /// Documents of one request: the search speaks of requests, a person of documents.
    pub batch: u64,
}

impl Recorder {
    /// A witness that writes to `journal` and goes on with `log`, before an `audience`.
    #[must_use]
    pub fn new(journal: Journal, interrupt: Interrupt, log: RunLog, audience: Audience) -> Self {
        let recent = Recent::default();
        Self { log, journal, recent, audience, interrupt, recovers_at: (0.0, 0) }
    }

    /// What the run has measured, and who watches on; takes the live block away.
    #[must_use]
    pub fn into_parts(mut self) -> (RunLog, LiveView) {
        self.audience.progress.close();
        (self.log, self.audience.live_view)
    }

    /// Where the search stands, in documents.
    fn standing(&self, campaign: &Campaign) -> Standing {
        campaign.standing().scaled(self.audience.batch as f64)
    }
}

impl Witness for Recorder {
    fn begins(&mut self, plan: &TrialPlan, campaign: &Campaign, elapsed_s: f64) {
        self.recent.begins();
        let standing = self.standing(campaign);
        self.audience.live_view.begins(plan, Some(&standing));
        self.audience.live_view.steps(campaign, &self.log, elapsed_s);
        self.audience.progress.begins(plan, Some(standing), elapsed_s);
    }

    fn looks(&mut self, plan: &TrialPlan, tick: &Tick<'_>) {
        let now = self.recent.look(tick);
        self.audience.live_view.looks(tick, &now);
        self.audience.live_view.draws(plan, tick, &self.log);
        self.audience.progress.looks(plan, tick.at_s, now);
    }

    fn recovers(&mut self, after: TrialId, campaign: &Campaign, elapsed_s: f64) {
        let standing = self.standing(campaign);
        self.audience.live_view.stands(&standing);
        self.audience.live_view.steps(campaign, &self.log, elapsed_s);
        self.audience.progress.recovers(after, standing, elapsed_s);
        self.recovers_at = (elapsed_s, now_ns());
    }

    fn waits(&mut self) {
        let (from_s, began_ns) = self.recovers_at;
        let waited_ns = now_ns().saturating_sub(began_ns);
        self.audience.progress.waits(from_s + OffsetNs(waited_ns).as_s());
    }

    fn trial(&mut self, result: &TrialResult, evidence: &Evidence) -> anyhow::Result<()> {
        let record = TrialRecord::new(result, evidence);
        self.audience.progress.finished(&record);
        self.audience.live_view.finished(result, &record.verdict);
        self.log.sums.add_trial(result);
        self.log.trials.push(record.clone());
        self.journal.append(&JournalLine::Trial(Box::new(record)))?;
        Ok(())
    }

    fn recovery(&mut self, recovery: &Recovery, after: TrialId) -> anyhow::Result<()> {
        let record = RecoveryRecord::new(recovery, Some(after));
        if record.recovered_s.is_none_or(|recovered_s| recovered_s >= WORTH_TELLING_S) {
            self.audience.progress.recovered(&record);
        }
        self.log.recoveries.push(record.clone());
        self.journal.append(&JournalLine::Recovery(record))?;
        Ok(())
    }

    fn interrupted(&self) -> bool {
        self.interrupt.is_asked()
    }
}
