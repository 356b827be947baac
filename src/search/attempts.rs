//! The trials that a search asks for, given where it stands.

use super::finding::{Capacity, Finding};
use super::soaking::EXPANSION_PRECISIONS;
use super::{Phase, Search, Suspicion};
use crate::schedule::ArrivalLaw;
use crate::stats::posterior::Posterior;
use crate::trial::Purpose;
use crate::trial::objective::Rule;
use crate::units::Rps;

/// Resolution of the climb, where only the order of magnitude matters.
const COARSE_RATIO: f64 = 0.25;
/// A rate that the end of the search is compared with is offered for so many requests, where time allows.
const BASELINE_REQUESTS: f64 = 600.0;
/// A look that is no overload is over when half of the growth that it expected is ruled out.
const LOOK_RESOLUTION_RATIO: f64 = 0.03;
/// A service that was found slower has to hold the answer for so many times as long.
const SLOWER_SOAKS: f64 = 5.0;
/// Every look but the first has to last for so many times as long before it is no overload.
const LATER_LOOK_TIMES: f64 = 3.0;
/// A look wants the rate under overload with a deviation of so many precisions.
const LOOK_PRECISIONS: f64 = 0.25;

/// A trial that the search asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// What it is for.
    pub purpose: Purpose,
    /// The rate to offer.
    pub offered: Rps,
    /// How arrivals are placed.
    pub arrivals: ArrivalLaw,
    /// How it is judged.
    pub rule: Rule,
    /// Most seconds of its measured part.
    pub measure_s: f64,
    /// The highest rate that was sustained before.
    pub sustained_before: Option<Rps>,
}

impl Attempt {
    /// Least seconds of its measured part that can sustain it.
    #[must_use]
    pub const fn least_s(&self) -> f64 {
        match self.rule {
            Rule::Measure => self.measure_s,
            Rule::Propose { least_s, .. }
            | Rule::Look { least_s, .. }
            | Rule::Confirm { least_s, .. } => least_s,
        }
    }
}

/// What the search wants next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// A trial.
    Try(Attempt),
    /// Nothing more: it is finished.
    Done(Capacity),
}

impl Search {
    /// What the search wants next.
    #[must_use]
    pub fn next(&self) -> Next {
        let precision = self.plan.precision_ratio;
        let attempt = match self.phase {
            Phase::Done(finding) => return Next::Done(self.capacity(finding)),
            Phase::Bracket { rate } => self.climb(rate),
            Phase::Bisect => match (self.bracket.low(), self.bracket.high()) {
                (Some(low), Some(high)) => {
                    let rate = low.geometric_mean(high);
                    let gap = (high.get() / rate.get() - 1.0) / 2.0;
                    let resolution = gap.clamp(precision / 2.0, COARSE_RATIO);
                    self.proposal(Purpose::Search, rate, resolution)
                }
                _ => return Next::Done(self.capacity(Finding::Unconfirmed)),
            },
            Phase::Look { rate } => {
                let known_ratio = LOOK_PRECISIONS * precision;
                // Against what a look has shown already, a few seconds between two pauses are no evidence.
                let times = if self.looks > 1 { LATER_LOOK_TIMES } else { 1.0 };
                let least_s = times * self.plan.trial_least_s;
                let resolution_ratio = LOOK_RESOLUTION_RATIO;
                let rule = Rule::Look { resolution_ratio, least_s, known_ratio };
                Attempt { rule, ..self.proposal(Purpose::Search, rate, resolution_ratio) }
            }
            Phase::Rebase { before } => self.proposal(Purpose::Drift, before.rate, COARSE_RATIO),
            Phase::Refer(reference) => {
                let least_s = reference.times() * self.plan.trial_least_s;
                let rule = Rule::Propose { resolution_ratio: COARSE_RATIO, least_s };
                let rate = reference.before.rate;
                Attempt { rule, ..self.proposal(Purpose::Drift, rate, COARSE_RATIO) }
            }
            Phase::Retest { rate } | Phase::Tiebreak { rate } => {
                self.proposal(Purpose::Retest, rate, precision / 2.0)
            }
            Phase::Higher { held } => {
                let rate = held.scaled(1.0 + EXPANSION_PRECISIONS * precision);
                self.proposal(Purpose::Retest, rate.min(self.plan.ceiling), LOOK_RESOLUTION_RATIO)
            }
            Phase::Floor => self.proposal(Purpose::Retest, self.plan.floor, precision),
            Phase::Expand { precisions } => {
                let rate = self.low_or_floor().scaled(1.0 + precisions * precision);
                self.proposal(Purpose::Search, rate.min(self.plan.ceiling), LOOK_RESOLUTION_RATIO)
            }
            Phase::Soak { rate } | Phase::Prove { rate } => self.soak(rate),
            Phase::Drift { before } => {
                let least_s = self.plan.drift_s;
                let rule = Rule::Propose { resolution_ratio: COARSE_RATIO, least_s };
                Attempt {
                    rule,
                    measure_s: least_s.max(self.plan.trial_most_s),
                    ..self.proposal(Purpose::Drift, before.rate, COARSE_RATIO)
                }
            }
        };
        Next::Try(attempt)
    }

