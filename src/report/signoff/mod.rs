//! Is the run good enough? Criteria to PASS, FAIL or INVALID, each with what was measured and why.
//!
//! No evidence is not a pass: a criterion that the samples cannot decide is INVALID. INVALID outweighs
//! FAIL, because a figure of a run that cannot be believed must not be read as a miss; only `below_floor`
//! is a plain FAIL, since it answers the question, and so are lost documents.
//!
//! What the search certifies is not judged a second time: that the capacity holds `P99_MS` and `ERROR_RATIO` is what
//! the finding says, by the soak's own rule, and another rule over the same soak could only contradict it.

pub mod again;
mod capacity;
mod dashboard;
mod objective;
mod overload;

use super::record::{RecoveryRecord, TrialRecord};
use super::schema::{CapacityRecord, CriterionRecord, LevelRecord, Outcome};
use super::slo::{CAPACITY_PERCENT, DashboardSlo, SloRecord};
use super::verification::VerificationRecord;

/// One-sided confidence with which a share must be shown to be within its limit.
const SHARE_CONFIDENCE: f64 = 0.95;

/// The rate that a goal with headroom needs, in documents per second.
///
/// Added up, not multiplied by 1.1: 200 with a tenth on top is 220, and not a hair more.
#[must_use]
pub fn needed_rps(goal_rps: f64, headroom_ratio: f64) -> f64 {
    goal_rps + goal_rps * headroom_ratio
}

/// What is certain of a rate that was confirmed: its lower end, where it has one.
#[must_use]
pub fn certain_rps(rps: Option<f64>, low_rps: Option<f64>) -> Option<f64> {
    rps.map(|rps| low_rps.unwrap_or(rps))
}

/// What a run is judged by.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Terms {
    /// `GOAL_RPS`, in documents per second.
    pub goal_rps: f64,
    /// `HEADROOM_RATIO`: the capacity must be greater than the goal by this share.
    pub headroom_ratio: f64,
    /// The levels that were asked for, in percent.
    pub levels: Vec<u32>,
    /// `DASHBOARD_P99_MS`, where given; it goes before the sign-off file's limit at 100 %.
    pub dashboard_p99_ms: Option<f64>,
    /// `DASHBOARD_ERROR_RATIO`, where given; it goes before the sign-off file's limit at 100 %.
    pub dashboard_error_ratio: Option<f64>,
    /// The sign-off file, where there is one.
    pub slo: Option<SloRecord>,
    /// Whether the file's limits of a dashboard p99 are shown and not judged: a quick run cannot bound one.
    pub is_p99_only_shown: bool,
    /// Why the capacity says nothing under the file's objective; `None` where it was searched under it.
    pub not_searched: Option<String>,
}

impl Terms {
    /// The rate that the capacity's lower end must reach.
    #[must_use]
    pub fn needed_rps(&self) -> f64 {
        needed_rps(self.goal_rps, self.headroom_ratio)
    }

    /// The limits of the dashboard that the sign-off file has and that are judged, level by level.
    fn dashboard(&self) -> impl Iterator<Item = DashboardSlo> {
        let limits = self.slo.iter().flat_map(|slo| slo.dashboard.iter().copied());
        limits.map(|limits| {
            let is_key = |is_given: bool| is_given && limits.load_percent == CAPACITY_PERCENT;
            let is_left_out = self.is_p99_only_shown || is_key(self.dashboard_p99_ms.is_some());
            DashboardSlo {
                p99_ms: limits.p99_ms.filter(|_| !is_left_out),
                error_ratio: limits
                    .error_ratio
                    .filter(|_| !is_key(self.dashboard_error_ratio.is_some())),
                ..limits
            }
        })
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
    /// The recoveries, to tell how long one was waited for.
    pub recoveries: &'a [RecoveryRecord],
    /// Documents: what was accepted and what the target holds.
    pub verification: &'a VerificationRecord,
}

impl<'a> Evidence<'a> {
    /// The level at `load_percent`, or why it is none to judge by.
    fn level(&self, load_percent: u32) -> Result<&'a LevelRecord, String> {
        let level = self.levels.iter().find(|level| level.load_percent == load_percent);
        let level = level.ok_or_else(|| format!("the {load_percent} % level was not measured"))?;
        let trial = self.trials.iter().find(|trial| trial.id == level.trial);
        match trial {
            Some(void) if void.is_void() => {
                Err(format!("the level is void: {}", void.reasons.join("; ")))
            }
            Some(early) if early.ended_early => Err("the level was broken off".to_owned()),
            _ => Ok(level),
        }
    }
}

