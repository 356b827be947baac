//! The dashboard at shares of the capacity: indexing and queries side by side, each measured.

use super::plan::CampaignPlan;
use crate::trial::objective::Rule;
use crate::trial::{Purpose, StreamPlan, TrialId, TrialPlan, Workload};
use crate::units::{LoadPercent, Rps};

/// The trial of one level.
///
/// The queries come on top of the indexing percentage, exactly `offered x level_s` of them. A level
/// never ends early: what it is for is what happens when the load is too high.
#[must_use]
pub fn level_trial(
    plan: &CampaignPlan,
    id: TrialId,
    percent: LoadPercent,
    capacity: Rps,
) -> TrialPlan {
    let index = percent.of(capacity).map(|offered| StreamPlan {
        workload: Workload::Index,
        offered,
        batch: plan.batch,
        arrivals: plan.arrivals,
        timeout_ms: plan.timeout_ms,
        slow_ms: Some(plan.objective.p99_ms),
        outstanding_max: None,
    });
    let dashboard = StreamPlan {
        workload: Workload::Dashboard,
        offered: plan.dashboard.offered,
        batch: 1,
        arrivals: plan.arrivals,
        timeout_ms: plan.dashboard.timeout_ms,
        slow_ms: None,
        outstanding_max: None,
    };
    TrialPlan {
        id,
        purpose: Purpose::Level(percent),
        repeat: None,
        streams: index.into_iter().chain([dashboard]).collect(),
        warmup_s: plan.effort.settle_s,
        measure_s: plan.dashboard.level_s,
        rule: Rule::Measure,
        sustained_before: None,
        seed: plan.seed.named("trial").numbered(u64::from(id.0)),
    }
}
