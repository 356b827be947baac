//! The sign-off file: what it sets, what it judges, what is refused, and the files that a judged run leaves.
#![allow(clippy::disallowed_methods, reason = "waiting is held against the clock of the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::tool::{journal, latest, plimsoll, run, stderr};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plimsoll::report::artifacts::artifacts;
use plimsoll::report::schema::RunRecord;
use serde_json::Value;

fn write(folder: &Path, name: &str, text: &str) {
    fs::write(folder.join(name), text).unwrap();
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Exit code 2, nothing on stdout, one line on stderr that holds `needle`.
fn assert_refused(output: &Output, needle: &str) {
    assert_eq!(output.status.code(), Some(2), "{}", stderr(output));
    assert!(stderr(output).contains(needle), "does not say {needle}: {}", stderr(output));
    assert_eq!(stderr(output).lines().count(), 1, "{}", stderr(output));
    assert!(output.stdout.is_empty(), "stdout is for answers");
}

/// The value and origin of `key` as `plimsoll config` has it.
fn setting(folder: &Path, words: &[&str], key: &str) -> (String, String) {
    let output = run(folder, &[&["config", "--json"], words].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let settings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| settings[key][name].as_str().unwrap().to_owned();
    (text("value"), text("origin"))
}

/// A finished run in virtual time, as its folder `RUN` would hold it.
fn rehearsed(folder: &Path, words: &[&str]) -> Value {
    let output = run(folder, &[&["rehearse", "SEED=3", "--json"], words].concat());
    let result: Value = serde_json::from_slice(&output.stdout).expect("a result");
    fs::create_dir_all(folder.join("RUN")).unwrap();
    fs::write(folder.join("RUN/result.json"), &output.stdout).unwrap();
    result
}

fn criterion<'a>(judged: &'a Value, name: &str) -> &'a Value {
    let criteria = judged["criteria"].as_array().unwrap();
    criteria.iter().find(|criterion| criterion["name"] == name).unwrap_or(&Value::Null)
}

#[test]
fn values_of_the_file_set_their_keys_below_everything_that_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let slo = "[goal]\nindex_rps = 120.5\n[index]\np99_ms = 250\ntimeout_ms = 4000";
    write(folder.path(), "slo.toml", slo);
    let slo = ["SLO=slo.toml"];
    let of = |words: &[&str], key| setting(folder.path(), &[&slo, words].concat(), key);
    let is = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(of(&[], "GOAL_RPS"), is("120.5", "slo"), "the file's");
    assert_eq!(of(&[], "TIMEOUT_MS"), is("4000", "slo"), "the file's");
    assert_eq!(of(&[], "ERROR_RATIO"), is("0.001", "default"), "it says nothing of it");
    assert_eq!(of(&["P99_MS=300"], "P99_MS"), is("300", "word"), "a word is above");
    write(folder.path(), "plimsoll.toml", "p99_ms = 400\nslo = \"slo.toml\"");
    assert_eq!(of(&[], "P99_MS"), is("400", "file"), "and so is a line of plimsoll.toml");
    let by_file = setting(folder.path(), &[], "GOAL_RPS");
    assert_eq!(by_file, is("120.5", "slo"), "which may name the sign-off file itself");
    assert_eq!(setting(folder.path(), &["SLO=none"], "GOAL_RPS"), is("200", "default"), "none");
}

#[test]
fn a_sign_off_file_that_cannot_be_used_is_refused_before_any_load() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "key.toml", "[index]\np99 = 5");
    write(folder.path(), "level.toml", "[dashboard.\"150%\"]\np99_ms = 900");
    write(folder.path(), "over.toml", "[overload]\nrecovery_s = 30");
    write(folder.path(), "slow.toml", "[dashboard.\"100%\"]\np99_ms = 40000");
    write(folder.path(), "tight.toml", "[index]\np99_ms = 9000");
    for (words, needle) in [
        (&["SLO=nowhere.toml"][..], "the sign-off file `nowhere.toml` cannot be read"),
        (&["SLO=."], "cannot be read"),
        (
            &["SLO=key.toml"],
            "key.toml, line 2: unknown key in [index] `p99`; did you mean `p99_ms`?",
        ),
        (&["SLO=level.toml"], "150 %, which is not among LEVELS=0,50,100,120; add it to LEVELS"),
        (&["SLO=over.toml", "LEVELS=none"], "120 %, which is not among LEVELS=none"),
        (&["SLO=slow.toml"], "DASHBOARD_TIMEOUT_MS=30000 is below p99_ms"),
        (&["SLO=tight.toml"], "TIMEOUT_MS=5000 must be at least P99_MS=9000"),
    ] {
        assert_refused(&run(folder.path(), &[&["capacity"], words].concat()), needle);
    }
    assert_refused(&run(folder.path(), &["load", "RPS=5", "SLO=key.toml"]), "`capacity`");
}