/// Judges a run; criteria that were not asked for are left out.
#[must_use]
pub fn sign_off(evidence: &Evidence<'_>, terms: &Terms) -> (Vec<CriterionRecord>, Outcome) {
    let mut criteria =
        vec![capacity::finding(evidence.capacity, terms), capacity::goal(evidence.capacity, terms)];
    criteria.extend(capacity::levels(evidence, terms));
    criteria.extend(dashboard::criteria(evidence, terms));
    criteria.extend(overload::criteria(evidence, terms));
    criteria.extend(evidence.verification.criterion());
    let worst = criteria.iter().map(|criterion| criterion.outcome).max();
    let is_searched = terms.not_searched.is_none();
    let outcome = if has_failed(evidence.capacity, evidence.verification, is_searched) {
        Outcome::Fail
    } else {
        worst.unwrap_or(Outcome::Invalid)
    };
    (criteria, outcome)
}

/// Whether a run has failed whatever else can be said of it: not even the floor is sustained, where that was searched
/// under the objective that is asked for, or the target lost or doubled documents.
pub(super) fn has_failed(
    capacity: &CapacityRecord,
    verification: &VerificationRecord,
    is_searched: bool,
) -> bool {
    let is_below = is_searched && capacity.finding == "below_floor";
    is_below || verification.is_clean() == Some(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, capacity, run, terms};
    use crate::report::schema::RunRecord;
    use crate::search::finding::Finding;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    fn outcome_of(run: &RunRecord, name: &str) -> Option<Outcome> {
        sample::outcome_of(&run.criteria, name)
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
        let reason = Some("the target could no longer be reached");
        let lost = Evidence { levels_missing: reason, ..again::evidence(&run) };
        assert_eq!(sign_off(&lost, &terms()).1, Outcome::Invalid, "its recovery is not known");
    }

    #[test]
    fn a_level_that_is_void_or_broken_off_passes_and_fails_nothing() {
        let mut run = run(capacity(Finding::Capacity, Some(400.0)), terms(), 400);
        let limits = Terms { dashboard_p99_ms: Some(1.0), ..terms() };
        let of =
            |run: &RunRecord| sample::outcome_of(&sample::judged(run, &limits), "dashboard_p99");
        assert_eq!(of(&run), Some(Outcome::Fail), "over 1 ms");
        run.trials[3].ended_early = true;
        assert_eq!(of(&run), Some(Outcome::Invalid), "broken off");
        run.trials[3].ended_early = false;
        run.trials[3].verdict = "void".to_owned();
        assert_eq!(of(&run), Some(Outcome::Invalid), "void");
    }

    proptest! {
        #[test]
        fn the_worst_criterion_is_the_outcome(
            goal_rps in 1.0_f64..800.0,
            p99_ms in 1.0_f64..300.0,
            lost in 0_u64..2,
        ) {
            static RUN: LazyLock<RunRecord> =
                LazyLock::new(|| run(capacity(Finding::Capacity, Some(400.0)), terms(), 299));
            let terms = Terms { goal_rps, dashboard_p99_ms: Some(p99_ms), ..terms() };
            let verification =
                VerificationRecord { found: Some(4000), lost: Some(lost), ..RUN.verification.clone() };
            let evidence = Evidence { verification: &verification, ..again::evidence(&RUN) };
            let (criteria, outcome) = sign_off(&evidence, &terms);
            let any = |wanted| criteria.iter().any(|criterion| criterion.outcome == wanted);
            let (is_missed, is_open) = (any(Outcome::Fail), any(Outcome::Invalid));
            prop_assert_eq!(outcome == Outcome::Pass, !is_missed && !is_open, "{:?}", criteria);
            let is_undecided = is_open && lost == 0;
            prop_assert_eq!(outcome == Outcome::Invalid, is_undecided, "{:?}", criteria);
        }
    }
}
