//! How the capacity was found: every trial in its order, and response times against the rate.

use std::fmt::Write;

use super::words::{
    VERDICTS, capacity_marks, is_running, ms, objective_mark, purpose, rate_or_dash, short, told,
};
use crate::report::figure::span;
use crate::report::page::PageError;
use crate::report::page::axis::{Axis, clock};
use crate::report::page::chart::{Chart, Mark, Series, Side};
use crate::report::page::document::{Block, Cell, Column, Section, Table};
use crate::report::page::look::{Shape, Tone};
use crate::report::record::TrialRecord;
use crate::report::schema::RunRecord;
use crate::report::stream::StreamRecord;
use crate::trial::Workload;
use crate::units::usize_to_u64;

const NO_TRIAL: &str = "No trial was finished, so there is nothing to show of the search.";

/// The search as a staircase.
pub(super) fn staircase(run: &RunRecord) -> Result<Section, PageError> {
    let lead = "Every trial in its order, and what it said of its rate. The search climbs until a rate \
                breaks, halves the distance between what holds and what does not, tries the failing side \
                again, and lets a long soak confirm the answer.";
    let section = Section::new("search", "How the capacity was found", "Search", lead);
    let mut chart = Chart::new(
        "staircase",
        "Offered rate, trial by trial",
        Axis { low: Some(0.5), ..Axis::linear("trial, in order") },
        Axis::linear("offered documents/s"),
        stairs(run),
    );
    chart.x.high = Some(usize_to_u64(run.trials.len()) as f64 + 0.5);
    chart.marks = capacity_marks(&run.capacity, Side::Y);
    chart.marks.extend(goal_mark(run));
    chart.marks.extend(levels_mark(run));
    let mut note = "Point at a trial to read its reasons, or open the table.".to_owned();
    if chart.marks.iter().any(|mark| mark.to.is_some()) {
        note += " The blue band lies between the two ends of the capacity.";
    }
    let section = section.with(Block::chart(&chart, note, NO_TRIAL)?);
    if run.trials.is_empty() {
        return Ok(section);
    }
    Ok(section.with(Block::Table { table: trials_table(run) }))
}

/// The rates as a line, and the trials on it by their verdict.
fn stairs(run: &RunRecord) -> Vec<Series> {
    let at = |trial: &TrialRecord| trial.offered_rps.unwrap_or_default();
    let numbered = || (1_u32..).map(f64::from).zip(&run.trials);
    // Each step is as wide as a trial, with its mark in the middle.
    let mut path: Vec<_> =
        numbered().map(|(place, trial)| (place - 0.5, Some(at(trial)))).collect();
    path.extend(path.last().map(|(place, last)| (place + 1.0, *last)));
    let path = Series::new("order", Tone::Void, Shape::Steps, path);
    let kinds = VERDICTS.into_iter().map(|(verdict, tone, shape)| {
        let of_kind: Vec<(f64, &TrialRecord)> =
            numbered().filter(|(_, trial)| is_kind(trial, verdict)).collect();
        let points = of_kind.iter().map(|(place, trial)| (*place, Some(at(trial))));
        let hints = of_kind.iter().map(|(_, trial)| told(trial, ""));
        Series { hints: hints.collect(), ..Series::new(verdict, tone, shape, points.collect()) }
    });
    [path].into_iter().chain(kinds).collect()
}

/// What this version does not know is shown as undecided.
fn is_kind(trial: &TrialRecord, verdict: &str) -> bool {
    let is_known = VERDICTS.iter().any(|(name, ..)| *name == trial.verdict);
    trial.verdict == verdict || (!is_known && verdict == "undecided")
}

fn goal_mark(run: &RunRecord) -> Option<Mark> {
    let goal_rps = run.criteria.iter().find(|criterion| criterion.name == "goal")?.limit?;
    let label = format!("goal {}/s", short(goal_rps));
    Some(Mark { side: Side::Y, from: goal_rps, to: None, label, tone: Tone::Soft })
}

/// Where the search ends and the levels begin.
fn levels_mark(run: &RunRecord) -> Option<Mark> {
    let first = run.trials.iter().position(|trial| trial.purpose.starts_with("level_"))?;
    let from = usize_to_u64(first) as f64 + 0.5;
    Some(Mark { side: Side::X, from, to: None, label: "levels".to_owned(), tone: Tone::Soft })
}