#[test]
fn a_run_is_searched_and_judged_by_its_sign_off_file_and_records_it() {
    let folder = tempfile::tempdir().unwrap();
    let slo = "[goal]\nindex_rps = 100\n[dashboard.\"100%\"]\np99_ms = 900\nerror_ratio = 0.05\n\
               [overload]\nmin_goodput_ratio = 0.8\nrecovery_s = 60";
    write(folder.path(), "slo.toml", slo);
    let result = rehearsed(folder.path(), &["PRESET=quick", "SLO=slo.toml"]);
    assert_eq!(result["slo"]["goal"]["index_rps"], 100.0, "{}", result["slo"]);
    assert_eq!(criterion(&result, "goal")["limit"], 100.0, "the file's goal");
    assert!(criterion(&result, "goal")["margin"].as_f64().unwrap() > 2.0, "about 390 of 100");
    assert_eq!(criterion(&result, "dashboard_error_ratio_at_100")["outcome"], "PASS", "judged");
    assert_eq!(criterion(&result, "overload_recovery")["outcome"], "PASS", "judged");
    assert!(criterion(&result, "dashboard_p99_at_100").is_null(), "100 queries: only shown");
    let judged = run(folder.path(), &["signoff", "RUN", "--slo", "slo.toml", "--json"]);
    let judged: Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert_eq!(judged["criteria"], result["criteria"], "judging again comes to the same");
    assert_eq!(judged["outcome"], result["outcome"], "and so does the whole");
    let told = judged["cautions"].to_string();
    assert!(told.contains("sign-off file are left out; use PRESET=standard"), "{told}");
}

#[test]
fn sign_off_judges_without_touching_the_result() {
    let folder = tempfile::tempdir().unwrap();
    rehearsed(folder.path(), &["PRESET=quick"]);
    let before = fs::read(folder.path().join("RUN/result.json")).unwrap();
    write(folder.path(), "lax.toml", "[goal]\nindex_rps = 100");
    write(folder.path(), "strict.toml", "[goal]\nindex_rps = 1000");
    write(folder.path(), "other.toml", "[index]\np99_ms = 250");
    for (file, code, outcome, needle) in [
        ("lax.toml", 0, "PASS", "goal"),
        ("strict.toml", 1, "FAIL", "below 1000/s"),
        ("other.toml", 3, "INVALID", "`plimsoll rejudge RUN_DIR P99_MS=250`"),
    ] {
        for place in ["RUN", "RUN/result.json"] {
            let output = run(folder.path(), &["signoff", place, "--slo", file]);
            let text = stdout(&output);
            assert_eq!(output.status.code(), Some(code), "{file}: {text}{}", stderr(&output));
            assert!(text.contains(needle), "{file} does not say {needle}: {text}");
            assert!(text.contains(&format!("outcome    {outcome} (")), "{file}: {text}");
        }
    }
    assert_eq!(fs::read(folder.path().join("RUN/result.json")).unwrap(), before, "untouched");
    assert_eq!(fs::read_dir(folder.path().join("RUN")).unwrap().count(), 1, "nothing beside it");
}

#[test]
fn a_run_that_is_not_there_or_a_file_that_is_missing_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "slo.toml", "[goal]\nindex_rps = 1");
    write(folder.path(), "wrong.toml", "[goal]\nindex_rps = -1");
    fs::create_dir(folder.path().join("RUN")).unwrap();
    for (words, needle) in [
        (&["signoff", "RUN", "--slo", "slo.toml"][..], "result.json is not there"),
        (&["signoff", "RUN", "--slo", "wrong.toml"], "wrong.toml, line 2: index_rps"),
        (&["signoff", "RUN", "--slo", "gone.toml"], "`gone.toml` cannot be read"),
        (&["signoff", "RUN"], "give the sign-off file, as in --slo slo.toml"),
        (&["signoff", "--slo", "slo.toml"], "give the folder of a run"),
        (&["signoff"], "give the folder of a run"),
    ] {
        assert_refused(&run(folder.path(), words), needle);
    }
    write(folder.path(), "RUN/result.json", "{}");
    let damaged = run(folder.path(), &["signoff", "RUN", "--slo", "slo.toml"]);
    assert_refused(&damaged, "damaged or not a result");
}

/// What a build server sees of an XML file: cases, failures, errors, and the names of the cases.
const READ_JUNIT: &str = r"
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
cases = root.findall('./testsuite/testcase')
print(len(cases), sum(case.find('failure') is not None for case in cases),
      sum(case.find('error') is not None for case in cases), root.get('failures'), root.get('errors'))
