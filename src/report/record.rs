//! What the journal holds: one line per trial and per recovery, and a first line that names the run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agents::TrialAgentRecord;
use super::schema::{CalibrationRecord, SettingRecord};
use super::slo::SloRecord;
use super::stream::StreamRecord;
use crate::trial::evidence::Evidence;
use crate::trial::hidden::Visible;
use crate::trial::result::{Recovery, TrialResult};
use crate::trial::{StopCause, StreamPlan, TrialId, Workload};

/// A finished and judged trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialRecord {
    /// Its name, such as `t3`.
    pub id: String,
    /// What it was for: `search`, `soak`, `level_100` and so on.
    pub purpose: String,
    /// The search that asked for it, counted from 1; null for warm-ups and levels, and in results of earlier versions.
    #[serde(default)]
    pub repeat: Option<u32>,
    /// Rate of the indexing stream in documents per second; null where there is none.
    pub offered_rps: Option<f64>,
    /// Campaign time at which it started, in seconds.
    pub started_s: f64,
    /// Length of the load before the measured part, in seconds.
    pub warmup_s: f64,
    /// Length of the measured part as it was run, in seconds.
    pub measure_s: f64,
    /// Whether it ended before its plan did.
    pub ended_early: bool,
    /// Why it did: `decided`, `outstanding`, `agent_lost`, `interrupted` or `target_lost`.
    pub stopped: Option<String>,
    /// `sustained`, `overloaded`, `void` or `undecided`.
    pub verdict: String,
    /// The verdict's reasons in words.
    pub reasons: Vec<String>,
    /// What it told the search; with it a broken run can be gone on with.
    pub evidence: Evidence,
    /// Seconds from its last due time to its end.
    pub drained_s: f64,
    /// How the generator fared, all agents together where there are several.
    pub generator: TrialGeneratorRecord,
    /// Seconds from the end of the last request until what all senders had counted was one; null in virtual time and in
    /// results of earlier versions.
    #[serde(default)]
    pub merged_after_s: Option<f64>,
    /// Each agent's part, where other machines sent; empty where the coordinator's own did.
    #[serde(default)]
    pub agents: Vec<TrialAgentRecord>,
    /// What the server told of itself: what happened meanwhile (`_total`), and how it stood afterwards.
    #[serde(default)]
    pub server: BTreeMap<String, f64>,
    /// What searches found meanwhile, every 1.4 s; empty where the target cannot count.
    #[serde(default)]
    pub visible: Vec<Visible>,
    /// Its streams; indexing first where there is one.
    pub streams: Vec<StreamRecord>,
}

/// How the generator fared during one trial.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TrialGeneratorRecord {
    /// Processor time per request in microseconds; null without requests.
    pub cpu_us_per_request: Option<f64>,
    /// Share of one core that was used, 1 is a whole core.
    pub cpu_ratio: f64,
    /// Times that its threads gave their processor up to wait.
    #[serde(default)]
    pub sleeps: Option<u64>,
    /// Times that their processor was taken from them.
    #[serde(default)]
    pub preemptions: Option<u64>,
    /// Local ports held at the end by connections that were closed from its side within the last minute.
    #[serde(default)]
    pub ports_held: Option<u64>,
    /// Local ports that there are.
    #[serde(default)]
    pub ports: Option<u64>,
    /// File descriptors open at the end; null where unknown.
    #[serde(default)]
    pub descriptors: Option<u64>,
    /// As many as may be; null where unknown.
    #[serde(default)]
    pub descriptors_max: Option<u64>,
    /// The longest time between two looks at the trial in seconds; over 1 s the trial is void. Null in results of
    /// earlier versions.
    #[serde(default)]
    pub longest_gap_s: Option<f64>,
    /// Share of the time in which a task of the machine waited for a processor; null where unknown.
    #[serde(default)]
    pub host_stalled_ratio: Option<f64>,
    /// Share of the machine's processor time that other machines of its host got; null where unknown.
    #[serde(default)]
    pub host_stolen_ratio: Option<f64>,
}

