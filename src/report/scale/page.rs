//! `scale.html`: the curve with its band, the counts, the law, the forecast.

use super::assemble::TRUSTED_RATIO;
use super::table::{law, met, peak, workers_needed};
use super::{CountRecord, SCALE_FILE, ScaleRecord};
use crate::report::figure::MISSING;
use crate::report::page::axis::{Axis, grouped};
use crate::report::page::chart::{Chart, Mark, Series, Side};
use crate::report::page::document::{
    Answer, Block, Cell, Column, Document, KeyFigure, Section, Table,
};
use crate::report::page::look::{Shape, Tone};
use crate::report::page::{Mode, PageError, render};

/// Name of the page within the folder of all runs.
pub const SCALE_PAGE_FILE: &str = "scale.html";
/// Room above the highest capacity; a band or a goal far beyond it would press the curve flat.
const ROOM_RATIO: f64 = 1.3;

/// The whole page of `record`.
///
/// # Errors
/// Never, unless this program is at fault.
pub fn scale_page(record: &ScaleRecord) -> Result<String, PageError> {
    let sections = vec![curve(record)?, counts(record), of_the_law(record), cautions(record)];
    let document = Document {
        title: format!("{}: scaling", record.outcome),
        about: vec![
            ("Run".to_owned(), record.scale.id.clone()),
            ("Begun".to_owned(), record.scale.started_utc.clone()),
            ("Seed".to_owned(), record.scale.seed.to_string()),
        ],
        answer: answer(record),
        sections,
    };
    render::document(&document, Mode::Saved)
}

fn rate(per_second: Option<f64>) -> String {
    per_second.map_or_else(|| MISSING.to_owned(), |rps| grouped(rps, 1))
}

fn answer(record: &ScaleRecord) -> Answer {
    let goal = &record.goal;
    let needed = grouped(goal.needed_rps, 0);
    let mut figures = Vec::new();
    let mut tell = |label: &str, value: String, unit: &str, beside: String| {
        let (label, unit) = (label.to_owned(), unit.to_owned());
        figures.push(KeyFigure { label, value, unit, beside });
    };
    if let Some(workers) = goal.measured_workers {
        let beside = format!("the fewest measured that reach {needed} documents/s");
        tell("Measured to be enough", workers.to_string(), "workers", beside);
    }
    if let Some(forecast) = &record.forecast {
        let end = |workers: Option<u32>| workers.map_or(MISSING.to_owned(), |it| it.to_string());
        let ends = format!("{} to {}", end(forecast.workers_low), end(forecast.workers_high));
        let beside = format!("for {needed} documents/s; {ends} at 95 %");
        tell("Forecast", end(forecast.workers), "workers", beside);
    }
    if let Some(fit) = &record.fit {
        tell("One worker", grouped(fit.gamma_rps, 1), "documents/s", "by the law".to_owned());
        let beside = rate(fit.peak_rps);
        if let Some(workers) = fit.peak_workers {
            let beside = format!("{beside} documents/s, fewer with more workers");
            tell("Peak", grouped(workers, 0), "workers", beside);
        }
    }
    let mut beneath = Vec::new();
    if record.outcome != goal.outcome {
        beneath.push(
            "Not every number of workers has a capacity that stands: see the cautions.".to_owned(),
        );
    }
    Answer {
        badge: Some(record.outcome),
        sentence: format!("{needed} documents/s {}: {}.", met(goal), goal.reason),
        beneath,
        figures,
    }
}

fn curve(record: &ScaleRecord) -> Result<Section, PageError> {
    let lead = "The capacity that was confirmed with each number of workers, with its interval, and the \
                Universal Scalability Law through them. Where the curve bends, workers wait for each other.";
    let section = Section::new("scaling", "Capacity by workers", "Scaling", lead);
    let reached = record.counts.iter().filter_map(|count| count.high_rps.or(count.rps));
    let drawn = record.curve.iter().map(|point| point.rps);
    let highest_rps = reached.chain(drawn).fold(0.0, f64::max) * ROOM_RATIO;
    let mut chart = Chart::new(
        "scaling-curve",
        "Capacity by workers",
        Axis::linear("workers"),
        Axis { high: Some(highest_rps), ..Axis::linear("documents/s") },
        series(record),
    );
    chart.marks = marks(record, highest_rps);
    let note = "Full circles entered the law, empty ones did not. The dashed lines are the ends of its \
                band, each at 95 %; they are missing under four capacities.";
    let missing = "No count has a confirmed rate, so there is nothing to draw.";
    Ok(section.with(Block::chart(&chart, note, missing)?))
}

