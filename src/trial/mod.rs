//! A trial: one stretch of load of one or more streams, and the port through which it is run.
//!
//! The same plan is run in earnest against a server and in virtual time against a simulated one; both
//! implement [`Measurer`].

mod beside;
pub mod busy;
mod compact;
pub mod counts;
pub mod credible;
pub mod criteria;
pub mod evidence;
pub mod hidden;
pub mod latency;
mod merge;
pub mod objective;
pub mod outcome;
pub mod recovery;
pub mod result;
mod shares;
pub mod tally;
pub mod update;
pub mod verdict;
pub mod void;

use crate::schedule::deal::Course;
use crate::schedule::{ArrivalLaw, Schedule};
use crate::seed::Seed;
use crate::units::{LoadPercent, Rps, round_to_u64, usize_to_u64};
use hidden::Visible;
use objective::Rule;
use result::{Recovery, TrialResult};
use serde::{Deserialize, Serialize};
use std::fmt;
use tally::Tally;

/// Seconds between two looks at a running trial.
///
/// Shorter adds no power to the growth test, only autocorrelation.
pub const TICK_S: f64 = 0.5;

/// Names a trial within a run; recoveries are numbered in the same row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrialId(pub u32);

impl fmt::Display for TrialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// What a trial is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Gentle load before anything is judged.
    WarmUp,
    /// Proposes a bound of the search.
    Search,
    /// Tries the failing side once more.
    Retest,
    /// Without the dashboard beside it: what do its queries cost?
    Alone,
    /// Confirms or rejects the answer under the law of arrivals that users get.
    Soak,
    /// The dashboard at a share of the capacity.
    Level(LoadPercent),
    /// A single trial at a rate that the user gave.
    Load,
    /// An early rate once more: is the service still what it was?
    Drift,
}

impl Purpose {
    /// The purpose's name in results.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::WarmUp => "warm_up".to_owned(),
            Self::Search => "search".to_owned(),
            Self::Retest => "retest".to_owned(),
            Self::Soak => "soak".to_owned(),
            Self::Alone => "alone".to_owned(),
            Self::Level(percent) => format!("level_{}", percent.0),
            Self::Load => "load".to_owned(),
            Self::Drift => "drift".to_owned(),
        }
    }
}

/// The endpoint that a stream calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Documents are inserted, one or a batch by each request.
    Index,
    /// The user's query.
    Dashboard,
}

impl Workload {
    /// The workload's name in settings and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Dashboard => "dashboard",
        }
    }
}

/// One endpoint's arrivals within a trial.
#[derive(Debug, Clone)]
pub struct StreamPlan {
    /// Which endpoint.
    pub workload: Workload,
    /// The rate that is scheduled, in requests per second.
    pub offered: Rps,
    /// Documents that travel in one request; 1 for queries.
    pub batch: u64,
    /// How arrivals are placed in time.
    pub arrivals: ArrivalLaw,
    /// A request's deadline is its due time plus this.
    pub timeout_ms: u64,
    /// A response time above this counts as slow; `None` where nothing is judged by it.
    pub slow_ms: Option<u64>,
    /// The trial ends, overloaded, when more requests than this are outstanding; `None`: never.
    pub outstanding_max: Option<u64>,
}

/// Everything that fixes a trial before it starts.
#[derive(Debug, Clone)]
pub struct TrialPlan {
    /// Its name.
    pub id: TrialId,
    /// What it is for.
    pub purpose: Purpose,
    /// The search that asked for it, counted from 1; `None` where none did.
    pub repeat: Option<u32>,
    /// Its streams; indexing first where there is one.
    pub streams: Vec<StreamPlan>,
    /// Seconds of load before the measured part.
    pub warmup_s: f64,
    /// Seconds of the measured part, unless the trial ends early.
    pub measure_s: f64,
    /// How it is judged.
    pub rule: Rule,
    /// The highest rate that was sustained before: what a collapse is held against.
    pub sustained_before: Option<Rps>,
    /// Seed of its arrivals.
    pub seed: Seed,
}

impl TrialPlan {
    /// The stream at `position`, to be dealt to those who send it.
    #[must_use]
    pub fn course(&self, position: usize, stream: &StreamPlan) -> Course {
        Course {
            law: stream.arrivals,
            offered: stream.offered,
            warmup_s: self.warmup_s,
            measure_s: self.measure_s,
            seed: self.seed.named(stream.workload.name()).numbered(usize_to_u64(position)),
        }
    }

    /// All arrivals of the stream at `position`.
    #[must_use]
    pub fn schedule(&self, position: usize, stream: &StreamPlan) -> Schedule {
        let Course { law, offered, warmup_s, measure_s, seed } = self.course(position, stream);
        Schedule::new(law, offered, warmup_s, measure_s, seed)
    }