impl TrialGeneratorRecord {
    /// How the generator fared in a finished trial.
    #[must_use]
    pub fn new(result: &TrialResult) -> Self {
        Self {
            cpu_us_per_request: cpu_us_per_request(result.vitals.cpu_s, result.requests()),
            cpu_ratio: result.vitals.cpu_ratio(),
            sleeps: Some(result.vitals.sleeps),
            preemptions: Some(result.vitals.preemptions),
            ports_held: Some(result.vitals.sockets.ports_held),
            ports: Some(result.vitals.sockets.ports),
            descriptors: result.vitals.sockets.descriptors,
            descriptors_max: result.vitals.sockets.descriptors_max,
            longest_gap_s: Some(result.vitals.longest_gap_s),
            host_stalled_ratio: result.vitals.host.stalled_ratio,
            host_stolen_ratio: result.vitals.host.stolen_ratio,
        }
    }
}

/// What `load` prints as JSON: its stream, and how the generator fared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadRecord {
    /// The stream.
    #[serde(flatten)]
    pub stream: StreamRecord,
    /// The generator.
    pub generator: TrialGeneratorRecord,
}

impl TrialRecord {
    /// The record of a finished and judged trial.
    #[must_use]
    pub fn new(result: &TrialResult, evidence: &Evidence) -> Self {
        let plan = &result.plan;
        let measured_s = result.streams.first().map(|stream| stream.tally.measured_s());
        Self {
            id: plan.id.to_string(),
            purpose: plan.purpose.name(),
            repeat: plan.repeat,
            offered_rps: plan.stream(Workload::Index).map(StreamPlan::documents_rps),
            started_s: result.started_s,
            warmup_s: plan.warmup_s,
            measure_s: measured_s.unwrap_or_default(),
            ended_early: result.stopped.is_some(),
            stopped: result.stopped.map(|cause| stop_name(cause).to_owned()),
            verdict: evidence.verdict.name().to_owned(),
            reasons: evidence.verdict.reasons(),
            evidence: evidence.clone(),
            drained_s: result.drained_s(),
            generator: TrialGeneratorRecord::new(result),
            merged_after_s: result.merged_after_s,
            agents: result.agents.iter().map(TrialAgentRecord::new).collect(),
            server: result.server.clone(),
            visible: result.visible.clone(),
            streams: result.streams.iter().map(StreamRecord::from_result).collect(),
        }
    }

    /// The stream of `workload`, where the trial has one.
    #[must_use]
    pub fn stream(&self, workload: Workload) -> Option<&StreamRecord> {
        self.streams.iter().find(|stream| stream.workload == workload.name())
    }

    /// Whether the generator or the environment was at fault.
    #[must_use]
    pub fn is_void(&self) -> bool {
        self.verdict == "void"
    }
}

/// Processor time per request in microseconds; `None` without requests.
#[must_use]
pub fn cpu_us_per_request(cpu_s: f64, requests: u64) -> Option<f64> {
    (requests > 0).then(|| cpu_s * 1e6 / requests as f64)
}

/// The wait after a trial until the target answered as at rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryRecord {
    /// Its name, in one row with the trials.
    pub id: String,
    /// The trial before it.
    pub after: Option<String>,
    /// Seconds from its start to the first of the good probes in a row; null when there were none.
    pub recovered_s: Option<f64>,
    /// Seconds that it took in all.
    pub wall_s: f64,
    /// Probes sent.
    pub probes: u64,
    /// Probes that were accepted: documents that the target holds.
    pub accepted: u64,
    /// Probes of which it is not known whether the target holds their document.
    pub unknown: u64,
    /// Why it ended before its cap without a recovery.
    pub stopped: Option<String>,
}