fn trials_table(run: &RunRecord) -> Table {
    let head = [
        ("trial", Column::Word),
        ("purpose", Column::Word),
        ("at", Column::Number),
        ("length", Column::Number),
        ("offered/s", Column::Number),
        ("accepted/s", Column::Number),
        ("p50 ms", Column::Number),
        ("p99 ms", Column::Number),
        ("verdict", Column::Word),
        ("reasons", Column::Prose),
        ("answers", Column::Prose),
    ];
    let rows = run.trials.iter().map(|trial| {
        let index = trial.stream(Workload::Index);
        let times = index.map(|index| &index.response_ms);
        vec![
            trial.id.as_str().into(),
            purpose(trial).into(),
            clock(trial.started_s).into(),
            span(trial.measure_s).into(),
            rate_or_dash(trial.offered_rps).into(),
            rate_or_dash(index.and_then(|index| index.accepted_rps)).into(),
            ms(times.and_then(|times| times.p50)).into(),
            ms(times.and_then(|times| times.p99)).into(),
            Cell::verdict(&trial.verdict),
            trial.reasons.join("; ").into(),
            trial.streams.iter().map(answers).collect::<Vec<_>>().join("; ").into(),
        ]
    });
    Table::new(&format!("All {} trials with their reasons", run.trials.len()), &head)
        .folded()
        .rows(rows)
}

/// How a stream's requests ended, in words.
fn answers(stream: &StreamRecord) -> String {
    let mut text = format!("{}:", stream.workload);
    for (status, times) in stream.statuses.iter().chain(&stream.broken) {
        let _ = write!(text, " {status} × {times},");
    }
    for (what, times) in [("timed out", stream.counts.timed_out), ("unsent", stream.counts.unsent)]
    {
        if times > 0 {
            let _ = write!(text, " {what} × {times},");
        }
    }
    text.trim_end_matches([',', ':']).to_owned()
}

/// Response times against the rate.
pub(super) fn latency(run: &RunRecord) -> Result<Section, PageError> {
    let lead = "What callers of the index feel at each rate: from when a request was due to the last byte \
                of its answer. Where the points bend upwards is the knee.";
    let section = Section::new("latency", "Response time against offered rate", "Latency", lead);
    let mut chart = Chart::new(
        "latency",
        "Response time of indexing, every trial",
        Axis::linear("offered documents/s"),
        Axis::log("response time, ms"),
        points(run),
    );
    chart.marks = capacity_marks(&run.capacity, Side::X);
    chart.marks.extend(objective_mark(run));
    let mut note =
        "Filled where the rate was sustained, empty where it was not. Each trial has one point \
                    at its median and one at its p99, where its samples carry one."
            .to_owned();
    if run.capacity.rps.is_none() {
        note += if is_running(run) {
            " No capacity is confirmed yet, so none is drawn in."
        } else {
            " No capacity was confirmed, so none is drawn in."
        };
    }
    let missing = "No trial offered documents, so there is no response time to show.";
    Ok(section.with(Block::chart(&chart, note, missing)?))
}

fn points(run: &RunRecord) -> Vec<Series> {
    let kinds = [
        ("p50, sustained", true, Tone::Second, Shape::Dot, 0.5),
        ("p50, otherwise", false, Tone::Second, Shape::Ring, 0.5),
        ("p99, sustained", true, Tone::First, Shape::Diamond, 0.99),
        ("p99, otherwise", false, Tone::First, Shape::Kite, 0.99),
    ];
    let series = kinds.into_iter().map(|(label, is_sustained, tone, shape, quantile)| {
        let mut found: Vec<(f64, f64, String)> = run
            .trials
            .iter()
            .filter(|trial| (trial.verdict == "sustained") == is_sustained)
            .filter_map(|trial| {
                let times = &trial.stream(Workload::Index)?.response_ms;
                let shown_ms = if quantile > 0.9 { times.p99? } else { times.p50? };
                let more = format!("p50 {} ms, p99 {} ms", ms(times.p50), ms(times.p99));
                Some((trial.offered_rps?, shown_ms, told(trial, &more)))
            })
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let points = found.iter().map(|(rps, shown_ms, _)| (*rps, Some(*shown_ms))).collect();
        let hints = found.into_iter().map(|(_, _, hint)| hint).collect();
        Series { hints, ..Series::new(label, tone, shape, points) }
    });
    series.collect()
}
