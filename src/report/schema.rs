//! `result.json`: every key that others rely on; units stand in the keys.
//!
//! Reading passes over unknown keys, so that a newer file can be read by an older tool of the same major
//! version. STREAM is in `stream.rs`, a trial in `record.rs`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::agents::AgentRecord;
pub use super::criterion::{CriterionRecord, Outcome};
use super::environment::{EnvironmentRecord, ToolRecord};
use super::record::{RecoveryRecord, TrialRecord};
use super::repeats::RepeatRecord;
use super::slo::SloRecord;
use super::stream::StreamRecord;
use super::times::LatenessRecord;
use super::verification::VerificationRecord;

/// Version of the keys and their meaning.
pub const SCHEMA_VERSION: &str = "1.2.0";

/// The finding of a run, and the verdict of a trial, that is not over yet: what the live page is made of says so, and
/// no file ever does.
pub const RUNNING: &str = "running";

/// The whole of `result.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Version of the keys and their meaning that the writer knew.
    pub schema_version: String,
    /// What wrote it.
    pub tool: ToolRecord,
    /// Which run it was.
    pub run: RunInfo,
    /// The machine of the generator.
    pub environment: EnvironmentRecord,
    /// What was measured.
    pub target: TargetRecord,
    /// Every setting with its origin.
    pub settings: BTreeMap<String, SettingRecord>,
    /// The documents; null in results of earlier versions.
    #[serde(default)]
    pub corpus: Option<CorpusRecord>,
    /// The answer of the search; of several searches their lower median, least lower and greatest upper end.
    pub capacity: CapacityRecord,
    /// Each search of the run, also where there was only one; empty in results of earlier versions.
    #[serde(default)]
    pub repeats: Vec<RepeatRecord>,
    /// Every trial, in the order in which they were run.
    pub trials: Vec<TrialRecord>,
    /// Every recovery, in the order in which they were run.
    pub recoveries: Vec<RecoveryRecord>,
    /// The dashboard at shares of the capacity.
    pub levels: Vec<LevelRecord>,
    /// Why levels are missing although a capacity was certified.
    pub levels_missing: Option<String>,
    /// What an overload does.
    pub overload: OverloadRecord,
    /// How the generator fared.
    pub generator: GeneratorRecord,
    /// The machines that sent, where the coordinator's own did not; empty otherwise and in results of earlier versions.
    #[serde(default)]
    pub agents: Vec<AgentRecord>,
    /// Documents: what was accepted and what the target holds.
    pub verification: VerificationRecord,
    /// The sign-off file that the run was judged by; null without one.
    #[serde(default)]
    pub slo: Option<SloRecord>,
    /// What the run was judged by.
    pub criteria: Vec<CriterionRecord>,
    /// The worst of the criteria.
    pub outcome: Outcome,
}

impl RunRecord {
    /// A setting of the run as it was given; `None` where the run has no such setting.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key)?.value.as_str()
    }
}

/// Which run it was, as the caller knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunStamp {
    /// The run's name: that of its folder.
    pub id: String,
    /// Wall time of the start, RFC 3339.
    pub started_utc: String,
    /// Length of the run so far in seconds.
    pub wall_s: f64,
    /// Seed of the run.
    pub seed: u64,
    /// Whether the user stopped it.
    pub interrupted: bool,
}

/// Which run it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// What the caller knows.
    #[serde(flatten)]
    pub stamp: RunStamp,
    /// Seconds of it under load: warm-ups and measured parts of all trials.
    pub load_s: f64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRecord {
    /// How it was spoken to.
    pub profile: String,
    /// Its base URL.
    pub url: String,
    /// The command that the tool has started it with, where that is not the example API.
    pub command: Option<String>,
    /// Its number of workers: set by the tool, or a label.
    pub workers: Option<u64>,
    /// What it calls itself.
    pub server: Option<String>,
    /// The shape of `permissions` that it takes: `object` or `list`.
    pub permissions: String,
    /// Median time of an indexing request at rest, in milliseconds.
    pub base_ms: Option<f64>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettingRecord {
    /// Its value.
    pub value: serde_json::Value,
    /// Where it came from: `flag`, `word`, `environment`, `file`, `default` and so on.
    pub origin: String,
}

/// The answer of the search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityRecord {
    /// How the search ended, such as `capacity` or `unconfirmed`.
    pub finding: String,
    /// What must be known beside the number.
    pub flags: Vec<String>,
    /// The confirmed rate in documents per second.
    pub rps: Option<f64>,
    /// The same in requests per second; less where several documents travel in one.
    #[serde(default)]
    pub requests_rps: Option<f64>,
    /// Lower end of the interval, or the highest rate that passed; without `rps` a hint, not a capacity.
    pub low_rps: Option<f64>,
    /// Upper end of the interval, or the lowest rate that failed.
    pub high_rps: Option<f64>,
    /// What the two ends are: `posterior` (95 % from all trials) or `bracket`; null when one is missing.
    pub interval: Option<String>,
    /// The soaks that confirmed the rate.
    pub confirmed_by: Vec<String>,
    /// The highest rate tried at which requests did not pile up, whatever the objective says.
    pub stability_rps: Option<f64>,
    /// Why there is no confirmed rate; empty where there is one.
    pub reasons: Vec<String>,
}

