//! What happens beyond the capacity: does the service hold, and does it come back?

use super::{Evidence, SHARE_CONFIDENCE, Terms};
use crate::report::criterion::Limit;
use crate::report::figure;
use crate::report::schema::{CriterionRecord, LevelRecord, Outcome};
use crate::report::slo::OVERLOAD_PERCENT;
use crate::report::stream::StreamRecord;
use crate::stats::interval::share_is_at_most;
use crate::units::round_to_u64;

/// What the sign-off file asks of the 120 % level.
pub(super) fn criteria(evidence: &Evidence<'_>, terms: &Terms) -> Vec<CriterionRecord> {
    let Some(slo) = &terms.slo else { return Vec::new() };
    let goodput = slo.overload.min_goodput_ratio.map(|limit| goodput(evidence, limit));
    let recovery = slo.overload.recovery_s.map(|limit_s| recovery(evidence, limit_s));
    goodput.into_iter().chain(recovery).collect()
}

/// Accepted rate of the level's second half, as a share of the capacity.
fn goodput(evidence: &Evidence<'_>, limit_ratio: f64) -> CriterionRecord {
    let level = evidence.level(OVERLOAD_PERCENT);
    let figures = level.as_ref().ok().and_then(|level| {
        let index = level.index.as_ref()?;
        Some((index, index.accepted_second_half_rps?, evidence.capacity.rps?))
    });
    let measured = figures.map(|(_, accepted_rps, capacity_rps)| accepted_rps / capacity_rps);
    let judged = match (level, figures, measured) {
        (Err(reason), _, _) => (Outcome::Invalid, reason),
        (Ok(_), Some((index, accepted_rps, capacity_rps)), Some(ratio)) => {
            let shown = format!("{accepted_rps:.1}/s are still accepted");
            if ratio < limit_ratio {
                (Outcome::Fail, shown)
            } else if is_shown(index, accepted_rps, limit_ratio * capacity_rps) {
                (Outcome::Pass, shown)
            } else {
                let hint = "too few documents to show that the share is above the limit";
                (Outcome::Invalid, format!("{shown}; {hint}"))
            }
        }
        _ => (Outcome::Invalid, "the accepted rate is not known".to_owned()),
    };
    CriterionRecord::new("overload_goodput", "ratio", measured, Limit::AtLeast(limit_ratio), judged)
}

/// Whether the requests of the second half show that at least `needed_rps` is accepted: the share of the offered ones
/// that is not accepted is bounded exactly, as a share of errors is.
fn is_shown(index: &StreamRecord, accepted_rps: f64, needed_rps: f64) -> bool {
    let half_s = index.measured_s / 2.0;
    let requests = |rps: f64| round_to_u64(rps * half_s / index.batch.max(1) as f64);
    let total = requests(index.offered_rps);
    // What was late of the first half is accepted in the second: no more than all of it counts.
    let refused = total.saturating_sub(requests(accepted_rps));
    let limit = 1.0 - needed_rps / index.offered_rps;
    share_is_at_most(refused, total, limit, SHARE_CONFIDENCE)
}

/// From the level's last due time to the first of three good probes.
fn recovery(evidence: &Evidence<'_>, limit_s: f64) -> CriterionRecord {
    let level = evidence.level(OVERLOAD_PERCENT);
    let measured = level.as_ref().ok().and_then(|level| level.recovery_s);
    let judged = match (level, measured) {
        (Err(reason), _) => (Outcome::Invalid, reason),
        (Ok(_), Some(recovery_s)) => {
            let outcome = if recovery_s <= limit_s { Outcome::Pass } else { Outcome::Fail };
            (outcome, format!("recovered after {}", figure::span(recovery_s)))
        }
        (Ok(level), None) => not_recovered(evidence, level, limit_s),
    };
    CriterionRecord::new("overload_recovery", "s", measured, Limit::AtMost(limit_s), judged)
}

