//! Two runs held against each other: that equal builds are left alone and a slower one is found, and the command.

use std::fs;
use std::path::Path;
use std::thread;

use crate::support::search::{plain, plan, search};
use crate::support::tool::{run, stderr};
use plimsoll::campaign::plan::CampaignPlan;
use plimsoll::campaign::presets::Preset;
use plimsoll::report::compare::{Change, CompareTerms, judge};
use plimsoll::seed::Seed;
use plimsoll::sim::plan::ServiceLaw;
use plimsoll::units::Rps;
use serde_json::Value;

/// Searches of each run, as in the large series of `just prove`.
const REPEATS: u32 = 8;
/// Pairs of each kind.
const PAIRS: u64 = 10;

fn rates(service_ms: f64, seed: Seed) -> Vec<f64> {
    let budget_s = Preset::Quick.effort().budget_of_s(REPEATS);
    let plan = CampaignPlan { repeats: REPEATS, budget_s, ..plan(Preset::Quick, seed.0) };
    let found = search(plan, &plain(4, service_ms, ServiceLaw::LogNormal(0.5)));
    found.outcome.repeats.iter().map(|one| one.rps.map_or(0.0, Rps::get)).collect()
}

#[test]
fn the_same_build_is_left_alone_and_one_a_tenth_slower_is_found() {
    let pair = |number: u64| {
        let seed = |name| Seed(number).named(name);
        let baseline = rates(17.4, seed("baseline"));
        let judged = |rates: &[f64]| judge(&baseline, rates, &CompareTerms::default(), seed("c"));
        let again = judged(&rates(17.4, seed("again")));
        let slower = judged(&rates(17.4 * 1.1, seed("slower")));
        (again.change, slower.change)
    };
    let (even, odd) = thread::scope(|scope| {
        let odd = scope.spawn(|| (1..PAIRS).step_by(2).map(pair).collect::<Vec<_>>());
        let even: Vec<_> = (0..PAIRS).step_by(2).map(pair).collect();
        (even, odd.join().unwrap())
    });
    let changes: Vec<(Change, Change)> = even.into_iter().chain(odd).collect();
    let alarms = changes.iter().filter(|(again, _)| *again == Change::Worse).count();
    let found = changes.iter().filter(|(_, slower)| *slower == Change::Worse).count();
    assert!(alarms <= 1, "{alarms} false alarms of {PAIRS}: {changes:?}");
    assert!(found >= 9, "{found} found of {PAIRS}: {changes:?}");
}

/// A rehearsal's result as the file `name`.
fn rehearsed(folder: &Path, name: &str, words: &[&str]) {
    let mut arguments = vec!["rehearse", "--json", "PRESET=quick", "LEVELS=none", "GOAL_RPS=100"];
    arguments.extend(words);
    let output = run(folder, &arguments);
    assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
    fs::write(folder.join(name), &output.stdout).unwrap();
}

#[test]
fn the_exit_code_tells_a_regression_from_none_and_from_too_few_repeats() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path();
    for (name, words) in [
        ("before.json", ["REPEATS=4", "SERVICE_MS=20", "SEED=1"]),
        ("again.json", ["REPEATS=4", "SERVICE_MS=20", "SEED=2"]),
        ("slower.json", ["REPEATS=4", "SERVICE_MS=23", "SEED=3"]),
        ("once.json", ["REPEATS=1", "SERVICE_MS=23", "SEED=4"]),
        ("strict.json", ["REPEATS=1", "P99_MS=250", "SEED=5"]),
    ] {
        rehearsed(folder, name, &words);
    }
    let told = |run_name: &str| {
        let output = run(folder, &["compare", "before.json", run_name]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text + &stderr(&output))
    };
    for (name, code, needle) in [
        ("again.json", 0, "no worse"),
        ("slower.json", 1, "regression of more than 5 %"),
        ("once.json", 3, "not enough repeats"),
        ("strict.json", 2, "P99_MS was 1000 in the baseline and is 250 now"),
        ("nowhere", 2, "is not there"),
    ] {
        let (found, text) = told(name);
        assert_eq!(found, Some(code), "{name}: {text}");
        assert!(text.contains(needle), "{name} does not say {needle}: {text}");
    }
    assert!(
        told("slower.json").1.contains("SERVICE_MS was 20 in the baseline and is 23 now"),
        "so"
    );
    let output = run(folder, &["compare", "before.json", "slower.json", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["outcome"], "FAIL", "{json}");
    assert_eq!(json["baseline"]["repeats_rps"].as_array().unwrap().len(), 4, "{json}");
    assert!(json["capacity"]["high_ratio"].as_f64().unwrap() < 0.95, "{json}");
    let words = ["compare", "before.json", "slower.json", "--html", "page.html"];
    assert_eq!(run(folder, &words).status.code(), Some(1), "the page changes no exit code");
    let page = fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("a regression of more than 5 %"), "the page has the answer");
    let words = ["compare", "before.json", "slower.json", "--html", "nowhere/page.html"];
    let nowhere = run(folder, &words);
    assert_eq!(nowhere.status.code(), Some(5), "a page that cannot be written");
    let told = stderr(&nowhere);
    assert!(told.contains("--html") && !told.contains("OUT"), "with the cure that helps: {told}");
    std::os::unix::fs::symlink("page.html", folder.join("link.html")).unwrap();
    for odd in ["/dev/null", "link.html", "."] {
        let output = run(folder, &["compare", "before.json", "slower.json", "--html", odd]);
        assert_eq!(output.status.code(), Some(5), "{odd}: {}", stderr(&output));
        assert!(stderr(&output).contains("no regular file"), "{odd}: {}", stderr(&output));
    }
    let alone = run(folder, &["compare", "before.json"]);
    assert_eq!(alone.status.code(), Some(2), "one run is none to compare");
    assert!(stderr(&alone).contains("give two runs"), "{}", stderr(&alone));
}
