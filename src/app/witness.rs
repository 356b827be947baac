//! Writes down what happens, and shows it.

use crate::app::conduct::Witness;
use crate::app::interrupt::Interrupt;
use crate::files::journal::Journal;
use crate::report::schema::{OVERLOAD_PERCENT, RunLog};
use crate::report::trial::{JournalLine, RecoveryRecord, TrialRecord};
use crate::term::progress::Progress;
use crate::trial::result::{Recovery, StreamResult, TrialResult};
use crate::trial::verdict::Verdict;
use crate::trial::{Purpose, Tick, TrialId, TrialPlan, Workload};
use crate::units::LoadPercent;

/// The witness of a run in earnest: journal, log, progress.
#[derive(Debug)]
pub struct Recorder {
    /// What the run has measured so far.
    pub log: RunLog,
    journal: Journal,
    progress: Progress,
    interrupt: Interrupt,
    budget_s: f64,
    began_s: f64,
}

impl Recorder {
    /// A witness that writes to `journal` and shows progress against `budget_s`.
    #[must_use]
    pub fn new(journal: Journal, interrupt: Interrupt, budget_s: f64) -> Self {
        Self {
            log: RunLog::default(),
            journal,
            progress: Progress::new(),
            interrupt,
            budget_s,
            began_s: 0.0,
        }
    }

    /// Shows a line that stays.
    pub fn note(&mut self, text: &str) {
        self.progress.note(text);
    }

    /// What the run has measured; takes the live line away.
    #[must_use]
    pub fn into_log(mut self) -> RunLog {
        self.progress.end();
        self.log
    }

    fn keep_totals(&mut self, result: &TrialResult) {
        for stream in &result.streams {
            self.log.lateness.merge(&stream.tally.lateness);
        }
        self.log.cpu_s += result.vitals.cpu_s;
        self.log.requests += result.requests();
        if result.plan.purpose == Purpose::Level(LoadPercent(OVERLOAD_PERCENT)) {
            self.log.overload_rps =
                result.stream(Workload::Index).and_then(StreamResult::accepted_second_half_rps);
        }
    }
}

impl Witness for Recorder {
    fn begins(&mut self, plan: &TrialPlan, elapsed_s: f64) {
        self.began_s = elapsed_s;
        self.progress.update(elapsed_s, &self.live_line(plan, 0.0, None));
    }

    fn looks(&mut self, plan: &TrialPlan, tick: &Tick<'_>) {
        let line = self.live_line(plan, tick.at_s, Some(tick));
        self.progress.update(self.began_s + tick.at_s, &line);
    }

    fn recovers(&mut self, after: TrialId, elapsed_s: f64) {
        let line = format!("waiting until the target has recovered from {after}");
        self.progress.update(elapsed_s, &line);
    }

    fn trial(&mut self, result: &TrialResult, verdict: &Verdict) -> anyhow::Result<()> {
        let record = TrialRecord::new(result, verdict);
        self.progress.note(&trial_line(&record));
        self.journal.append(&JournalLine::Trial(record.clone()))?;
        self.keep_totals(result);
        self.log.trials.push(record);
        Ok(())
    }

    fn recovery(&mut self, recovery: &Recovery, after: TrialId) -> anyhow::Result<()> {
        let record = RecoveryRecord::new(recovery, after);
        if record.recovered_s.is_none_or(|recovered_s| recovered_s >= 1.0) {
            let words = record.recovered_s.map_or_else(
                || format!("no recovery within {:.1} s", record.wall_s),
                |recovered_s| format!("recovered after {recovered_s:.1} s"),
            );
            self.progress.note(&format!("{:>5}  {words}", record.id));
        }
        self.journal.append(&JournalLine::Recovery(record.clone()))?;
        self.log.recoveries.push(record);
        Ok(())
    }

    fn interrupted(&self) -> bool {
        self.interrupt.is_asked()
    }
}

impl Recorder {
    /// What is tried, the time that is left, and what it feels like.
    fn live_line(&self, plan: &TrialPlan, at_s: f64, tick: Option<&Tick<'_>>) -> String {
        let trial_left_s = (plan.warmup_s + plan.measure_s - at_s).max(0.0);
        let budget_left_s = (self.budget_s - self.began_s - at_s).max(0.0);
        let mut line = format!(
            "{} {}: at most {trial_left_s:.0} s to go, {budget_left_s:.0} s of the budget left",
            plan.id,
            title(plan),
        );
        for view in tick.iter().flat_map(|tick| &tick.streams) {
            let p99 = view
                .tally
                .response
                .quantile_ms(0.99)
                .map_or_else(|| "-".to_owned(), |p99_ms| format!("{p99_ms:.0} ms"));
            let name = view.plan.workload.name();
            let under_way = view.outstanding.to_string();
            line += &["; ", name, " p99 ", &p99, ", ", &under_way, " under way"].concat();
        }
        line
    }
}

/// What a trial is for and the rate that it offers, in words.
fn title(plan: &TrialPlan) -> String {
    let rate = plan
        .stream(Workload::Index)
        .map_or_else(|| "no indexing".to_owned(), |stream| stream.offered.to_string());
    match plan.purpose {
        Purpose::Level(percent) => format!("level {percent} ({rate})"),
        purpose => format!("{} {rate}", purpose.name().replace('_', "-")),
    }
}

/// A finished trial in one line.
fn trial_line(record: &TrialRecord) -> String {
    let rate = record.offered_rps.map_or_else(|| "-".to_owned(), |rps| format!("{rps:.1}/s"));
    let p99 = record
        .streams
        .first()
        .and_then(|stream| stream.response_ms.p99)
        .map_or_else(|| "-".to_owned(), |p99_ms| format!("{p99_ms:.0} ms"));
    format!(
        "{:>5}  {:<9} {rate:>10}  {:>6.1} s  p99 {p99:>8}  {:<10} {}",
        record.id,
        record.purpose.replace('_', "-"),
        record.measure_s,
        record.verdict,
        record.reasons.join("; ")
    )
}
