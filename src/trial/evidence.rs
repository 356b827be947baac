//! What a judged trial tells the search: its verdict, and how the service behaved while it ran.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::busy::{Busy, Taken};
use super::result::TrialResult;
use super::tally::Tally;
use super::verdict::Verdict;
use super::{Purpose, StopCause, TrialId, Workload};
use crate::stats::interval::quantile_ranks;
use crate::units::{Rps, usize_to_u64};

/// Scatter of a second's median that is never held against a service: timers and histograms have it.
const SCATTER_FLOOR: f64 = 0.02;
/// A second with fewer answers says nothing about its speed.
const SECOND_LEAST: u64 = 30;

/// A median of service times with its interval, each end one-sided 95 %, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Median {
    /// The median.
    pub ms: f64,
    /// Lower end.
    pub low_ms: f64,
    /// Upper end.
    pub high_ms: f64,
}

/// How much the medians of the seconds of a trial scatter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unsteadiness {
    /// Variance of their logarithms.
    pub variance: f64,
    /// The part of it that their numbers of samples explain.
    pub explained: f64,
    /// Seconds that it was taken from.
    pub seconds: u64,
    /// Answers in one of them, on the average.
    pub samples_per_second: f64,
}

/// What a judged trial tells beside its counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Was the rate sustained?
    pub verdict: Verdict,
    /// Indexing requests of the measured part.
    pub requests: u64,
    /// Length of the measured part as it was run.
    pub measured_s: f64,
    /// Growth of the backlog as a share of the requests offered; below zero when it shrank.
    pub growth_ratio: f64,
    /// Requests that ended in another way than accepted.
    pub failed: u64,
    /// What the service got done while it had a backlog.
    pub busy: Option<Busy>,
    /// What it had taken in when it began to turn requests away.
    pub taken: Option<Taken>,
    /// Median service time; none where the samples do not give its interval.
    pub median: Option<Median>,
    /// 99th percentile of the service time over its median.
    pub tail_ratio: Option<f64>,
    /// How much the speed changes from second to second.
    pub unsteadiness: Option<Unsteadiness>,
    /// Rate of the answers that were accepted.
    pub accepted_rps: Option<f64>,
}

impl Evidence {
    /// That of a trial which has shown nothing yet.
    #[must_use]
    pub const fn nothing_yet() -> Self {
        Self {
            verdict: Verdict::Undecided,
            requests: 0,
            measured_s: 0.0,
            growth_ratio: 0.0,
            failed: 0,
            busy: None,
            taken: None,
            median: None,
            tail_ratio: None,
            unsteadiness: None,
            accepted_rps: None,
        }
    }
}

/// A finished and judged trial as the campaign sees it; a journal holds enough to make it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Its name.
    pub id: TrialId,
    /// What it was for.
    pub purpose: Purpose,
    /// Rate of its indexing stream.
    pub offered: Option<Rps>,
    /// Why it ended before its plan did.
    pub stopped: Option<StopCause>,
    /// Seconds from its last due time to its end.
    pub drained_s: f64,
    /// What it tells.
    pub evidence: Evidence,
}

impl Observation {
    /// What the campaign is told of `result`.
    #[must_use]
    pub fn new(result: &TrialResult, evidence: Evidence) -> Self {
        Self {
            id: result.plan.id,
            purpose: result.plan.purpose,
            offered: result.plan.stream(Workload::Index).map(|stream| stream.offered),
            stopped: result.stopped,
            drained_s: result.drained_s(),
            evidence,
        }
    }
}

impl Evidence {
    /// Share of the requests that ended in another way than accepted, 0..=1.
    #[must_use]
    pub fn failed_ratio(&self) -> f64 {
        self.failed as f64 / self.requests.max(1) as f64
    }

