//! Is the run good enough? Criteria to PASS, FAIL or INVALID, each with what was measured and why.
//!
//! No evidence is not a pass: a criterion that the samples cannot decide is INVALID. INVALID outweighs
//! FAIL, because a figure of a run that cannot be believed must not be read as a miss; only `below_floor`
//! is a plain FAIL, since it answers the question.

use super::record::TrialRecord;
use super::schema::{CapacityRecord, CriterionRecord, LevelRecord, Outcome};
use super::verification::VerificationRecord;
use super::{advice, figure};
use crate::stats::interval::share_is_at_most;
use crate::units::usize_to_u64;

/// The level on which dashboard criteria are judged, in percent of the capacity.
const JUDGED_PERCENT: u32 = 100;
/// One-sided confidence with which a share must be shown to be within its limit.
const SHARE_CONFIDENCE: f64 = 0.95;

/// What a run is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// `GOAL_RPS`, in documents per second.
    pub goal_rps: f64,
    /// `HEADROOM_RATIO`: the capacity must be greater than the goal by this share.
    pub headroom_ratio: f64,
    /// The levels that were asked for, in percent.
    pub levels: Vec<u32>,
    /// `DASHBOARD_P99_MS`, where given.
    pub dashboard_p99_ms: Option<f64>,
    /// `DASHBOARD_ERROR_RATIO`, where given.
    pub dashboard_error_ratio: Option<f64>,
}

impl Terms {
    /// The rate that the capacity's lower end must reach.
    #[must_use]
    pub fn needed_rps(&self) -> f64 {
        self.goal_rps * (1.0 + self.headroom_ratio)
    }
}

/// What there is to judge by.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The answer of the search.
    pub capacity: &'a CapacityRecord,
    /// The levels that were measured.
    pub levels: &'a [LevelRecord],
    /// Why levels are missing.
    pub levels_missing: Option<&'a str>,
    /// The trials, to tell which level cannot be believed.
    pub trials: &'a [TrialRecord],
    /// Documents: what was accepted and what the target holds.
    pub verification: &'a VerificationRecord,
}

/// Judges a run; criteria that were not asked for are left out.
#[must_use]
pub fn sign_off(evidence: &Evidence<'_>, terms: &Terms) -> (Vec<CriterionRecord>, Outcome) {
    let mut criteria = vec![finding(evidence.capacity, terms), goal(evidence.capacity, terms)];
    criteria.extend(levels(evidence, terms));
    criteria.extend(terms.dashboard_p99_ms.map(|limit_ms| dashboard_p99(evidence, limit_ms)));
    criteria.extend(terms.dashboard_error_ratio.map(|limit| dashboard_errors(evidence, limit)));
    criteria.extend(evidence.verification.criterion());
    let worst = criteria.iter().map(|criterion| criterion.outcome).max();
    let outcome = match evidence.capacity.finding.as_str() {
        "below_floor" => Outcome::Fail,
        // Whatever else can be said: a service that loses documents has failed.
        _ if evidence.verification.is_clean() == Some(false) => Outcome::Fail,
        _ => worst.unwrap_or(Outcome::Invalid),
    };
    (criteria, outcome)
}

/// The lower end of a confirmed capacity.
fn certified_rps(capacity: &CapacityRecord) -> Option<f64> {
    capacity.rps.and_then(|rps| capacity.low_rps.or(Some(rps)))
}

fn meets_goal(capacity: &CapacityRecord, terms: &Terms) -> bool {
    certified_rps(capacity).is_some_and(|low_rps| low_rps >= terms.needed_rps())
}

fn finding(capacity: &CapacityRecord, terms: &Terms) -> CriterionRecord {
    let outcome = match capacity.finding.as_str() {
        "capacity" if capacity.rps.is_some() => Outcome::Pass,
        "at_ceiling" if meets_goal(capacity, terms) => Outcome::Pass,
        "below_floor" => Outcome::Fail,
        _ => Outcome::Invalid,
    };
    let words = advice::advice(&capacity.finding).meaning;
    CriterionRecord {
        name: "finding".to_owned(),
        measured: capacity.rps,
        limit: None,
        unit: "rps".to_owned(),
        outcome,
        reason: format!("{}: {words}", capacity.finding),
    }
}

fn goal(capacity: &CapacityRecord, terms: &Terms) -> CriterionRecord {
    let needed_rps = terms.needed_rps();
    let needed = figure::short_rate(needed_rps);
    let measured = certified_rps(capacity);
    let (outcome, reason) = match (measured, capacity.finding.as_str()) {
        (_, "below_floor") => (Outcome::Fail, "not even the floor is sustained".to_owned()),
        (None, _) => (Outcome::Invalid, "there is no confirmed capacity".to_owned()),
        (Some(low_rps), _) if low_rps >= needed_rps => {
            let above = (low_rps / needed_rps - 1.0) * 100.0;
            (Outcome::Pass, format!("{low_rps:.1}/s is {above:.0} % above {needed}/s"))
        }
        (Some(_), "at_ceiling") => {
            (Outcome::Invalid, format!("nothing above the ceiling was tried; {needed}/s is needed"))
        }
        (Some(low_rps), _) => {
            let below = (1.0 - low_rps / needed_rps) * 100.0;
            (Outcome::Fail, format!("{low_rps:.1}/s is {below:.1} % below {needed}/s"))
        }
    };
    CriterionRecord {
        name: "goal".to_owned(),
        measured,
        limit: Some(needed_rps),
        unit: "rps".to_owned(),
        outcome,
        reason,
    }
}

