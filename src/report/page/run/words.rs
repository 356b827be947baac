//! How a run's numbers and names are written on its page.

use crate::report::figure::{self, MISSING};
use crate::report::page::axis::grouped;
use crate::report::page::chart::{Mark, Side};
use crate::report::page::look::{Shape, Tone};
use crate::report::record::TrialRecord;
use crate::report::schema::{CapacityRecord, RUNNING, RunRecord};

/// A rate with one decimal, without its unit.
pub(super) fn rate(per_second: f64) -> String {
    grouped(per_second, 1)
}

/// A rate within a sentence: without a decimal where it is a whole number.
pub(super) fn short(per_second: f64) -> String {
    let exact = rate(per_second);
    exact.strip_suffix(".0").map_or(exact.clone(), str::to_owned)
}

/// A rate that may be missing.
pub(super) fn rate_or_dash(per_second: Option<f64>) -> String {
    per_second.map_or_else(|| MISSING.to_owned(), rate)
}

/// Milliseconds with three significant digits, without their unit.
pub(super) fn ms(span_ms: Option<f64>) -> String {
    match span_ms {
        Some(long_ms) if long_ms >= 999.5 => grouped(long_ms, 0),
        other => figure::ms(other),
    }
}

/// A count.
pub(super) fn count(number: u64) -> String {
    grouped(number as f64, 0)
}

/// A count that may be missing.
pub(super) fn count_or_dash(number: Option<u64>) -> String {
    number.map_or_else(|| MISSING.to_owned(), count)
}

/// A share as a percentage of up to `decimals` decimals.
pub(super) fn percent(ratio: f64, decimals: usize) -> String {
    format!("{} %", grouped(ratio * 100.0, decimals))
}

/// Seconds that may be missing.
pub(super) fn span_or_dash(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| MISSING.to_owned(), figure::span)
}

/// A text that may be missing.
pub(super) fn text_or_dash(text: Option<&String>) -> String {
    text.cloned().unwrap_or_else(|| MISSING.to_owned())
}

/// A setting that is a number.
pub(super) fn number(run: &RunRecord, key: &str) -> Option<f64> {
    run.setting(key)?.parse().ok().filter(|number: &f64| number.is_finite())
}

/// What a trial was for.
pub(super) fn purpose(trial: &TrialRecord) -> String {
    match trial.purpose.strip_prefix("level_") {
        Some(percent) => format!("{percent} % level"),
        None => trial.purpose.replace('_', "-"),
    }
}

/// A trial in one sentence, with what `more` adds.
pub(super) fn told(trial: &TrialRecord, more: &str) -> String {
    let offered = trial.offered_rps.map_or_else(
        || "without indexing".to_owned(),
        |offered_rps| format!("at {}/s", rate(offered_rps)),
    );
    let mut text = format!(
        "{}, {} {offered} for {}: {}",
        trial.id,
        purpose(trial),
        figure::span(trial.measure_s),
        trial.verdict
    );
    for reason in trial.reasons.iter().map(String::as_str).chain([more]) {
        if !reason.is_empty() {
            text = format!("{text}\n{reason}");
        }
    }
    text
}

/// The verdicts, with the colour and the shape that each has in every chart.
pub(super) const VERDICTS: [(&str, Tone, Shape); 4] = [
    ("sustained", Tone::Good, Shape::Dot),
    ("overloaded", Tone::Bad, Shape::Cross),
    ("void", Tone::Void, Shape::Square),
    ("undecided", Tone::Open, Shape::Kite),
];

/// The colour of a verdict.
pub(super) fn tone(verdict: &str) -> Tone {
    VERDICTS.iter().find(|(name, ..)| *name == verdict).map_or(Tone::Open, |(_, tone, _)| *tone)
}

/// The capacity and its interval, drawn into a chart; nothing where there is none.
pub(super) fn capacity_marks(capacity: &CapacityRecord, side: Side) -> Vec<Mark> {
    let Some(rps) = capacity.rps else { return Vec::new() };
    let band = capacity.low_rps.zip(capacity.high_rps).map(|(low_rps, high_rps)| Mark {
        side,
        from: low_rps,
        to: Some(high_rps),
        label: String::new(),
        tone: Tone::Answer,
    });
    let label = format!("capacity {}/s", rate(rps));
    let line = Mark { side, from: rps, to: None, label, tone: Tone::Answer };
    band.into_iter().chain([line]).collect()
}

/// The objective of indexing, drawn into a chart of response times.
pub(super) fn objective_mark(run: &RunRecord) -> Option<Mark> {
    let limit_ms = number(run, "P99_MS")?;
    let label = format!("objective: p99 within {} ms", short(limit_ms));
    Some(Mark { side: Side::Y, from: limit_ms, to: None, label, tone: Tone::Bad })
}

/// The answer in a few words, for the browser's tab.
pub(super) fn title(run: &RunRecord) -> String {
    let found = run.capacity.rps.map(|rps| format!("{} documents/s", rate(rps)));
    match (found, is_running(run)) {
        (Some(found), true) => format!("running: {found}"),
        (None, true) => "running: no capacity yet".to_owned(),
        (Some(found), false) => format!("{}: {found}", run.outcome),
        (None, false) => format!("{}: no capacity ({})", run.outcome, run.capacity.finding),
    }
}

/// Whether the page is one of a run under way.
pub(super) fn is_running(run: &RunRecord) -> bool {
    run.capacity.finding == RUNNING
}
