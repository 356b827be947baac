//! The trials and recoveries of a campaign, made from what the search asks for.

use super::plan::CampaignPlan;
use crate::schedule::ArrivalLaw;
use crate::search::Attempt;
use crate::trial::objective::Rule;
use crate::trial::{
    Purpose, RecoverPlan, StreamPlan, TrialId, TrialPlan, Workload, outstanding_max,
};
use crate::units::Rps;

/// Good probes in a row that make a recovery.
const GOOD_PROBES: u32 = 3;
/// Where indexing alone holds so much more, the dashboard's queries cost something worth telling.
const COSTLY: f64 = 1.1;

/// A block of gentle load.
pub(super) fn warm_up(plan: &CampaignPlan) -> Attempt {
    Attempt {
        purpose: Purpose::WarmUp,
        offered: plan.warm_up_rate(),
        arrivals: ArrivalLaw::Stratified,
        rule: Rule::Measure,
        measure_s: plan.effort.warm_up_s,
        sustained_before: None,
    }
}

/// A soak a tenth above `capacity`, as short as a soak may be.
pub(super) fn alone(plan: &CampaignPlan, capacity: Rps) -> Attempt {
    let offered = capacity.scaled(COSTLY).min(plan.ceiling);
    let search = plan.search();
    let least_s = plan.effort.soak_least_s;
    let resolution_ratio = search.soak_resolution(offered, 1.0);
    Attempt {
        purpose: Purpose::Alone,
        offered,
        arrivals: plan.arrivals,
        rule: Rule::Confirm { resolution_ratio, least_s },
        measure_s: search.soak_s(offered, 1.0),
        sustained_before: Some(capacity),
    }
}

/// The trial of an attempt of the search `repeat`; with a mix the dashboard runs beside it.
pub(super) fn attempt_trial(
    plan: &CampaignPlan,
    id: TrialId,
    repeat: Option<u32>,
    attempt: &Attempt,
) -> TrialPlan {
    let p99_ms = plan.objective.p99_ms;
    let index = StreamPlan {
        workload: Workload::Index,
        offered: attempt.offered,
        batch: plan.batch,
        arrivals: attempt.arrivals,
        timeout_ms: plan.timeout_ms,
        slow_ms: Some(p99_ms),
        outstanding_max: Some(outstanding_max(attempt.offered, p99_ms)),
    };
    let is_mixed = !matches!(attempt.purpose, Purpose::WarmUp | Purpose::Alone);
    let dashboard = plan.mix.filter(|_| is_mixed).map(|slow_ms| StreamPlan {
        workload: Workload::Dashboard,
        offered: plan.dashboard.offered,
        batch: 1,
        arrivals: attempt.arrivals,
        timeout_ms: plan.dashboard.timeout_ms,
        slow_ms,
        outstanding_max: None,
    });
    TrialPlan {
        id,
        purpose: attempt.purpose,
        repeat,
        streams: [index].into_iter().chain(dashboard).collect(),
        warmup_s: plan.effort.settle_s,
        measure_s: attempt.measure_s,
        rule: attempt.rule,
        sustained_before: attempt.sustained_before,
        seed: plan.seed.named("trial").numbered(u64::from(id.0)),
    }
}

/// The recovery `id` after the trial `after`.
pub(super) fn recover_plan(plan: &CampaignPlan, id: TrialId, after: TrialId) -> RecoverPlan {
    RecoverPlan {
        id,
        after,
        good_ms: plan.good_probe_ms(),
        typical_ms: plan.typical_probe_ms(),
        good_in_a_row: GOOD_PROBES,
        batch: plan.batch,
        timeout_ms: plan.timeout_ms,
        cap_s: plan.effort.recover_cap_s,
    }
}
