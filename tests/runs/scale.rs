//! `plimsoll scale`: its report in pure tests, its refusals, and one short run in earnest.

use std::fs;
use std::path::Path;

use crate::support::tool::{run, stderr};
use plimsoll::files::manifest::tool;
use plimsoll::report::scale::assemble::ScaleInputs;
use plimsoll::report::scale::page::scale_page;
use plimsoll::report::scale::table::scale_table;
use plimsoll::report::scale::{CountRecord, ScaleRecord, ScaleStamp};
use plimsoll::report::schema::Outcome;
use serde_json::Value;

/// A count with a capacity and an interval of 2 % on each side.
fn count(workers: u32, rps: f64) -> CountRecord {
    CountRecord {
        finding: Some("capacity".to_owned()),
        rps: Some(rps),
        low_rps: Some(rps * 0.98),
        high_rps: Some(rps * 1.02),
        fitted: true,
        outcome: Outcome::Pass,
        clean: Some(true),
        run: Some(format!("w{workers}")),
        ..CountRecord::unmeasured(workers)
    }
}

fn without(workers: u32, finding: &str, rps: Option<f64>) -> CountRecord {
    CountRecord {
        finding: Some(finding.to_owned()),
        rps,
        outcome: Outcome::Invalid,
        ..CountRecord::unmeasured(workers)
    }
}

fn record(counts: Vec<CountRecord>, goal_rps: f64, headroom_ratio: f64) -> ScaleRecord {
    ScaleRecord::assemble(ScaleInputs {
        tool: tool(),
        stamp: ScaleStamp {
            id: "made-up".to_owned(),
            started_utc: "2026-01-01T00:00:00Z".to_owned(),
            seed: 7,
            complete: counts.iter().all(|count| count.finding.is_some()),
        },
        goal_rps,
        headroom_ratio,
        counts,
    })
}

/// Five capacities near X = 250 N / (1 + 0.03 (N-1) + 0.002 N (N-1)), whose peak lies at 22 workers and 2172/s.
fn five() -> Vec<CountRecord> {
    [(1, 247.0), (2, 491.0), (4, 893.0), (8, 1520.0), (16, 2068.0)]
        .map(|(workers, rps)| count(workers, rps))
        .to_vec()
}

fn says(record: &ScaleRecord, needle: &str) -> bool {
    record.cautions.iter().any(|caution| caution.contains(needle))
}

