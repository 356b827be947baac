//! What a simulated target really sustains: computed by long runs, not assumed.
//!
//! Truth is the highest rate of Poisson arrivals at which the objective holds: in runs from an idle
//! target, their first minute left out, at most 1 % of the responses over the limit and at most the
//! allowed share of errors. Every rate is tried with the same random numbers, stretched.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp1};

use super::plan::{Pace, TargetPlan};
use super::target::{Reply, Target};
use crate::seed::Seed;
use crate::trial::objective::{Objective, SLOW_RATIO};
use crate::units::round_to_u64;

/// Halvings of the range from a twentieth of the saturation to a quarter above it: to 0.1 %.
const HALVINGS: u32 = 12;
/// Left out at the start of every run.
const SETTLE_S: f64 = 60.0;

/// How long the truth is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Runs from an idle target at every rate.
    pub runs: u64,
    /// Length of each, its first minute included.
    pub run_s: f64,
}

/// The rate that `plan` really sustains under `objective`, in requests per second; `None` where not even
/// a twentieth of what its workers could serve is sustained.
///
/// What settles with time (a cold start, an autoscaler, a step) is taken as settled.
#[must_use]
pub fn sustained_rps(
    plan: &TargetPlan,
    objective: Objective,
    timeout_ms: u64,
    effort: Effort,
) -> Option<f64> {
    let settled = settled(plan);
    let holds = |rate_rps: f64| holds(&settled, rate_rps, objective, timeout_ms, effort);
    let saturation_rps = settled.saturation_rps();
    let (mut low, mut high) = (saturation_rps / 20.0, saturation_rps * 1.25);
    if !holds(low) {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some((low * high).sqrt())
}

/// The target as it is in the long run.
fn settled(plan: &TargetPlan) -> TargetPlan {
    let mut settled = *plan;
    match plan.pace {
        Pace::Step { until_s, factor, .. } if until_s.is_infinite() => {
            settled.pace = Pace::Step { at_s: 0.0, until_s, factor };
        }
        Pace::Settling { .. } | Pace::Step { .. } => settled.pace = Pace::Steady,
        Pace::Steady | Pace::Noise { .. } | Pace::Wander { .. } | Pace::Leak { .. } => {}
    }
    if let Some(autoscaler) = settled.autoscaler.take() {
        settled.workers = autoscaler.workers_max;
    }
    settled
}

fn holds(
    plan: &TargetPlan,
    rate_rps: f64,
    objective: Objective,
    timeout_ms: u64,
    effort: Effort,
) -> bool {
    let limit_ns = objective.p99_ms * 1_000_000;
    let abandoned_ns = timeout_ms * 1_000_000;
    let requests = rate_rps * (effort.run_s - SETTLE_S) * effort.runs as f64;
    let allowed = (SLOW_RATIO * requests, objective.error_ratio * requests);
    let (mut slow, mut failed) = (0_u64, 0_u64);
    for run in 0..effort.runs {
        let seed = Seed(run).named("truth");
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed.named("arrivals").0);
        let mut target = Target::new(*plan, seed);
        let mut clock_s = 0.0;
        while clock_s < effort.run_s {
            let gap: f64 = Exp1.sample(&mut chance);
            clock_s += gap / rate_rps;
            let now_ns = round_to_u64(clock_s * 1e9);
            let took_ns = match target.arrive(now_ns) {
                Reply::Answered { at_ns, right: true, .. } => Some(at_ns - now_ns),
                _ => None,
            };
            if clock_s < SETTLE_S {
                continue;
            }
            slow += u64::from(took_ns.is_some_and(|took_ns| took_ns > limit_ns));
            failed += u64::from(took_ns.is_none_or(|took_ns| took_ns > abandoned_ns));
            if slow as f64 > allowed.0 || failed as f64 > allowed.1 {
                return false;
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::plan::{Bucket, ServiceLaw};

    const OBJECTIVE: Objective =
        Objective { p99_ms: 1000, error_ratio: 0.001, dashboard_error_ratio: None, base_ms: None };
    const EFFORT: Effort = Effort { runs: 2, run_s: 660.0 };

    #[test]
    fn a_single_exponential_worker_sustains_what_queueing_theory_says() {
        // M/M/1: the response time is exponential with rate mu - lambda, so p99 = ln(100) / (mu - lambda).
        let plan = TargetPlan::plain(1, 5.0, ServiceLaw::Exponential);
        let truth_rps = sustained_rps(&plan, OBJECTIVE, 5000, Effort { runs: 8, run_s: 3660.0 });
        let expected_rps = 200.0 - 100.0_f64.ln();
        let error = truth_rps.unwrap() / expected_rps - 1.0;
        assert!(error.abs() < 0.005, "{truth_rps:?} against {expected_rps}");
    }

    #[test]
    fn a_bucket_refuses_bursts_long_before_its_rate() {
        let bucket = Some(Bucket { rate_rps: 230.0, burst: 20.0 });
        let plan = TargetPlan { bucket, ..TargetPlan::plain(32, 10.0, ServiceLaw::Constant) };
        let truth_rps = sustained_rps(&plan, OBJECTIVE, 5000, EFFORT).unwrap();
        assert!((198.0..208.0).contains(&truth_rps), "{truth_rps}/s of 230/s");
    }

    #[test]
    fn a_target_that_no_rate_suits_has_no_truth() {
        let pauses = crate::sim::plan::Pauses { length_ms: 2000.0, every_ms: 30_000.0 };
        let plan =
            TargetPlan { pauses: Some(pauses), ..TargetPlan::plain(4, 10.0, ServiceLaw::Constant) };
        assert_eq!(sustained_rps(&plan, OBJECTIVE, 5000, EFFORT), None, "1 s of 30 s is over 1 s");
    }
}
