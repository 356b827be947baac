//! Where a capacity lies, given all trials: a posterior over its logarithm.
//!
//! A trial at rate r passes with probability `lapse + (1 - 2 lapse) Phi((ln C - ln r) / s)` when the
//! capacity is C: the psychometric function of sensory thresholds, with a lapse rate for trials that went
//! wrong for a reason of their own. `s` comes from the dispersion that the trial itself showed, widened
//! by a factor that was calibrated against simulated services (docs/method.md).
//! Source of the method: Watson and Pelli, "QUEST: a Bayesian adaptive psychometric method",
//! Perception & Psychophysics 33 (1983).

use statrs::distribution::{ContinuousCDF, Normal};

/// Share of trials that say nothing about the rate.
const LAPSE: f64 = 0.005;
/// Deviation that even the longest trial keeps, as a share of the rate.
const FLOOR_RATIO: f64 = 0.015;
/// Widens what dispersion alone would say.
const WIDENING: f64 = 1.5;
/// Step of the grid, as a share of the rate.
const STEP: f64 = 0.001;
/// The grid reaches this factor beyond the rates that were tried.
const REACH: f64 = 2.0;
/// Probability that is left out at each end of the interval.
const TAIL: f64 = 0.025;

/// A trial that passed or failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// The rate that was offered, above zero.
    pub rate_rps: f64,
    /// Whether it was sustained.
    pub passed: bool,
    /// Variance of the backlog per request.
    pub dispersion: f64,
    /// Requests of the trial.
    pub requests: f64,
}

/// A 95 % interval with its median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low_rps: f64,
    /// Median.
    pub median_rps: f64,
    /// Upper end.
    pub high_rps: f64,
}

/// The interval that holds the capacity with a probability of 95 %; `None` unless trials have passed and
/// trials have failed.
#[must_use]
pub fn interval(probes: &[Probe]) -> Option<Interval> {
    let (true, true) =
        (probes.iter().any(|probe| probe.passed), probes.iter().any(|probe| !probe.passed))
    else {
        return None;
    };
    let rates = probes.iter().map(|probe| probe.rate_rps.ln());
    let first = rates.clone().fold(f64::INFINITY, f64::min) - REACH.ln();
    let last = rates.fold(f64::NEG_INFINITY, f64::max) + REACH.ln();
    let points = crate::units::round_to_u64((last - first) / STEP);
    let normal = Normal::standard();
    let logs: Vec<f64> = (0..=points)
        .map(|point| {
            let log_capacity = first + STEP * point as f64;
            probes.iter().map(|probe| log_likelihood(probe, log_capacity, &normal)).sum()
        })
        .collect();
    let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logs.iter().map(|log| (log - greatest).exp()).collect();
    let total: f64 = weights.iter().sum();
    let quantile = |share: f64| {
        let mut sum = 0.0;
        let below = weights.iter().take_while(|weight| {
            sum += **weight;
            sum < share * total
        });
        (first + STEP * crate::units::usize_to_u64(below.count()) as f64).exp()
    };
    Some(Interval {
        low_rps: quantile(TAIL),
        median_rps: quantile(0.5),
        high_rps: quantile(1.0 - TAIL),
    })
}

fn log_likelihood(probe: &Probe, log_capacity: f64, normal: &Normal) -> f64 {
    let sampling = WIDENING.powi(2) * probe.dispersion / probe.requests.max(1.0);
    let deviation = (FLOOR_RATIO.powi(2) + sampling).sqrt();
    let passes = normal.cdf((log_capacity - probe.rate_rps.ln()) / deviation);
    let share = if probe.passed { passes } else { 1.0 - passes };
    (LAPSE + (1.0 - 2.0 * LAPSE) * share).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(rate_rps: f64, passed: bool) -> Probe {
        Probe { rate_rps, passed, dispersion: 0.3, requests: 5000.0 }
    }

    #[test]
    fn the_interval_lies_between_what_passed_and_what_failed() {
        let probes = [(100.0, true), (200.0, true), (240.0, false), (400.0, false), (219.0, true)];
        let interval = interval(&probes.map(|(rate, passed)| probe(rate, passed))).unwrap();
        assert!(interval.low_rps > 205.0 && interval.high_rps < 255.0, "{interval:?}");
        assert!((219.0..240.0).contains(&interval.median_rps), "{interval:?}");
    }

    #[test]
    fn trials_of_one_kind_give_no_interval() {
        assert_eq!(interval(&[probe(100.0, true), probe(200.0, true)]), None, "only passes");
        assert_eq!(interval(&[]), None, "nothing at all");
    }

    #[test]
    fn more_requests_narrow_the_interval() {
        let width = |requests: f64| {
            let of =
                |rate_rps, passed| Probe { requests, dispersion: 1.0, ..probe(rate_rps, passed) };
            let trials = [(220.0, true), (230.0, false), (220.0, true), (230.0, false)];
            let interval = interval(&trials.map(|(rate, passed)| of(rate, passed))).unwrap();
            interval.high_rps / interval.low_rps
        };
        assert!(width(500.0) > width(5000.0), "{} and {}", width(500.0), width(5000.0));
    }
}
