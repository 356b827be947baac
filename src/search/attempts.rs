//! The trials that a search asks for, given where it stands.

use super::finding::{Capacity, Finding};
use super::{Phase, Search};
use crate::schedule::ArrivalLaw;
use crate::stats::posterior::Posterior;
use crate::trial::Purpose;
use crate::trial::criteria::Rule;
use crate::units::Rps;

/// Resolution of the climb, where only the order of magnitude matters.
const COARSE_RATIO: f64 = 0.25;

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
            Rule::Propose { least_s, .. } | Rule::Confirm { least_s, .. } => least_s,
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
            Phase::Bracket { rate } => self.proposal(Purpose::Search, rate, COARSE_RATIO),
            Phase::Bisect => match (self.bracket.low(), self.bracket.high()) {
                (Some(low), Some(high)) => {
                    let rate = low.geometric_mean(high);
                    let gap = (high.get() / rate.get() - 1.0) / 2.0;
                    let resolution = gap.clamp(precision / 2.0, COARSE_RATIO);
                    self.proposal(Purpose::Search, rate, resolution)
                }
                _ => return Next::Done(self.capacity(Finding::Unconfirmed)),
            },
            Phase::Settle => {
                let believed = self.belief().and_then(|belief| Rps::new(belief.quantile_rps(0.5)));
                let rate = believed.unwrap_or_else(|| self.low_or_floor());
                let rate = self.under_spaced_arrivals(rate);
                let rate = rate.max(self.plan.floor).min(self.plan.ceiling);
                self.proposal(Purpose::Search, rate, precision / 2.0)
            }
            Phase::Warm { before } => self.proposal(Purpose::Drift, before.rate, COARSE_RATIO),
            Phase::Retest { rate } | Phase::Tiebreak { rate } => {
                self.proposal(Purpose::Retest, rate, precision / 2.0)
            }
            Phase::Floor => self.proposal(Purpose::Retest, self.plan.floor, precision),
            Phase::Expand { precisions } => {
                let rate = self.low_or_floor().scaled(1.0 + precisions * precision);
                self.proposal(Purpose::Search, rate.min(self.plan.ceiling), precision / 2.0)
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
        self.history.belief(|rate| self.law_cost(rate))
    }

    /// What spaced arrivals sustain where the soak's law sustains `rate`: the belief is about that law.
    pub(super) fn under_spaced_arrivals(&self, rate: Rps) -> Rps {
        rate.scaled(1.0 / (1.0 - self.law_cost(rate)))
    }

    /// By how much irregular arrivals lower the capacity against spaced ones, as a share of the rate.
    pub(super) fn law_cost(&self, rate: Rps) -> f64 {
        self.plan.law_cost(rate, self.history.dispersion())
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
        // Under Poisson arrivals a backlog has at least the variance of the arrivals themselves.
        let dispersion = match self.plan.soak_arrivals {
            ArrivalLaw::Poisson => self.history.dispersion() + 1.0,
            ArrivalLaw::Stratified | ArrivalLaw::Uniform => self.history.dispersion(),
        };
        let least_s = self.plan.soak_s(offered, dispersion);
        let resolution_ratio = self.plan.soak_resolution(offered, dispersion);
        Attempt {
            arrivals: self.plan.soak_arrivals,
            rule: Rule::Confirm { resolution_ratio, least_s },
            measure_s: self.plan.soak_most_s.max(least_s),
            ..self.proposal(Purpose::Soak, offered, resolution_ratio)
        }
    }
}
