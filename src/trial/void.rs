//! When a trial says nothing about its target: the generator was late, short of something, or too busy.

use super::Workload;
use super::objective::Objective;
use super::result::{AgentStream, TrialResult, Vitals};
use super::verdict::VoidReason;

/// A median of the lateness beyond it voids a trial, in milliseconds.
pub const LATENESS_P50_MS: f64 = 0.5;
const LATENESS_P99_LEAST_MS: f64 = 2.0;
/// A generator that uses more than this share of its core cannot be believed to be on time.
pub const CPU_RATIO: f64 = 0.85;
/// Looks come every half second; one that comes so much later means that the machine or its clock stood still.
const GAP_S: f64 = 1.0;
/// Beyond these the machine is too pressed to be believed, unless it is the target that presses it.
const STALLED_RATIO: f64 = 0.20;
const STOLEN_RATIO: f64 = 0.05;

/// Every reason that voids `result`; empty for a trial that can be believed.
pub(super) fn void_reasons(result: &TrialResult, objective: &Objective) -> Vec<VoidReason> {
    let mut reasons = result.lapses.clone();
    let limit_ms = lateness_limit_ms(objective.p99_ms as f64);
    if result.agents.len() > 1 {
        // One agent of many that is at fault is lost in what all of them did together.
        for agent in &result.agents {
            let faults = faults(&agent.streams, &agent.vitals, limit_ms).into_iter();
            reasons.extend(faults.map(|reason| VoidReason::Agent {
                name: agent.name.clone(),
                reason: Box::new(reason),
            }));
        }
    } else {
        let streams: Vec<AgentStream> =
            result.streams.iter().map(|stream| AgentStream::of(&stream.tally)).collect();
        reasons.extend(faults(&streams, &result.vitals, limit_ms));
    }
    if lanes_were_short(result, objective) {
        reasons.push(VoidReason::Lanes { lanes_max: result.vitals.lanes_max });
    }
    reasons
}

/// The 99th percentile of the lateness beyond which a trial is void, in milliseconds: 1 % of `P99_MS`, at least 2 ms.
#[must_use]
pub fn lateness_limit_ms(p99_ms: f64) -> f64 {
    (p99_ms / 100.0).max(LATENESS_P99_LEAST_MS)
}

/// What one generator is at fault for.
fn faults(streams: &[AgentStream], vitals: &Vitals, limit_ms: f64) -> Vec<VoidReason> {
    let mut reasons = Vec::new();
    for stream in streams {
        reasons.extend(lateness(stream, limit_ms));
        if stream.unsent_generator > 0 {
            reasons.push(VoidReason::Shortage { unsent: stream.unsent_generator });
        }
    }
    if vitals.cpu_ratio() > CPU_RATIO && !vitals.spins {
        reasons.push(VoidReason::Processor { cpu_ratio: vitals.cpu_ratio() });
    }
    if vitals.longest_gap_s > GAP_S {
        reasons.push(VoidReason::Gap { longest_s: vitals.longest_gap_s });
    }
    reasons.extend(host(vitals));
    reasons
}

fn lateness(stream: &AgentStream, limit_ms: f64) -> Option<VoidReason> {
    let [p50_ms, p99_ms, max_ms] = stream.lateness_ms;
    let is_late = p50_ms.is_some_and(|p50_ms| p50_ms > LATENESS_P50_MS)
        || p99_ms.is_some_and(|p99_ms| p99_ms > limit_ms);
    is_late.then(|| VoidReason::Lateness {
        p50_ms: p50_ms.unwrap_or_default(),
        p99_ms: p99_ms.or(max_ms).unwrap_or_default(),
        limit_ms,
    })
}

fn host(vitals: &Vitals) -> Option<VoidReason> {
    let (stalled, stolen) = (vitals.host.stalled_ratio, vitals.host.stolen_ratio);
    let is_pressed = stalled.is_some_and(|ratio| ratio > STALLED_RATIO)
        || stolen.is_some_and(|ratio| ratio > STOLEN_RATIO);
    (is_pressed && !vitals.is_shared).then(|| VoidReason::Host {
        stalled_ratio: stalled.unwrap_or_default(),
        stolen_ratio: stolen.unwrap_or_default(),
    })
}

fn lanes_were_short(result: &TrialResult, objective: &Objective) -> bool {
    let service_p50_ms =
        result.stream(Workload::Index).and_then(|stream| stream.tally.service.quantile_ms(0.5));
    match (service_p50_ms, objective.base_ms) {
        (Some(service_p50_ms), Some(base_ms)) => {
            result.vitals.lanes_exhausted && service_p50_ms <= 2.0 * base_ms
        }
        _ => false,
    }
}
