//! Orders and reports as they travel: JSON of bounded size, read strictly.
//!
//! Whoever can reach the bus can write on it. What has an unknown key, is too long or makes no sense is refused as a
//! whole; what was lost is noticed by its number.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Assignment, DoneReport, TickReport};
use crate::profile::exchange::shown;
use crate::schedule::ArrivalLaw;
use crate::schedule::deal::Share;
use crate::seed::Seed;
use crate::trial::objective::Rule;
use crate::trial::{Purpose, StopCause, StreamPlan, TrialId, TrialPlan, Workload};
use crate::units::Rps;

/// Bytes of one order at the most; the bus itself takes a megabyte.
pub const ORDER_MOST: usize = 512 << 10;
/// A longer trial is a typing error.
const SPAN_MOST_S: f64 = 604_800.0;
/// What somebody says in words is cut off there, in characters.
const WORDS_MOST: usize = 300;
/// The name of an agent is no longer than this.
pub const NAME_MOST: usize = 64;
/// No machine sends more in a second, and no request costs it more microseconds.
const FIGURE_MOST: f64 = 1e9;

/// What is asked of one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// How late is it?
    Clock {},
    /// Enter the service of a run.
    Enlist(Enlist),
    /// Get ready for a trial.
    Prepare(Prepare),
    /// Start it.
    Go {
        /// The run.
        run: String,
        /// Number of the trial.
        trial: u32,
        /// Nanoseconds of the agent's own clock.
        start_ns: u64,
    },
    /// Stop it.
    Stop {
        /// The run.
        run: String,
        /// Number of the trial.
        trial: u32,
        /// Why.
        cause: StopCause,
    },
    /// Leave the service of the run.
    Release {
        /// The run.
        run: String,
    },
}

/// What an agent needs to know of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enlist {
    /// The run.
    pub run: String,
    /// Base URL of the target.
    pub target: String,
    /// Settings by which requests are made and sent, as they can be given on the command line.
    pub settings: BTreeMap<String, String>,
    /// Kinds and sizes of files, where these are not built in.
    pub data_profile: Option<String>,
}

/// A trial, and what falls to the agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepare {
    run: String,
    trial: u32,
    seed: u64,
    warmup_s: f64,
    measure_s: f64,
    streams: Vec<StreamWire>,
    slots: u32,
    first_slot: u32,
    end_slot: u32,
    first_number: u64,
    end_number: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamWire {
    workload: String,
    offered_rps: f64,
    batch: u64,
    arrivals: String,
    timeout_ms: u64,
    slow_ms: Option<u64>,
    outstanding_max: Option<u64>,
}

/// What an agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Reply {
    /// When the question came, and when the answer left, by its own clock.
    Clock {
        /// Nanoseconds.
        received_ns: u64,
        /// Nanoseconds.
        answered_ns: u64,
    },
    /// It serves the run.
    Enlisted(Enlisted),
    /// It has done so.
    Yes {},
    /// It has not.
    No {
        /// In words.
        #[serde(deserialize_with = "words")]
        why: String,
    },
}

/// What an agent is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enlisted {
    /// What it is called.
    pub name: String,
    /// Version of the tool.
    pub version: String,
    /// Processors.
    pub cores: u32,
    /// Connections that it may open for each stream.
    pub lanes_max: u32,
    /// The highest rate that it offered in time against a server that does nothing.
    pub calibrated_rps: Option<f64>,
    /// Its processor time per request there, in microseconds.
    pub cpu_us_per_request: Option<f64>,
}

/// What an agent tells of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Told {
    /// What it has counted so far.
    Tick(TickReport),
    /// It stopped of itself.
    Stopped {
        /// Why.
        cause: StopCause,
    },
    /// It cannot go on.
    Refused {
        /// In words.
        #[serde(deserialize_with = "words")]
        why: String,
    },
    /// Everything.
    Done(Box<DoneReport>),
}

/// Why a message is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than any of ours.
    #[error("a message of {0} bytes")]
    Long(usize),
    /// Not what we write.
    #[error("a message that is none of this tool: {0}")]
    Text(String),
    /// A value that none of ours has.
    #[error("a message with {0} out of its bounds")]
    Value(&'static str),
    /// Some messages before it did not arrive.
    #[error("a message was lost on the bus")]
    Gap,
}

/// Writes a request or a reply.
///
/// # Panics
/// Never: these types have no map with keys that JSON does not know.
#[must_use]
#[allow(clippy::expect_used, reason = "exercised by every test of every type")]
pub fn written(message: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(message).expect("a message is plain JSON")
}

/// Reads a request or a reply.
///
/// # Errors
/// When it is not exactly what [`written`] writes.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    if bytes.len() > ORDER_MOST {
        return Err(Malformed::Long(bytes.len()));
    }
    parsed(bytes)
}