#[test]
fn the_counts_become_a_table_with_its_law_its_peak_and_its_forecast() {
    let counts = five().into_iter().rev().collect();
    let text = scale_table(&record(counts, 1000.0, 0.2), "results/made-up");
    insta::assert_snapshot!(text, @r"
    workers  documents/s         interval  a worker     law   finding
          1        247.0    242.1 – 251.9     247.0   249.3  capacity
          2        491.0    481.2 – 500.8     245.5   483.2  capacity
          4        893.0    875.1 – 910.9     223.2   899.3  capacity
          8       1520.0  1489.6 – 1550.4     190.0  1517.9  capacity
         16       2068.0  2026.6 – 2109.4     129.2  2068.3  capacity

    law        contention 0.0278 ± 0.0043, coherency 0.00213 ± 0.00018, one worker 249.3 ± 3.4
               documents/s
    peak       2136 documents/s with about 21 workers, fewer beyond
    goal       1200 documents/s can be met: 8 workers measured, 1489.6/s and more
    forecast   6 workers for 1200 documents/s; at 95 % it takes at least 6, and 6 are enough
    outcome    PASS
    results    results/made-up
    ");
}

#[test]
fn a_goal_that_was_measured_needs_no_forecast() {
    let record = record(vec![count(1, 250.0), count(2, 480.0)], 300.0, 0.5);
    assert_eq!((record.goal.outcome, record.outcome), (Outcome::Pass, Outcome::Pass));
    assert_eq!(record.goal.measured_workers, Some(2), "470/s is more than 450/s");
    assert!(record.fit.is_none() && record.curve.is_empty(), "two counts have no law");
    assert!(says(&record, "2 of the counts"), "and that is said: {:?}", record.cautions);
}

#[test]
fn a_goal_above_the_peak_fails_and_one_far_out_is_not_decided() {
    let above = record(five(), 2500.0, 0.0);
    assert_eq!(above.outcome, Outcome::Fail, "{}", above.goal.reason);
    assert!(above.goal.reason.contains("at most"), "{}", above.goal.reason);
    let straight = [(1, 250.0), (2, 501.0), (4, 999.0), (8, 2001.0)];
    let straight = straight.map(|(workers, rps)| count(workers, rps)).to_vec();
    let far = record(straight.clone(), 25_000.0, 0.0);
    assert_eq!(far.outcome, Outcome::Invalid, "{}", far.goal.reason);
    assert!(says(&far, "more than twice the 8"), "{:?}", far.cautions);
    let near = record(straight, 3000.0, 0.0);
    assert_eq!(near.outcome, Outcome::Pass, "{}", near.goal.reason);
    assert_eq!(near.forecast.and_then(|forecast| forecast.workers), Some(12), "3000 / 250");
}

/// What scatters about a straight line has a peak by the law, somewhere far out.
#[test]
fn a_peak_far_from_what_was_measured_fails_no_goal() {
    let nearly_straight = || {
        [(1, 248.0), (2, 501.0), (4, 985.0), (8, 1925.0)]
            .map(|(workers, rps)| count(workers, rps))
            .to_vec()
    };
    for goal_rps in [9000.0, 15_000.0] {
        let far = record(nearly_straight(), goal_rps, 0.0);
        assert_eq!(far.goal.outcome, Outcome::Invalid, "{goal_rps}/s: {}", far.goal.reason);
        assert!(far.goal.reason.contains("too far"), "{goal_rps}/s: {}", far.goal.reason);
    }
}

/// Between the law's greatest value, at 1.4 workers, and what one or two reach.
#[test]
fn a_peak_between_two_numbers_of_workers_is_reached_by_none() {
    let law = |n: f64| 100.0 * n / (1.0 + 0.02 * (n - 1.0) + 0.5 * n * (n - 1.0));
    let counts = [1, 2, 3, 4].map(|workers| count(workers, law(f64::from(workers)))).to_vec();
    assert!(law(1.4) > 108.0 && law(1.0).max(law(2.0)) <= 100.0, "the peak lies between");
    let record = record(counts, 100.5, 0.0);
    assert!(record.goal.reason.contains("the law reaches at most 100/s"), "{}", record.goal.reason);
    assert_eq!(record.goal.outcome, Outcome::Fail, "no number of workers is enough");
}

#[test]
fn three_capacities_have_a_law_and_no_forecast() {
    let three = record(five().drain(..3).collect(), 5000.0, 0.0);
    assert!(three.fit.as_ref().is_some_and(|fit| fit.alpha_error.is_none()), "no errors");
    assert_eq!((three.forecast.clone(), three.outcome), (None, Outcome::Invalid));
    assert!(says(&three, "measure a fourth count"), "{:?}", three.cautions);
}

#[test]
fn only_a_confirmed_capacity_enters_the_law() {
    let mut counts = five();
    counts.push(without(32, "at_ceiling", Some(9000.0)));
    counts.push(without(64, "unconfirmed", None));
    counts.push(CountRecord::unmeasured(128));
    let with = record(counts, 500.0, 0.0);
    assert_eq!(with.fit, record(five(), 500.0, 0.0).fit, "the others change nothing");
    assert_eq!(with.outcome, Outcome::Invalid, "but not every count has a capacity");
    for needle in ["WORKERS=32 held CEILING_RPS", "WORKERS=64 has no capacity", "WORKERS=128 was"] {
        assert!(says(&with, needle), "{needle}: {:?}", with.cautions);
    }
}

#[test]
fn lost_documents_fail_whatever_else_can_be_said() {
    let mut counts = five();
    counts[1].clean = Some(false);
    counts[1].outcome = Outcome::Fail;
    counts[2] = without(4, "unconfirmed", None);
    assert_eq!(record(counts, 100.0, 0.0).outcome, Outcome::Fail, "documents are gone");
}

#[test]
fn a_record_reads_back_as_it_was_written() {
    let written = record(five(), 1000.0, 0.2);
    let text = serde_json::to_string(&written).unwrap();
    assert_eq!(serde_json::from_str::<ScaleRecord>(&text).unwrap(), written);
}

#[test]
fn the_page_has_the_curve_the_counts_and_every_caution() {
    let mut counts = five();
    counts.push(without(32, "at_ceiling", Some(9000.0)));
    let page = scale_page(&record(counts, 1000.0, 0.2)).unwrap();
    for needle in ["scaling-curve", "goal with headroom 1,200/s", "peak at 21", "w16", "INVALID"] {
        assert!(page.contains(needle), "{needle} is missing");
    }
    assert!(page.contains("WORKERS=32 held CEILING_RPS"), "the caution");
    let bare = scale_page(&record(vec![CountRecord::unmeasured(1)], 1000.0, 0.0)).unwrap();
    assert!(bare.contains("nothing to draw"), "a page without any rate says so");
}

#[test]
fn bad_lists_of_workers_and_running_targets_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&str, &[&str]); 9] = [
        ("`plimsoll capacity WORKERS=4`", &["WORKERS=4"]),
        ("names 2 twice", &["WORKERS=1,2,2"]),
        ("WORKERS must be", &["WORKERS=0,1"]),
        ("WORKERS must be", &["WORKERS=1,1025"]),
        ("WORKERS must be", &["WORKERS=1,,2"]),
        ("WORKERS must be", &["WORKERS=few"]),
        ("LAUNCH='… {workers} …", &["TARGET=http://127.0.0.1:9"]),
        ("BUDGET_S", &["PRESET=quick", "BUDGET_S=5"]),
        ("`load`", &["RPS=5"]),
    ];
    for (needle, words) in cases {
        let output = run(folder.path(), &[&["scale"], words].concat());
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {text}");
        assert!(text.contains(needle) && text.lines().count() <= 3, "{words:?}: {text}");
        assert!(!folder.path().join("results").exists(), "{words:?} left a folder");
    }
    let capacity = run(folder.path(), &["capacity", "WORKERS=1,2"]);
    assert_eq!(capacity.status.code(), Some(2), "a list is for `scale` alone");
}

