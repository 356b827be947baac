//! What will happen to a simulated crew, in the order in which it does.

use std::cmp::Ordering;

use crate::agents::{Order, Report};
use crate::trial::{StopCause, TrialId};

/// Something that will happen.
#[derive(Debug)]
pub(super) struct Event {
    /// When, by the coordinator's clock.
    pub(super) at_ns: u64,
    /// Of two at the same instant the one that was foreseen first happens first.
    pub(super) serial: u64,
    /// With which agent.
    pub(super) agent: usize,
    pub(super) what: What,
}

/// What happens.
#[derive(Debug)]
pub(super) enum What {
    /// Reaches the agent.
    Order(Order),
    /// Reaches the agent: a sign of life, and what it says.
    Beat(Option<(TrialId, StopCause)>),
    /// The agent looks around.
    Step,
    /// The agent shows that it is there.
    Sign,
    /// The coordinator shows that it is there.
    Beats,
    /// Reaches the coordinator.
    Said(Report),
    /// Reaches the coordinator.
    Frame(Vec<u8>),
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at_ns, self.serial).cmp(&(other.at_ns, other.serial))
    }
}

impl What {
    /// Whether nobody notices at once when it does not arrive.
    pub(super) const fn is_unanswered(&self) -> bool {
        matches!(self, Self::Frame(_) | Self::Said(Report::Beat))
    }
}