/// Only a certified capacity has levels to be missed.
fn levels(evidence: &Evidence<'_>, terms: &Terms) -> Option<CriterionRecord> {
    if evidence.capacity.rps.is_none() || terms.levels.is_empty() {
        return None;
    }
    let is_there = |percent: &u32| evidence.levels.iter().any(|l| l.load_percent == *percent);
    let missing: Vec<String> = terms
        .levels
        .iter()
        .filter(|percent| !is_there(percent))
        .map(|percent| format!("{percent} %"))
        .collect();
    let count = |length: usize| Some(usize_to_u64(length) as f64);
    let (outcome, reason) = match (missing.is_empty(), evidence.levels_missing) {
        (true, None) => (Outcome::Pass, "all were measured".to_owned()),
        (true, Some(why)) => (Outcome::Invalid, format!("no recovery after the last one: {why}")),
        (false, why) => {
            let why = why.unwrap_or("the run ended before them");
            (Outcome::Invalid, format!("{} not measured: {why}", missing.join(", ")))
        }
    };
    Some(CriterionRecord {
        name: "levels".to_owned(),
        measured: count(terms.levels.len() - missing.len()),
        limit: count(terms.levels.len()),
        unit: "levels".to_owned(),
        outcome,
        reason,
    })
}

/// The level that dashboard criteria are judged on, or why there is none to judge.
fn judged_level<'a>(evidence: &Evidence<'a>) -> Result<&'a LevelRecord, String> {
    let level = evidence.levels.iter().find(|level| level.load_percent == JUDGED_PERCENT);
    let level = level.ok_or_else(|| format!("the {JUDGED_PERCENT} % level was not measured"))?;
    let trial = evidence.trials.iter().find(|trial| trial.id == level.trial);
    match trial.filter(|trial| trial.is_void()) {
        Some(void) => Err(format!("the level is void: {}", void.reasons.join("; "))),
        None => Ok(level),
    }
}

fn dashboard_p99(evidence: &Evidence<'_>, limit_ms: f64) -> CriterionRecord {
    let level = judged_level(evidence);
    let p99_ms = level.as_ref().ok().and_then(|level| level.dashboard.response_ms.p99);
    let (outcome, reason) = match level {
        Err(reason) => (Outcome::Invalid, reason),
        Ok(level) => {
            let times = &level.dashboard.response_ms;
            match (p99_ms, times.p99_high) {
                (Some(p99_ms), _) if p99_ms > limit_ms => {
                    (Outcome::Fail, "the percentile is over the limit".to_owned())
                }
                (Some(_), Some(high_ms)) if high_ms <= limit_ms => (
                    Outcome::Pass,
                    format!("the interval's upper end is {} ms", figure::ms(Some(high_ms))),
                ),
                (Some(_), Some(high_ms)) => (
                    Outcome::Invalid,
                    format!(
                        "the interval reaches {} ms; more samples are needed",
                        figure::ms(Some(high_ms))
                    ),
                ),
                _ => (
                    Outcome::Invalid,
                    format!("{} samples cannot bound a p99; it takes 299", times.samples),
                ),
            }
        }
    };
    CriterionRecord {
        name: "dashboard_p99".to_owned(),
        measured: p99_ms,
        limit: Some(limit_ms),
        unit: "ms".to_owned(),
        outcome,
        reason,
    }
}

