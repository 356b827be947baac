//! Trials and recoveries as they stand in the journal and in the result file.

use serde::{Deserialize, Serialize};

use super::stream::StreamRecord;
use crate::trial::result::{Recovery, TrialResult};
use crate::trial::verdict::Verdict;
use crate::trial::{StopCause, TrialId, Workload};

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Its name within the run.
    pub id: String,
    /// What it was for.
    pub purpose: String,
    /// The rate of its indexing stream.
    pub offered_rps: Option<f64>,
    /// Campaign time at which it started.
    pub started_s: f64,
    /// Load before the measured part.
    pub warmup_s: f64,
    /// The measured part as it was run.
    pub measure_s: f64,
    /// From its first arrival to its last ending.
    pub wall_s: f64,
    /// Whether it ended before its plan did.
    pub ended_early: bool,
    /// `sustained`, `overloaded`, `void` or `undecided`.
    pub verdict: String,
    /// Why, with the figures.
    pub reasons: Vec<String>,
    /// Processor time of the generator, per request.
    pub generator_cpu_us_per_request: Option<f64>,
    /// Share of one core that the generator used.
    pub generator_cpu_ratio: f64,
    /// Its streams.
    pub streams: Vec<StreamRecord>,
}

impl TrialRecord {
    /// The record of a judged trial.
    #[must_use]
    pub fn new(result: &TrialResult, verdict: &Verdict) -> Self {
        let requests = result.requests();
        let measure_s = result.streams.first().map_or(0.0, |stream| stream.tally.measured_s());
        Self {
            id: result.plan.id.to_string(),
            purpose: result.plan.purpose.name(),
            offered_rps: result.stream(Workload::Index).map(|stream| stream.plan.offered.get()),
            started_s: result.started_s,
            warmup_s: result.plan.warmup_s,
            measure_s,
            wall_s: result.vitals.wall_s,
            ended_early: result.stopped.is_some(),
            verdict: verdict.name().to_owned(),
            reasons: verdict.reasons(),
            generator_cpu_us_per_request: (requests > 0)
                .then(|| result.vitals.cpu_s * 1e6 / requests as f64),
            generator_cpu_ratio: result.vitals.cpu_ratio(),
            streams: result.streams.iter().map(StreamRecord::new).collect(),
        }
    }

    /// The stream of `workload`, where the trial has one.
    #[must_use]
    pub fn stream(&self, workload: Workload) -> Option<&StreamRecord> {
        self.streams.iter().find(|stream| stream.workload == workload.name())
    }
}

/// One recovery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryRecord {
    /// Its name, in one row with the trials.
    pub id: String,
    /// The trial before it.
    pub after: String,
    /// Seconds until the target answered as at rest; `None`: it did not.
    pub recovered_s: Option<f64>,
    /// Seconds that it took in all.
    pub wall_s: f64,
    /// Probes sent.
    pub probes: u64,
    /// Probes accepted.
    pub accepted: u64,
    /// Probes of which it is not known whether the target holds their document.
    pub unknown: u64,
    /// Why it ended before its limit without a recovery.
    pub stopped: Option<String>,
}

impl RecoveryRecord {
    /// The record of a recovery after the trial `after`.
    #[must_use]
    pub fn new(recovery: &Recovery, after: TrialId) -> Self {
        let stopped = recovery.stopped.map(|cause| match cause {
            StopCause::TargetLost => "target_lost".to_owned(),
            _ => "interrupted".to_owned(),
        });
        Self {
            id: recovery.id.to_string(),
            after: after.to_string(),
            recovered_s: recovery.recovered_s,
            wall_s: recovery.wall_s,
            probes: recovery.probes,
            accepted: recovery.accepted,
            unknown: recovery.unknown,
            stopped,
        }
    }
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JournalLine {
    /// A trial.
    Trial(TrialRecord),
    /// A recovery.
    Recovery(RecoveryRecord),
}
