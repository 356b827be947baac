//! Is the service at the end of a search still the one that it was at its beginning?
//!
//! A leak, a growing index or a neighbour that woke up makes a rate that was sustained a minute ago mean
//! nothing. So an early rate is offered once more at the end, and the medians of the service times are
//! compared by their intervals.

use super::finding::{Finding, Flag};
use super::refer::{Doubted, Reference};
use super::soaking::EXPANSION_PRECISIONS;
use super::{Phase, Search, Suspicion};
use crate::trial::evidence::{Median, Observation};
use crate::trial::verdict::Verdict;
use crate::units::Rps;

/// Medians that differ by less than this share are the same, however sure their difference is ...
const SAME_RATIO: f64 = 0.05;
/// ... a service becomes faster by at least this, for a pause in one of two short trials looks like less ...
const FASTER_RATIO: f64 = 0.10;
/// ... and what differs by less than this is the same.
const SAME_MS: f64 = 0.2;
/// A service that is slower by this factor has to hold the answer for longer.
const FAR_SLOWER: f64 = 1.1;
/// What is more than so many half-widths of their intervals apart surely differs: 2.5 deviations.
pub(super) const SURE: f64 = 1.55;
/// The same where a drift was found before.
const SURE_AGAIN: f64 = 1.0;
/// Only rates up to this share of the answer are compared: near it, waiting hides the service.
const LIGHT_RATIO: f64 = 0.75;

/// A rate that was sustained, and the service time then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Baseline {
    pub rate: Rps,
    pub median: Median,
}

impl Search {
    pub(super) fn check_drift(&mut self) -> Phase {
        let before = self.confirmed.and_then(|confirmed| baseline_for(&self.early, confirmed.rate));
        match before {
            Some(before) => Phase::Drift { before },
            None => Phase::Done(self.settled(Finding::Capacity)),
        }
    }

    /// Before the soak: what was measured of a service that has become faster since is worth nothing.
    pub(super) fn after_warm(&mut self, before: Baseline, seen: &Observation) -> Phase {
        let faster = seen.evidence.median.filter(|now| is_faster(before.median, *now));
        match faster {
            Some(median) if self.restarts < self.plan.restarts_max => {
                self.start_over();
                self.rebase(before, Some(median))
            }
            _ => self.first_soak(),
        }
    }

    /// Goes up again from what the service sustained, with a new baseline where there is one.
    pub(super) fn rebase(&mut self, before: Baseline, now: Option<Median>) -> Phase {
        self.early = now.map(|median| Baseline { rate: before.rate, median }).into_iter().collect();
        Phase::Expand { precisions: EXPANSION_PRECISIONS }
    }

    pub(super) fn after_drift(&mut self, before: Baseline, seen: &Observation) -> Phase {
        if self.suspicion.is_none() && self.is_pressed(before, seen) {
            return Phase::Refer(Reference { tries: 1, ..Reference::of(before, Doubted::Nothing) });
        }
        let now = seen.evidence.median;
        let failed = matches!(seen.evidence.verdict, Verdict::Overloaded(_));
        // One that was found slower before needs less to be believed to get slower still.
        let sure = if self.suspicion.is_some() { SURE_AGAIN } else { SURE };
        let slower = failed || now.is_some_and(|now| is_slower(before.median, now, sure));
        if now.is_some_and(|now| is_faster(before.median, now)) {
            self.flag(Flag::Drift);
        }
        let Some(confirmed) = self.confirmed else { return Phase::Done(Finding::Unconfirmed) };
        if self.suspicion.is_some() {
            return if slower {
                self.refuse("the service gets slower and slower while it is measured")
            } else {
                Phase::Done(self.settled(Finding::Capacity))
            };
        }
        let gets_less_done = self.history.has_slowed();
        if !slower && !gets_less_done && !self.fell_behind(confirmed.rate) {
            return Phase::Done(self.settled(Finding::Capacity));
        }
        self.flag(Flag::Drift);
        self.suspicion = Some(match now {
            _ if gets_less_done => Suspicion::FarSlower,
            _ if !slower => Suspicion::FellBehind,
            Some(now) if now.ms <= FAR_SLOWER * before.median.ms => Suspicion::Slower,
            _ => Suspicion::FarSlower,
        });
        self.confirmed = None;
        self.early = now.map(|median| Baseline { rate: before.rate, median }).into_iter().collect();
        Phase::Prove { rate: confirmed.rate }
    }

    /// Whether requests piled up in soaks far below what proposing trials had sustained before.
    pub(super) fn fell_behind(&self, confirmed: Rps) -> bool {
        let far = 1.0 + 2.0 * self.plan.precision_ratio;
        self.piled_up && self.proposed.is_some_and(|proposed| proposed > confirmed.scaled(far))
    }

    pub(super) fn refuse(&mut self, reason: &str) -> Phase {
        self.confirmed = None;
        self.reasons.insert(0, format!("drift: {reason}"));
        Phase::Done(Finding::Unconfirmed)
    }
}

/// The highest of the early rates that is light against `answer`.
pub(super) fn baseline_for(early: &[Baseline], answer: Rps) -> Option<Baseline> {
    early
        .iter()
        .filter(|baseline| baseline.rate.get() <= LIGHT_RATIO * answer.get())
        .max_by(|left, right| left.rate.get().total_cmp(&right.rate.get()))
        .copied()
}

/// Whether the service is surely slower than it was.
pub(super) fn is_slower(before: Median, now: Median, sure: f64) -> bool {
    let uncertain_ms = (before.high_ms - before.ms).hypot(now.ms - now.low_ms);
    let least_ms = (sure * uncertain_ms).max(SAME_RATIO * before.ms).max(SAME_MS);
    now.ms - before.ms > least_ms
}

/// Whether it is surely faster than it was.
fn is_faster(before: Median, now: Median) -> bool {
    is_slower(now, before, SURE) && before.ms - now.ms > FASTER_RATIO * now.ms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median(ms: f64, spread: f64) -> Median {
        Median { ms, low_ms: ms * (1.0 - spread), high_ms: ms * (1.0 + spread) }
    }

    #[test]
    fn only_what_is_sure_and_large_enough_is_a_drift() {
        assert!(is_slower(median(10.0, 0.01), median(10.8, 0.01), SURE), "8 %, and sure");
        assert!(!is_slower(median(10.0, 0.01), median(10.3, 0.001), SURE), "3 % is the same");
        assert!(!is_slower(median(10.0, 0.1), median(11.5, 0.1), SURE), "15 %, not sure");
        assert!(!is_slower(median(0.3, 0.01), median(0.4, 0.01), SURE), "0.1 ms is the same");
        assert!(is_faster(median(10.0, 0.01), median(5.0, 0.01)), "twice as fast");
    }
}