impl RecoveryRecord {
    /// The record of a recovery that followed the trial `after`.
    #[must_use]
    pub fn new(recovery: &Recovery, after: Option<TrialId>) -> Self {
        Self {
            id: recovery.id.to_string(),
            after: after.map(|id| id.to_string()),
            recovered_s: recovery.recovered_s,
            wall_s: recovery.wall_s,
            probes: recovery.probes,
            accepted: recovery.accepted,
            unknown: recovery.unknown,
            stopped: recovery.stopped.map(|cause| stop_name(cause).to_owned()),
        }
    }
}

/// The first line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunHeader {
    /// Version of the format.
    pub schema_version: String,
    /// The run's name: that of its folder.
    pub id: String,
    /// Wall time of the start, RFC 3339.
    pub started_utc: String,
    /// Seed of the run.
    pub seed: u64,
    /// Rate that the generator reached against a server that does nothing.
    #[serde(default)]
    pub generator_rps: Option<f64>,
    /// What else it can do there; null when it was not asked.
    #[serde(default)]
    pub calibration: Option<CalibrationRecord>,
    /// The sign-off file; null without one.
    #[serde(default)]
    pub slo: Option<Box<SloRecord>>,
    /// Every setting with its origin.
    pub settings: BTreeMap<String, SettingRecord>,
}

/// One line of `trials.jsonl`, told apart by its key `kind`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JournalLine {
    /// The first line.
    Run(RunHeader),
    /// A trial.
    Trial(Box<TrialRecord>),
    /// A recovery.
    Recovery(RecoveryRecord),
}

/// The cause's name in results.
const fn stop_name(cause: StopCause) -> &'static str {
    match cause {
        StopCause::Decided => "decided",
        StopCause::Outstanding => "outstanding",
        StopCause::AgentLost => "agent_lost",
        StopCause::Interrupted => "interrupted",
        StopCause::TargetLost => "target_lost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{evidence, stream_result, trial_result};
    use crate::trial::Purpose;
    use crate::trial::verdict::Reason;
    use crate::trial::verdict::Verdict;

    #[test]
    fn a_trial_comes_back_from_its_line_in_the_journal() {
        let stream = stream_result(Workload::Index, 50.0, 400, 20);
        let mut result = trial_result(3, Purpose::Search, vec![stream]);
        result.stopped = Some(StopCause::Decided);
        let verdict = Verdict::Overloaded(vec![Reason::Backlog { growth_rps: 24.9 }]);
        let line = JournalLine::Trial(Box::new(TrialRecord::new(&result, &evidence(verdict))));
        let text = serde_json::to_string(&line).unwrap();
        assert!(text.starts_with(r#"{"kind":"trial","id":"t3","purpose":"search""#), "{text}");
        let JournalLine::Trial(back) = serde_json::from_str(&text).unwrap() else {
            panic!("a trial comes back as something else");
        };
        assert_eq!((back.verdict.as_str(), back.ended_early), ("overloaded", true), "verdict");
        assert_eq!(back.stream(Workload::Index).unwrap().counts.timed_out, 20, "counts");
    }

    #[test]
    fn a_level_without_indexing_offers_no_documents() {
        let stream = stream_result(Workload::Dashboard, 5.0, 100, 0);
        let record = TrialRecord::new(
            &trial_result(9, Purpose::WarmUp, vec![stream]),
            &evidence(Verdict::Undecided),
        );
        assert_eq!(record.offered_rps, None, "nothing is indexed");
        assert_eq!(record.stopped, None, "it ran to its end");
    }

    #[test]
    fn keys_of_a_later_version_are_passed_over_when_a_journal_is_read() {
        let text = r#"{"kind":"recovery","id":"t2","after":"t1","recovered_s":null,"wall_s":1.5,
            "probes":3,"accepted":2,"unknown":1,"stopped":"target_lost","colour":"blue"}"#;
        let JournalLine::Recovery(recovery) = serde_json::from_str(text).unwrap() else {
            panic!("a recovery comes back as something else");
        };
        assert_eq!((recovery.recovered_s, recovery.unknown), (None, 1), "its keys are read");
    }
}
