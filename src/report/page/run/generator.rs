//! Can the measurement be believed: how late the generator was, and what it used of its machine.

use super::crew::agents_table;
use super::words::{count, count_or_dash, ms, number, percent, rate_or_dash, short, told};
use crate::report::figure::MISSING;
use crate::report::page::PageError;
use crate::report::page::axis::Axis;
use crate::report::page::chart::{Chart, Mark, Series, Side};
use crate::report::page::document::{Block, Column, Section, Table};
use crate::report::page::look::{Shape, Tone};
use crate::report::record::TrialRecord;
use crate::report::schema::RunRecord;
use crate::report::times::PercentilesRecord;
use crate::trial::void::{CPU_RATIO, LATENESS_P50_MS, lateness_limit_ms};

/// Lateness below it is as good as none, in milliseconds: it has to stand somewhere on a logarithmic axis.
const SHORTEST_MS: f64 = 0.001;

/// How the generator fared.
pub(super) fn health(run: &RunRecord) -> Result<Section, PageError> {
    let lead = "The generator must not be what is measured. Lateness is how long after its due time a \
                request was taken up; a trial with too much of it, or with a generator that has no time \
                left, is void and moves nothing.";
    let section = Section::new("generator", "Health of the generator", "Generator", lead);
    let section = section.with(Block::text(verdict(run)));
    if run.trials.is_empty() {
        return Ok(
            section.with(Block::missing("No trial was finished, so there is nothing to show."))
        );
    }
    let mut late = Chart::new(
        "lateness",
        "Lateness of the generator, trial by trial",
        numbered(run),
        Axis::log("lateness, ms"),
        vec![
            lateness(run, "p50", Tone::Second, Shape::Ring, |late| late.p50),
            lateness(run, "p99", Tone::First, Shape::Diamond, |late| late.p99),
        ],
    );
    let limit_ms = lateness_limit_ms(number(run, "P99_MS").unwrap_or_default());
    let label = format!("p99 over {} ms voids a trial", short(limit_ms));
    late.marks.push(Mark { side: Side::Y, from: limit_ms, to: None, label, tone: Tone::Bad });
    late.height_px = 250;
    let busy = run.trials.iter().map(|trial| trial.generator.cpu_ratio * 100.0);
    let mut cpu = Chart::new(
        "cpu",
        "Processor time of the busiest sender, trial by trial",
        numbered(run),
        Axis { high: Some(100.0), ..Axis::linear("% of one core") },
        vec![Series {
            hints: run.trials.iter().map(|trial| told(trial, "")).collect(),
            ..Series::new("CPU", Tone::First, Shape::Dot, places().zip(busy.map(Some)).collect())
        }],
    );
    let (from, label) =
        (CPU_RATIO * 100.0, format!("over {} voids a trial", percent(CPU_RATIO, 0)));
    cpu.marks.push(Mark { side: Side::Y, from, to: None, label, tone: Tone::Bad });
    cpu.height_px = 220;
    let voids = format!("A p50 over {LATENESS_P50_MS} ms voids a trial too.");
    let none = "No trial tells how late the generator was.";
    let section = section
        .with(Block::chart(&late, voids, none)?)
        .with(Block::chart(&cpu, "", none)?)
        .with(Block::Table { table: facts(run) })
        .with(Block::Table { table: trials_table(run) });
    if run.agents.is_empty() {
        return Ok(section);
    }
    Ok(section.with(Block::Table { table: agents_table(&run.agents) }))
}

fn places() -> impl Iterator<Item = f64> {
    (1_u32..).map(f64::from)
}

fn numbered(run: &RunRecord) -> Axis {
    let last = places().zip(&run.trials).map(|(place, _)| place).last().unwrap_or(1.0);
    Axis { low: Some(0.5), high: Some(last + 0.5), ..Axis::linear("trial, in order") }
}

fn verdict(run: &RunRecord) -> String {
    let late = &run.generator.lateness_ms;
    let how = format!(
        "Over the whole run its lateness was {} ms at the median, {} ms at the p99 and {} ms at most.",
        ms(late.p50),
        ms(late.p99),
        ms(late.max)
    );
    if run.generator.limited {
        format!("The generator was at fault for the answer or for a level. {how}")
    } else {
        format!("The generator was not at fault. {how}")
    }
}

