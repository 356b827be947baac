//! The result file, `result.json`: its keys, and how they are put together.
//!
//! It can be assembled at any moment of a run from what is there, so that an interrupted run leaves the
//! same file as a finished one, only with less in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::signoff::{self, Goals};
use super::stream::{StreamRecord, percentiles};
use super::trial::{RecoveryRecord, TrialRecord};
use crate::campaign::CampaignOutcome;
use crate::trial::Workload;
use crate::trial::latency::LatencyLog;

/// Version of the keys; see the changelog.
pub const SCHEMA_VERSION: &str = "1.0.0";

/// `result.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the contract's top-level keys, each with its own type")]
pub struct RunRecord {
    pub schema_version: String,
    pub tool: ToolRecord,
    pub run: RunInfo,
    pub environment: BTreeMap<String, String>,
    pub target: TargetRecord,
    pub settings: BTreeMap<String, SettingRecord>,
    pub capacity: CapacityRecord,
    pub trials: Vec<TrialRecord>,
    pub recoveries: Vec<RecoveryRecord>,
    pub levels: Vec<LevelRecord>,
    pub levels_missing: Option<String>,
    pub overload: OverloadRecord,
    pub generator: GeneratorRecord,
    pub verification: VerificationRecord,
    pub criteria: Vec<signoff::Criterion>,
    pub outcome: signoff::Outcome,
}

/// The program that measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "its name, version and commit")]
pub struct ToolRecord {
    pub name: String,
    pub version: String,
    pub git_commit: Option<String>,
}

/// The run itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Name of the run's folder.
    pub id: String,
    /// When it started.
    pub started_utc: String,
    /// How long it took.
    pub wall_s: f64,
    /// How long there was load.
    pub load_s: f64,
    /// Seed of everything that was left to chance.
    pub seed: u64,
    /// Whether the user stopped it.
    pub interrupted: bool,
    /// The words after the program's name.
    pub command_line: Vec<String>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TargetRecord {
    /// How it is spoken to.
    pub profile: String,
    /// Its base URL.
    pub url: String,
    /// Its number of workers: set where the tool started it, a label elsewhere.
    pub workers: u32,
    /// What it calls itself, where it does.
    pub server: Option<String>,
    /// The shape of `permissions` that it takes.
    pub permissions: String,
    /// Median time of an indexing request at rest.
    pub base_ms: Option<f64>,
}

/// A setting and where its value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "value and origin")]
pub struct SettingRecord {
    pub value: String,
    pub origin: String,
}

/// The answer of the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CapacityRecord {
    /// How the search ended.
    pub finding: String,
    /// What must be known beside the number.
    pub flags: Vec<String>,
    /// A rate that was itself confirmed, or null.
    pub rps: Option<f64>,
    /// Lower end of the bracket.
    pub low_rps: Option<f64>,
    /// Upper end of the bracket: the lowest rate that failed.
    pub high_rps: Option<f64>,
    /// What the two ends are.
    pub interval: Option<String>,
    /// The soaks that confirmed the rate.
    pub confirmed_by: Vec<String>,
    /// Largest rate without a growing backlog, where it was looked for.
    pub stability_rps: Option<f64>,
    /// Why there is no confirmed rate.
    pub reasons: Vec<String>,
}

/// The dashboard at a share of the capacity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LevelRecord {
    /// The share in percent.
    pub load_percent: u32,
    /// The trial that measured it.
    pub trial: String,
    /// Indexing beside the queries; null at 0 %.
    pub index: Option<StreamRecord>,
    /// The queries.
    pub dashboard: StreamRecord,
    /// From the last due time to the first of three good probes.
    pub recovery_s: Option<f64>,
}

/// What happens beyond the capacity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OverloadRecord {
    /// Accepted rate over the second half of the 120 % level, as a share of the capacity.
    pub goodput_ratio: Option<f64>,
    /// Recovery after that level.
    pub recovery_s: Option<f64>,
}

/// How the generator fared over the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GeneratorRecord {
    /// Processor time per request.
    pub cpu_us_per_request: Option<f64>,
    /// Due to taken, over all trials.
    pub lateness_ms: LatenessRecord,
    /// Whether it limited what could be found.
    pub limited: bool,
    /// Most connections that a stream may have.
    pub lanes_max: u32,
}

/// Lateness over all trials.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "percentiles in milliseconds")]
pub struct LatenessRecord {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
}

/// What was accepted against what the target holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerificationRecord {
    /// Documents that the target accepted, in the whole run.
    pub accepted: u64,
    /// Documents of which it is not known whether the target holds them.
    pub unknown: u64,
    /// Documents that the target counts; null where it cannot.
    pub found: Option<u64>,
    /// Accepted and not found.
    pub lost: Option<u64>,
    /// Found more than once.
    pub doubled: Option<u64>,
    /// Some of them.
    pub examples: Vec<String>,
}

/// Everything that a result is put together from.
#[derive(Debug, Clone)]
pub struct RunInputs {
    /// The program.
    pub tool: ToolRecord,
    /// The run.
    pub run: RunInfo,
    /// The machine.
    pub environment: BTreeMap<String, String>,
    /// The target.
    pub target: TargetRecord,
    /// The settings.
    pub settings: BTreeMap<String, SettingRecord>,
    /// What the campaign came to.
    pub outcome: CampaignOutcome,
    /// What was asked for.
    pub goals: Goals,
    /// What was measured.
    pub log: RunLog,
    /// Most connections that a stream may have.
    pub lanes_max: u32,
}

