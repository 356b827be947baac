//! What users feel at shares of the capacity: percentile curves, tables, what an overload leaves behind.

use super::words::{
    count, is_running, ms, number, objective_mark, percent, rate, rate_or_dash, span_or_dash,
};
use crate::report::figure::{MISSING, span};
use crate::report::page::PageError;
use crate::report::page::axis::Axis;
use crate::report::page::chart::{Chart, Mark, Series, Side};
use crate::report::page::document::{Block, Cell, Column, Section, Table};
use crate::report::page::look::{Shape, Tone};
use crate::report::schema::{LevelRecord, RunRecord};
use crate::report::stream::StreamRecord;
use crate::units::round_to_u64;

/// Points of a percentile curve: as many as can be told apart.
const CURVE_POINTS: u32 = 120;

/// Colours of the levels between rest and capacity.
const TONES_BELOW: usize = 4;

/// Why there are no levels.
fn why_missing(run: &RunRecord) -> String {
    if is_running(run) {
        return "No level has been measured yet.".to_owned();
    }
    let why = match (&run.levels_missing, run.capacity.rps) {
        (Some(reason), _) => format!("because {reason}"),
        (None, None) => {
            "because no capacity was confirmed that they could be a share of".to_owned()
        }
        (None, Some(_)) => "because none were asked for (LEVELS)".to_owned(),
    };
    format!("The levels were not measured {why}.")
}

/// The dashboard's response times at each level, over all percentiles.
pub(super) fn percentiles(run: &RunRecord) -> Result<Section, PageError> {
    let lead = "What users of the dashboard feel while documents come in at shares of the capacity. Each \
                curve begins at the median; further right are the slower queries, one in ten, one in a \
                hundred, one in a thousand.";
    let section = Section::new("percentiles", "Dashboard queries under load", "Dashboard", lead);
    if run.levels.is_empty() {
        return Ok(section.with(Block::missing(why_missing(run))));
    }
    let mut chart = Chart::new(
        "dashboard-percentiles",
        "Response time of dashboard queries by percentile, one curve a level",
        Axis::percentiles("percentile of queries"),
        Axis::log("response time, ms"),
        curves(run, |level| Some(&level.dashboard)),
    );
    chart.marks.extend(dashboard_objective(run));
    let note = if run.settings.contains_key("DASHBOARD_P99_MS") && chart.marks.is_empty() {
        "No limit was set for the dashboard (DASHBOARD_P99_MS), so none is drawn in. A curve ends where its \
         samples end."
    } else {
        "A curve ends where its samples end."
    };
    let missing = "The histograms of the dashboard cannot be read, so there are no curves; the table below \
                   has the percentiles.";
    let section = section.with(Block::chart(&chart, note, missing)?);
    let mut chart = Chart::new(
        "index-percentiles",
        "Response time of indexing at the same levels",
        Axis::percentiles("percentile of documents"),
        Axis::log("response time, ms"),
        curves(run, |level| level.index.as_ref()),
    );
    chart.marks.extend(objective_mark(run));
    let missing =
        "No level indexed documents beside the queries, so there are no curves of indexing.";
    Ok(section.with(Block::chart(&chart, "", missing)?))
}

fn dashboard_objective(run: &RunRecord) -> Option<Mark> {
    let limit_ms = number(run, "DASHBOARD_P99_MS")?;
    let label = format!("limit of the p99 at 100 %: {} ms", ms(Some(limit_ms)));
    Some(Mark { side: Side::Y, from: limit_ms, to: None, label, tone: Tone::Bad })
}

fn curves<'a>(
    run: &'a RunRecord,
    stream: impl Fn(&'a LevelRecord) -> Option<&'a StreamRecord>,
) -> Vec<Series> {
    let drawn = run.levels.iter().filter_map(|level| {
        let (tone, shape) = look(run, level);
        let label = format!("{} %", level.load_percent);
        let series = Series::new(label, tone, shape, stream(level).and_then(curve)?);
        Some(Series { is_labelled: true, ..series })
    });
    drawn.collect()
}

/// What lies beyond the capacity, at it and at rest looks the same in every report; a second one of a colour is dashed.
fn look(run: &RunRecord, level: &LevelRecord) -> (Tone, Shape) {
    let below = |of_which: &dyn Fn(u32) -> bool| {
        let loads = run.levels.iter().map(|other| other.load_percent);
        loads.filter(|load| of_which(*load) && *load < level.load_percent).count()
    };
    let (tone, before) = match level.load_percent {
        0 => (Tone::Soft, 0),
        100 => (Tone::First, 0),
        over if over > 100 => (Tone::Bad, below(&|load| load > 100)),
        _ => {
            let before = below(&|load| load > 0);
            (Tone::of_kind(1 + before % TONES_BELOW), before / TONES_BELOW)
        }
    };
    (tone, if before > 0 { Shape::Dashed } else { Shape::Line })
}

/// One in so many, and the time that it takes at least; `None` when the histogram cannot be read.
pub(in crate::report) fn curve(stream: &StreamRecord) -> Option<Vec<(f64, Option<f64>)>> {
    let log = stream.hdr.response()?;
    let samples = log.samples() as f64;
    if samples < 4.0 {
        return None;
    }
    let points = (0..=CURVE_POINTS).filter_map(|step| {
        let one_in = 2.0 * (samples / 2.0).powf(f64::from(step) / f64::from(CURVE_POINTS));
        let rank = round_to_u64((samples * (1.0 - 1.0 / one_in)).ceil()).max(1);
        Some((one_in, Some(log.rank_ms(rank)?)))
    });
    Some(points.collect())
}

