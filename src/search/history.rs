//! All trials of a search, and what they say together: an interval, a second capacity, what to know.

use super::finding::Flag;
use crate::schedule::ArrivalLaw;
use crate::stats::posterior::{Interval, Probe, interval};
use crate::trial::evidence::{Evidence, Unsteadiness};
use crate::trial::verdict::{Reason, Verdict};
use crate::units::Rps;

/// A 99th percentile of service time that is so many medians is a heavy tail; exponential has 6.6.
const HEAVY_TAIL_RATIO: f64 = 11.0;
/// Fewer requests do not show a tail.
const TAIL_REQUESTS: f64 = 300.0;
/// Medians of seconds that scatter so many deviations more than their samples explain ...
const NOISY_SIGMAS: f64 = 2.5;
/// ... and by at least this share of the speed are a noisy service.
const NOISY_LEAST: f64 = 0.03;
/// Tail and noise are looked for up to this share of the answer: near it, waiting hides the service.
const LIGHT_RATIO: f64 = 0.75;

/// One judged trial.
#[derive(Debug, Clone)]
struct Tried {
    rate: Rps,
    arrivals: ArrivalLaw,
    is_soak: bool,
    evidence: Evidence,
}

impl Tried {
    fn passed(&self) -> Option<bool> {
        match self.evidence.verdict {
            Verdict::Sustained(_) => Some(true),
            Verdict::Overloaded(_) => Some(false),
            Verdict::Void(_) | Verdict::Undecided => None,
        }
    }

    /// Whether requests piled up, whatever the objective says.
    fn piled_up(&self) -> bool {
        match &self.evidence.verdict {
            Verdict::Overloaded(reasons) => reasons.iter().any(Reason::is_backlog),
            _ => false,
        }
    }
}

/// The trials of a search so far.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    tried: Vec<Tried>,
}

impl History {
    pub(super) fn push(
        &mut self,
        rate: Rps,
        arrivals: ArrivalLaw,
        is_soak: bool,
        evidence: &Evidence,
    ) {
        self.tried.push(Tried { rate, arrivals, is_soak, evidence: evidence.clone() });
    }

    /// Takes back the failures up to `rate`: the service was not yet itself when they were measured.
    pub(super) fn forget_fails_up_to(&mut self, rate: Rps) {
        self.tried.retain(|tried| tried.rate > rate || tried.passed() != Some(false));
    }

    /// The 95 % interval of the capacity.
    ///
    /// Where a soak was rejected, what spaced arrivals passed at that rate or above is left out: the
    /// soak's law and objective are the stricter ones, and they are what the capacity is about.
    /// Other trials count at the rate that they stand for under the soak's law: lower by `law_cost`, a
    /// share of the rate.
    pub(super) fn interval(&self, law_cost: impl Fn(Rps) -> f64) -> Option<Interval> {
        let rejected = self
            .tried
            .iter()
            .filter(|tried| tried.is_soak && tried.passed() == Some(false))
            .map(|tried| tried.rate.get())
            .fold(f64::INFINITY, f64::min);
        let probes: Vec<Probe> = self
            .tried
            .iter()
            .filter_map(|tried| Some((tried, tried.passed()?)))
            .filter(|(tried, passed)| tried.is_soak || !passed || tried.rate.get() < rejected)
            .map(|(tried, passed)| Probe {
                rate_rps: if tried.is_soak {
                    tried.rate.get()
                } else {
                    tried.rate.get() * (1.0 - law_cost(tried.rate))
                },
                passed,
                dispersion: tried.evidence.dispersion,
                requests: tried.evidence.requests as f64,
            })
            .collect();
        interval(&probes)
    }

    /// The highest rate at which requests did not pile up, below every rate at which they did.
    pub(super) fn stability(&self) -> Option<Rps> {
        let judged = || self.tried.iter().filter(|tried| tried.passed().is_some());
        let piled_up = judged()
            .filter(|tried| tried.piled_up())
            .map(|tried| tried.rate.get())
            .fold(f64::INFINITY, f64::min);
        judged()
            .filter(|tried| !tried.piled_up() && tried.rate.get() < piled_up)
            .map(|tried| tried.rate)
            .reduce(Rps::max)
    }

    /// What the trials well below `answer` show of the service itself.
    pub(super) fn flags(&self, answer: Rps) -> Vec<Flag> {
        let light: Vec<&Tried> = self
            .tried
            .iter()
            .filter(|tried| tried.rate.get() <= LIGHT_RATIO * answer.get())
            .filter(|tried| tried.arrivals == ArrivalLaw::Stratified)
            .collect();
        let mut flags = Vec::new();
        let tails = light.iter().filter_map(|tried| {
            Some((tried.evidence.tail_ratio?.ln(), tried.evidence.requests as f64))
        });
        if weighted_mean(tails, TAIL_REQUESTS).is_some_and(|log| log > HEAVY_TAIL_RATIO.ln()) {
            flags.push(Flag::HeavyTail);
        }
        let scatters = light.iter().filter_map(|tried| tried.evidence.unsteadiness);
        if is_noisy(scatters) {
            flags.push(Flag::Noisy);
        }
        flags
    }
}

/// The mean of values by their weights; `None` when the weights do not reach `least`.
fn weighted_mean(values: impl Iterator<Item = (f64, f64)>, least: f64) -> Option<f64> {
    let (sum, weights) = values.fold((0.0, 0.0), |(sum, weights), (value, weight)| {
        (sum + value * weight, weights + weight)
    });
    (weights >= least).then(|| sum / weights)
}

/// Whether the speed changes from second to second: the trials' excess variances, weighted by how well
/// each can be known from its number of samples.
fn is_noisy(scatters: impl Iterator<Item = Unsteadiness>) -> bool {
    let (mut excess, mut weights, mut variance) = (0.0, 0.0, 0.0);
    for scatter in scatters {
        let freedom = (scatter.seconds as f64 - 1.0).max(1.0);
        let weight = freedom * scatter.samples_per_second.powi(2);
        excess += (scatter.variance - scatter.explained) * weight;
        weights += weight;
        variance += (weight * scatter.explained).powi(2) * 2.0 / freedom;
    }
    weights > 0.0
        && excess / weights > NOISY_LEAST.powi(2)
        && excess > NOISY_SIGMAS * variance.sqrt()
}
