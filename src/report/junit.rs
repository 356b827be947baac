//! The criteria of a run as a test report in the format of `JUnit`, which build servers show beside other tests.
//!
//! One test case a criterion: FAIL is a failure, INVALID an error. The same result is the same file, byte for byte.

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::criterion::{CriterionRecord, Outcome};
use super::figure::plain;
use super::schema::RunRecord;

/// The criteria of `run` as XML.
///
/// # Errors
/// When the text cannot be written.
pub fn junit(run: &RunRecord) -> Result<String, SerializeError> {
    let stamp = &run.run.stamp;
    let mut suite = TestSuite::new(plain(&stamp.id));
    suite.set_time(Duration::try_from_secs_f64(stamp.wall_s).unwrap_or_default());
    suite.add_properties([
        Property::new("outcome", run.outcome.name()),
        Property::new("seed", stamp.seed.to_string()),
        Property::new("target", plain(&run.target.url)),
        Property::new("finding", plain(&run.capacity.finding)),
    ]);
    suite.add_test_cases(run.criteria.iter().map(test_case));
    let mut report = Report::new("plimsoll");
    report.add_test_suite(suite);
    report.to_string()
}

fn test_case(criterion: &CriterionRecord) -> TestCase {
    let kind = match criterion.outcome {
        Outcome::Pass => None,
        Outcome::Fail => Some(NonSuccessKind::Failure),
        Outcome::Invalid => Some(NonSuccessKind::Error),
    };
    let figures = format!(
        "measured {}, limit {}, margin {}",
        criterion.shown_measured(),
        criterion.shown_limit(),
        criterion.shown_margin()
    );
    let reason = plain(&criterion.reason);
    let status = kind.map_or_else(TestCaseStatus::success, |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(criterion.outcome.name()).set_message(&reason).set_description(&figures);
        status
    });
    let mut case = TestCase::new(plain(&criterion.name), status);
    case.set_classname("plimsoll");
    if kind.is_none() {
        case.set_system_out(format!("{reason}; {figures}"));
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{capacity, run, terms};
    use crate::report::signoff::Terms;
    use crate::search::finding::Finding;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    fn sample() -> RunRecord {
        let terms = Terms {
            goal_rps: 500.0,
            dashboard_p99_ms: Some(500.0),
            dashboard_error_ratio: Some(0.001),
            ..terms()
        };
        run(capacity(Finding::Capacity, Some(400.0)), terms, 400)
    }

    #[test]
    fn each_criterion_is_a_case_and_fail_is_a_failure_and_invalid_an_error() {
        insta::assert_snapshot!(junit(&sample()).unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="plimsoll" tests="5" skipped="0" failures="1" errors="1">
            <testsuite name="20261123T151500Z-capacity" tests="5" skipped="0" errors="1" failures="1" time="200.000">
                <properties>
                    <property name="outcome" value="INVALID"/>
                    <property name="seed" value="42"/>
                    <property name="target" value="http://127.0.0.1:1234"/>
                    <property name="finding" value="capacity"/>
                </properties>
                <testcase name="finding" classname="plimsoll">
                    <system-out>capacity: the highest rate that was confirmed; measured 400/s, limit –, margin –</system-out>
                </testcase>
                <testcase name="goal" classname="plimsoll">
                    <failure message="400.0/s is 20.0 % below 500/s" type="FAIL">measured 400/s, limit 500/s, margin -20.0 %</failure>
                </testcase>
                <testcase name="levels" classname="plimsoll">
                    <system-out>all were measured; measured 4, limit 4, margin +0.0 %</system-out>
                </testcase>
                <testcase name="dashboard_p99" classname="plimsoll">
                    <system-out>the interval&apos;s upper end is 119 ms; measured 118 ms, limit 500 ms, margin +76.4 %</system-out>
                </testcase>
                <testcase name="dashboard_error_ratio" classname="plimsoll">
                    <error message="0 of 400 queries were not accepted; too few queries to show that the share is within the limit" type="INVALID">measured 0.000 %, limit 0.100 %, margin +100.0 %</error>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }

    proptest! {
        #[test]
        fn whatever_a_target_says_the_text_has_only_characters_of_xml(
            reason in "(\\PC|\\p{Cc}|[<>&\"'\u{fffe}\u{ffff}]){0,40}",
        ) {
            static RUN: LazyLock<RunRecord> = LazyLock::new(sample);
            let mut run = RUN.clone();
            run.criteria[0].reason.clone_from(&reason);
            run.criteria[1].reason = reason;
            let text = junit(&run).unwrap();
            let is_xml = |letter: char| {
                matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
                    || letter >= '\u{10000}'
            };
            prop_assert!(text.chars().all(is_xml), "{}", text);
            prop_assert_eq!(&text, &junit(&run).unwrap(), "the same result is the same file");
        }
    }
}