/// Sleeping workers at moderate rates, so that the machine of the test matters little.
const SHORT: [&str; 6] =
    ["scale", "ENGINE=model", "SERVICE_MS=10", "WORKERS=1,2", "PRESET=quick", "GOAL_RPS=150"];

fn read(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn each_count_gets_a_run_of_its_own_and_all_of_them_one_record() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &[&SHORT[..], &["SEED=7", "--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("only JSON on stdout");
    let latest = fs::canonicalize(folder.path().join("results/latest")).unwrap();
    assert!(latest.ends_with("w2"), "the newest run: {}", latest.display());
    let set = latest.parent().unwrap();
    assert_eq!(printed, read(&set.join("scale.json")), "the same as in the file");
    for (place, workers) in [1_u32, 2].into_iter().enumerate() {
        let count = &printed["counts"][place];
        let rps = count["rps"].as_f64().expect("a capacity");
        let truth = f64::from(workers) * 100.0;
        assert!((rps / truth - 1.0).abs() < 0.10, "{rps}/s is not near {truth}/s");
        let result = read(&set.join(format!("w{workers}/result.json")));
        assert_eq!(result["capacity"]["rps"], count["rps"], "as its own run has it");
        assert_eq!(result["target"]["workers"], workers, "with its own workers");
        assert_eq!(result["settings"]["WORKERS"]["value"], workers.to_string(), "recorded");
        let told =
            run(folder.path(), &["explain", set.join(format!("w{workers}")).to_str().unwrap()]);
        assert_eq!(told.status.code(), Some(0), "every command reads it: {}", stderr(&told));
    }
    assert_eq!(printed["goal"]["measured_workers"], 2, "150/s need two workers of 100/s");
}