    /// What all trials together say of the capacity under the soak's law.
    pub(super) fn belief(&self) -> Option<Posterior> {
        self.history.belief(
            |rate| self.law_cost(rate),
            self.plan.error_ratio,
            |service| self.plan.soak_variance(service),
        )
    }

    /// By how much the capacity under the soak's law lies below the saturation, as a share of it.
    pub(super) fn law_cost(&self, rate: Rps) -> f64 {
        let dispersion = self.history.usual_dispersion();
        let latency = self.plan.law_cost(rate, dispersion, self.history.service_s());
        let buckling = self
            .history
            .buckles_at()
            .map_or(0.0, |at| self.plan.buckling_cost(rate, dispersion, at));
        latency.max(buckling)
    }

    /// A step of the climb; the end of the search is compared with it, for which it needs some requests.
    fn climb(&self, rate: Rps) -> Attempt {
        let shortest_s = self.plan.trial_least_s;
        let longest_s = if self.bracket.low().is_some() { 2.0 * shortest_s } else { shortest_s };
        let least_s = (BASELINE_REQUESTS / rate.get()).clamp(shortest_s, longest_s);
        Attempt {
            rule: Rule::Propose { resolution_ratio: COARSE_RATIO, least_s },
            ..self.proposal(Purpose::Search, rate, COARSE_RATIO)
        }
    }

    pub(super) fn low_or_floor(&self) -> Rps {
        self.bracket.low().unwrap_or(self.plan.floor)
    }

    pub(super) fn proposal(
        &self,
        purpose: Purpose,
        offered: Rps,
        resolution_ratio: f64,
    ) -> Attempt {
        Attempt {
            purpose,
            offered,
            arrivals: ArrivalLaw::Stratified,
            rule: Rule::Propose { resolution_ratio, least_s: self.plan.trial_least_s },
            measure_s: self.plan.trial_most_s,
            sustained_before: self.bracket.low(),
        }
    }

    pub(super) fn soak(&self, offered: Rps) -> Attempt {
        let dispersion = self.plan.soak_variance(self.history.dispersion());
        // What leaks passes a short soak.
        let longer = if self.suspicion == Some(Suspicion::FarSlower) { SLOWER_SOAKS } else { 1.0 };
        let least_s = (longer * self.plan.soak_s(offered, dispersion)).min(self.plan.soak_most_s);
        let resolution_ratio = self.plan.soak_resolution(offered, dispersion);
        Attempt {
            arrivals: self.plan.soak_arrivals,
            rule: Rule::Confirm { resolution_ratio, least_s },
            measure_s: self.plan.soak_most_s.max(least_s),
            ..self.proposal(Purpose::Soak, offered, resolution_ratio)
        }
    }
}
