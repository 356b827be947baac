//! The limits of a search, checked before it starts.

use crate::schedule::ArrivalLaw;
use crate::seed::Seed;
use crate::units::Rps;

/// Precisions that a search falls back to when time is short.
const WIDER_RATIOS: [f64; 3] = [0.03, 0.05, 0.10];

/// A rate that is certified should hold for so long ...
const HORIZON_S: f64 = 360.0;
/// ... and a service that is certified come into trouble so often meanwhile.
const VISITS_ALLOWED: f64 = 0.003;

/// The most that the first soak is set below what spaced arrivals sustain.
const LAW_COST_MOST: f64 = 0.2;

/// A soak is so long that growth of a precision would be so many deviations of its backlog.
const GROWTH_SIGMAS: f64 = 2.4;

/// Everything that fixes a search before it starts.
#[derive(Debug, Clone)]
pub struct SearchPlan {
    /// First rate tried, before it is dithered by the seed.
    pub start: Rps,
    /// The search never goes below this rate ...
    pub floor: Rps,
    /// ... nor above this one.
    pub ceiling: Rps,
    /// Whether the ceiling is the generator's and not the user's: reaching it is no answer then.
    pub is_generator_bound: bool,
    /// Width of the bracket that ends the search, as a share of the rate.
    pub precision_ratio: f64,
    /// A proposing trial runs at least so long before it can pass ...
    pub trial_least_s: f64,
    /// ... and at most so long.
    pub trial_most_s: f64,
    /// A soak runs at least so long before it can confirm ...
    pub soak_least_s: f64,
    /// ... and at most so long.
    pub soak_most_s: f64,
    /// Whether a rate is confirmed by two soaks instead of one.
    pub is_soaked_twice: bool,
    /// Growth of the backlog that a soak must rule out, as a share of the rate.
    pub soak_resolution_ratio: f64,
    /// Length of the check at the end whether the service is still the same.
    pub drift_s: f64,
    /// Law of arrivals of the soaks; proposing trials are stratified.
    pub soak_arrivals: ArrivalLaw,
    /// Limit of the 99th percentile of the response time, in seconds.
    pub limit_s: f64,
    /// Share of errors that the objective allows: decides how many requests a soak's bound needs.
    pub error_ratio: f64,
    /// Most soaks before the search gives up.
    pub soaks_max: u32,
    /// Most times that the failing side may pass its re-test and send the search upwards.
    pub expansions_max: u32,
    /// Most times that a service which became faster is looked for anew.
    pub restarts_max: u32,
    /// A trial is repeated this often when the generator was at fault.
    pub voids_max: u32,
    /// Most attempts of a search, whatever happens: a bound that no sane search reaches.
    pub attempts_max: u32,
    /// Dithers the start, so that repeats do not all stand on one grid of rates.
    pub seed: Seed,
}

/// Why a search cannot start.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// The range is empty.
    #[error("FLOOR_RPS ({floor}) must be below CEILING_RPS ({ceiling})")]
    EmptyRange {
        /// The floor.
        floor: f64,
        /// The ceiling.
        ceiling: f64,
    },
}

impl SearchPlan {
    /// Checks what the search relies on.
    ///
    /// # Errors
    /// When the range between floor and ceiling is empty.
    pub fn check(&self) -> Result<(), PlanError> {
        if self.floor >= self.ceiling {
            return Err(PlanError::EmptyRange {
                floor: self.floor.get(),
                ceiling: self.ceiling.get(),
            });
        }
        Ok(())
    }

    /// Takes the next coarser precision; false when it is the coarsest already.
    pub fn widen(&mut self) -> bool {
        let wider = WIDER_RATIOS.into_iter().find(|ratio| *ratio > self.precision_ratio + 1e-9);
        if let Some(ratio) = wider {
            self.precision_ratio = ratio;
            self.soak_resolution_ratio = self.soak_resolution_ratio.max(ratio / 2.0);
        }
        wider.is_some()
    }

    /// The first rate: the start, dithered by up to 10 % either way, within the range.
    #[must_use]
    pub fn first_rate(&self) -> Rps {
        let unit = crate::units::bits_to_unit(self.seed.named("start").bits_at(0));
        self.start.scaled(0.9 + 0.2 * unit).max(self.floor).min(self.ceiling)
    }

    /// By how much irregular arrivals lower the capacity against spaced ones, as a share of the rate.
    ///
    /// In heavy traffic the waiting time is exponential with mean (ca² + cs²) / (2 (1 - load) rate), so that its
    /// 99th percentile meets the limit at 1 - load = ln(100) (ca² + cs²) / (2 rate limit). Spaced arrivals
    /// have next to no such cost. `dispersion` (variance of what gets done, per request) stands for cs²;
    /// `service_s` of the limit are no time to wait.
    /// Source: Kingman, "On queues in heavy traffic", J. R. Stat. Soc. B 24 (1962).
    #[must_use]
    pub fn law_cost(&self, rate: Rps, dispersion: f64, service_s: f64) -> f64 {
        let variance = self.soak_variance(dispersion);
        let wait_s = (self.limit_s - service_s).max(self.limit_s / 2.0);
        (100.0_f64.ln() * variance / (2.0 * rate.get() * wait_s)).min(LAW_COST_MOST)
    }

