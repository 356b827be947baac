//! METRICS: what Prometheus reads while a run goes on, and the dashboard that shows it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::support::tool::{latest, plimsoll, run, stderr};
use crate::tools;
use serde_json::Value;

/// The text at `/metrics` of `address`; `None` when nobody is there any more.
fn scrape(address: &str) -> Option<String> {
    let mut socket = TcpStream::connect(address).ok()?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    Some(body.to_owned())
}

/// Runs the tool with METRICS at a free port, and scrapes it until it ends, so often that the last figures are seen.
fn scraped(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let mut command = plimsoll(folder, arguments);
    let mut child = command.arg("METRICS=127.0.0.1:0").spawn().expect("the tool starts");
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line =
        lines.find_map(|line| line.ok()?.strip_prefix("metrics: http://").map(str::to_owned));
    let address = line.expect("the address is told").trim_end_matches("/metrics").to_owned();
    // A full pipe would hold the tool up.
    let reader = thread::spawn(move || lines.for_each(drop));
    let mut scrapes = Vec::new();
    // A child that ended leaves nobody at its address.
    while let Some(text) = scrape(&address) {
        scrapes.push(text);
        thread::sleep(Duration::from_millis(50));
    }
    let output = child.wait_with_output().unwrap();
    reader.join().unwrap();
    assert!(output.status.code().is_some_and(|code| code != 70), "{:?}", output.status);
    scrapes
}

/// The sum over all samples of `name` that hold each of `labels`.
fn sum(text: &str, name: &str, labels: &[&str]) -> f64 {
    let samples = text.lines().filter(|line| {
        line.split(['{', ' ']).next() == Some(name) && labels.iter().all(|it| line.contains(it))
    });
    samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
}

/// The sum over all streams of `workload` in all trials.
fn measured(result: &Value, workload: &str, part: &str, ending: &str) -> f64 {
    let trials = result["trials"].as_array().unwrap().iter();
    let streams = trials.flat_map(|trial| trial["streams"].as_array().unwrap());
    let own = streams.filter(|stream| stream["workload"] == workload);
    own.map(|stream| stream[part][ending].as_f64().unwrap()).sum()
}

/// Names and labels of every sample.
fn exported(text: &str) -> BTreeSet<(String, String)> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let named = samples.flat_map(|line| {
        let series = line.rsplit_once(' ').unwrap().0;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let keys = labels.split(',').filter_map(|label| label.split_once('=')).map(|it| it.0);
        let keys: Vec<String> = keys.map(str::to_owned).chain([String::new()]).collect();
        keys.into_iter().map(move |key| (name.to_owned(), key))
    });
    named.collect()
}

fn assert_agrees(text: &str, result: &Value) {
    for workload in ["index", "dashboard"] {
        for part in ["warm_up", "measured"] {
            for ending in ["accepted", "refused", "timed_out", "broken", "unsent"] {
                let key = if part == "measured" { "counts" } else { part };
                let expected = measured(result, workload, key, ending);
                let labels = [workload, part, ending].map(|label| format!("\"{label}\""));
                let labels = labels.each_ref().map(String::as_str);
                for name in ["plimsoll_documents_total", "plimsoll_requests_total"] {
                    let found = sum(text, name, &labels);
                    assert!(
                        (found - expected).abs() <= 0.02 * expected,
                        "{name} {labels:?}: {found} scraped, {expected} in the result"
                    );
                }
            }
        }
        let scheduled = measured(result, workload, "counts", "scheduled");
        let label = format!("\"{workload}\"");
        let times = sum(text, "plimsoll_response_seconds_count", &[&label]);
        assert!((times - scheduled).abs() <= 0.02 * scheduled, "{times} of {scheduled}");
    }
    let trials = result["trials"].as_array().unwrap().len();
    let counted = sum(text, "plimsoll_trials_total", &[]);
    assert!((counted - trials as f64).abs() < 0.5, "{counted} of {trials} trials");
}

