//! The main job from the command line to the result file, alone on the machine: nothing else is tested
//! beside it, so that the generator is not disturbed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support;

use serde_json::Value;
use support::tool::{journal, latest, run, stderr};

#[test]
fn a_quick_run_finds_the_capacity_of_the_example_api_and_measures_the_levels() {
    let folder = tempfile::tempdir().unwrap();
    let words = [
        "capacity",
        "ENGINE=model",
        "WORKERS=4",
        "PRESET=quick",
        "DASHBOARD_S=3",
        "SEED=7",
        "--json",
    ];
    let output = run(folder.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let result: Value = serde_json::from_slice(&output.stdout).expect("only JSON on stdout");
    assert_eq!(result, latest(folder.path()), "the same as in the file");
    let rps = result["capacity"]["rps"].as_f64().unwrap();
    assert!((rps / 400.0 - 1.0).abs() <= 0.06, "{rps}/s is not within 6 % of 400/s");
    assert_eq!(result["capacity"]["finding"], "capacity");
    assert_eq!(result["outcome"], "PASS");
    let levels = result["levels"].as_array().unwrap();
    let percents: Vec<u64> =
        levels.iter().map(|level| level["load_percent"].as_u64().unwrap()).collect();
    assert_eq!(percents, [0, 50, 100, 120], "four levels");
    for level in levels {
        assert_eq!(level["dashboard"]["counts"]["scheduled"], 15, "exactly 5/s for 3 s");
    }
    assert!(levels[0]["index"].is_null() && levels[3]["index"].is_object(), "indexing beside");
    let by = &result["capacity"]["confirmed_by"][0];
    let lines = journal(folder.path());
    let soak = lines.iter().find(|line| &line["id"] == by).expect("the soak is in the journal");
    assert_eq!((&soak["purpose"], &soak["verdict"]), (&"soak".into(), &"sustained".into()));
    assert_eq!(soak["offered_rps"], result["capacity"]["rps"], "at the very rate");
}
