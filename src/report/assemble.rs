//! Puts a result together at any moment of a run, from whatever is there.

use std::collections::BTreeMap;

use super::agents::agents;
use super::environment::{EnvironmentRecord, ToolRecord};
use super::record::{RecoveryRecord, TrialRecord, cpu_us_per_request};
use super::repeats::RepeatRecord;
use super::schema::{
    CalibrationRecord, CapacityRecord, CorpusRecord, GeneratorRecord, LevelRecord, OverloadRecord,
    RunInfo, RunRecord, RunStamp, SCHEMA_VERSION, SettingRecord, TargetRecord,
};
use super::signoff::{Evidence, Terms, sign_off};
use super::times::LatenessRecord;
use super::verification::VerificationRecord;
use crate::campaign::{CampaignOutcome, LevelOutcome};
use crate::search::finding::{Capacity, Finding, Flag};
use crate::trial::Workload;
use crate::trial::latency::LatencyLog;
use crate::trial::result::TrialResult;
use crate::units::Rps;

/// The overload that is reported when it was measured, in percent of the capacity.
const OVERLOAD_PERCENT: u32 = 120;

/// What cannot be added up from finished records: whole distributions, and the generator's own cost.
#[derive(Debug, Clone, Default)]
pub struct RunSums {
    lateness: LatencyLog,
    cpu_s: f64,
    requests: u64,
    overflow: u64,
    lanes_max: Option<u32>,
    accepted_before: u64,
    calibration: Option<CalibrationRecord>,
    ports_held: Option<u64>,
    ports: Option<u64>,
}

impl RunSums {
    /// Notes what the generator can do against a server that does nothing.
    pub const fn set_calibration(&mut self, calibration: Option<CalibrationRecord>) {
        self.calibration = calibration;
    }

    /// Adds documents that the target accepted outside of trials and recoveries.
    pub const fn add_accepted(&mut self, documents: u64) {
        self.accepted_before += documents;
    }

    /// Adds a trial that was read back from a journal.
    pub fn add_record(&mut self, trial: &TrialRecord) {
        let requests =
            trial.streams.iter().map(|stream| stream.counts.scheduled / stream.batch.max(1));
        let requests: u64 = requests.sum();
        for stream in &trial.streams {
            if let Some(lateness) = stream.hdr.lateness() {
                self.lateness.merge(&lateness);
            }
        }
        let cpu_us = trial.generator.cpu_us_per_request.unwrap_or_default();
        self.cpu_s += cpu_us * requests as f64 / 1e6;
        self.requests += requests;
        self.note_ports(trial.generator.ports_held, trial.generator.ports);
    }

    /// Adds a finished trial.
    pub fn add_trial(&mut self, result: &TrialResult) {
        for stream in &result.streams {
            let tally = &stream.tally;
            self.lateness.merge(&tally.lateness);
            self.overflow += [&tally.response, &tally.service, &tally.waiting, &tally.lateness]
                .iter()
                .map(|log| log.overflow())
                .sum::<u64>();
        }
        self.cpu_s += result.vitals.cpu_s;
        self.requests += result.requests();
        let lanes_max = result.vitals.lanes_max;
        self.lanes_max = Some(self.lanes_max.map_or(lanes_max, |least| least.min(lanes_max)));
        let sockets = result.vitals.sockets;
        self.note_ports(Some(sockets.ports_held), Some(sockets.ports));
    }

    fn note_ports(&mut self, held: Option<u64>, ports: Option<u64>) {
        self.ports_held = self.ports_held.max(held);
        self.ports = self.ports.max(ports);
    }
}

/// Everything that a result is made of.
#[derive(Debug)]
pub struct RunInputs<'a> {
    /// What writes it.
    pub tool: ToolRecord,
    /// Which run it is.
    pub stamp: RunStamp,
    /// The machine of the generator.
    pub environment: EnvironmentRecord,
    /// What is measured.
    pub target: TargetRecord,
    /// Every setting with its origin.
    pub settings: BTreeMap<String, SettingRecord>,
    /// The documents.
    pub corpus: Option<CorpusRecord>,
    /// What the campaign has come to so far.
    pub outcome: &'a CampaignOutcome,
    /// The trials so far.
    pub trials: Vec<TrialRecord>,
    /// The recoveries so far.
    pub recoveries: Vec<RecoveryRecord>,
    /// Their sums.
    pub sums: &'a RunSums,
    /// Documents: what was accepted, and what the target holds.
    pub verification: VerificationRecord,
    /// What the run is judged by.
    pub terms: Terms,
    /// Documents of one request: the campaign speaks of requests, the result of documents.
    pub batch: u64,
}

