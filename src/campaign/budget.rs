//! How long a campaign takes, and what still fits into its budget.

use super::plan::CampaignPlan;

/// Seconds of drain and probes after a trial that ended well.
pub(super) const RECOVERY_S: f64 = 1.0;
/// Seconds of drain and probes after an overload that ended early.
pub(super) const OVERLOAD_RECOVERY_S: f64 = 4.0;
/// Proposing trials of a usual search: a climb of five, a bisection of four, a re-test.
const USUAL_TRIALS: f64 = 10.0;
/// Seconds that a usual proposing trial is measured.
const USUAL_TRIAL_S: f64 = 5.0;

/// Expected wall time of a campaign in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Of searches that go as usual.
    pub search_s: f64,
    /// Of the levels.
    pub levels_s: f64,
    /// The shortest budget that can bring any answer.
    pub least_s: f64,
}

/// Forecasts a campaign from its plan alone.
#[must_use]
pub fn forecast(plan: &CampaignPlan) -> Forecast {
    let effort = plan.effort;
    let trial_s = effort.settle_s + USUAL_TRIAL_S + RECOVERY_S;
    let soak_s = effort.settle_s + plan.search().soaks_s(plan.goal, 1.0) + RECOVERY_S;
    let drift_s = effort.settle_s + effort.drift_s + RECOVERY_S;
    let warm_up_s = 2.0 * (effort.settle_s + effort.warm_up_s + RECOVERY_S);
    let levels_s = levels_s(plan);
    let repeats = f64::from(plan.repeats);
    Forecast {
        search_s: warm_up_s + repeats * (USUAL_TRIALS * trial_s + soak_s + drift_s),
        levels_s,
        least_s: warm_up_s + repeats * search_least_s(plan) + levels_s,
    }
}

/// The least seconds that can bring the answer of one search: a pass, a fail, a re-test and the soaks.
pub(super) fn search_least_s(plan: &CampaignPlan) -> f64 {
    let effort = plan.effort;
    3.0 * (effort.settle_s + effort.trial_least_s + RECOVERY_S)
        + plan.search().soaks() * (effort.settle_s + effort.soak_least_s)
        + OVERLOAD_RECOVERY_S
}

/// Seconds that the levels need, kept free while the search runs.
#[must_use]
pub fn levels_s(plan: &CampaignPlan) -> f64 {
    plan.levels
        .iter()
        .map(|percent| {
            let recovery_s = if percent.0 > 100 { OVERLOAD_RECOVERY_S } else { RECOVERY_S };
            plan.effort.settle_s + plan.dashboard.level_s + recovery_s
        })
        .fold(0.0, |sum, level_s| sum + level_s)
}
