//! Where a capacity lies, given all trials: a posterior over its logarithm.
//!
//! A trial at rate r tells of the capacity C by how its backlog grew. Against a capacity C the backlog is a
//! random walk with drift (1 - C/r) per request that cannot fall below nothing, and the density of where
//! such a walk stands is known (Harrison, "Brownian Motion and Stochastic Flow Systems", 1985, section
//! 3.6). How long a trial ran and why it ended does not matter to it, so that trials that were stopped early
//! count for what they are worth. A trial that broke its objective without a backlog is a yes or no: it passes
//! with probability `lapse + (1 - 2 lapse) Phi((ln C - ln r) / s)`, the psychometric function of sensory
//! thresholds (Watson and Pelli, "QUEST: a Bayesian adaptive psychometric method", Perception &
//! Psychophysics 33, 1983). The widening and the floor of the deviations were calibrated against simulated
//! services (docs/method.md).

use std::f64::consts::TAU;

use statrs::distribution::{ContinuousCDF, Normal};

use super::overflow;

/// Share of trials that say nothing about the rate.
const LAPSE: f64 = 0.005;
/// Deviation that even the longest trial keeps, as a share of the rate.
const FLOOR_RATIO: f64 = 0.004;
/// Widens what dispersion alone would say.
const WIDENING: f64 = 1.25;
/// Step of the grid, as a share of the rate.
const STEP: f64 = 0.001;
/// The grid reaches this factor beyond the bracket.
const REACH: f64 = 1.3;
/// Beyond so many deviations the tail of the normal law is taken from its expansion.
const FAR: f64 = 6.0;

/// What a trial showed about the capacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Showed {
    /// The backlog grew by this share of the requests; below zero counts as none.
    Growth(f64),
    /// The capacity was measured to be the probe's rate: the service always had work.
    Measured,
    /// The capacity is not above the probe's rate.
    AtMost,
    /// The objective held.
    Passed,
    /// The objective was broken.
    Failed,
    /// So many requests were shed; see [`crate::stats::overflow`].
    Shed {
        /// How many.
        shed: f64,
        /// What the service gets done when it always has work, per second.
        busy_rps: f64,
        /// The share that may be shed at the capacity.
        allowed_ratio: f64,
    },
}

/// A judged trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// The rate that was offered, above zero.
    pub rate_rps: f64,
    /// What it showed.
    pub showed: Showed,
    /// Variance of the backlog per request.
    pub dispersion: f64,
    /// Requests of the trial.
    pub requests: f64,
}

/// Belief about a capacity: weights over a grid of its logarithm.
#[derive(Debug, Clone, PartialEq)]
pub struct Posterior {
    first: f64,
    weights: Vec<f64>,
    total: f64,
}

impl Posterior {
    /// The belief after `probes`, about a capacity around the bracket from `low_rps` to `high_rps`.
    ///
    /// All capacities around the bracket are equally likely before the first trial.
    #[must_use]
    pub fn new(probes: &[Probe], low_rps: f64, high_rps: f64) -> Self {
        let first = (low_rps / REACH).ln();
        let points = crate::units::round_to_u64(((high_rps * REACH).ln() - first) / STEP);
        let normal = Normal::standard();
        let logs: Vec<f64> = (0..=points)
            .map(|point| {
                let capacity_rps = (first + STEP * point as f64).exp();
                probes.iter().map(|probe| probe.log_likelihood(capacity_rps, &normal)).sum()
            })
            .collect();
        let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - greatest).exp()).collect();
        Self { first, total: weights.iter().sum(), weights }
    }

    /// The rate below which the capacity lies with probability `share`, 0..1.
    #[must_use]
    pub fn quantile_rps(&self, share: f64) -> f64 {
        let mut sum = 0.0;
        let below = self.weights.iter().take_while(|weight| {
            sum += **weight;
            sum < share * self.total
        });
        (self.first + STEP * crate::units::usize_to_u64(below.count()) as f64).exp()
    }

    /// Half of the width of the central 68 %, as a share of the rate: a standard deviation.
    #[must_use]
    pub fn deviation_ratio(&self) -> f64 {
        (self.quantile_rps(0.84) / self.quantile_rps(0.16)).ln() / 2.0
    }
}

impl Probe {
    fn log_likelihood(&self, capacity_rps: f64, normal: &Normal) -> f64 {
        let sampling = WIDENING.powi(2) * self.dispersion / self.requests.max(1.0);
        let deviation = (FLOOR_RATIO.powi(2) + sampling).sqrt();
        let away = (capacity_rps / self.rate_rps).ln() / deviation;
        let passes = || normal.cdf(away);
        let likelihood = match self.showed {
            Showed::Growth(grown) => {
                let drift = 1.0 - capacity_rps / self.rate_rps;
                if grown <= deviation {
                    // Small growth says that it is small, not how small: requests are no fluid.
                    walk_share_below(deviation, drift, deviation, normal)
                } else {
                    // Per deviation, so that a lapse weighs the same in long and short trials.
                    deviation * walk_density(grown, drift, deviation, normal)
                }
            }
            Showed::Measured => (-away * away / 2.0).exp(),
            Showed::Passed => passes(),
            Showed::Failed | Showed::AtMost => 1.0 - passes(),
            Showed::Shed { shed, busy_rps, allowed_ratio } => {
                self.shed_likelihood(shed, allowed_ratio, busy_rps, capacity_rps)
            }
        };
        (LAPSE + (1.0 - 2.0 * LAPSE) * likelihood).ln()
    }

