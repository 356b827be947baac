//! The dashboard queries beside the load: their p99 and what became of them, level by level.

use super::{Evidence, SHARE_CONFIDENCE, Terms};
use crate::report::criterion::Limit;
use crate::report::figure;
use crate::report::schema::{CriterionRecord, LevelRecord, Outcome};
use crate::report::slo::CAPACITY_PERCENT;
use crate::stats::interval::{P99_SAMPLES, share_is_at_most};

/// What the keys ask at 100 %, then what the sign-off file asks at each of its levels.
pub(super) fn criteria(evidence: &Evidence<'_>, terms: &Terms) -> Vec<CriterionRecord> {
    let at = CAPACITY_PERCENT;
    let mut criteria: Vec<CriterionRecord> = Vec::new();
    let p99 = terms.dashboard_p99_ms;
    criteria.extend(p99.map(|limit_ms| judge_p99("dashboard_p99", evidence, at, limit_ms)));
    let ratio = terms.dashboard_error_ratio;
    criteria.extend(ratio.map(|limit| {
        judge_share("dashboard_error_ratio", evidence, at, limit, Share::NotAccepted)
    }));
    for limits in terms.dashboard() {
        let at = limits.load_percent;
        criteria.extend(limits.p99_ms.map(|limit_ms| {
            judge_p99(&format!("dashboard_p99_at_{at}"), evidence, at, limit_ms as f64)
        }));
        criteria.extend(limits.error_ratio.map(|limit| {
            let name = format!("dashboard_error_ratio_at_{at}");
            judge_share(&name, evidence, at, limit, Share::NotAccepted)
        }));
        criteria.extend(limits.timeout_ratio.map(|limit| {
            let name = format!("dashboard_timeout_ratio_at_{at}");
            judge_share(&name, evidence, at, limit, Share::TimedOut)
        }));
    }
    criteria
}

fn judge_p99(
    name: &str,
    evidence: &Evidence<'_>,
    load_percent: u32,
    limit_ms: f64,
) -> CriterionRecord {
    let level = evidence.level(load_percent);
    let measured = level.as_ref().ok().and_then(|level| level.dashboard.response_ms.p99);
    let judged = match level {
        Err(reason) => (Outcome::Invalid, reason),
        Ok(level) => p99_within(level, limit_ms),
    };
    CriterionRecord::new(name, "ms", measured, Limit::AtMost(limit_ms), judged)
}

fn p99_within(level: &LevelRecord, limit_ms: f64) -> (Outcome, String) {
    let times = &level.dashboard.response_ms;
    let timeout_ms = level.dashboard.timeout_ms;
    let shown = |span_ms: f64| figure::ms(Some(span_ms));
    match (times.p99, times.p99_high) {
        (Some(p99_ms), _) if p99_ms > limit_ms => {
            (Outcome::Fail, "the percentile is over the limit".to_owned())
        }
        // A query without an answer counts with its time-out, which would be within such a limit.
        _ if limit_ms > timeout_ms as f64 => (
            Outcome::Invalid,
            format!("queries were given up after {timeout_ms} ms, below the limit"),
        ),
        (Some(_), Some(high_ms)) if high_ms <= limit_ms => {
            (Outcome::Pass, format!("the interval's upper end is {} ms", shown(high_ms)))
        }
        (Some(_), Some(high_ms)) => {
            let reach = shown(high_ms);
            (Outcome::Invalid, format!("the interval reaches {reach} ms; more samples are needed"))
        }
        _ => (
            Outcome::Invalid,
            format!("{} samples cannot bound a p99; it takes {P99_SAMPLES}", times.samples),
        ),
    }
}

/// Which queries are counted.
#[derive(Debug, Clone, Copy)]
enum Share {
    /// Every ending but accepted.
    NotAccepted,
    /// Those without an answer in time.
    TimedOut,
}

impl Share {
    const fn words(self) -> &'static str {
        match self {
            Self::NotAccepted => "were not accepted",
            Self::TimedOut => "timed out",
        }
    }
}