    /// The stream of `workload`, where the trial has one.
    #[must_use]
    pub fn stream(&self, workload: Workload) -> Option<&StreamPlan> {
        self.streams.iter().find(|stream| stream.workload == workload)
    }

    /// How many documents the trial may send at the most.
    #[must_use]
    pub fn documents_max(&self) -> u64 {
        self.stream(Workload::Index).map_or(0, |stream| {
            stream.batch * Schedule::total(stream.offered, self.warmup_s, self.measure_s)
        })
    }
}

impl StreamPlan {
    /// The rate that is scheduled, in documents (or queries) per second.
    #[must_use]
    pub fn documents_rps(&self) -> f64 {
        self.offered.get() * self.batch as f64
    }
}

/// The bound on outstanding requests of a search trial at `offered` under a limit of `p99_ms`.
///
/// Twice what Little's law allows at the limit, plus room for low rates: beyond it the waiting time
/// alone breaks the limit, and memory and sockets stay bounded.
#[must_use]
pub fn outstanding_max(offered: Rps, p99_ms: u64) -> u64 {
    round_to_u64(2.0 * p99_ms as f64 / 1000.0 * offered.get()) + 200
}

/// After a trial: wait until the target is drained, then probe until it answers as at rest.
#[derive(Debug, Clone)]
pub struct RecoverPlan {
    /// Its name, in one row with the trials.
    pub id: TrialId,
    /// The trial before it.
    pub after: TrialId,
    /// A probe is good when it is accepted within this.
    pub good_ms: f64,
    /// The median of the probes must come to be within this too; `None` where the time at rest is not known.
    pub typical_ms: Option<f64>,
    /// This many good probes in a row are a recovery.
    pub good_in_a_row: u32,
    /// Documents that a probe carries.
    pub batch: u64,
    /// A probe's time-out.
    pub timeout_ms: u64,
    /// Give up after this.
    pub cap_s: f64,
}

/// A look at a running trial.
#[derive(Debug)]
pub struct Tick<'a> {
    /// Seconds since the first arrival could be due.
    pub at_s: f64,
    /// The trial's streams so far.
    pub streams: Vec<StreamView<'a>>,
    /// What searches found so far; empty where the target cannot count.
    pub visible: &'a [Visible],
}

/// One stream of a running trial.
#[derive(Debug)]
pub struct StreamView<'a> {
    /// Its plan.
    pub plan: &'a StreamPlan,
    /// Its counts so far.
    pub tally: &'a Tally,
    /// Requests that were due and have not ended.
    pub outstanding: u64,
}

/// What a watcher says to a running trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// No more arrivals; wait for what is under way.
    Stop(StopCause),
}

/// Why a trial ended before its plan did, from the softest cause to the hardest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopCause {
    /// The verdict is certain.
    Decided,
    /// More requests were outstanding than the plan allows.
    Outstanding,
    /// An agent was lost in the middle: what is offered is not what was planned.
    AgentLost,
    /// The user wants to stop.
    Interrupted,
    /// The target can no longer be reached.
    TargetLost,
}

/// Sees a trial while it runs: the early stop, the live line, the interrupt.
pub trait Watch {
    /// Called every [`TICK_S`] of a trial.
    fn tick(&mut self, tick: &Tick<'_>) -> Flow;

    /// Called between trials and probes; true when the user wants to stop.
    fn interrupted(&self) -> bool;
}

/// Why a trial has no result.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// No document numbers could be reserved, so nothing may be sent.
    #[error("no document numbers could be reserved: {0}")]
    Numbers(String),
    /// The generator's own machinery failed.
    #[error("the load generator failed: {0}")]
    Generator(String),
    /// An agent was lost, and the run is one that goes on with all or none.
    #[error("agent {0} was lost")]
    AgentLost(String),
    /// No agent is left that could send anything.
    #[error("all agents were lost")]
    AgentsLost,
}

impl TrialError {
    /// The generator failed by `error`.
    #[allow(clippy::needless_pass_by_value, reason = "it ends here, and map_err hands it over")]
    pub fn generator(error: impl fmt::Display) -> Self {
        Self::Generator(error.to_string())
    }
}

/// The port between the pure core and the world: runs trials, in earnest or in virtual time.
pub trait Measurer {
    /// Runs one trial, from its first arrival until nothing of it is under way.
    ///
    /// # Errors
    /// When the generator itself fails.
    fn run(&mut self, plan: &TrialPlan, watch: &mut impl Watch) -> Result<TrialResult, TrialError>;

    /// Waits until the target has recovered, or the plan's cap is reached.
    ///
    /// # Errors
    /// When the generator itself fails.
    fn recover(
        &mut self,
        plan: &RecoverPlan,
        watch: &mut impl Watch,
    ) -> Result<Recovery, TrialError>;

    /// Seconds since the campaign began, by the measurer's clock.
    fn elapsed_s(&self) -> f64;
}