/// Each metric that an expression of the dashboard names, and each label that it matches or groups by.
fn named_by_dashboard() -> BTreeSet<(String, String)> {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/grafana.json"))
            .unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut named = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{} shows something", panel["title"]);
        for expression in targets.iter().map(|target| target["expr"].as_str().unwrap()) {
            let at = expression.find("plimsoll_").expect("every expression names a metric");
            let name: String = expression[at..].chars().take_while(|c| is_word(*c)).collect();
            let rest = &expression[at + name.len()..];
            let matched =
                rest.strip_prefix('{').and_then(|it| it.split_once('}')).map_or("", |it| it.0);
            let matched = matched.split(',').filter_map(|it| it.split(['=', '!']).next());
            let grouped = expression.split_once("by (").and_then(|it| it.1.split_once(')'));
            let grouped = grouped.map_or("", |it| it.0).split(',').map(str::trim);
            let labels = matched.chain(grouped).map(str::to_owned);
            named.extend(labels.chain([String::new()]).map(|label| (name.clone(), label)));
        }
    }
    named
}

fn promtool() -> Result<(), String> {
    let is_there = || Command::new("promtool").arg("--version").output().is_ok();
    if !is_there() {
        tools::install("prometheus");
    }
    if is_there() { Ok(()) } else { Err("no promtool in PATH".to_owned()) }
}

#[test]
fn a_scraped_run_agrees_with_its_result_and_has_all_that_the_dashboard_shows() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["PRESET=quick", "LEVELS=50", "DASHBOARD_S=5", "SERVICE_MS=20", "SEED=3"];
    let arguments = [&["capacity"], &words[..]].concat();
    let scrapes = scraped(folder.path(), &arguments);
    let last = scrapes.last().expect("it was scraped");
    assert_agrees(last, &latest(folder.path()));
    let (named, exported) = (named_by_dashboard(), scrapes.iter().flat_map(|it| exported(it)));
    let exported: BTreeSet<_> = exported.collect();
    for series in &named {
        assert!(exported.contains(series), "{series:?} is not exported");
    }
    let shown: BTreeSet<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
    for (name, _) in &exported {
        let is_detail = ["plimsoll_requests_total", "plimsoll_response_seconds_sum"];
        let is_shown = shown.contains(name.as_str())
            || is_detail.contains(&name.as_str())
            || name == "plimsoll_response_seconds_count";
        assert!(is_shown, "{name} is exported and no panel shows it");
    }
    if tools::need("promtool is needed", promtool()).is_some() {
        let mut check = Command::new("promtool");
        check.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = check.stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(last.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    }
}

#[test]
fn an_address_that_cannot_be_had_is_refused_before_any_load() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let busy = format!("METRICS={}", taken.local_addr().unwrap());
    for (word, needle) in [
        ("METRICS=9464", "with a port"),
        ("METRICS=somewhere:1", "with a port"),
        ("METRICS=0.0.0.0:0", "ALLOW_REMOTE=true"),
        ("METRICS=[::]:0", "ALLOW_REMOTE=true"),
        (busy.as_str(), "in use"),
    ] {
        for command in [&["capacity", word][..], &["load", "RPS=5", word]] {
            let output = run(folder.path(), command);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
            assert!(said.contains("METRICS=") || said.contains("METRICS must"), "{said}");
            assert!(said.contains(needle), "{command:?} does not say {needle}: {said}");
        }
    }
    assert!(!folder.path().join("results").exists(), "nothing was begun");
}

#[test]
fn a_load_is_watched_too_and_a_quiet_one_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let scrapes = scraped(folder.path(), &["load", "RPS=100", "DURATION_S=3", "SERVICE_MS=5"]);
    let most = scrapes.iter().map(|text| sum(text, "plimsoll_documents_total", &["accepted"]));
    assert!(most.fold(0.0, f64::max) >= 100.0, "a second of it at least: {}", scrapes.len());
    assert!(
        scrapes.iter().any(|text| text.contains("plimsoll_offered_rps{workload=\"index\"} 100"))
    );
    let words = ["load", "RPS=50", "DURATION_S=1", "SERVICE_MS=5", "METRICS=127.0.0.1:0"];
    let quiet = run(folder.path(), &[&words[..], &["--quiet"]].concat());
    assert_eq!(stderr(&quiet), "", "no progress, no notes");
    assert!(!quiet.stdout.is_empty(), "the summary stays");
}