fn dashboard_errors(evidence: &Evidence<'_>, limit_ratio: f64) -> CriterionRecord {
    let level = judged_level(evidence);
    let ratio = level.as_ref().ok().and_then(|level| level.dashboard.error_ratio());
    let (outcome, reason) = match (level, ratio) {
        (Err(reason), _) => (Outcome::Invalid, reason),
        (Ok(_), None) => (Outcome::Invalid, "no query was scheduled".to_owned()),
        (Ok(level), Some(ratio)) => {
            let counts = level.dashboard.counts;
            let (failed, total) = (counts.failed(), counts.scheduled);
            let outcome = if ratio > limit_ratio {
                Outcome::Fail
            } else if share_is_at_most(failed, total, limit_ratio, SHARE_CONFIDENCE) {
                Outcome::Pass
            } else {
                Outcome::Invalid
            };
            let hint = match outcome {
                Outcome::Invalid => "; too few queries to show that the share is within the limit",
                Outcome::Pass | Outcome::Fail => "",
            };
            (outcome, format!("{failed} of {total} queries were not accepted{hint}"))
        }
    };
    CriterionRecord {
        name: "dashboard_error_ratio".to_owned(),
        measured: ratio,
        limit: Some(limit_ratio),
        unit: "ratio".to_owned(),
        outcome,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{capacity, run, terms};
    use crate::report::schema::RunRecord;
    use crate::search::finding::Finding;

    fn outcome_of(run: &RunRecord, name: &str) -> Option<Outcome> {
        run.criteria.iter().find(|criterion| criterion.name == name).map(|c| c.outcome)
    }

    #[test]
    fn every_finding_has_its_outcome() {
        let (pass, fail, invalid) = (Outcome::Pass, Outcome::Fail, Outcome::Invalid);
        for (finding, rps, of_finding, of_goal, of_run) in [
            (Finding::Capacity, Some(400.0), pass, pass, pass),
            (Finding::Capacity, Some(150.0), pass, fail, fail),
            (Finding::AtCeiling, Some(400.0), pass, pass, pass),
            (Finding::AtCeiling, Some(150.0), invalid, invalid, invalid),
            (Finding::BelowFloor, None, fail, fail, fail),
            (Finding::Unconfirmed, None, invalid, invalid, invalid),
            (Finding::Metastable, None, invalid, invalid, invalid),
            (Finding::GeneratorLimited, None, invalid, invalid, invalid),
            (Finding::OutOfBudget, None, invalid, invalid, invalid),
            (Finding::Interrupted, None, invalid, invalid, invalid),
            (Finding::TargetLost, None, invalid, invalid, invalid),
        ] {
            let run = run(capacity(finding, rps), terms(), 400);
            let got = (outcome_of(&run, "finding"), outcome_of(&run, "goal"), run.outcome);
            let name = finding.name();
            assert_eq!(got, (Some(of_finding), Some(of_goal), of_run), "{name} at {rps:?}");
        }
    }

    #[test]
    fn below_the_floor_is_a_fail_whatever_else_was_asked() {
        let terms = Terms { dashboard_p99_ms: Some(500.0), ..terms() };
        let run = run(capacity(Finding::BelowFloor, None), terms, 400);
        assert_eq!(outcome_of(&run, "dashboard_p99"), Some(Outcome::Invalid), "not measured");
        assert_eq!(run.outcome, Outcome::Fail, "but the question is answered");
    }

    #[test]
    fn the_goal_is_held_against_the_lower_end_with_headroom() {
        let narrow = Terms { headroom_ratio: 0.99, ..terms() };
        let wide = Terms { headroom_ratio: 1.01, ..terms() };
        let of = |terms| run(capacity(Finding::Capacity, Some(400.0)), terms, 400).outcome;
        assert_eq!((of(narrow), of(wide)), (Outcome::Pass, Outcome::Fail), "398/s and 402/s");
    }

    #[test]
    fn a_level_that_is_missing_after_a_capacity_makes_the_run_invalid_not_a_fail() {
        let wanted = Terms { levels: vec![0, 50, 100, 120, 150], ..terms() };
        let run = run(capacity(Finding::Capacity, Some(150.0)), wanted, 400);
        assert_eq!(outcome_of(&run, "levels"), Some(Outcome::Invalid), "150 % is missing");
        assert_eq!(run.outcome, Outcome::Invalid, "and outweighs the missed goal");
    }

    #[test]
    fn a_target_that_is_lost_after_its_last_level_makes_the_run_invalid() {
        let run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        let lost = Evidence {
            capacity: &run.capacity,
            levels: &run.levels,
            levels_missing: Some("the target could no longer be reached"),
            trials: &run.trials,
            verification: &run.verification,
        };
        assert_eq!(sign_off(&lost, &terms()).1, Outcome::Invalid, "its recovery is not known");
    }

    #[test]
    fn a_dashboard_p99_passes_by_its_upper_end_and_fails_by_itself() {
        let of = |limit_ms, queries| {
            let terms = Terms { dashboard_p99_ms: Some(limit_ms), ..terms() };
            let run = run(capacity(Finding::Capacity, Some(400.0)), terms, queries);
            outcome_of(&run, "dashboard_p99").unwrap()
        };
        assert_eq!(of(500.0, 400), Outcome::Pass, "the upper end is about 119 ms");
        assert_eq!(of(50.0, 400), Outcome::Fail, "the p99 is about 118 ms");
        assert_eq!(of(118.3, 400), Outcome::Invalid, "the limit lies within the interval");
        assert_eq!(of(500.0, 150), Outcome::Invalid, "150 samples have no upper end");
        assert_eq!(of(500.0, 50), Outcome::Invalid, "50 samples have no p99");
    }

    #[test]
    fn an_error_ratio_passes_only_when_the_queries_show_it() {
        let of = |limit, queries| {
            let terms = Terms { dashboard_error_ratio: Some(limit), ..terms() };
            let run = run(capacity(Finding::Capacity, Some(400.0)), terms, queries);
            outcome_of(&run, "dashboard_error_ratio").unwrap()
        };
        assert_eq!(of(0.01, 400), Outcome::Pass, "0 of 400 show 1 %");
        assert_eq!(of(0.001, 400), Outcome::Invalid, "but not 0.1 %");
    }
}
