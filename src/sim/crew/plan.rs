//! What a simulated crew is made of: agents, ways of messages, clocks, a target, and what goes wrong.

use crate::seed::Seed;
use crate::sim::plan::ServiceLaw;

/// A crew. Instants are seconds since it was made.
#[derive(Debug, Clone)]
pub struct CrewPlan {
    /// Agents.
    pub agents: usize,
    /// Senders of each.
    pub senders: usize,
    /// How messages travel.
    pub way: Way,
    /// What every request meets.
    pub service: Service,
    /// The clocks of agents are ahead or behind by up to this.
    pub ahead_most_s: f64,
    /// What it costs the coordinator to take one report in.
    pub handling_us: f64,
    /// The coordinator stands still: when, and for how many seconds.
    pub held_up: Option<(f64, f64)>,
    /// What goes wrong, with the agent that it happens to, counted from 0.
    pub mishaps: Vec<(usize, Mishap)>,
    /// Of ways, clocks and service times.
    pub seed: Seed,
}

/// How messages travel. Those of one agent never overtake each other.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// A message takes so long at least.
    pub least_ms: f64,
    /// And so much longer on the average, exponentially.
    pub jitter_ms: f64,
    /// This share of the reports and of the signs of life is lost. Orders are answered, so that the loss of one is seen.
    pub loss_ratio: f64,
}

/// A target with as many workers as there are requests: what becomes of an arrival depends on its number alone, so that
/// it is the same whoever sends it.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    /// Mean service time.
    pub mean_ms: f64,
    /// Its law.
    pub law: ServiceLaw,
    /// This share of the requests is refused.
    pub refused_ratio: f64,
}

/// What goes wrong with one agent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mishap {
    /// It is gone from one instant to the next.
    Dies {
        /// When.
        at_s: f64,
    },
    /// Nothing that it says arrives any more; it goes on sending.
    FallsSilent {
        /// From when on.
        at_s: f64,
    },
    /// Nothing that it is told arrives any more.
    FallsDeaf {
        /// From when on.
        at_s: f64,
    },
    /// It shows that it is there and reports nothing.
    ReportsNothing {
        /// From when on.
        at_s: f64,
    },
    /// Its owner stops it in good order.
    IsStopped {
        /// When.
        at_s: f64,
    },
    /// One frame of each trial is lost.
    LosesFrame {
        /// Which, from 0.
        serial: u64,
    },
    /// One frame of each trial comes twice.
    RepeatsFrame {
        /// Which, from 0.
        serial: u64,
    },
    /// It says that it will not get ready.
    Refuses,
    /// It never gets ready, and does not say so.
    NeverReady,
    /// It tells what cannot be.
    Tells(Nonsense),
}

/// What an agent with a fault, or somebody in its name, may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nonsense {
    /// That a trial is over which has not begun.
    EarlyDone,
    /// That it stopped a trial which has not begun.
    EarlyStop,
    /// What it counted before a trial has begun.
    EarlyTick,
    /// What it counted once more, after it told everything.
    TickAfterDone,
    /// No time.
    NoTime,
    /// More senders than before.
    Senders,
    /// More streams than the trial has.
    Streams,
    /// Documents that belong to nobody.
    Documents,
    /// Totals that its seconds do not add up to.
    Totals,
    /// Bytes that are no report.
    Bytes,
}

impl Mishap {
    /// When it comes; `None` of what belongs to no instant.
    pub(super) const fn at_s(self) -> Option<f64> {
        match self {
            Self::Dies { at_s }
            | Self::FallsSilent { at_s }
            | Self::FallsDeaf { at_s }
            | Self::ReportsNothing { at_s }
            | Self::IsStopped { at_s } => Some(at_s),
            _ => None,
        }
    }
}

impl CrewPlan {
    /// `agents` of one sender each, half a millisecond away, whose clocks are not ours and to whom nothing happens.
    #[must_use]
    pub fn sound(agents: usize, seed: Seed) -> Self {
        Self {
            agents,
            senders: 1,
            way: Way { least_ms: 0.3, jitter_ms: 0.2, loss_ratio: 0.0 },
            service: Service { mean_ms: 20.0, law: ServiceLaw::Exponential, refused_ratio: 0.01 },
            ahead_most_s: 30.0,
            handling_us: 0.0,
            held_up: None,
            mishaps: Vec::new(),
            seed,
        }
    }
}
