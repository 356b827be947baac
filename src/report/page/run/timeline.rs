//! The whole run along the clock: response times as a heat map, rates second by second.

use super::heat;
use super::words::{objective_mark, percent, tone};
use crate::report::page::PageError;
use crate::report::page::axis::Axis;
use crate::report::page::chart::{Chart, Mark, Series, Side};
use crate::report::page::document::{Block, Section};
use crate::report::page::look::{Shape, Tone};
use crate::report::record::TrialRecord;
use crate::report::schema::RunRecord;
use crate::report::stream::SecondRecord;
use crate::trial::Workload;
use crate::units::{round_to_usize, usize_to_u64};

/// Points of a line along the clock, at most about.
const POINTS_MAX: f64 = 900.0;
/// A trial shorter than this share of the run has no room for its name.
const NAMED_RATIO: f64 = 0.05;

const OFFERED: &str = "offered";
const FAILED: &str = "failed";
const NO_SECONDS: &str = "No second of this workload was measured.";

/// When the last trial ended, in seconds since the run began.
fn end_s(run: &RunRecord) -> f64 {
    run.trials.iter().map(trial_end_s).fold(1.0, f64::max)
}

fn trial_begin_s(trial: &TrialRecord) -> f64 {
    trial.started_s + trial.warmup_s
}

fn trial_end_s(trial: &TrialRecord) -> f64 {
    trial_begin_s(trial) + trial.measure_s + trial.drained_s
}

fn clock(run: &RunRecord) -> Axis {
    Axis { high: Some(end_s(run)), ..Axis::clock("time since the run began, min:s") }
}

/// Response times over the whole run.
pub(super) fn heat(run: &RunRecord) -> Result<Section, PageError> {
    let lead = "Every response of the run by the moment of its answer: the darker a field, the greater its \
                share of that moment's responses. Gaps are warm-ups, recoveries and pauses.";
    let mut section = Section::new("heat", "Response times over time", "Heat map", lead);
    let charts = [
        (Workload::Index, "heat-index", "Indexing", objective_mark(run)),
        (Workload::Dashboard, "heat-dashboard", "Dashboard queries", None),
    ];
    for (workload, id, title, objective) in charts {
        let Some(cells) = heat::cells(&run.trials, workload, end_s(run)) else {
            section.blocks.push(Block::missing(why_no_heat(run, workload)));
            continue;
        };
        let mut chart =
            Chart::new(id, title, clock(run), Axis::log("response time, ms"), Vec::new());
        chart.cells = Some(cells);
        chart.is_zoomed = true;
        chart.marks.extend(objective);
        chart.marks.extend(level_lines(run));
        section.blocks.push(Block::chart(&chart, "", NO_SECONDS)?);
    }
    Ok(section)
}

fn why_no_heat(run: &RunRecord, workload: Workload) -> String {
    let mut streams = run.trials.iter().filter_map(|trial| trial.stream(workload));
    let what = match workload {
        Workload::Index => "indexing",
        Workload::Dashboard => "the dashboard",
    };
    if streams.any(|stream| stream.response_ms.samples > 0) {
        format!(
            "There is no heat map of {what}: this result was written in version {} of the format, whose \
             seconds have no histograms.",
            run.schema_version
        )
    } else {
        format!("There is no heat map of {what}: nothing was answered in any trial.")
    }
}

/// Where each level begins.
fn level_lines(run: &RunRecord) -> impl Iterator<Item = Mark> {
    run.levels.iter().filter_map(|level| {
        let trial = run.trials.iter().find(|trial| trial.id == level.trial)?;
        let label = format!("{} %", level.load_percent);
        let from = trial_begin_s(trial);
        Some(Mark { side: Side::X, from, to: None, label, tone: Tone::Soft })
    })
}

