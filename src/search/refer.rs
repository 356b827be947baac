//! Is the machine pressed just now? An early rate tells, wherever a trial would be believed that it may have spoilt.
//!
//! A neighbour that takes the machine's time for a minute makes a soak fail that would have held, and a look
//! see less than the service can do. So before the first soak, after a rejected one and at the end an early
//! rate is offered once more. While its answers take far longer than they did, the search waits; once they are
//! what they were, the trial that was spoilt is repeated. What does not pass is a change of the service.

use super::drift::{Baseline, SURE, is_slower};
use super::finding::{Finding, Flag};
use super::soaking::EXPANSION_PRECISIONS;
use super::{Phase, Search};
use crate::trial::evidence::{Median, Observation};
use crate::trial::verdict::Verdict;
use crate::units::Rps;

/// Answers at an early rate that surely take longer, by this share, are a disturbance ...
const DISTURBED_RATIO: f64 = 0.15;
/// ... which has passed when they do not take longer by this, surely or not.
const PASSED_RATIO: f64 = 0.07;
/// The early rate is asked so often, for ever longer: about 80 s.
const TRIES_MOST: u32 = 5;
/// Each try is longer than the one before by this factor, up to the third.
const TRY_FACTOR: f64 = 2.0;
/// So often a search waits for a disturbance to pass.
const DISTURBANCES_MOST: u32 = 3;

/// Which trials a disturbance would have spoilt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Doubted {
    /// The looks so far.
    Looks,
    /// The soak of this rate, which was rejected.
    Soak {
        /// Its rate.
        rate: Rps,
        /// Whether requests piled up in it.
        piled_up: bool,
    },
    /// None: the answer stands, and it is the end that is disturbed.
    Nothing,
}

/// An early rate that is asked once more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reference {
    pub before: Baseline,
    pub doubted: Doubted,
    /// How often it was found to be disturbed.
    pub tries: u32,
}

impl Reference {
    pub(super) const fn of(before: Baseline, doubted: Doubted) -> Self {
        Self { before, doubted, tries: 0 }
    }

    /// How many times as long as the shortest trial it is to last.
    pub(super) fn times(&self) -> f64 {
        TRY_FACTOR.powi(i32::try_from(self.tries.min(3)).unwrap_or(0))
    }
}

impl Search {
    /// After the early rate was asked: goes on, waits, or repeats what was spoilt.
    pub(super) fn after_reference(&mut self, reference: Reference, seen: &Observation) -> Phase {
        let Reference { before, doubted, tries } = reference;
        let is_still = tries > 0 && takes_longer(before, seen, PASSED_RATIO, 0.0);
        if self.is_pressed(before, seen) || is_still {
            if tries < TRIES_MOST {
                return Phase::Refer(Reference { tries: tries + 1, ..reference });
            }
            // It does not pass: that is the service now.
            self.disturbances = DISTURBANCES_MOST;
        } else if tries > 0 {
            self.disturbances += 1;
            self.flag(Flag::Disturbed);
            return self.repeat(doubted);
        }
        match doubted {
            Doubted::Looks => self.after_warm(before, seen),
            Doubted::Soak { rate, piled_up } => self.reject(rate, piled_up),
            Doubted::Nothing => self.after_drift(before, seen),
        }
    }

    /// Whether the service is disturbed in a way that may pass.
    pub(super) fn is_pressed(&self, before: Baseline, seen: &Observation) -> bool {
        self.disturbances < DISTURBANCES_MOST && takes_longer(before, seen, DISTURBED_RATIO, SURE)
    }

    /// What was measured during the disturbance is forgotten and measured again.
    fn repeat(&mut self, doubted: Doubted) -> Phase {
        match doubted {
            Doubted::Looks => {
                self.forget_looks();
                Phase::Expand { precisions: EXPANSION_PRECISIONS }
            }
            Doubted::Soak { rate, .. } => {
                self.history.forget_last_soak();
                Phase::Soak { rate }
            }
            Doubted::Nothing => Phase::Done(self.settled(Finding::Capacity)),
        }
    }
}

/// Whether the early rate does not hold any more, or its answers take longer by `ratio`, as surely as `sure` asks.
fn takes_longer(before: Baseline, seen: &Observation, ratio: f64, sure: f64) -> bool {
    let is_longer = |now: Median| {
        now.ms > (1.0 + ratio) * before.median.ms && is_slower(before.median, now, sure)
    };
    matches!(seen.evidence.verdict, Verdict::Overloaded(_))
        || seen.evidence.median.is_some_and(is_longer)
}