impl RunRecord {
    /// The result of a run, finished or not.
    #[must_use]
    pub fn assemble(inputs: RunInputs<'_>) -> Self {
        let RunInputs { outcome, trials, recoveries, sums, .. } = inputs;
        let levels: Vec<LevelRecord> =
            outcome.levels.iter().filter_map(|level| level_record(level, &trials)).collect();
        let capacity = capacity_record(&outcome.capacity, inputs.batch);
        let (criteria, judgement) = sign_off(
            &Evidence {
                capacity: &capacity,
                levels: &levels,
                levels_missing: outcome.levels_missing.as_deref(),
                trials: &trials,
                recoveries: &recoveries,
                verification: &inputs.verification,
            },
            &inputs.terms,
        );
        Self {
            schema_version: SCHEMA_VERSION.to_owned(),
            tool: inputs.tool,
            run: RunInfo {
                stamp: inputs.stamp,
                load_s: trials.iter().map(|trial| trial.warmup_s + trial.measure_s).sum(),
            },
            environment: inputs.environment,
            target: inputs.target,
            settings: inputs.settings,
            corpus: inputs.corpus,
            overload: overload(&levels, capacity.rps),
            agents: agents(&trials),
            generator: generator(sums, outcome.capacity.finding, &levels, &trials),
            verification: inputs.verification,
            capacity,
            repeats: outcome
                .repeats
                .iter()
                .map(|one| RepeatRecord::new(one, inputs.batch))
                .collect(),
            trials,
            recoveries,
            levels,
            levels_missing: outcome.levels_missing.clone(),
            slo: inputs.terms.slo,
            criteria,
            outcome: judgement,
        }
    }
}

fn capacity_record(capacity: &Capacity, batch: u64) -> CapacityRecord {
    let documents_rps = |rate: Rps| rate.get() * batch as f64;
    let ends = capacity.low.zip(capacity.high);
    CapacityRecord {
        finding: capacity.finding.name().to_owned(),
        flags: capacity.flags.iter().copied().map(Flag::name).map(str::to_owned).collect(),
        rps: capacity.rps.map(documents_rps),
        requests_rps: capacity.rps.map(Rps::get),
        low_rps: capacity.low.map(documents_rps),
        high_rps: capacity.high.map(documents_rps),
        interval: ends.map(|_| capacity.ends.name().to_owned()),
        confirmed_by: capacity.confirmed_by.iter().map(ToString::to_string).collect(),
        stability_rps: capacity.stability.map(documents_rps),
        reasons: capacity.reasons.clone(),
    }
}

/// A level whose trial is not among the records, or without queries, is left out.
fn level_record(level: &LevelOutcome, trials: &[TrialRecord]) -> Option<LevelRecord> {
    let id = level.trial.to_string();
    let trial = trials.iter().find(|trial| trial.id == id)?;
    Some(LevelRecord {
        load_percent: level.percent.0,
        index: trial.stream(Workload::Index).cloned(),
        dashboard: trial.stream(Workload::Dashboard)?.clone(),
        recovery_s: level.recovery_s,
        trial: id,
    })
}

fn overload(levels: &[LevelRecord], capacity_rps: Option<f64>) -> OverloadRecord {
    let above = levels.iter().filter(|level| level.load_percent > 100);
    let usual = levels.iter().find(|level| level.load_percent == OVERLOAD_PERCENT);
    let Some(level) = usual.or_else(|| above.max_by_key(|level| level.load_percent)) else {
        return OverloadRecord::default();
    };
    let second_half = level.index.as_ref().and_then(|index| index.accepted_second_half_rps);
    OverloadRecord {
        load_percent: Some(level.load_percent),
        goodput_ratio: second_half.zip(capacity_rps).map(|(rps, capacity_rps)| rps / capacity_rps),
        recovery_s: level.recovery_s,
    }
}