/// Rates over the whole run.
pub(super) fn rates(run: &RunRecord) -> Result<Section, PageError> {
    let lead = "What was offered, what was accepted, and what ended in any other way, second by second. The \
                shade behind a trial is its verdict: green sustained, orange overloaded, grey void, yellow undecided, \
                as what offers no documents always is.";
    let mut section = Section::new("rates", "Rates over time", "Rates", lead);
    let charts = [
        (Workload::Index, "rates-index", "Indexing", "documents/s", 330),
        (Workload::Dashboard, "rates-dashboard", "Dashboard queries", "queries/s", 220),
    ];
    for (workload, id, title, unit, height_px) in charts {
        let bin_s = (seconds_of(run, workload) / POINTS_MAX).ceil().max(1.0);
        let mut chart =
            Chart::new(id, title, clock(run), Axis::linear(unit), lines(run, workload, bin_s));
        chart.marks = trial_bands(run, workload);
        chart.is_zoomed = true;
        chart.height_px = height_px;
        let note =
            if bin_s > 1.0 { format!("Means of {bin_s:.0} seconds each.") } else { String::new() };
        section.blocks.push(Block::chart(&chart, note, NO_SECONDS)?);
    }
    Ok(section)
}

fn seconds_of(run: &RunRecord, workload: Workload) -> f64 {
    let streams = run.trials.iter().filter_map(|trial| trial.stream(workload));
    usize_to_u64(streams.map(|stream| stream.seconds.len()).sum()) as f64
}

/// What a line counts in a second.
type Count = fn(&SecondRecord) -> u64;

fn lines(run: &RunRecord, workload: Workload, bin_s: f64) -> Vec<Series> {
    let kinds: [(&str, Tone, Count); 3] = [
        (OFFERED, Tone::Soft, |second| second.offered),
        ("accepted", Tone::First, |second| second.accepted),
        (FAILED, Tone::Bad, |second| second.failed),
    ];
    let series = kinds.into_iter().map(|(label, tone, counted)| {
        let mut points = Vec::new();
        for trial in &run.trials {
            let seconds = trial.stream(workload).map_or(&[][..], |stream| &stream.seconds);
            let shown = shown(seconds, trial.measure_s, label);
            for chunk in shown.chunks(round_to_usize(bin_s).max(1)) {
                let Some(first) = chunk.first() else { continue };
                let sum: u64 = chunk.iter().map(counted).sum();
                let mean = sum as f64 / usize_to_u64(chunk.len()) as f64;
                points.push((trial_begin_s(trial) + first.t_s as f64, Some(mean)));
            }
            // The last second lasts until its end, and nothing leads to the next trial.
            let end_s = trial_begin_s(trial) + usize_to_u64(shown.len()) as f64;
            if !shown.is_empty() {
                points.extend(points.last().copied().map(|(_, last)| (end_s - 0.01, last)));
                points.push((end_s, None));
            }
        }
        Series::new(label, tone, Shape::Steps, points)
    });
    series.collect()
}

/// The seconds of a trial that a line shows.
///
/// A second that the measured part ends in is no whole second of load. Nothing failed is the usual case: a line
/// along the axis would only hide it.
fn shown<'a>(seconds: &'a [SecondRecord], measure_s: f64, label: &str) -> &'a [SecondRecord] {
    let is_told = match label {
        FAILED => seconds.iter().any(|second| second.failed > 0),
        _ => true,
    };
    let whole = round_to_usize((measure_s + 0.01).floor()).max(1).min(seconds.len());
    let length = match label {
        // Time-outs end long after the load has.
        FAILED => seconds.iter().rposition(|second| second.failed > 0).map_or(0, |last| last + 1),
        _ => whole,
    };
    if is_told { seconds.get(..length).unwrap_or_default() } else { &[] }
}

/// Each trial as a band in the colour of its verdict.
fn trial_bands(run: &RunRecord, workload: Workload) -> Vec<Mark> {
    let whole_s = end_s(run);
    let with_stream = run.trials.iter().filter(|trial| trial.stream(workload).is_some());
    with_stream
        .map(|trial| {
            let (from, to) = (trial_begin_s(trial), trial_begin_s(trial) + trial.measure_s);
            let is_named = (to - from) / whole_s > NAMED_RATIO;
            let label = if is_named { band_name(trial) } else { String::new() };
            Mark { side: Side::X, from, to: Some(to), label, tone: tone(&trial.verdict) }
        })
        .collect()
}

fn band_name(trial: &TrialRecord) -> String {
    let level = trial.purpose.strip_prefix("level_").and_then(|text| text.parse::<f64>().ok());
    level.map_or_else(|| trial.purpose.replace('_', "-"), |load| percent(load / 100.0, 0))
}