/// The levels as tables.
pub(super) fn tables(run: &RunRecord) -> Section {
    let lead = "Percentiles that the samples cannot carry are left out: n queries carry a p99 from 100 on, \
                and its upper bound from 299 on.";
    let section = Section::new("levels", "The levels in numbers", "Levels", lead);
    if run.levels.is_empty() {
        return section.with(Block::missing(why_missing(run)));
    }
    let head = [
        ("load", Column::Number),
        ("offered/s", Column::Number),
        ("accepted/s", Column::Number),
        ("p50 ms", Column::Number),
        ("p90 ms", Column::Number),
        ("p99 ms", Column::Number),
        ("p99 at most", Column::Number),
        ("p99.9 ms", Column::Number),
        ("max ms", Column::Number),
        ("time-outs", Column::Number),
        ("errors", Column::Number),
        ("samples", Column::Number),
    ];
    let row = |level: &LevelRecord, stream: &StreamRecord| {
        let (times, counts) = (&stream.response_ms, &stream.counts);
        let mut row: Vec<Cell> = vec![
            format!("{} %", level.load_percent).into(),
            rate(stream.offered_rps).into(),
            rate_or_dash(stream.accepted_rps).into(),
        ];
        let shown = [times.p50, times.p90, times.p99, times.p99_high, times.p999, times.max];
        row.extend(shown.map(|span_ms| ms(span_ms).into()));
        row.push(count(counts.timed_out).into());
        row.push(count(counts.failed() - counts.timed_out).into());
        row.push(count(times.samples).into());
        row
    };
    let dashboard = run.levels.iter().map(|level| row(level, &level.dashboard));
    let index = run.levels.iter().filter_map(|level| Some(row(level, level.index.as_ref()?)));
    section
        .with(Block::Table { table: Table::new("Dashboard queries", &head).rows(dashboard) })
        .with(Block::Table { table: Table::new("Indexing at the same time", &head).rows(index) })
}

/// What an overload leaves behind.
pub(super) fn recovery(run: &RunRecord) -> Result<Section, PageError> {
    let lead = "A good service turns away what is too much, keeps working at its capacity, and is itself \
                again soon afterwards.";
    let section = Section::new("recovery", "Overload and recovery", "Recovery", lead);
    let section = match run.overload.load_percent {
        Some(load_percent) => section.with(Block::text(overload_words(run, load_percent))),
        None if is_running(run) => section.with(Block::missing(
            "No level above 100 % has been measured yet, so it is not known what an overload does.",
        )),
        None => section.with(Block::missing(
            "No level above 100 % was measured, so it is not known what an overload does.",
        )),
    };
    let mut chart = Chart::new(
        "recovery",
        "Time until the target answered as at rest, after each trial",
        Axis::linear("offered documents/s of the trial before"),
        Axis::log("recovery, s"),
        recoveries(run),
    );
    chart.marks = super::words::capacity_marks(&run.capacity, Side::X);
    chart.height_px = 250;
    let missing = "After no trial did the target answer as at rest again, or none was waited for.";
    let section = section.with(Block::chart(&chart, "", missing)?);
    if run.recoveries.is_empty() {
        return Ok(section);
    }
    Ok(section.with(Block::Table { table: recoveries_table(run) }))
}

fn overload_words(run: &RunRecord, load_percent: u32) -> String {
    let goodput = run.overload.goodput_ratio.map_or_else(
        || "how much was still accepted is not known".to_owned(),
        |ratio| format!("{} of the capacity was still accepted", percent(ratio, 0)),
    );
    let recovery = run.overload.recovery_s.map_or_else(
        || "no recovery was seen".to_owned(),
        |recovery_s| format!("the target answered as at rest after {}", span(recovery_s)),
    );
    format!("At {load_percent} % of the capacity, {goodput}, and {recovery}.")
}

fn recoveries(run: &RunRecord) -> Vec<Series> {
    let of_kind = |is_overloaded: bool| {
        let mut found: Vec<(f64, f64, String)> = run
            .recoveries
            .iter()
            .filter_map(|recovery| {
                let after = recovery.after.as_ref()?;
                let trial = run.trials.iter().find(|trial| trial.id == *after)?;
                let is_kind = (trial.verdict == "overloaded") == is_overloaded;
                let recovered_s = recovery.recovered_s.filter(|_| is_kind)?;
                let hint = format!("after {}: {}", trial.id, span(recovered_s));
                Some((trial.offered_rps.unwrap_or_default(), recovered_s.max(0.001), hint))
            })
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (label, tone, shape) = if is_overloaded {
            ("after an overload", Tone::Bad, Shape::Cross)
        } else {
            ("after any other trial", Tone::Good, Shape::Dot)
        };
        let points = found.iter().map(|(rps, s, _)| (*rps, Some(*s))).collect();
        let hints = found.into_iter().map(|(_, _, hint)| hint).collect();
        Series { hints, ..Series::new(label, tone, shape, points) }
    };
    vec![of_kind(false), of_kind(true)]
}

fn recoveries_table(run: &RunRecord) -> Table {
    let head = [
        ("recovery", Column::Word),
        ("after", Column::Word),
        ("as at rest after", Column::Number),
        ("waited in all", Column::Number),
        ("probes", Column::Number),
        ("accepted", Column::Number),
        ("ended by", Column::Prose),
    ];
    let rows = run.recoveries.iter().map(|recovery| {
        vec![
            recovery.id.as_str().into(),
            recovery.after.as_deref().unwrap_or(MISSING).into(),
            span_or_dash(recovery.recovered_s).into(),
            span(recovery.wall_s).into(),
            count(recovery.probes).into(),
            count(recovery.accepted).into(),
            recovery.stopped.as_deref().unwrap_or_default().into(),
        ]
    });
    let caption = format!("All {} recoveries", run.recoveries.len());
    Table::new(&caption, &head).folded().rows(rows)
}