fn judge_share(
    name: &str,
    evidence: &Evidence<'_>,
    load_percent: u32,
    limit_ratio: f64,
    share: Share,
) -> CriterionRecord {
    let counted = evidence.level(load_percent).map(|level| {
        let counts = level.dashboard.counts;
        let count = match share {
            Share::NotAccepted => counts.failed(),
            Share::TimedOut => counts.timed_out,
        };
        (count, counts.scheduled)
    });
    let ratio = |(count, total): (u64, u64)| (total > 0).then(|| count as f64 / total as f64);
    let measured = counted.as_ref().ok().copied().and_then(ratio);
    let judged = match (counted, measured) {
        (Err(reason), _) => (Outcome::Invalid, reason),
        (Ok(_), None) => (Outcome::Invalid, "no query was scheduled".to_owned()),
        (Ok((count, total)), Some(ratio)) => {
            let outcome = if ratio > limit_ratio {
                Outcome::Fail
            } else if share_is_at_most(count, total, limit_ratio, SHARE_CONFIDENCE) {
                Outcome::Pass
            } else {
                Outcome::Invalid
            };
            let hint = match outcome {
                Outcome::Invalid => "; too few queries to show that the share is within the limit",
                Outcome::Pass | Outcome::Fail => "",
            };
            (outcome, format!("{count} of {total} queries {}{hint}", share.words()))
        }
    };
    CriterionRecord::new(name, "ratio", measured, Limit::AtMost(limit_ratio), judged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, capacity, judged, run, terms};
    use crate::report::schema::RunRecord;
    use crate::report::slo::{DashboardSlo, SloRecord};
    use crate::search::finding::Finding;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    /// Runs with so many queries a level; their p99 is about 118 ms.
    const QUERIES: [u32; 6] = [20, 99, 150, 298, 299, 400];
    static RUNS: LazyLock<[RunRecord; 6]> = LazyLock::new(|| {
        QUERIES.map(|queries| run(capacity(Finding::Capacity, Some(400.0)), terms(), queries))
    });

    fn outcome_of(terms: &Terms, queries: u32, name: &str) -> Option<Outcome> {
        let position = QUERIES.iter().position(|number| *number == queries).unwrap();
        sample::outcome_of(&judged(&RUNS[position], terms), name)
    }

    fn asked(limits: DashboardSlo) -> Terms {
        Terms {
            slo: Some(SloRecord { dashboard: vec![limits], ..SloRecord::default() }),
            ..terms()
        }
    }

    fn of_p99(limit_ms: f64, queries: u32) -> Outcome {
        let terms = Terms { dashboard_p99_ms: Some(limit_ms), ..terms() };
        outcome_of(&terms, queries, "dashboard_p99").unwrap()
    }

    fn of_share(limit: f64, queries: u32) -> Outcome {
        let terms = Terms { dashboard_error_ratio: Some(limit), ..terms() };
        outcome_of(&terms, queries, "dashboard_error_ratio").unwrap()
    }

    #[test]
    fn a_dashboard_p99_passes_by_its_upper_end_and_fails_by_itself() {
        assert_eq!(of_p99(500.0, 400), Outcome::Pass, "the upper end is about 119 ms");
        assert_eq!(of_p99(50.0, 400), Outcome::Fail, "the p99 is about 118 ms");
        assert_eq!(of_p99(118.3, 400), Outcome::Invalid, "the limit lies within the interval");
        assert_eq!(of_p99(500.0, 150), Outcome::Invalid, "150 samples have no upper end");
        assert_eq!(of_p99(500.0, 20), Outcome::Invalid, "20 samples have no p99");
        assert_eq!(of_p99(5001.0, 400), Outcome::Invalid, "all were given up after 5 s");
    }

    #[test]
    fn an_error_ratio_passes_only_when_the_queries_show_it() {
        assert_eq!(of_share(0.01, 400), Outcome::Pass, "0 of 400 show 1 %");
        assert_eq!(of_share(0.001, 400), Outcome::Invalid, "but not 0.1 %");
    }

    #[test]
    fn each_level_of_the_file_has_criteria_of_its_own() {
        let limits = DashboardSlo {
            load_percent: 50,
            p99_ms: Some(500),
            error_ratio: Some(0.01),
            timeout_ratio: Some(0.001),
        };
        for (name, outcome) in [
            ("dashboard_p99_at_50", Some(Outcome::Pass)),
            ("dashboard_error_ratio_at_50", Some(Outcome::Pass)),
            ("dashboard_timeout_ratio_at_50", Some(Outcome::Invalid)),
            ("dashboard_p99_at_100", None),
        ] {
            assert_eq!(outcome_of(&asked(limits), 400, name), outcome, "{name}");
        }
        let elsewhere = DashboardSlo { load_percent: 70, ..limits };
        let missing = outcome_of(&asked(elsewhere), 400, "dashboard_p99_at_70");
        assert_eq!(missing, Some(Outcome::Invalid), "a level that was not measured");
    }

    #[test]
    fn an_explicit_key_goes_before_the_limit_of_the_file_at_100() {
        let limits = DashboardSlo { load_percent: 100, p99_ms: Some(1), ..DashboardSlo::default() };
        let both = Terms { dashboard_p99_ms: Some(500.0), ..asked(limits) };
        assert_eq!(outcome_of(&both, 400, "dashboard_p99_at_100"), None, "left out");
        assert_eq!(outcome_of(&both, 400, "dashboard_p99"), Some(Outcome::Pass), "the key's");
        let quick = Terms { is_p99_only_shown: true, ..asked(limits) };
        assert_eq!(outcome_of(&quick, 150, "dashboard_p99_at_100"), None, "shown, not judged");
    }

    proptest! {
        #[test]
        fn a_stricter_limit_never_turns_a_fail_into_a_pass(
            strict_ms in 1.0_f64..200.0,
            slack_ms in 0.0_f64..200.0,
            queries in proptest::sample::select(&QUERIES[..]),
        ) {
            let (strict, lax) = (of_p99(strict_ms, queries), of_p99(strict_ms + slack_ms, queries));
            prop_assert!(lax != Outcome::Fail || strict != Outcome::Pass, "{lax} became {strict}");
            let (strict, lax) = (of_share(strict_ms / 400.0, queries), of_share(strict_ms / 200.0, queries));
            prop_assert!(lax != Outcome::Fail || strict != Outcome::Pass, "{lax} became {strict}");
        }

        #[test]
        fn fewer_queries_never_turn_invalid_into_a_pass(
            limit_ms in 119.5_f64..4000.0,
            limit_ratio in 0.0001_f64..0.2,
            position in 1_usize..6,
        ) {
            let (few, many) = (QUERIES[position - 1], QUERIES[position]);
            let is_lost = |many: Outcome, few: Outcome| many == Outcome::Invalid && few == Outcome::Pass;
            prop_assert!(!is_lost(of_p99(limit_ms, many), of_p99(limit_ms, few)), "p99");
            prop_assert!(!is_lost(of_share(limit_ratio, many), of_share(limit_ratio, few)), "share");
        }
    }
}
