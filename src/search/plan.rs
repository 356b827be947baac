//! The limits of a search, checked before it starts.

use crate::schedule::ArrivalLaw;
use crate::seed::Seed;
use crate::units::Rps;

/// Precisions that a search falls back to when time is short.
const WIDER_RATIOS: [f64; 3] = [0.03, 0.05, 0.10];

/// The most that the first soak is set below what spaced arrivals sustain.
const LAW_COST_MOST: f64 = 0.2;

/// A soak is so long that growth of a precision would be so many deviations of its backlog.
const GROWTH_SIGMAS: f64 = 2.5;

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
    /// have next to no such cost. `dispersion` (variance of the backlog per request) stands for cs².
    /// Source: Kingman, "On queues in heavy traffic", J. R. Stat. Soc. B 24 (1962).
    #[must_use]
    pub fn law_cost(&self, rate: Rps, dispersion: f64) -> f64 {
        match self.soak_arrivals {
            ArrivalLaw::Poisson => {
                let cost = 100.0_f64.ln() * (1.0 + dispersion) / (2.0 * rate.get() * self.limit_s);
                cost.min(LAW_COST_MOST)
            }
            ArrivalLaw::Stratified | ArrivalLaw::Uniform => 0.0,
        }
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

    /// Least seconds of all the soaks that confirm a rate.
    #[must_use]
    pub fn soaks_s(&self, offered: Rps, dispersion: f64) -> f64 {
        let soaks = if self.is_soaked_twice { 2.0 } else { 1.0 };
        soaks * self.soak_s(offered, dispersion)
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
