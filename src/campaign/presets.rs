//! How much care a run takes: the figures behind `PRESET`.

/// A named set of figures for the length and sharpness of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// An answer within five minutes.
    Quick,
    /// An answer to plan with.
    Standard,
    /// An answer to sign.
    Signoff,
}

/// The figures of a preset; durations in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Width of the bracket that ends the search.
    pub precision_ratio: f64,
    /// Load before the measured part of a trial, while pipelines fill.
    pub settle_s: f64,
    /// Shortest and longest proposing trial.
    pub trial_least_s: f64,
    /// See `trial_least_s`.
    pub trial_most_s: f64,
    /// Shortest and longest soak.
    pub soak_least_s: f64,
    /// See `soak_least_s`.
    pub soak_most_s: f64,
    /// Growth of the backlog that a soak must rule out, as a share of the rate: it bounds by how much
    /// the answer can be too high, however short the soak.
    pub soak_resolution_ratio: f64,
    /// Whether a rate is confirmed by two soaks, each on a drained target.
    pub is_soaked_twice: bool,
    /// A block of the gentle load before the search; two that are alike end it.
    pub warm_up_s: f64,
    /// Length of the check at the end whether the service is still the same.
    pub drift_s: f64,
    /// Length of a level, unless `DASHBOARD_S` says otherwise.
    pub level_s: f64,
    /// How long a target may take to recover after a trial.
    pub recover_cap_s: f64,
    /// Whole searches, unless `REPEATS` says otherwise.
    pub repeats: u32,
    /// Wall time of the whole run with so many searches, unless `BUDGET_S` says otherwise.
    pub budget_s: f64,
    /// The part of it that one search has.
    pub search_budget_s: f64,
}

impl Effort {
    /// Wall time of a run with `repeats` whole searches, unless `BUDGET_S` says otherwise, in seconds.
    #[must_use]
    pub fn budget_of_s(&self, repeats: u32) -> f64 {
        let more = f64::from(repeats) - f64::from(self.repeats);
        self.budget_s + more * self.search_budget_s
    }
}

impl Preset {
    /// The preset's name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Signoff => "signoff",
        }
    }

    /// The figures behind the name.
    #[must_use]
    pub const fn effort(self) -> Effort {
        match self {
            Self::Quick => Effort {
                precision_ratio: 0.05,
                settle_s: 1.0,
                trial_least_s: 3.0,
                trial_most_s: 20.0,
                soak_least_s: 20.0,
                soak_most_s: 60.0,
                soak_resolution_ratio: 0.025,
                is_soaked_twice: false,
                warm_up_s: 2.0,
                drift_s: 5.0,
                level_s: 20.0,
                recover_cap_s: 60.0,
                repeats: 1,
                budget_s: 300.0,
                search_budget_s: 200.0,
            },
            Self::Standard => Effort {
                precision_ratio: 0.03,
                settle_s: 1.0,
                trial_least_s: 3.0,
                trial_most_s: 30.0,
                soak_least_s: 60.0,
                soak_most_s: 300.0,
                soak_resolution_ratio: 0.03,
                is_soaked_twice: false,
                warm_up_s: 5.0,
                drift_s: 10.0,
                level_s: 80.0,
                recover_cap_s: 180.0,
                repeats: 1,
                budget_s: 1200.0,
                search_budget_s: 850.0,
            },
            Self::Signoff => Effort {
                precision_ratio: 0.02,
                settle_s: 2.0,
                trial_least_s: 5.0,
                trial_most_s: 60.0,
                soak_least_s: 300.0,
                soak_most_s: 900.0,
                soak_resolution_ratio: 0.02,
                is_soaked_twice: true,
                warm_up_s: 5.0,
                drift_s: 10.0,
                level_s: 300.0,
                recover_cap_s: 300.0,
                repeats: 3,
                budget_s: 7200.0,
                search_budget_s: 1950.0,
            },
        }
    }
}