/// A target that was waited for as long as it may take has failed; one that was not says nothing.
fn not_recovered(evidence: &Evidence<'_>, level: &LevelRecord, limit_s: f64) -> (Outcome, String) {
    let waited = evidence
        .recoveries
        .iter()
        .find(|recovery| recovery.after.as_ref() == Some(&level.trial))
        .filter(|recovery| recovery.stopped.is_none());
    match waited {
        Some(recovery) if recovery.wall_s >= limit_s => {
            (Outcome::Fail, format!("it had not recovered after {}", figure::span(recovery.wall_s)))
        }
        Some(recovery) => {
            (Outcome::Invalid, format!("it was waited for only {}", figure::span(recovery.wall_s)))
        }
        None => (Outcome::Invalid, "the run ended before its recovery".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::record::RecoveryRecord;
    use crate::report::sample::{capacity, judged, run, terms};
    use crate::report::schema::RunRecord;
    use crate::report::slo::{OverloadSlo, SloRecord};
    use crate::search::finding::Finding;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// 120 % of 400/s for 8.3 s, 465/s of it accepted, recovered after 2.8 s.
    fn sample() -> RunRecord {
        run(capacity(Finding::Capacity, Some(400.0)), terms(), 400)
    }

    fn of(run: &RunRecord, overload: OverloadSlo, name: &str) -> CriterionRecord {
        let slo = Some(SloRecord { overload, ..SloRecord::default() });
        let criteria = judged(run, &Terms { slo, ..terms() });
        criteria.into_iter().find(|criterion| criterion.name == name).unwrap()
    }

    fn recovery_of(run: &RunRecord, limit_s: f64) -> Outcome {
        let asked = OverloadSlo { recovery_s: Some(limit_s), ..OverloadSlo::default() };
        of(run, asked, "overload_recovery").outcome
    }

    fn goodput_of(run: &RunRecord, limit: f64) -> CriterionRecord {
        let asked = OverloadSlo { min_goodput_ratio: Some(limit), ..OverloadSlo::default() };
        of(run, asked, "overload_goodput")
    }

    #[test]
    fn the_goodput_is_held_against_the_capacity() {
        let mut run = sample();
        assert_eq!(goodput_of(&run, 0.8).outcome, Outcome::Pass, "more than all of it");
        let index = run.levels[3].index.as_mut().unwrap();
        index.accepted_second_half_rps = Some(300.0);
        let missed = goodput_of(&run, 0.8);
        assert_eq!((missed.outcome, missed.measured), (Outcome::Fail, Some(0.75)), "300 of 400");
        assert_eq!(goodput_of(&run, 0.749).outcome, Outcome::Invalid, "too close to tell");
        run.levels.truncate(3);
        assert_eq!(goodput_of(&run, 0.8).outcome, Outcome::Invalid, "no such level");
    }

    #[test]
    fn a_recovery_that_was_waited_for_in_vain_fails_and_one_that_was_not_says_nothing() {
        let mut run = sample();
        assert_eq!(recovery_of(&run, 30.0), Outcome::Pass, "2.8 s");
        assert_eq!(recovery_of(&run, 2.0), Outcome::Fail, "2.8 s");
        run.levels[3].recovery_s = None;
        assert_eq!(recovery_of(&run, 30.0), Outcome::Invalid, "the run ended before");
        run.recoveries.push(RecoveryRecord {
            id: "t9".to_owned(),
            after: Some(run.levels[3].trial.clone()),
            recovered_s: None,
            wall_s: 60.0,
            probes: 9,
            accepted: 0,
            unknown: 9,
            stopped: None,
        });
        assert_eq!(recovery_of(&run, 30.0), Outcome::Fail, "its cap passed");
        assert_eq!(recovery_of(&run, 90.0), Outcome::Invalid, "60 s do not answer 90 s");
        run.recoveries[0].stopped = Some("interrupted".to_owned());
        assert_eq!(recovery_of(&run, 30.0), Outcome::Invalid, "interrupted meanwhile");
    }

    proptest! {
        #[test]
        fn a_stricter_limit_never_turns_a_fail_into_a_pass(
            accepted_rps in proptest::sample::select(&[0.0_f64, 90.0, 200.0, 320.0, 480.0][..]),
            lax in 0.01_f64..1.0,
            more in 0.0_f64..0.5,
        ) {
            static RUN: LazyLock<RunRecord> = LazyLock::new(sample);
            let index = RUN.levels[3].index.as_ref().unwrap();
            let shown = |limit: f64| {
                let ratio = accepted_rps / 400.0;
                (ratio < limit, is_shown(index, accepted_rps, limit * 400.0))
            };
            let (lax, strict) = (shown(lax), shown(lax + more));
            prop_assert!(!lax.0 || strict.0, "a miss stays one");
            prop_assert!(!strict.1 || lax.1, "what shows more shows less");
        }
    }
}