    /// Likelihood of `shed` requests relative to the likeliest number, when the allowed share is shed at
    /// `capacity_rps`: a Poisson number of bursts.
    fn shed_likelihood(
        &self,
        shed: f64,
        allowed_ratio: f64,
        busy_rps: f64,
        capacity_rps: f64,
    ) -> f64 {
        let spare = 1.0 - self.rate_rps / busy_rps;
        let room = overflow::room(1.0 - capacity_rps / busy_rps, allowed_ratio);
        let burst = overflow::burst(spare, self.dispersion);
        let expected = overflow::shed_ratio(spare, room) * self.requests / burst;
        let seen = shed / burst;
        let surprise = if seen > 0.0 { seen * (expected / seen).ln() } else { 0.0 };
        (surprise - (expected - seen)).exp()
    }
}

/// Density at `at` >= 0 of a random walk of `drift` and `deviation` that started at and never falls below 0.
fn walk_density(at: f64, drift: f64, deviation: f64, normal: &Normal) -> f64 {
    let direct = bell((at - drift) / deviation);
    (2.0 * direct - 2.0 * drift / deviation * reflected(at, drift, deviation, normal)) / deviation
}

/// Probability that such a walk stands at `at` or below.
fn walk_share_below(at: f64, drift: f64, deviation: f64, normal: &Normal) -> f64 {
    (normal.cdf((at - drift) / deviation) - reflected(at, drift, deviation, normal)).max(0.0)
}

/// What the walk owes to its reflection at 0: `exp(2 drift at / deviation^2) Phi(-(at + drift) / deviation)`.
fn reflected(at: f64, drift: f64, deviation: f64, normal: &Normal) -> f64 {
    let beyond = (at + drift) / deviation;
    if beyond > FAR {
        // The exponential times the bell at `beyond` is the bell at the direct distance.
        let direct = bell((at - drift) / deviation);
        direct / beyond * (1.0 - beyond.powi(-2) + 3.0 * beyond.powi(-4))
    } else {
        (2.0 * drift * at / deviation.powi(2)).exp() * normal.cdf(-beyond)
    }
}

fn bell(x: f64) -> f64 {
    (-x * x / 2.0).exp() / TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn probe(rate_rps: f64, showed: Showed) -> Probe {
        Probe { rate_rps, showed, dispersion: 1.0, requests: 5000.0 }
    }

    fn width(probes: &[Probe]) -> f64 {
        let belief = Posterior::new(probes, 100.0, 400.0);
        belief.quantile_rps(0.975) / belief.quantile_rps(0.025) - 1.0
    }

    proptest! {
        #[test]
        fn the_walk_is_somewhere(drift in -0.3..0.3_f64, deviation in 0.005..0.1_f64) {
            let normal = Normal::standard();
            let steps = 200_000;
            let most = 0.3 + 8.0 * deviation;
            let sum: f64 = (0..steps)
                .map(|step| walk_density(most * (f64::from(step) + 0.5) / f64::from(steps), drift, deviation, &normal))
                .sum();
            let mass = sum * most / f64::from(steps);
            prop_assert!((mass - 1.0).abs() < 1e-3, "{mass}");
        }
    }

    #[test]
    fn what_an_overload_accepts_says_where_the_capacity_is() {
        let belief = Posterior::new(&[probe(300.0, Showed::Growth(0.2))], 100.0, 400.0);
        let median_rps = belief.quantile_rps(0.5);
        assert!((median_rps - 240.0).abs() < 3.0, "{median_rps}: 20 % of 300 a second piled up");
    }

    #[test]
    fn broken_objectives_bound_what_no_backlog_shows() {
        let long = |rate, showed| Probe { requests: 50_000.0, ..probe(rate, showed) };
        let calm = long(220.0, Showed::Growth(0.0));
        let failed = long(230.0, Showed::Failed);
        let belief = Posterior::new(&[calm, failed, failed], 220.0, 230.0);
        assert!(belief.quantile_rps(0.975) < 238.0, "{}", belief.quantile_rps(0.975));
        assert!(belief.quantile_rps(0.025) > 205.0, "{}", belief.quantile_rps(0.025));
    }

    #[test]
    fn more_requests_narrow_the_belief() {
        let with = |requests| {
            let of = |rate, grown| Probe { requests, ..probe(rate, Showed::Growth(grown)) };
            width(&[of(220.0, 0.0), of(240.0, 0.04)])
        };
        assert!(with(500.0) > with(5000.0), "{} and {}", with(500.0), with(5000.0));
    }
}