/// What a run has measured so far.
#[derive(Debug, Clone, Default)]
pub struct RunLog {
    /// Judged trials.
    pub trials: Vec<TrialRecord>,
    /// Recoveries.
    pub recoveries: Vec<RecoveryRecord>,
    /// Documents accepted before the first trial.
    pub preflight_accepted: u64,
    /// Lateness of all streams of all trials.
    pub lateness: LatencyLog,
    /// Processor time of the generator over all trials.
    pub cpu_s: f64,
    /// Requests of all trials.
    pub requests: u64,
    /// Accepted rate over the second half of the overload level.
    pub overload_rps: Option<f64>,
}

impl RunRecord {
    /// Puts the result together from what is there.
    #[must_use]
    pub fn assemble(inputs: RunInputs) -> Self {
        let capacity = capacity_record(&inputs.outcome);
        let levels = level_records(&inputs);
        let overload = overload_record(&inputs, &levels);
        let mut record = Self {
            schema_version: SCHEMA_VERSION.to_owned(),
            generator: generator_record(&inputs, &capacity),
            verification: verification_record(&inputs.log),
            tool: inputs.tool,
            run: inputs.run,
            environment: inputs.environment,
            target: inputs.target,
            settings: inputs.settings,
            capacity,
            levels,
            levels_missing: inputs.outcome.levels_missing,
            overload,
            trials: inputs.log.trials,
            recoveries: inputs.log.recoveries,
            criteria: Vec::new(),
            outcome: signoff::Outcome::Invalid,
        };
        record.run.load_s =
            record.trials.iter().map(|trial| trial.warmup_s + trial.measure_s).sum();
        record.criteria = signoff::judge(&record, &inputs.goals);
        record.outcome = signoff::outcome(&record.criteria);
        record
    }
}

fn capacity_record(outcome: &CampaignOutcome) -> CapacityRecord {
    let capacity = &outcome.capacity;
    CapacityRecord {
        finding: capacity.finding.name().to_owned(),
        flags: capacity.flags.iter().map(|flag| flag.name().to_owned()).collect(),
        rps: capacity.rps.map(crate::units::Rps::get),
        low_rps: capacity.low.map(crate::units::Rps::get),
        high_rps: capacity.high.map(crate::units::Rps::get),
        interval: capacity.rps.map(|_| "bracket".to_owned()),
        confirmed_by: capacity.confirmed_by.iter().map(ToString::to_string).collect(),
        stability_rps: None,
        reasons: capacity.reasons.clone(),
    }
}

fn level_records(inputs: &RunInputs) -> Vec<LevelRecord> {
    let record = |level: &crate::campaign::LevelOutcome| {
        let name = level.trial.to_string();
        let trial = inputs.log.trials.iter().find(|trial| trial.id == name)?;
        Some(LevelRecord {
            load_percent: level.percent.0,
            index: trial.stream(Workload::Index).cloned(),
            dashboard: trial.stream(Workload::Dashboard).cloned()?,
            recovery_s: level.recovery_s,
            trial: name,
        })
    };
    inputs.outcome.levels.iter().filter_map(record).collect()
}

fn overload_record(inputs: &RunInputs, levels: &[LevelRecord]) -> OverloadRecord {
    let level = levels.iter().find(|level| level.load_percent == OVERLOAD_PERCENT);
    let capacity_rps = inputs.outcome.capacity.rps.map(crate::units::Rps::get);
    OverloadRecord {
        goodput_ratio: level
            .and(inputs.log.overload_rps)
            .zip(capacity_rps)
            .map(|(accepted_rps, capacity_rps)| accepted_rps / capacity_rps),
        recovery_s: level.and_then(|level| level.recovery_s),
    }
}

/// The level at which overload is judged.
pub const OVERLOAD_PERCENT: u32 = 120;

fn generator_record(inputs: &RunInputs, capacity: &CapacityRecord) -> GeneratorRecord {
    let lateness = percentiles(&inputs.log.lateness);
    let requests = inputs.log.requests;
    GeneratorRecord {
        cpu_us_per_request: (requests > 0).then(|| inputs.log.cpu_s * 1e6 / requests as f64),
        lateness_ms: LatenessRecord { p50: lateness.p50, p99: lateness.p99, max: lateness.max },
        limited: capacity.finding == crate::search::finding::Finding::GeneratorLimited.name(),
        lanes_max: inputs.lanes_max,
    }
}

fn verification_record(log: &RunLog) -> VerificationRecord {
    let index = log.trials.iter().filter_map(|trial| trial.stream(Workload::Index));
    let (mut accepted, mut unknown) = (log.preflight_accepted, 0);
    for stream in index {
        accepted += stream.counts.accepted + stream.warm_up.accepted;
        unknown += stream.unknown + stream.warm_up.unknown;
    }
    for recovery in &log.recoveries {
        accepted += recovery.accepted;
        unknown += recovery.unknown;
    }
    VerificationRecord {
        accepted,
        unknown,
        found: None,
        lost: None,
        doubled: None,
        examples: Vec::new(),
    }
}