/// One load level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LevelRecord {
    /// Share of the capacity that was offered, in percent.
    pub load_percent: u32,
    /// The trial that measured it.
    pub trial: String,
    /// The indexing stream; null at 0 %.
    pub index: Option<StreamRecord>,
    /// The dashboard queries.
    pub dashboard: StreamRecord,
    /// Seconds from the last due time to the first of three good probes in a row; null: not reached.
    pub recovery_s: Option<f64>,
}

/// What an overload does: from the 120 % level, else from the highest above 100 %.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OverloadRecord {
    /// The level in percent.
    pub load_percent: Option<u32>,
    /// Accepted rate of the level's second half, divided by the capacity.
    pub goodput_ratio: Option<f64>,
    /// Seconds until the target answers as at rest.
    pub recovery_s: Option<f64>,
}

/// How the generator fared over all trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorRecord {
    /// Processor time per request in microseconds.
    pub cpu_us_per_request: Option<f64>,
    /// Its own lateness.
    pub lateness_ms: LatenessRecord,
    /// Rate that it reached against a server that does nothing, doubling; null when it was not asked.
    #[serde(default)]
    pub ceiling_rps: Option<f64>,
    /// What it can do on this machine, against a server that does nothing; null when it was not asked.
    #[serde(default)]
    pub calibration: Option<CalibrationRecord>,
    /// Whether it was at fault for the answer or for a level.
    pub limited: bool,
    /// Most local ports that were held at the end of a trial by connections closed from its side.
    #[serde(default)]
    pub ports_held: Option<u64>,
    /// Local ports that there are.
    #[serde(default)]
    pub ports: Option<u64>,
    /// Most connections per stream that it could open.
    pub lanes_max: Option<u32>,
    /// Times over one hour, counted as one hour.
    pub overflow: u64,
}

/// The documents that were sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CorpusRecord {
    /// The model: the same version, settings and number are the same document for ever.
    pub corpus_version: String,
    /// `CORPUS_SEED`.
    pub seed: u64,
    /// Number of the first document that was sent; null when none was.
    pub first_index: Option<u64>,
    /// Behind the last one; numbers between may have been left out by trials that ended early.
    pub next_index: Option<u64>,
    /// Documents that there are.
    pub documents: u64,
    /// File servers.
    pub hosts: u32,
    /// Directories.
    pub dirs: u32,
    /// Users and groups.
    pub principals: u32,
    /// Kinds and sizes of files.
    pub profile_data: String,
    /// `mixed` or `crawl`.
    pub order: String,
    /// Mean length of a body in bytes, of a sample.
    pub body_mean_bytes: f64,
    /// How much smaller the bodies of a sample are when compressed together (deflate); an index may be as much smaller
    /// than its input.
    pub deflate_ratio: f64,
    /// What real file shares have and these documents do not.
    pub given_up: Vec<String>,
}

/// What the generator can do on its machine, measured before the run against a server that does nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationRecord {
    /// Rate behind the next two.
    pub at_rps: f64,
    /// Its lateness at that rate.
    pub lateness_ms: LatenessRecord,
    /// Processor time per request in microseconds at that rate.
    pub cpu_us_per_request: Option<f64>,
    /// The highest rate that it offered in time, doubling; null when not even `at_rps`.
    pub ceiling_rps: Option<f64>,
}