    /// The evidence of a trial that was judged with `verdict`, from its indexing stream.
    pub(super) fn new(
        result: &TrialResult,
        verdict: Verdict,
        growth_ratio: f64,
        (busy, taken): (Option<Busy>, Option<Taken>),
    ) -> Self {
        let index = result.stream(Workload::Index);
        let tally = index.map(|stream| &stream.tally);
        let sampled = tally.and_then(median);
        let unsteadiness =
            tally.zip(sampled).and_then(|(tally, median)| unsteadiness(tally, median));
        let median = sampled.map(|median| widened(median, unsteadiness));
        let p99_ms = tally.and_then(|tally| tally.service.quantile_ms(0.99));
        Self {
            verdict,
            requests: tally.map_or(0, |tally| tally.scheduled),
            measured_s: tally.map_or(0.0, Tally::measured_s),
            growth_ratio,
            busy,
            taken,
            failed: tally.map_or(0, |tally| tally.counts.failed()),
            median,
            tail_ratio: p99_ms
                .zip(median)
                .filter(|(_, median)| median.ms > 0.0)
                .map(|(p99_ms, median)| p99_ms / median.ms),
            unsteadiness,
            // Like every rate that the search is told: in requests.
            accepted_rps: index
                .and_then(|stream| Some(stream.accepted_rps()? / stream.plan.batch as f64)),
        }
    }
}

fn median(tally: &Tally) -> Option<Median> {
    let service = &tally.service;
    let (low, high) = quantile_ranks(service.samples(), 0.5);
    Some(Median {
        ms: service.quantile_ms(0.5)?,
        low_ms: service.rank_ms(low?)?,
        high_ms: service.rank_ms(high?)?,
    })
}

/// The median with an interval that also holds what the seconds scatter beyond their samples: a pause, or a
/// speed that changes, does not average out over a few of them.
fn widened(median: Median, unsteadiness: Option<Unsteadiness>) -> Median {
    let Some(unsteadiness) = unsteadiness else { return median };
    // So few seconds often scatter a little more than their samples explain.
    let excess = (unsteadiness.variance - 2.0 * unsteadiness.explained).max(0.0);
    let half_ms = 1.645 * median.ms * (excess / unsteadiness.seconds as f64).sqrt();
    Median {
        low_ms: (median.ms - (median.ms - median.low_ms).hypot(half_ms)).max(0.0),
        high_ms: median.ms + (median.high_ms - median.ms).hypot(half_ms),
        ..median
    }
}

/// Compares the scatter of the seconds' medians with what sampling alone makes of it.
fn unsteadiness(tally: &Tally, median: Median) -> Option<Unsteadiness> {
    let full = tally.seconds.iter().filter(|second| second.accepted >= SECOND_LEAST);
    let logs: Vec<(f64, f64)> = full
        .filter_map(|second| {
            Some((
                second.response.quantile_ms(0.5).filter(|p50_ms| *p50_ms > 0.0)?.ln(),
                second.accepted as f64,
            ))
        })
        .collect();
    if logs.len() < 2 {
        return None;
    }
    let number = usize_to_u64(logs.len()) as f64;
    let mean = logs.iter().map(|(log, _)| log).sum::<f64>() / number;
    let variance = logs.iter().map(|(log, _)| (log - mean).powi(2)).sum::<f64>() / (number - 1.0);
    // The interval of the whole trial's median spans 2 x 1.645 of its deviations; a second has fewer
    // samples, so that its median scatters more by the root of their ratio.
    let whole = (median.high_ms / median.low_ms).ln() / (2.0 * 1.645);
    let samples = tally.service.samples() as f64;
    let per_second = logs.iter().map(|(_, count)| samples / count).sum::<f64>() / number;
    let explained = (whole * whole * per_second).max(SCATTER_FLOOR * SCATTER_FLOOR);
    let samples_per_second = logs.iter().map(|(_, count)| count).sum::<f64>() / number;
    let seconds = usize_to_u64(logs.len());
    Some(Unsteadiness { variance, explained, seconds, samples_per_second })
}
