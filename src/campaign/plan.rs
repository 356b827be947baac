//! Everything that fixes a campaign before it starts.

use super::presets::Effort;
use crate::schedule::ArrivalLaw;
use crate::search::plan::SearchPlan;
use crate::seed::Seed;
use crate::trial::objective::Objective;
use crate::units::{LoadPercent, Rps};

/// The dashboard's part of the levels.
#[derive(Debug, Clone, Copy)]
pub struct DashboardPlan {
    /// Rate of the queries.
    pub offered: Rps,
    /// Length of a level in seconds.
    pub level_s: f64,
    /// Time-out of a query.
    pub timeout_ms: u64,
}

/// What the user wants to know, and with how much care.
#[derive(Debug, Clone)]
pub struct CampaignPlan {
    /// The rate that must be reached: says where to start.
    pub goal: Rps,
    /// Documents that travel in one request; every rate here is one of requests.
    pub batch: u64,
    /// The search never goes below this rate ...
    pub floor: Rps,
    /// ... nor above this one.
    pub ceiling: Rps,
    /// Whether the dashboard queries run beside the search, and their limit in milliseconds where they are
    /// judged by one.
    pub mix: Option<Option<u64>>,
    /// The highest rate at which the generator can be trusted, where it was asked.
    pub generator: Option<Rps>,
    /// What "sustained" means.
    pub objective: Objective,
    /// Time-out of an indexing request.
    pub timeout_ms: u64,
    /// Law of arrivals of soak and levels.
    pub arrivals: ArrivalLaw,
    /// Load levels in percent of the capacity; empty: search only.
    pub levels: Vec<LoadPercent>,
    /// The dashboard stream of the levels.
    pub dashboard: DashboardPlan,
    /// How much care.
    pub effort: Effort,
    /// Whole searches, one after the other, at least 1.
    pub repeats: u32,
    /// Wall time of the whole campaign in seconds.
    pub budget_s: f64,
    /// Seed of everything that is left to chance.
    pub seed: Seed,
}

impl CampaignPlan {
    /// The plan of the search within the campaign.
    #[must_use]
    pub fn search(&self) -> SearchPlan {
        SearchPlan {
            start: self.goal.scaled(0.25),
            floor: self.floor,
            ceiling: self.generator.map_or(self.ceiling, |limit| limit.min(self.ceiling)),
            is_generator_bound: self.generator.is_some_and(|limit| limit < self.ceiling),
            precision_ratio: self.effort.precision_ratio,
            trial_least_s: self.effort.trial_least_s,
            trial_most_s: self.effort.trial_most_s,
            soak_least_s: self.effort.soak_least_s,
            soak_most_s: self.effort.soak_most_s,
            is_soaked_twice: self.effort.is_soaked_twice,
            soak_resolution_ratio: self.effort.soak_resolution_ratio,
            drift_s: self.effort.drift_s,
            soak_arrivals: self.arrivals,
            limit_s: self.objective.p99_ms as f64 / 1000.0,
            error_ratio: self.objective.error_ratio,
            soaks_max: 8,
            expansions_max: 3,
            restarts_max: 6,
            voids_max: 3,
            attempts_max: 80,
            seed: self.seed.named("search"),
        }
    }

    /// The plan of the search `repeat`, counted from 1: each begins at a rate of its own.
    #[must_use]
    pub fn search_of(&self, repeat: u32) -> SearchPlan {
        let seed = self.seed.named("search");
        // The first one is the search of a campaign without repeats.
        let seed = if repeat > 1 { seed.numbered(u64::from(repeat)) } else { seed };
        SearchPlan { seed, ..self.search() }
    }

    /// Rate and length of the warm-up: gentle, and never above a quarter of a second's goal or 50/s.
    #[must_use]
    pub fn warm_up_rate(&self) -> Rps {
        let gentle = self.goal.scaled(0.5);
        Rps::new(50.0).map_or(gentle, |fifty| gentle.min(fifty)).min(self.ceiling)
    }

    /// A recovery probe is good within this: four times the answer at rest, at least 20 ms, and within
    /// the objective.
    #[must_use]
    pub fn good_probe_ms(&self) -> f64 {
        let base_ms = self.objective.base_ms.unwrap_or_default();
        (4.0 * base_ms).max(20.0).min(self.objective.p99_ms as f64)
    }

    /// The median of recovery probes is typical within this: two and a half times the answer at rest, at
    /// least 5 ms more than that; `None` where the answer at rest is not known.
    #[must_use]
    pub fn typical_probe_ms(&self) -> Option<f64> {
        self.objective.base_ms.map(|base_ms| (2.5 * base_ms).max(base_ms + 5.0))
    }
}
