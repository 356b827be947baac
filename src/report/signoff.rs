//! Criteria and the outcome of a run: PASS, FAIL or INVALID, each with its reason.

use serde::{Deserialize, Serialize};

use super::schema::{LevelRecord, RunRecord};
use crate::stats::interval::{QUANTILE_CONFIDENCE, share_is_at_most};

/// What a criterion, or a run, came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// Met, and shown to be.
    Pass,
    /// Missed.
    Fail,
    /// Cannot be said from what was measured.
    Invalid,
}

impl Outcome {
    /// The outcome's name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
        }
    }
}

/// One criterion, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// Its name.
    pub name: String,
    /// What was measured, where it is a number.
    pub measured: Option<f64>,
    /// What it was held against.
    pub limit: Option<f64>,
    /// Unit of both.
    pub unit: String,
    /// What it came to.
    pub outcome: Outcome,
    /// Why, in one sentence.
    pub reason: String,
}

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goals {
    /// The rate that must be reached ...
    pub goal_rps: f64,
    /// ... with so much to spare.
    pub headroom_ratio: f64,
    /// Limit of the dashboard's p99 at 100 %.
    pub dashboard_p99_ms: Option<u64>,
    /// Limit of the share of dashboard queries that are not accepted at 100 %.
    pub dashboard_error_ratio: Option<f64>,
}

/// The level at which the dashboard's criteria are judged.
const JUDGED_PERCENT: u32 = 100;

/// Judges a result against `goals`.
#[must_use]
pub fn judge(record: &RunRecord, goals: &Goals) -> Vec<Criterion> {
    let mut criteria = vec![finding(record, goals), goal(record, goals)];
    if let Some(missing) = &record.levels_missing {
        criteria.push(Criterion {
            name: "levels".to_owned(),
            measured: None,
            limit: None,
            unit: String::new(),
            outcome: Outcome::Invalid,
            reason: format!("not every level was measured to its end: {missing}"),
        });
    }
    let level = record.levels.iter().find(|level| level.load_percent == JUDGED_PERCENT);
    if let Some(limit_ms) = goals.dashboard_p99_ms {
        criteria.push(dashboard_p99(level, limit_ms));
    }
    if let Some(limit_ratio) = goals.dashboard_error_ratio {
        criteria.push(dashboard_errors(level, limit_ratio));
    }
    criteria
}

/// The worst of all; a run that cannot be judged is worse than one that failed.
#[must_use]
pub fn outcome(criteria: &[Criterion]) -> Outcome {
    criteria.iter().map(|criterion| criterion.outcome).max().unwrap_or(Outcome::Invalid)
}

fn goal_rps(goals: &Goals) -> f64 {
    goals.goal_rps * (1.0 + goals.headroom_ratio)
}

fn finding(record: &RunRecord, goals: &Goals) -> Criterion {
    let capacity = &record.capacity;
    let goal_is_met = capacity.low_rps.is_some_and(|low_rps| low_rps >= goal_rps(goals));
    let (outcome, reason) = match capacity.finding.as_str() {
        "capacity" => (Outcome::Pass, "a capacity was found and confirmed"),
        "at_ceiling" if goal_is_met => (Outcome::Pass, "the ceiling itself was confirmed"),
        "at_ceiling" => (Outcome::Invalid, "the ceiling lies below the goal: raise CEILING_RPS"),
        "below_floor" => (Outcome::Fail, "not even the floor is sustained"),
        _ => (Outcome::Invalid, "no rate was confirmed"),
    };
    Criterion {
        name: "finding".to_owned(),
        measured: capacity.rps,
        limit: None,
        unit: "rps".to_owned(),
        outcome,
        reason: format!("{}: {reason}", capacity.finding),
    }
}

fn goal(record: &RunRecord, goals: &Goals) -> Criterion {
    let limit_rps = goal_rps(goals);
    let capacity = &record.capacity;
    let measured = capacity.rps.and(capacity.low_rps);
    let (outcome, reason) = match measured {
        Some(low_rps) if low_rps >= limit_rps => {
            (Outcome::Pass, "the lower end of the capacity reaches the goal")
        }
        Some(_) if capacity.finding == "at_ceiling" => {
            (Outcome::Invalid, "the search ended at the ceiling, below the goal")
        }
        Some(_) => (Outcome::Fail, "the lower end of the capacity is below the goal"),
        None if capacity.finding == "below_floor" => {
            (Outcome::Fail, "not even the floor is sustained")
        }
        None => (Outcome::Invalid, "there is no confirmed capacity to hold against the goal"),
    };
    Criterion {
        name: "goal".to_owned(),
        measured,
        limit: Some(limit_rps),
        unit: "rps".to_owned(),
        outcome,
        reason: reason.to_owned(),
    }
}

fn dashboard_p99(level: Option<&LevelRecord>, limit_ms: u64) -> Criterion {
    let limit = limit_ms as f64;
    let response = level.map(|level| level.dashboard.response_ms);
    let p99 = response.and_then(|response| response.p99);
    let high = response.and_then(|response| response.p99_high);
    let (outcome, reason) = match (p99, high) {
        (Some(p99), _) if p99 > limit => (Outcome::Fail, "the p99 is over the limit"),
        (Some(_), Some(high)) if high <= limit => {
            (Outcome::Pass, "the upper end of the p99 is within the limit")
        }
        (Some(_), Some(_)) => {
            (Outcome::Invalid, "the p99 is within the limit and its upper end is over it")
        }
        (Some(_) | None, None) | (None, Some(_)) if response.is_some() => {
            (Outcome::Invalid, "too few samples for an upper end: raise DASHBOARD_S")
        }
        _ => (Outcome::Invalid, "the level at 100 % was not measured"),
    };
    Criterion {
        name: "dashboard_p99".to_owned(),
        measured: p99,
        limit: Some(limit),
        unit: "ms".to_owned(),
        outcome,
        reason: reason.to_owned(),
    }
}

fn dashboard_errors(level: Option<&LevelRecord>, limit_ratio: f64) -> Criterion {
    let counts = level.map(|level| level.dashboard.counts);
    let failed = counts.map(|counts| counts.scheduled - counts.accepted);
    let total = counts.map_or(0, |counts| counts.scheduled);
    let measured = failed.filter(|_| total > 0).map(|failed| failed as f64 / total as f64);
    let shown = failed
        .is_some_and(|failed| share_is_at_most(failed, total, limit_ratio, QUANTILE_CONFIDENCE));
    let (outcome, reason) = match measured {
        Some(ratio) if ratio > limit_ratio => (Outcome::Fail, "the share is over the limit"),
        Some(_) if shown => (Outcome::Pass, "the upper end of the share is within the limit"),
        Some(_) => (
            Outcome::Invalid,
            "too few samples to show the share: raise DASHBOARD_S or DASHBOARD_RPS",
        ),
        None => (Outcome::Invalid, "the level at 100 % was not measured"),
    };
    Criterion {
        name: "dashboard_error_ratio".to_owned(),
        measured,
        limit: Some(limit_ratio),
        unit: "ratio".to_owned(),
        outcome,
        reason: reason.to_owned(),
    }
}
