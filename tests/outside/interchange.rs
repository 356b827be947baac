//! Histograms of results mean the same in Rust, Python and JavaScript.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use plimsoll::report::schema::RunRecord;
use plimsoll::report::stream::StreamRecord;
use plimsoll::report::times::PercentilesRecord;
use plimsoll::units::round_to_u64;
use serde_json::{Value, json};

use crate::{python, tools};

const QUANTILES: [f64; 3] = [0.5, 0.99, 0.999];
/// Samples, p50, p99, p99.9 and the greatest time in microseconds; null without samples.
type Figures = [Option<u64>; 5];

/// One distribution of a stream, what the result says of it in words, and its seconds where it has some.
struct Group {
    name: String,
    told: PercentilesRecord,
    whole: String,
    parts: Vec<String>,
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interchange")
}

fn groups_of(place: &Path) -> Vec<Group> {
    let run = plimsoll::files::result_file::read(place).expect("a result");
    let RunRecord { trials, levels, .. } = run;
    // Levels show the streams of their trials once more.
    for level in levels {
        let trial = trials.iter().find(|trial| trial.id == level.trial).expect("its trial");
        let shown: Vec<_> = level.index.into_iter().chain([level.dashboard]).collect();
        assert_eq!(shown, trial.streams, "level {} %", level.load_percent);
    }
    let streams = trials.into_iter().flat_map(|trial| {
        let name = trial.id;
        trial.streams.into_iter().map(move |stream| (name.clone(), stream))
    });
    streams.flat_map(|(name, stream)| groups_of_stream(&name, stream)).collect()
}

fn groups_of_stream(name: &str, stream: StreamRecord) -> [Group; 4] {
    let parts: Vec<String> = stream.seconds.into_iter().filter_map(|second| second.hdr).collect();
    assert_eq!(parts.is_empty(), stream.response_ms.samples == 0, "{name}: seconds have theirs");
    let name = |clock| format!("{name}, {}, {clock}", stream.workload);
    let group = |clock, told, whole, parts| Group { name: name(clock), told, whole, parts };
    [
        group("response", stream.response_ms, stream.hdr.response, parts),
        group("service", stream.service_ms, stream.hdr.service, Vec::new()),
        group("waiting", stream.waiting_ms, stream.hdr.waiting, Vec::new()),
        group("lateness", stream.lateness_ms, stream.hdr.lateness, Vec::new()),
    ]
}

/// All groups of the sample and of a run that the tool has just rehearsed.
fn groups() -> &'static Vec<Group> {
    static GROUPS: OnceLock<Vec<Group>> = OnceLock::new();
    GROUPS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/sample");
        let runs = [sample, python::rehearsed(folder.path())];
        runs.iter().flat_map(|run| groups_of(run)).collect()
    })
}

fn decoded(text: &str) -> Histogram<u64> {
    let bytes = STANDARD.decode(text).expect("base64");
    Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram")
}

fn together(parts: &[String]) -> Histogram<u64> {
    let mut sum = Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap();
    for part in parts {
        sum.add(decoded(part)).expect("seconds share their bounds");
    }
    sum
}

fn figures(histogram: &Histogram<u64>) -> Figures {
    let some = |value| (!histogram.is_empty()).then_some(value);
    let [p50, p99, p999] = QUANTILES.map(|q| some(histogram.value_at_quantile(q)));
    [Some(histogram.len()), p50, p99, p999, some(histogram.max())]
}

/// The figures of the whole, of each part and of all parts together.
fn answer(group: &Group) -> Vec<Figures> {
    let mut answer = vec![figures(&decoded(&group.whole))];
    answer.extend(group.parts.iter().map(|part| figures(&decoded(part))));
    answer.push(figures(&together(&group.parts)));
    answer
}

/// What a program in another language says of the same texts.
fn asked(command: &mut Command, groups: &[Group]) -> Vec<Vec<Figures>> {
    let question: Vec<Value> =
        groups.iter().map(|group| json!({"whole": group.whole, "parts": group.parts})).collect();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // It reads everything before it says anything.
    let mut input = child.stdin.take().unwrap();
    let written = input.write_all(serde_json::to_string(&question).unwrap().as_bytes());
    drop(input);
    let output = child.wait_with_output().unwrap();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(written.is_ok() && output.status.success(), "{wrong}");
    serde_json::from_slice(&output.stdout).expect("figures")
}

fn assert_all_agree(language: &str, answers: &[Vec<Figures>]) {
    assert_eq!(answers.len(), groups().len(), "{language} answers every group");
    for (group, theirs) in groups().iter().zip(answers) {
        assert_eq!(theirs, &answer(group), "{}: {language} and Rust", group.name);
    }
}

#[test]
fn a_histogram_says_what_the_percentiles_of_the_result_say() {
    for Group { name, told, whole, .. } in groups() {
        let histogram = decoded(whole);
        let samples = histogram.len();
        assert_eq!(samples, told.samples, "{name}: samples");
        for (quantile, told_ms) in QUANTILES.into_iter().zip([told.p50, told.p99, told.p999]) {
            let carried = samples as f64 * (1.0 - quantile) >= 1.0 - 1e-9;
            let found_us = carried.then(|| histogram.value_at_quantile(quantile));
            let told_us = told_ms.map(|ms| round_to_u64(ms * 1000.0));
            assert_eq!(found_us, told_us, "{name}: {quantile}");
        }
        let told_us = told.max.map(|ms| round_to_u64(ms * 1000.0));
        assert_eq!((samples > 0).then(|| histogram.max()), told_us, "{name}: the greatest");
    }
}

#[test]
fn the_histograms_of_all_seconds_add_up_to_that_of_the_stream() {
    let with_seconds = groups().iter().filter(|group| !group.parts.is_empty());
    assert!(with_seconds.clone().count() > 30, "both runs have streams with seconds");
    for Group { name, whole, parts, .. } in with_seconds {
        assert_eq!(together(parts), decoded(whole), "{name}: every bucket");
    }
}

#[test]
fn python_reads_the_same_out_of_every_histogram() {
    let python = tools::need("python3 with venv and pip is needed", python::python());
    let Some(python) = python else { return };
    let answers = asked(Command::new(python).arg(sources().join("figures.py")), groups());
    assert_all_agree("Python", &answers);
}

#[test]
fn javascript_reads_the_same_out_of_every_histogram() {
    let Some(folder) = tools::need("node and npm are needed", javascript()) else { return };
    let answers = asked(Command::new("node").arg(folder.join("figures.mjs")), groups());
    assert_all_agree("JavaScript", &answers);
}

/// The folder with the script and its package, installed beside the build once.
fn javascript() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("interchange");
    fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "package-lock.json", "figures.mjs"] {
        fs::copy(sources().join(name), folder.join(name)).unwrap();
    }
    tools::npm(&folder)?;
    Ok(folder)
}