print(' '.join(case.get('name') for case in cases))
";

#[test]
fn the_test_report_is_read_by_python_whatever_the_target_has_said() {
    if Command::new("python3").arg("--version").output().is_err() {
        let is_strict = std::env::var("STRICT").is_ok_and(|strict| strict == "1");
        assert!(!is_strict, "STRICT=1 and there is no python3");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let words = ["PRESET=quick", "GOAL_RPS=1000", "DASHBOARD_P99_MS=500"];
    let mut record: RunRecord =
        serde_json::from_value(rehearsed(folder.path(), &words)).expect("a result");
    let hostile = "\u{1b}[31m</testcase>\u{0}\u{8}\u{b}]]>&\"'<x\u{fffe}\u{ffff}\u{9b}\u{202e}";
    record.criteria[0].reason = hostile.to_owned();
    record.criteria[1].reason = format!("{hostile}\n{hostile}");
    record.target.url = hostile.to_owned();
    for artifact in artifacts(&record).map(Result::unwrap) {
        write(folder.path(), artifact.name, &artifact.text);
    }
    let file = folder.path().join("junit.xml");
    let read = Command::new("python3").args(["-c", READ_JUNIT]).arg(&file).output().unwrap();
    assert!(read.status.success(), "{}", stderr(&read));
    let of =
        |outcome: &str| record.criteria.iter().filter(|one| one.outcome.name() == outcome).count();
    let (cases, failed, invalid) = (record.criteria.len(), of("FAIL"), of("INVALID"));
    assert!(failed > 0 && invalid > 0, "both are there: {:?}", record.criteria);
    let names: Vec<&str> = record.criteria.iter().map(|one| one.name.as_str()).collect();
    let expected = format!("{cases} {failed} {invalid} {failed} {invalid}\n{}\n", names.join(" "));
    assert_eq!(stdout(&read), expected, "one case a criterion");
    let summary = fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(!summary.contains(['<', '\u{1b}', '\u{202e}']), "{summary}");
}

/// A run that is stopped once it has measured something; the summary goes to `step` as well.
fn stopped(folder: &Path, words: &[&str], step: &str) -> Output {
    let lines = journal(folder).len();
    let mut command = plimsoll(folder, words);
    let child = command.env("GITHUB_STEP_SUMMARY", folder.join(step)).spawn().unwrap();
    let begun = Instant::now();
    while journal(folder).len() < lines + 3 && begun.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(50));
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}{}", stdout(&output), stderr(&output));
    output
}

#[test]
fn a_broken_run_goes_on_under_its_sign_off_file_and_tells_the_workflow() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "slo.toml", "[goal]\nindex_rps = 20\n[overload]\nrecovery_s = 30");
    write(folder.path(), "step.md", "before");
    let words = ["capacity", "PRESET=quick", "WORKERS=2", "SERVICE_MS=5", "SLO=slo.toml"];
    stopped(folder.path(), &words, "step.md");
    let run_dir = folder.path().join("results/latest");
    let summary = fs::read_to_string(run_dir.join("summary.md")).unwrap();
    let step = fs::read_to_string(folder.path().join("step.md")).unwrap();
    assert_eq!(step, format!("before\n{summary}\n"), "appended, once");
    assert!(summary.starts_with("## Plimsoll: INVALID\n"), "{summary}");
    assert!(run_dir.join("junit.xml").is_file(), "beside the result");

    write(folder.path(), "slo.toml", "[goal]\nindex_rps = 99999");
    let resumed = ["capacity", "--resume", "results/latest"];
    let output = stopped(folder.path(), &resumed, "no/such/step.md");
    assert!(stderr(&output).contains("caution: the summary could not be added"), "told, no more");
    let result = latest(folder.path());
    assert_eq!(result["slo"]["goal"]["index_rps"], 20.0, "as the file was then");
    assert_eq!(criterion(&result, "goal")["limit"], 20.0, "and so is the goal");
    let judged = run(folder.path(), &["signoff", "results/latest", "--slo", "slo.toml"]);
    assert_eq!(judged.status.code(), Some(3), "an interrupted run stays INVALID");
}

#[test]
fn a_baseline_is_read_where_a_run_is_measured_or_signed_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "slo.toml", "[regression]\nbaseline = \"gone/result.json\"");
    let slo = "SLO=slo.toml";
    let told = "[regression] of slo.toml: gone/result.json";
    assert_refused(&run(folder.path(), &["capacity", "PRESET=quick", slo]), told);
    assert_eq!(setting(folder.path(), &[slo], "SLO").0, "slo.toml", "config needs none");
    rehearsed(folder.path(), &["PRESET=quick", slo]);
    assert_refused(&run(folder.path(), &["signoff", "RUN", "--slo", "slo.toml"]), told);
}