    /// By how much the rate of a service must lie below its saturation, as a share of it, that gets less
    /// done once `outstanding` requests are in it: so far that they are there with a probability of 2 %
    /// within the horizon.
    ///
    /// A random walk that drifts down by x a request, with variance v, comes as high as b about
    /// 2 x² / v exp(-2 x b / v) times a request.
    /// Source: Aldous, "Probability Approximations via the Poisson Clumping Heuristic" (1989), section B.
    #[must_use]
    pub fn buckling_cost(&self, rate: Rps, dispersion: f64, outstanding: u64) -> f64 {
        let variance = self.soak_variance(dispersion);
        let requests = rate.get() * HORIZON_S;
        let visits = |spare: f64| {
            let height = 2.0 * spare * outstanding as f64 / variance;
            requests * 2.0 * spare * spare / variance * (-height).exp()
        };
        // Beyond the rate at which visits are most frequent they become ever rarer.
        let (mut low, mut high) = (variance / outstanding.max(1) as f64, LAW_COST_MOST);
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            if visits(middle) > VISITS_ALLOWED { low = middle } else { high = middle }
        }
        high
    }

    /// Variance of a soak's backlog per request: that of a service of `dispersion`, and of the arrivals.
    #[must_use]
    pub const fn soak_variance(&self, dispersion: f64) -> f64 {
        dispersion + self.soak_arrivals.dispersion()
    }

    /// Growth of the backlog, as a share of the rate, that a soak at `offered` must rule out.
    ///
    /// As fine as the plan wants, but no finer than what the longest soak can tell from none at three
    /// deviations of a backlog of `dispersion` (variance per request), and never coarser than the
    /// precision: at low rates a finer demand would only send every soak to its limit.
    #[must_use]
    pub fn soak_resolution(&self, offered: Rps, dispersion: f64) -> f64 {
        let decidable = 3.0 * (dispersion / (offered.get() * self.soak_most_s)).sqrt();
        decidable.max(self.soak_resolution_ratio).min(self.precision_ratio)
    }

    /// Soaks that confirm a rate.
    #[must_use]
    pub const fn soaks(&self) -> f64 {
        if self.is_soaked_twice { 2.0 } else { 1.0 }
    }

    /// Least seconds of all the soaks that confirm a rate.
    #[must_use]
    pub fn soaks_s(&self, offered: Rps, dispersion: f64) -> f64 {
        self.soaks() * self.soak_s(offered, dispersion)
    }

    /// Seconds that a soak at `offered` must last before it can confirm.
    ///
    /// Long enough to tell growth of the precision from none at three deviations of a backlog of
    /// `dispersion` (variance per request), and for the bound on errors, within the soak's limits.
    #[must_use]
    pub fn soak_s(&self, offered: Rps, dispersion: f64) -> f64 {
        let growth_s =
            GROWTH_SIGMAS.powi(2) * dispersion / (self.precision_ratio.powi(2) * offered.get());
        // -ln(0.1) clean requests per allowed error bound the share at a confidence of 90 %.
        let errors_s = 2.303 / self.error_ratio / offered.get() + 1.0;
        growth_s.max(errors_s).clamp(self.soak_least_s, self.soak_most_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::presets::Preset;
    use proptest::prelude::*;

    fn rate(per_second: f64) -> Rps {
        Rps::new(per_second).unwrap()
    }

    fn plan() -> SearchPlan {
        let effort = Preset::Standard.effort();
        SearchPlan {
            start: rate(50.0),
            floor: rate(1.0),
            ceiling: rate(1e5),
            is_generator_bound: false,
            precision_ratio: effort.precision_ratio,
            trial_least_s: effort.trial_least_s,
            trial_most_s: effort.trial_most_s,
            soak_least_s: effort.soak_least_s,
            soak_most_s: effort.soak_most_s,
            is_soaked_twice: false,
            soak_resolution_ratio: effort.soak_resolution_ratio,
            drift_s: effort.drift_s,
            soak_arrivals: ArrivalLaw::Poisson,
            limit_s: 1.0,
            error_ratio: 0.001,
            soaks_max: 8,
            expansions_max: 3,
            restarts_max: 6,
            voids_max: 3,
            attempts_max: 80,
            seed: Seed(1),
        }
    }

    #[test]
    fn irregular_arrivals_cost_what_queueing_theory_says() {
        // M/M/1: the 99th percentile is ln(100) / (mu - lambda); the limit of 1 s is met 4.6/s below mu.
        let cost = plan().law_cost(rate(200.0), 1.0, 0.0);
        assert!((cost - 100.0_f64.ln() / 200.0).abs() < 1e-12, "{cost}");
        let spaced = SearchPlan { soak_arrivals: ArrivalLaw::Uniform, ..plan() };
        assert!(spaced.law_cost(rate(200.0), 0.0, 0.0) < 1e-12, "a constant service costs nothing");
    }

    proptest! {
        #[test]
        fn the_later_a_service_buckles_the_closer_it_may_run_to_its_capacity(
            per_second in 20.0..5000.0_f64,
            outstanding in 20..5000_u64,
            dispersion in 0.05..4.0_f64,
        ) {
            let cost = |at| plan().buckling_cost(rate(per_second), dispersion, at);
            prop_assert!(cost(outstanding) > 0.0 && cost(outstanding) <= LAW_COST_MOST);
            prop_assert!(cost(2 * outstanding) <= cost(outstanding) + 1e-9);
        }
    }
}