pub(super) fn parsed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Malformed> {
    // The reader names keys that it does not know, as they came.
    serde_json::from_slice(bytes)
        .map_err(|error| Malformed::Text(shown(&error.to_string(), WORDS_MOST)))
}

/// Reads what somebody says in words, fit to be shown.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| shown(&text, WORDS_MOST))
}

impl Enlisted {
    /// Whether an agent can be so: its name is one, and its figures are figures.
    #[must_use]
    pub fn is_credible(&self) -> bool {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_figure =
            |figure: Option<f64>| figure.is_none_or(|figure| (0.0..=FIGURE_MOST).contains(&figure));
        (1..=NAME_MOST).contains(&self.name.len())
            && self.name.bytes().all(is_letter)
            && self.version.len() <= NAME_MOST
            && self.version.bytes().all(|byte| is_letter(byte) || byte == b'+')
            && is_figure(self.calibrated_rps)
            && is_figure(self.cpu_us_per_request)
    }
}

impl Prepare {
    /// An assignment as it travels.
    #[must_use]
    pub fn new(run: &str, assignment: &Assignment) -> Self {
        let Assignment { plan, share, numbers } = assignment;
        let streams = plan.streams.iter().map(|stream| StreamWire {
            workload: stream.workload.name().to_owned(),
            offered_rps: stream.offered.get(),
            batch: stream.batch,
            arrivals: stream.arrivals.name().to_owned(),
            timeout_ms: stream.timeout_ms,
            slow_ms: stream.slow_ms,
            outstanding_max: stream.outstanding_max,
        });
        let (first_slot, end_slot) = share.range();
        Self {
            run: run.to_owned(),
            trial: plan.id.0,
            seed: plan.seed.0,
            warmup_s: plan.warmup_s,
            measure_s: plan.measure_s,
            streams: streams.collect(),
            slots: share.slots(),
            first_slot,
            end_slot,
            first_number: numbers.start,
            end_number: numbers.end,
        }
    }

    /// The run that it is of.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The assignment that travelled; how it is judged stays with the coordinator.
    ///
    /// # Errors
    /// When a value is out of its bounds.
    pub fn assignment(&self) -> Result<Assignment, Malformed> {
        let share = Share::new(self.slots, self.first_slot, self.end_slot);
        let is_span = |span_s: f64| span_s.is_finite() && (0.0..=SPAN_MOST_S).contains(&span_s);
        if !is_span(self.warmup_s)
            || !is_span(self.measure_s)
            || self.first_number > self.end_number
        {
            return Err(Malformed::Value("its length or its numbers"));
        }
        // One of each kind: a second stream of documents would have the numbers of the first.
        let is_pair = match self.streams.as_slice() {
            [_] => true,
            [one, other] => one.workload != other.workload,
            _ => false,
        };
        if !is_pair {
            return Err(Malformed::Value("its streams"));
        }
        let plan = TrialPlan {
            id: TrialId(self.trial),
            purpose: Purpose::Load,
            repeat: None,
            streams: self.streams.iter().map(StreamWire::plan).collect::<Result<_, _>>()?,
            warmup_s: self.warmup_s,
            measure_s: self.measure_s,
            rule: Rule::Measure,
            sustained_before: None,
            seed: Seed(self.seed),
        };
        // Every arrival has numbers of its own, or a document would be sent twice.
        if plan.documents_max() != self.end_number - self.first_number {
            return Err(Malformed::Value("its numbers"));
        }
        let share = share.ok_or(Malformed::Value("its slots"))?;
        Ok(Assignment { plan, share, numbers: self.first_number..self.end_number })
    }
}

impl StreamWire {
    fn plan(&self) -> Result<StreamPlan, Malformed> {
        let workloads = [Workload::Index, Workload::Dashboard];
        let laws = [ArrivalLaw::Poisson, ArrivalLaw::Stratified, ArrivalLaw::Uniform];
        let workload = workloads.into_iter().find(|workload| workload.name() == self.workload);
        let arrivals = laws.into_iter().find(|law| law.name() == self.arrivals);
        let offered = Rps::new(self.offered_rps).filter(|rate| rate.get() <= 1e8);
        let is_bounded = (1..=10_000).contains(&self.batch)
            && (1..=604_800_000).contains(&self.timeout_ms)
            && self.slow_ms.is_none_or(|slow_ms| slow_ms <= 604_800_000);
        match (workload, arrivals, offered) {
            (Some(workload), Some(arrivals), Some(offered)) if is_bounded => Ok(StreamPlan {
                workload,
                offered,
                batch: self.batch,
                arrivals,
                timeout_ms: self.timeout_ms,
                slow_ms: self.slow_ms,
                outstanding_max: self.outstanding_max,
            }),
            _ => Err(Malformed::Value("a stream")),
        }
    }
}