fn generator(
    sums: &RunSums,
    finding: Finding,
    levels: &[LevelRecord],
    trials: &[TrialRecord],
) -> GeneratorRecord {
    let a_level_is_void = trials
        .iter()
        .any(|trial| trial.is_void() && levels.iter().any(|level| level.trial == trial.id));
    GeneratorRecord {
        cpu_us_per_request: cpu_us_per_request(sums.cpu_s, sums.requests),
        lateness_ms: LatenessRecord::from_log(&sums.lateness),
        ceiling_rps: sums.calibration.and_then(|calibration| calibration.ceiling_rps),
        calibration: sums.calibration,
        ports_held: sums.ports_held,
        ports: sums.ports,
        limited: finding == Finding::GeneratorLimited || a_level_is_void,
        lanes_max: sums.lanes_max,
        overflow: sums.overflow,
    }
}

/// What the target accepted over the whole run, and how much is not known; nothing of it is verified.
///
/// Only indexing leaves documents; probes of a recovery are documents too.
#[must_use]
pub fn sent(
    sums: &RunSums,
    trials: &[TrialRecord],
    recoveries: &[RecoveryRecord],
) -> VerificationRecord {
    let index = || trials.iter().filter_map(|trial| trial.stream(Workload::Index));
    let stored: u64 = index().map(|s| s.counts.accepted + s.warm_up.accepted).sum();
    let unknown: u64 = index().map(|stream| stream.unknown).sum();
    VerificationRecord {
        accepted: sums.accepted_before
            + stored
            + recoveries.iter().map(|recovery| recovery.accepted).sum::<u64>(),
        unknown: unknown + recoveries.iter().map(|recovery| recovery.unknown).sum::<u64>(),
        ..VerificationRecord::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{capacity, run, terms};
    use crate::report::schema::Outcome;

    #[test]
    fn a_finished_run_has_every_key_that_others_rely_on() {
        let run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        let json = serde_json::to_value(&run).unwrap();
        for pointer in [
            "/schema_version",
            "/tool/git_commit",
            "/run/id",
            "/run/load_s",
            "/run/interrupted",
            "/environment/kernel",
            "/target/workers",
            "/settings/LANES_MAX/origin",
            "/capacity/stability_rps",
            "/capacity/confirmed_by/0",
            "/repeats/0/finding",
            "/trials/0/ended_early",
            "/trials/0/streams/0/hdr/encoding",
            "/levels/0/index",
            "/levels/3/dashboard/response_ms/p99_high",
            "/levels/3/index/seconds/0/in_flight",
            "/overload/goodput_ratio",
            "/generator/lateness_ms/max",
            "/verification/doubled",
            "/criteria/0/outcome",
            "/outcome",
        ] {
            assert!(json.pointer(pointer).is_some(), "{pointer} is missing");
        }
        assert_eq!(json.pointer("/capacity/rps"), Some(&400.0.into()), "as computed");
        let back: RunRecord = serde_json::from_str(&json.to_string()).unwrap();
        assert_eq!(back.levels.len(), 4, "it reads back");
    }

    #[test]
    fn goodput_is_the_second_half_of_the_overload_divided_by_the_capacity() {
        let run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        let ratio = run.overload.goodput_ratio.unwrap();
        assert!((1.0..1.2).contains(&ratio), "480/s less 100 time-outs, not {ratio}");
        assert_eq!(run.overload.load_percent, Some(120), "of the 120 % level");
        assert_eq!(run.verification.unknown, 100, "the time-outs may have been stored");
        assert_eq!(run.verification.accepted, 4 * 4000 - 100, "all trials count");
        assert_eq!(run.verification.found, None, "the target cannot count");
    }

    #[test]
    fn a_run_that_has_not_begun_has_a_result() {
        let outcome = CampaignOutcome {
            capacity: capacity(Finding::Interrupted, None),
            repeats: Vec::new(),
            levels: vec![LevelOutcome {
                percent: crate::units::LoadPercent(0),
                trial: crate::trial::TrialId(7),
                recovery_s: None,
            }],
            levels_missing: None,
            ended_by: None,
        };
        let mut empty = run(outcome.capacity.clone(), terms(), 0);
        empty.trials.clear();
        assert_eq!(level_record(&outcome.levels[0], &empty.trials), None, "no trial, no level");
        let none = generator(&RunSums::default(), Finding::Interrupted, &[], &[]);
        assert_eq!(none.cpu_us_per_request, None, "unknown is null, not zero");
        assert_eq!(empty.outcome, Outcome::Invalid, "no answer is no pass");
    }
}
