//! The result as text for a person at a terminal.

use std::fmt::Write as _;

use super::caution::cautions;
use super::schema::{LevelRecord, RunRecord};
use super::signoff::Outcome;
use super::stream::{CountsRecord, PercentilesRecord, StreamRecord};

/// What stands where there is no figure.
const NONE: &str = "-";

/// The summary of a run whose results lie at `path`.
#[must_use]
pub fn summary(record: &RunRecord, path: &str) -> String {
    let mut text = String::new();
    headline(&mut text, record);
    if !record.levels.is_empty() {
        text.push('\n');
        text.push_str(&level_table(&record.levels));
        overload(&mut text, record);
    }
    text.push('\n');
    generator(&mut text, record);
    for caution in cautions(record) {
        line(&mut text, format_args!("caution    {caution}"));
    }
    text.push('\n');
    outcome(&mut text, record);
    line(&mut text, format_args!("results    {path}"));
    text
}

/// The table of one trial at a fixed rate.
#[must_use]
pub fn load_table(stream: &StreamRecord, verdict: &str, reasons: &[String]) -> String {
    let mut text = String::new();
    let counts = stream.counts;
    line(
        &mut text,
        format_args!(
            "offered    {:.1}/s {} for {} requests, accepted {}/s",
            stream.offered_rps,
            stream.arrivals,
            counts.scheduled,
            stream.accepted_rps.map_or_else(|| NONE.to_owned(), |rps| format!("{rps:.1}")),
        ),
    );
    line(&mut text, format_args!("endings    {}", endings(counts)));
    for (status, count) in &stream.statuses {
        line(&mut text, format_args!("status     {status}: {count}"));
    }
    for (kind, count) in &stream.broken {
        line(&mut text, format_args!("broken     {kind}: {count}"));
    }
    line(
        &mut text,
        format_args!(
            "opened     {} connections, {} requests resent",
            stream.connects, stream.resent
        ),
    );
    text.push('\n');
    let header = ["ms", "p50", "p75", "p90", "p95", "p99", "p99.9", "p99.99", "max", "samples"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (name, times) in [
        ("response", stream.response_ms),
        ("service", stream.service_ms),
        ("waiting", stream.waiting_ms),
        ("lateness", stream.lateness_ms),
    ] {
        rows.push(times_row(name, times));
    }
    text.push_str(&table(&rows));
    text.push('\n');
    line(&mut text, format_args!("verdict    {verdict}"));
    for reason in reasons {
        line(&mut text, format_args!("           {reason}"));
    }
    text
}

fn headline(text: &mut String, record: &RunRecord) {
    let capacity = &record.capacity;
    match capacity.rps {
        Some(rps) => {
            let high = capacity
                .high_rps
                .map_or_else(|| "no rate failed".to_owned(), |high| format!("{high:.1}/s failed"));
            line(
                text,
                format_args!(
                    "capacity   {rps:.1} documents/s, confirmed by {}; {high}",
                    capacity.confirmed_by.join(", ")
                ),
            );
        }
        None => line(text, format_args!("capacity   none confirmed: {}", capacity.finding)),
    }
    for reason in &capacity.reasons {
        line(text, format_args!("           {reason}"));
    }
    if let Some(goal) = record.criteria.iter().find(|criterion| criterion.name == "goal") {
        let word = match goal.outcome {
            Outcome::Pass => "met",
            Outcome::Fail => "not met",
            Outcome::Invalid => "undecided",
        };
        let limit = goal.limit.unwrap_or_default();
        line(text, format_args!("goal       {limit:.1} documents/s: {word}"));
    }
    let target = &record.target;
    line(text, format_args!("target     {} ({} workers)", target.url, target.workers));
}

fn level_table(levels: &[LevelRecord]) -> String {
    let top = ["", "indexing", "", "", "dashboard", "", "", "", "", "", "", ""];
    let header = [
        "load",
        "offered/s",
        "accepted/s",
        "p99 ms",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "time-outs",
        "errors",
        "samples",
    ];
    let mut rows = vec![top.map(str::to_owned).to_vec(), header.map(str::to_owned).to_vec()];
    for level in levels {
        let response = level.dashboard.response_ms;
        let counts = level.dashboard.counts;
        let index = level.index.as_ref();
        rows.push(vec![
            format!("{} %", level.load_percent),
            index.map_or_else(|| NONE.to_owned(), |stream| format!("{:.1}", stream.offered_rps)),
            index
                .and_then(|stream| stream.accepted_rps)
                .map_or_else(|| NONE.to_owned(), |rps| format!("{rps:.1}")),
            milliseconds(index.and_then(|stream| stream.response_ms.p99)),
            milliseconds(response.p50),
            milliseconds(response.p90),
            milliseconds(response.p99),
            milliseconds(response.p999),
            milliseconds(response.max),
            counts.timed_out.to_string(),
            (counts.refused + counts.broken + counts.unsent).to_string(),
            response.samples.to_string(),
        ]);
    }
    table(&rows)
}

fn overload(text: &mut String, record: &RunRecord) {
    if let Some(goodput_ratio) = record.overload.goodput_ratio {
        let recovery = record
            .overload
            .recovery_s
            .map_or_else(|| "no recovery seen".to_owned(), |s| format!("recovered after {s:.1} s"));
        line(
            text,
            format_args!(
                "overload   at 120 % it accepts {:.0} % of the capacity; {recovery}",
                goodput_ratio * 100.0
            ),
        );
    }
}

fn generator(text: &mut String, record: &RunRecord) {
    let generator = &record.generator;
    let late = generator.lateness_ms;
    line(
        text,
        format_args!(
            "generator  {}; lateness p50 {} ms, p99 {} ms; {} us of CPU per request",
            if generator.limited { "LIMITED the result" } else { "healthy" },
            milliseconds(late.p50),
            milliseconds(late.p99),
            generator.cpu_us_per_request.map_or_else(|| NONE.to_owned(), |us| format!("{us:.0}")),
        ),
    );
}

fn outcome(text: &mut String, record: &RunRecord) {
    line(text, format_args!("outcome    {}", record.outcome.name()));
    for criterion in &record.criteria {
        if criterion.outcome != Outcome::Pass {
            line(
                text,
                format_args!(
                    "           {} {}: {}",
                    criterion.outcome.name(),
                    criterion.name,
                    criterion.reason
                ),
            );
        }
    }
}

fn endings(counts: CountsRecord) -> String {
    format!(
        "{} accepted, {} refused, {} timed out, {} broken, {} unsent",
        counts.accepted, counts.refused, counts.timed_out, counts.broken, counts.unsent
    )
}

fn times_row(name: &str, times: PercentilesRecord) -> Vec<String> {
    let figures =
        [times.p50, times.p75, times.p90, times.p95, times.p99, times.p999, times.p9999, times.max];
    let mut row = vec![name.to_owned()];
    row.extend(figures.map(milliseconds));
    row.push(times.samples.to_string());
    row
}

/// Three significant digits and no more: that is what the histogram holds.
fn milliseconds(value: Option<f64>) -> String {
    match value {
        None => NONE.to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.2}"),
        Some(ms) if ms < 100.0 => format!("{ms:.1}"),
        Some(ms) => format!("{ms:.0}"),
    }
}

/// Columns, the first aligned to the left and the others to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut cells = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padded =
                if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
            cells.push_str(&padded);
        }
        line(&mut text, format_args!("{}", cells.trim_end()));
    }
    text
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a String does not fail.
    if text.write_fmt(words).is_ok() {
        text.push('\n');
    }
}
