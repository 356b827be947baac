//! All trials of a search, and what they say together: an interval, a second capacity, what to know.

use super::finding::Flag;
use crate::schedule::ArrivalLaw;
use crate::stats::posterior::{Posterior, Probe, Showed};
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
/// Backlogs that vary by so much more than explained are those of a noisy service ...
const UNEVEN_RATIO: f64 = 1.3;
/// ... when they were watched for so many seconds.
const UNEVEN_S: f64 = 20.0;
/// The least variance of a backlog per request that is compared.
const UNEVEN_LEAST: f64 = 0.25;
/// The 99th percentile of the standard normal law.
const NORMAL_99: f64 = 2.326;
/// Tail and noise are looked for up to this share of the answer: near it, waiting hides the service.
const LIGHT_RATIO: f64 = 0.6;

/// Saturation begins to show in the backlog at this share of the highest rate that passed.
const NEAR_RATIO: f64 = 0.97;
/// The dispersion of other trials weighs as much as so many seconds of a trial's own.
const DISPERSION_PRIOR_S: f64 = 10.0;

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

    /// Whether the objective was broken although requests did not pile up.
    fn broke_objective(&self) -> bool {
        self.passed() == Some(false) && !self.piled_up() && !self.grew()
    }

    /// Whether the backlog grew by more than chance explains.
    fn grew(&self) -> bool {
        let chance = (self.evidence.dispersion / self.evidence.requests.max(1) as f64).sqrt();
        self.evidence.growth_ratio > 2.0 * chance
    }

    /// What it says of the capacity: how its backlog grew, or only whether the `objective` held.
    fn probe(&self, objective: bool, dispersion_near: f64, law_cost: f64) -> Probe {
        let evidence = &self.evidence;
        let showed = if objective && self.passed() == Some(true) {
            Showed::Passed
        } else if self.broke_objective() {
            Showed::Failed
        } else {
            Showed::Growth(evidence.growth_ratio)
        };
        // Irregular arrivals add their own variance to the service's.
        let irregular = if self.arrivals == ArrivalLaw::Poisson { 1.0 } else { 0.0 };
        let (own, others) = (evidence.measured_s, DISPERSION_PRIOR_S);
        let dispersion =
            (evidence.dispersion * own + (dispersion_near + irregular) * others) / (own + others);
        // A backlog tells of what the service can do; the objective holds up to a lower rate.
        let cost =
            if matches!(showed, Showed::Growth(_)) || !self.is_soak { law_cost } else { 0.0 };
        Probe {
            rate_rps: self.rate.get() * (1.0 - cost),
            showed,
            dispersion,
            requests: evidence.requests as f64,
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

    /// Takes back the failures: the service was not yet itself when they were measured.
    pub(super) fn forget_fails(&mut self) {
        self.tried.retain(|tried| tried.passed() != Some(false));
    }

    /// What all trials together say of the capacity under the soak's law; `None` without a pass or a fail.
    ///
    /// Spaced arrivals cost a service less: their trials count at a rate that is lower by `law_cost`, a
    /// share of the rate. What they sustained at a rate at which a soak broke the objective without a
    /// backlog is left out, for that objective is what the capacity is about.
    pub(super) fn belief(&self, law_cost: impl Fn(Rps) -> f64) -> Option<Posterior> {
        let rates = |passed| {
            let of_kind = self.tried.iter().filter(move |tried| tried.passed() == Some(passed));
            of_kind.map(|tried| tried.rate.get())
        };
        let low_rps = rates(true).reduce(f64::max)?;
        let high_rps = rates(false).reduce(f64::min)?;
        let broken = self.tried.iter().filter(|tried| tried.is_soak && tried.broke_objective());
        let broken_rps = broken.map(|tried| tried.rate.get()).fold(f64::INFINITY, f64::min);
        let dispersion = self.dispersion();
        let probes: Vec<Probe> = self
            .tried
            .iter()
            .filter_map(|tried| Some((tried, tried.passed()?)))
            .filter(|(tried, passed)| tried.is_soak || !passed || tried.rate.get() < broken_rps)
            .map(|(tried, _)| {
                let objective = tried.is_soak && broken_rps.is_finite();
                let cost = law_cost(tried.rate);
                tried.probe(objective, dispersion, cost)
            })
            .collect();
        Some(Posterior::new(&probes, low_rps.min(high_rps), high_rps.max(low_rps)))
    }

    /// Variance of the backlog per request close to saturation, under spaced arrivals.
    pub(super) fn dispersion(&self) -> f64 {
        let passes = self.tried.iter().filter(|tried| tried.passed() == Some(true));
        let low_rps = passes.map(|tried| tried.rate.get()).fold(0.0, f64::max);
        let near = self.tried.iter().filter(|tried| {
            let rate_rps = tried.rate.get();
            tried.arrivals == ArrivalLaw::Stratified && rate_rps >= NEAR_RATIO * low_rps
        });
        let known = near.map(|tried| (tried.evidence.dispersion, tried.evidence.measured_s));
        weighted_mean(known, 1.0).unwrap_or(1.0)
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
        let tail = weighted_mean(tails, TAIL_REQUESTS);
        if tail.is_some_and(|log| log > HEAVY_TAIL_RATIO.ln()) {
            flags.push(Flag::HeavyTail);
        }
        let scatters = light.iter().filter_map(|tried| tried.evidence.unsteadiness);
        if is_noisy(scatters) || tail.is_some_and(|log| self.is_uneven(log)) {
            flags.push(Flag::Noisy);
        }
        flags
    }

    /// Whether the backlogs of the soaks varied more than independent services explain, whose times have a
    /// 99th percentile of `exp(tail_log)` medians.
    fn is_uneven(&self, tail_log: f64) -> bool {
        // Of a log-normal law; that of an exponential comes out within a tenth.
        let service = ((tail_log / NORMAL_99).powi(2).exp() - 1.0).min(1.0);
        let soaks = self.tried.iter().filter(|tried| tried.is_soak);
        let ratios = soaks.map(|tried| {
            let irregular = if tried.arrivals == ArrivalLaw::Poisson { 1.0 } else { 0.0 };
            let explained = f64::max(service + irregular, UNEVEN_LEAST);
            (tried.evidence.dispersion / explained, tried.evidence.measured_s)
        });
        weighted_mean(ratios, UNEVEN_S).is_some_and(|ratio| ratio > UNEVEN_RATIO)
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
