//! Those who send, and the one who says what: a coordinator owns the search and deals every trial to its agents.
//!
//! A run on one machine has one agent, in the coordinator's own process, and goes the same way: what is used every day
//! is what is tested. How orders and reports travel is behind the port [`Crew`]; everything here is pure, so that a
//! thousand agents with lost messages and clocks of their own can be run in virtual time.

pub mod clock;
pub mod coordinate;
pub mod duty;
pub mod frames;
mod gather;
mod numbers;
mod party;
pub mod wire;

use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize};

use crate::corpus::number_set::NumberSet;
use crate::schedule::deal::Share;
use crate::trial::credible::{Row, Weighs, row};
use crate::trial::result::Vitals;
use crate::trial::update::{TallyUpdate, Times};
use crate::trial::{StopCause, TrialId, TrialPlan};

/// A trial as one agent gets it.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The whole trial, of all agents together.
    pub plan: TrialPlan,
    /// The agent's part of it.
    pub share: Share,
    /// Document numbers of the whole trial: arrival `k` carries those from `start + k * batch` on.
    pub numbers: Range<u64>,
}

/// What an agent is told.
#[derive(Debug, Clone)]
pub enum Order {
    /// To get ready for a trial.
    Prepare(Box<Assignment>),
    /// To start the schedule at an instant of the coordinator's clock.
    Go {
        /// The trial that it is ready for.
        trial: TrialId,
        /// Nanoseconds of the coordinator's clock.
        start_ns: u64,
    },
    /// To offer no more; what is under way may end, unless the run itself is over.
    Stop {
        /// The trial.
        trial: TrialId,
        /// Why.
        cause: StopCause,
    },
}

/// What an agent tells.
#[derive(Debug, Clone)]
pub enum Report {
    /// It is ready for the trial.
    Ready {
        /// The trial.
        trial: TrialId,
    },
    /// It will not, or it cannot go on.
    Refused {
        /// The trial.
        trial: TrialId,
        /// In words.
        why: String,
    },
    /// What it has counted so far; every half second.
    Tick(TickReport),
    /// It stopped offering of itself.
    Stopped {
        /// The trial.
        trial: TrialId,
        /// Why.
        cause: StopCause,
    },
    /// Nothing of the trial is under way any more.
    Done(Box<DoneReport>),
    /// It is there.
    Beat,
}

impl Report {
    /// The trial that it is of; `None` of a mere sign of life.
    #[must_use]
    pub const fn trial(&self) -> Option<TrialId> {
        match self {
            Self::Ready { trial } | Self::Refused { trial, .. } | Self::Stopped { trial, .. } => {
                Some(*trial)
            }
            Self::Tick(tick) => Some(TrialId(tick.trial)),
            Self::Done(done) => Some(TrialId(done.trial)),
            Self::Beat => None,
        }
    }
}

/// What an agent has counted, sender by sender and stream by stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TickReport {
    /// Number of the trial.
    pub trial: u32,
    /// Seconds since the schedule started.
    pub at_s: f64,
    /// What has changed since its last report.
    #[serde(deserialize_with = "senders")]
    pub senders: Vec<Vec<TallyUpdate>>,
}

/// What an agent leaves behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DoneReport {
    /// Number of the trial.
    pub trial: u32,
    /// What has changed since its last report, and the whole distributions; sender by sender, stream by stream.
    #[serde(deserialize_with = "senders")]
    pub senders: Vec<Vec<(TallyUpdate, Times)>>,
    /// Documents that the target accepted.
    #[serde(with = "numbers")]
    pub accepted: NumberSet,
    /// Why it stopped before its plan did.
    pub stopped: Option<StopCause>,
    /// How the agent fared.
    pub vitals: Vitals,
}

/// Reads what each sender tells of each stream, as far as memory for it is due.
fn senders<'de, D, T>(deserializer: D) -> Result<Vec<Vec<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Weighs,
{
    let rows: Vec<Row<T>> = row(deserializer)?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

impl TickReport {
    /// About how many bytes of memory it takes.
    fn weight_bytes(&self) -> usize {
        self.senders.iter().flatten().map(Weighs::weight_bytes).sum()
    }
}

/// An agent that is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Member {
    /// What it is called in results.
    pub name: String,
    /// Processors of its machine; `None` where unknown.
    pub cores: Option<u32>,
    /// How much it can send, against the others: what it reached when it was calibrated, in requests per second.
    pub weight: f64,
    /// How well its clock is known.
    pub clock: Option<clock::Bearing>,
}

/// A report and whose it is.
#[derive(Debug)]
pub enum Heard {
    /// Of the member at this position.
    From(usize, Report),
    /// The member at this position can no longer be believed, and why.
    Lost(usize, String),
}

/// The port between the coordinator and its agents.
pub trait Crew {
    /// Who is there; the positions are the names that the other methods take.
    fn members(&self) -> &[Member];

    /// Looks once more who is there, and how late it is with each. Whoever is gone is no member afterwards; their names.
    fn muster(&mut self) -> Vec<String>;

    /// Now, in nanoseconds of the coordinator's clock.
    fn now_ns(&self) -> u64;

    /// How long after an order to go the schedule starts, so that every agent has it in time.
    fn lead_ns(&self) -> u64;

    /// Silence for so long is a loss; `None` where agents cannot be lost without notice.
    fn silence_ns(&self) -> Option<u64>;

    /// Tells a member what to do. Whether it arrives shows in what the member reports.
    fn tell(&mut self, member: usize, order: &Order);

    /// A trial is over for a member: whether it told all of it, or was lost. Whoever is lost again and again is not
    /// mustered any more.
    fn ended(&mut self, _member: usize, _is_whole: bool) {}

    /// The next report, waiting at most `wait_ns` for it.
    fn hear(&mut self, wait_ns: u64) -> Option<Heard>;
}
