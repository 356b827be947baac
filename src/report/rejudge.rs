//! Saved trials under other criteria.
//!
//! What a trial measured stays; only what is asked of it changes. A trial that was stopped because it broke
//! stricter criteria says nothing under laxer ones. A capacity is a rate that a soak held under the new
//! criteria, with a rate above it that does not hold: anything else is no answer.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use super::figure::{columns, ms, rate};
use super::record::TrialRecord;
use crate::stats::bootstrap::lower_median;
use crate::trial::Workload;
use crate::trial::verdict::{Reason, Verdict};

/// What is asked of the trials now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criteria {
    /// Limit of the 99th percentile of the response time, in milliseconds.
    pub p99_ms: f64,
    /// Share of requests that may end in another way than accepted.
    pub error_ratio: f64,
    /// Rate that the capacity must reach.
    pub needed_rps: f64,
}

/// A run under other criteria.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rejudged {
    /// `capacity` or `unconfirmed`.
    pub finding: &'static str,
    /// The highest rate that a soak held, of several searches the lower median; null when one of them has none with a
    /// failing rate above it.
    pub rps: Option<f64>,
    /// The lowest rate that did not hold.
    pub high_rps: Option<f64>,
    /// Whether the capacity reaches what is needed; null without one.
    pub is_goal_met: Option<bool>,
    /// Every trial of the search.
    pub trials: Vec<RejudgedTrial>,
}

/// A trial under other criteria.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejudgedTrial {
    /// Its name.
    pub id: String,
    /// What it was for.
    pub purpose: String,
    /// The search that asked for it, counted from 1; null in runs of earlier versions.
    pub repeat: Option<u32>,
    /// Its rate.
    pub offered_rps: f64,
    /// 99th percentile of its response time.
    pub response_p99_ms: Option<f64>,
    /// Share of its requests that did not end accepted.
    pub error_ratio: f64,
    /// As it was judged when it ran.
    pub before: String,
    /// As it is judged now.
    pub now: &'static str,
}

/// Judges the trials of a search once more.
#[must_use]
pub fn rejudge(trials: &[&TrialRecord], criteria: &Criteria) -> Rejudged {
    let searching = ["search", "retest", "soak"];
    let trials: Vec<RejudgedTrial> = trials
        .iter()
        .filter(|trial| searching.contains(&trial.purpose.as_str()))
        .filter_map(|trial| judge(trial, criteria))
        .collect();
    let repeats: BTreeSet<Option<u32>> = trials.iter().map(|trial| trial.repeat).collect();
    let ends: Vec<_> = repeats.into_iter().map(|repeat| ends_of(&trials, repeat)).collect();
    let high_rps = ends.iter().filter_map(|(_, high_rps)| *high_rps).reduce(f64::max);
    // Only where every search has a rate.
    let rates: Option<Vec<f64>> = ends.iter().map(|(rps, _)| *rps).collect();
    let rps = rates.and_then(|rates| lower_median(&rates));
    Rejudged {
        finding: if rps.is_some() { "capacity" } else { "unconfirmed" },
        rps,
        high_rps,
        is_goal_met: rps.map(|rps| rps >= criteria.needed_rps),
        trials,
    }
}

/// The highest rate that a soak of one search held, and the lowest of its rates that did not hold.
fn ends_of(trials: &[RejudgedTrial], repeat: Option<u32>) -> (Option<f64>, Option<f64>) {
    let own = || trials.iter().filter(move |trial| trial.repeat == repeat);
    let rates = |now: &'static str| own().filter(move |trial| trial.now == now);
    let high_rps = rates("overloaded").map(|trial| trial.offered_rps).reduce(f64::min);
    let soaked = rates("sustained").filter(|trial| trial.purpose == "soak");
    let rps = high_rps.and_then(|high_rps| {
        soaked.map(|trial| trial.offered_rps).filter(|rps| *rps < high_rps).reduce(f64::max)
    });
    (rps, high_rps)
}