fn series(record: &ScaleRecord) -> Vec<Series> {
    let line = |label: &str, tone, shape, value: fn(&super::CurvePoint) -> Option<f64>| {
        let points = record.curve.iter().map(|point| (point.workers, value(point)));
        Series::new(label, tone, shape, points.collect())
    };
    // A bar is a line from one end to the other, and a gap before the next.
    let bars = record.counts.iter().filter_map(|count| {
        let (low_rps, high_rps) = count.low_rps.zip(count.high_rps)?;
        let workers = f64::from(count.workers);
        count.rps.map(|_| [(workers, Some(low_rps)), (workers, Some(high_rps)), (workers, None)])
    });
    let mut all = vec![
        line("lower end of the law", Tone::Second, Shape::Dashed, |point| point.low_rps),
        line("upper end of the law", Tone::Second, Shape::Dashed, |point| point.high_rps),
        line("law", Tone::Second, Shape::Line, |point| Some(point.rps)),
        Series::new("interval", Tone::Answer, Shape::Line, bars.flatten().collect()),
    ];
    all.retain(|series| series.points.iter().any(|(_, rps)| rps.is_some()));
    for (label, is_fitted, shape) in
        [("capacity", true, Shape::Dot), ("at least, not in the law", false, Shape::Ring)]
    {
        let of_kind = record.counts.iter().filter(|count| is_fitted == is_in(record, count));
        let with_rate: Vec<&CountRecord> = of_kind.filter(|count| count.rps.is_some()).collect();
        let points = with_rate.iter().map(|count| (f64::from(count.workers), count.rps));
        let hints = with_rate.iter().map(|count| told(count)).collect();
        all.push(Series { hints, ..Series::new(label, Tone::Answer, shape, points.collect()) });
    }
    all
}

/// Without a law a capacity is still one.
fn is_in(record: &ScaleRecord, count: &CountRecord) -> bool {
    count.fitted || (record.fit.is_none() && count.finding.as_deref() == Some("capacity"))
}

fn told(count: &CountRecord) -> String {
    let law =
        count.fitted_rps.map_or_else(String::new, |rps| format!("\nlaw {}/s", grouped(rps, 1)));
    format!(
        "WORKERS={}: {}/s ({} to {}){law}",
        count.workers,
        rate(count.rps),
        rate(count.low_rps),
        rate(count.high_rps)
    )
}

fn marks(record: &ScaleRecord, highest_rps: f64) -> Vec<Mark> {
    let mut marks = Vec::new();
    let needed_rps = record.goal.needed_rps;
    if needed_rps <= highest_rps {
        let label = format!("goal with headroom {}/s", grouped(needed_rps, 0));
        marks.push(Mark { side: Side::Y, from: needed_rps, to: None, label, tone: Tone::Soft });
    }
    let Some(trusted) = record.greatest().map(|greatest| TRUSTED_RATIO * f64::from(greatest))
    else {
        return marks;
    };
    let label = "twice the greatest measured".to_owned();
    marks.push(Mark { side: Side::X, from: trusted, to: None, label, tone: Tone::Soft });
    let peak = record.fit.as_ref().and_then(|fit| fit.peak_workers);
    if let Some(from) = peak.filter(|workers| *workers <= trusted) {
        let label = format!("peak at {}", grouped(from, 0));
        marks.insert(0, Mark { side: Side::X, from, to: None, label, tone: Tone::Second });
    }
    marks
}

fn counts(record: &ScaleRecord) -> Section {
    let lead = "Each number of workers has a whole run of its own, in the folder that is named.";
    let head = [
        ("workers", Column::Number),
        ("documents/s", Column::Number),
        ("from", Column::Number),
        ("to", Column::Number),
        ("a worker", Column::Number),
        ("law", Column::Number),
        ("finding", Column::Word),
        ("judged", Column::Word),
        ("run", Column::Word),
    ];
    let rows = record.counts.iter().map(|count| {
        let each = count.rps.map(|rps| rps / f64::from(count.workers));
        vec![
            count.workers.to_string().into(),
            rate(count.rps).into(),
            rate(count.low_rps).into(),
            rate(count.high_rps).into(),
            rate(each).into(),
            rate(count.fitted_rps).into(),
            count.finding.as_deref().unwrap_or("not measured").into(),
            Cell::outcome(count.outcome),
            count.run.as_deref().unwrap_or(MISSING).into(),
        ]
    });
    Section::new("counts", "What was measured", "Counts", lead)
        .with(Block::Table { table: Table::new("", &head).rows(rows) })
}

fn of_the_law(record: &ScaleRecord) -> Section {
    let lead = "X(N) = γN / (1 + α(N−1) + βN(N−1)): contention α is the share of work that only one worker \
                can do at a time, coherency β is what each pair of workers costs, γ is what one worker does.";
    let section = Section::new("law", "The law and what it foretells", "Law", lead);
    let Some(fit) = &record.fit else {
        return section.with(Block::missing("A law takes three capacities, a forecast four."));
    };
    let mut pairs = vec![("parameters", law(fit)), ("peak", peak(fit))];
    if let Some(residual_rps) = fit.residual_rps {
        let far = format!(
            "{} documents/s, with {} degrees of freedom",
            grouped(residual_rps, 1),
            fit.degrees_of_freedom
        );
        pairs.push(("capacities off the law", far));
    }
    if let Some(forecast) = &record.forecast {
        pairs.push(("forecast", workers_needed(forecast, &grouped(record.goal.needed_rps, 0))));
        pairs.push(("how", forecast.method.clone()));
    }
    section.with(Block::Table { table: Table::pairs("", pairs) })
}

fn cautions(record: &ScaleRecord) -> Section {
    let lead = format!("What must be known beside the numbers. All of them are in {SCALE_FILE}.");
    let section = Section::new("cautions", "Cautions", "Cautions", lead);
    if record.cautions.is_empty() {
        return section.with(Block::text("None: nothing about these runs needs a warning."));
    }
    section.with(Block::List { items: record.cautions.clone() })
}