/// The worst stream of each trial counts.
fn lateness(
    run: &RunRecord,
    label: &str,
    tone: Tone,
    shape: Shape,
    shown: fn(&PercentilesRecord) -> Option<f64>,
) -> Series {
    let worst = |trial: &TrialRecord| {
        let streams = trial.streams.iter().filter_map(|stream| shown(&stream.lateness_ms));
        streams.reduce(f64::max).map(|late_ms| late_ms.max(SHORTEST_MS))
    };
    let told_with =
        |trial: &TrialRecord| told(trial, &format!("{label} {} ms late", ms(worst(trial))));
    let known: Vec<(f64, &TrialRecord)> =
        places().zip(&run.trials).filter(|(_, trial)| worst(trial).is_some()).collect();
    let points = known.iter().map(|(place, trial)| (*place, worst(trial))).collect();
    let hints = known.iter().map(|(_, trial)| told_with(trial)).collect();
    Series { hints, ..Series::new(label, tone, shape, points) }
}

fn facts(run: &RunRecord) -> Table {
    let generator = &run.generator;
    let us = |cost_us: Option<f64>| {
        cost_us.map_or_else(|| MISSING.to_owned(), |cost_us| format!("{cost_us:.0} µs"))
    };
    let mut pairs = vec![
        ("processor time per request", us(generator.cpu_us_per_request)),
        (
            "local ports held by closed connections, at most",
            format!(
                "{} of {}",
                count_or_dash(generator.ports_held),
                count_or_dash(generator.ports)
            ),
        ),
        ("connections per stream, at most", count_or_dash(generator.lanes_max.map(u64::from))),
        ("times over one hour", count(generator.overflow)),
    ];
    if let Some(own) = &generator.calibration {
        pairs.push((
            "rate reached against a server that does nothing",
            format!("{}/s", own.ceiling_rps.map_or_else(|| MISSING.to_owned(), short)),
        ));
        let at = format!(
            "{} ms p99, {} of processor time a request at {}/s",
            ms(own.lateness_ms.p99),
            us(own.cpu_us_per_request),
            short(own.at_rps)
        );
        pairs.push(("lateness there", at));
    } else {
        pairs.push(("against a server that does nothing", "was not asked".to_owned()));
    }
    Table::pairs("", pairs)
}

fn trials_table(run: &RunRecord) -> Table {
    let head = [
        ("trial", Column::Word),
        ("offered/s", Column::Number),
        ("late p50 ms", Column::Number),
        ("late p99 ms", Column::Number),
        ("late max ms", Column::Number),
        ("CPU", Column::Number),
        ("CPU µs a request", Column::Number),
        ("preempted", Column::Number),
        ("longest gap", Column::Number),
        ("host stalled", Column::Number),
        ("host stolen", Column::Number),
        ("connections opened", Column::Number),
    ];
    let share =
        |ratio: Option<f64>| ratio.map_or_else(|| MISSING.to_owned(), |ratio| percent(ratio, 1));
    let rows = run.trials.iter().map(|trial| {
        let own = &trial.generator;
        let worst = |shown: fn(&PercentilesRecord) -> Option<f64>| {
            ms(trial.streams.iter().filter_map(|s| shown(&s.lateness_ms)).reduce(f64::max))
        };
        vec![
            trial.id.as_str().into(),
            rate_or_dash(trial.offered_rps).into(),
            worst(|late| late.p50).into(),
            worst(|late| late.p99).into(),
            worst(|late| late.max).into(),
            percent(own.cpu_ratio, 0).into(),
            own.cpu_us_per_request
                .map_or_else(|| MISSING.to_owned(), |cost_us| format!("{cost_us:.0}"))
                .into(),
            count_or_dash(own.preemptions).into(),
            own.longest_gap_s
                .map_or_else(|| MISSING.to_owned(), |gap_s| format!("{gap_s:.2} s"))
                .into(),
            share(own.host_stalled_ratio).into(),
            share(own.host_stolen_ratio).into(),
            count(trial.streams.iter().map(|stream| stream.connects).sum()).into(),
        ]
    });
    Table::new("The generator in every trial", &head).folded().rows(rows)
}