fn judge(trial: &TrialRecord, criteria: &Criteria) -> Option<RejudgedTrial> {
    let stream = trial.stream(Workload::Index)?;
    let counts = &stream.counts;
    let failed = counts.scheduled - counts.accepted;
    let error_ratio = failed as f64 / counts.scheduled.max(1) as f64;
    let response_p99_ms = stream.response_ms.p99;
    let breaks = response_p99_ms.is_some_and(|p99_ms| p99_ms > criteria.p99_ms)
        || error_ratio > criteria.error_ratio;
    let now = match &trial.evidence.verdict {
        Verdict::Void(_) => "void",
        Verdict::Undecided => "undecided",
        _ if counts.scheduled == 0 => "undecided",
        Verdict::Overloaded(reasons) if reasons.iter().any(Reason::is_backlog) => "overloaded",
        _ if breaks => "overloaded",
        Verdict::Overloaded(_) if trial.ended_early => "undecided",
        Verdict::Overloaded(_) | Verdict::Sustained(_) => "sustained",
    };
    Some(RejudgedTrial {
        id: trial.id.clone(),
        purpose: trial.purpose.clone(),
        repeat: trial.repeat,
        offered_rps: trial.offered_rps?,
        response_p99_ms,
        error_ratio,
        before: trial.verdict.clone(),
        now,
    })
}

impl fmt::Display for Rejudged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["trial", "for", "offered", "p99", "errors", "was", "is"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        rows.extend(self.trials.iter().map(|trial| {
            vec![
                trial.id.clone(),
                trial.purpose.clone(),
                rate(Some(trial.offered_rps)),
                ms(trial.response_p99_ms),
                format!("{:.3} %", trial.error_ratio * 100.0),
                trial.before.clone(),
                trial.now.to_owned(),
            ]
        }));
        writeln!(f, "{}", columns(&rows).trim_end())?;
        match (self.rps, self.high_rps) {
            (Some(rps), Some(high_rps)) => writeln!(
                f,
                "\nfinding: capacity {rps:.1}/s, the highest rate that a soak held; {high_rps:.1}/s does not hold"
            ),
            _ => writeln!(
                f,
                "\nfinding: unconfirmed: no soak that holds has a rate above it that does not; measure again under these criteria"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{evidence, stream_result, trial_result};
    use crate::trial::verdict::Proof;
    use crate::trial::{Purpose, StopCause};

    fn trial(id: u32, purpose: Purpose, rps: f64, verdict: Verdict, early: bool) -> TrialRecord {
        let stream = stream_result(Workload::Index, rps, 4000, 0);
        let mut result = trial_result(id, purpose, vec![stream]);
        result.stopped = early.then_some(StopCause::Decided);
        TrialRecord::new(&result, &evidence(verdict))
    }

    fn slow() -> Verdict {
        Verdict::Overloaded(vec![Reason::Slow { share_ratio: 0.02, limit_ms: 1 }])
    }

    fn criteria(p99_ms: f64) -> Criteria {
        Criteria { p99_ms, error_ratio: 0.001, needed_rps: 80.0 }
    }

    #[test]
    fn a_trial_that_ended_early_is_undecided_under_laxer_criteria() {
        let held = trial(1, Purpose::Soak, 100.0, Verdict::Sustained(Proof::Bound), false);
        let early = trial(2, Purpose::Search, 110.0, slow(), true);
        let backlog = Verdict::Overloaded(vec![Reason::Backlog { growth_rps: 9.0 }]);
        let flooded = trial(3, Purpose::Search, 200.0, backlog, true);
        let judged = rejudge(&[&held, &early, &flooded], &criteria(1e6));
        let now: Vec<_> = judged.trials.iter().map(|trial| trial.now).collect();
        assert_eq!(now, ["sustained", "undecided", "overloaded"], "each by its own");
        assert_eq!((judged.rps, judged.is_goal_met), (Some(100.0), Some(true)), "the soak counts");
    }

    #[test]
    fn stricter_criteria_take_a_confirmation_away() {
        let held = trial(1, Purpose::Soak, 100.0, Verdict::Sustained(Proof::Bound), false);
        let judged = rejudge(&[&held], &criteria(0.001));
        assert_eq!(
            judged.trials.first().map(|trial| trial.now),
            Some("overloaded"),
            "too slow now"
        );
        assert_eq!((judged.finding, judged.is_goal_met), ("unconfirmed", None), "no answer");
    }

    #[test]
    fn a_proposing_trial_confirms_nothing() {
        let passed = trial(1, Purpose::Search, 100.0, Verdict::Sustained(Proof::Bound), false);
        let failed = trial(2, Purpose::Search, 120.0, slow(), false);
        assert_eq!(rejudge(&[&passed, &failed], &criteria(0.001)).rps, None, "only a soak does");
    }
}
