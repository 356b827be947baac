//! A comparison as a page: the same answer, with the curves of both runs over each other.

use super::table::{between, changed, table, verdict};
use super::{Comparison, FigureChange, SideRecord};
use crate::report::figure::{MISSING, counted, rate};
use crate::report::page::axis::Axis;
use crate::report::page::chart::{Chart, Mark, Series, Side};
use crate::report::page::document::{
    Answer, Block, Cell, Column, Document, KeyFigure, Section, Table,
};
use crate::report::page::look::{Shape, Tone};
use crate::report::page::{Mode, PageError, curve, render};
use crate::report::schema::{LevelRecord, RunRecord};
use crate::report::stream::StreamRecord;
use crate::units::usize_to_u64;

/// The page of `found`, what `run` came to against `baseline`.
///
/// # Errors
/// Never for records that were read, unless this program is at fault.
pub fn page(
    baseline: &RunRecord,
    run: &RunRecord,
    found: &Comparison,
) -> Result<String, PageError> {
    let sections = vec![searches(found)?, levels(baseline, run)?, numbers(found), cautions(found)];
    let document = Document {
        title: format!("{}: {} against {}", found.outcome, found.run.id, found.baseline.id),
        about: about(found),
        answer: answer(found),
        sections,
    };
    render::document(&document, Mode::Saved)
}

fn about(found: &Comparison) -> Vec<(String, String)> {
    let sides = [("Baseline", &found.baseline), ("Run", &found.run)];
    sides
        .into_iter()
        .map(|(name, side)| (name.to_owned(), format!("{} ({})", side.id, side.outcome)))
        .collect()
}

fn answer(found: &Comparison) -> Answer {
    let capacity = |label: &str, rps: Option<f64>, beside: String| KeyFigure {
        label: label.to_owned(),
        value: rate(rps),
        unit: "documents/s".to_owned(),
        beside,
    };
    let ends = found.capacity.low_ratio.zip(found.capacity.high_ratio);
    Answer {
        badge: Some(found.outcome),
        sentence: format!("{}.", sentence_case(verdict(found.capacity.change))),
        beneath: vec![format!("{}.", sentence_case(&found.capacity.reason))],
        figures: vec![
            capacity("Capacity of the baseline", found.baseline.median_rps, String::new()),
            capacity("Capacity of the run", found.run.median_rps, String::new()),
            KeyFigure {
                label: "Change".to_owned(),
                value: found.capacity.ratio.map_or_else(|| MISSING.to_owned(), changed),
                unit: String::new(),
                beside: ends.map_or_else(String::new, |(low, high)| {
                    format!("interval: {}", between(low, high))
                }),
            },
        ],
    }
}

fn sentence_case(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}

/// What every search of both runs came to.
fn searches(found: &Comparison) -> Result<Section, PageError> {
    let points = |rates: &[Option<f64>]| (1..).map(f64::from).zip(rates.iter().copied()).collect();
    let (before, after) = (&found.baseline.repeats_rps, &found.run.repeats_rps);
    let mut chart = Chart::new(
        "searches",
        "Capacity that each search came to",
        Axis { low: Some(0.5), ..Axis::linear("search") },
        Axis { low: None, ..Axis::linear("capacity, documents/s") },
        vec![
            Series::new("baseline", Tone::Soft, Shape::Ring, points(before)),
            Series::new("run", Tone::First, Shape::Dot, points(after)),
        ],
    );
    if let Some(median_rps) = found.baseline.median_rps {
        let limit_pct = found.terms.max_capacity_drop_pct;
        chart.marks.push(Mark {
            side: Side::Y,
            from: median_rps * (1.0 - limit_pct / 100.0),
            to: None,
            label: format!("{limit_pct} % below the baseline's median"),
            tone: Tone::Bad,
        });
    }
    let lead = "The capacity alone decides. Each point is a whole search; a run is worse when its points lie so low that \
                chance would rarely place them there, and its median is below the line.";
    let section = Section::new("searches", "The searches of both runs", "Searches", lead);
    let sides = [("baseline", &found.baseline), ("run", &found.run)];
    let without: Vec<String> =
        sides.iter().filter_map(|(name, side)| without_rate(name, side)).collect();
    let note = match without.as_slice() {
        [] => String::new(),
        told => format!("Not drawn, because it confirmed no rate: {}.", told.join(" and ")),
    };
    Ok(section.with(Block::chart(&chart, &note, "Neither run has a capacity.")?))
}

fn without_rate(name: &str, side: &SideRecord) -> Option<String> {
    let count = usize_to_u64(side.repeats_rps.iter().filter(|rps| rps.is_none()).count());
    (count > 0).then(|| format!("{} of the {name}", counted(count, "search")))
}

/// The percentile curves of both runs, level by level.
fn levels(baseline: &RunRecord, run: &RunRecord) -> Result<Section, PageError> {
    let lead = "Response times at the same share of each run's own capacity. A level is measured once a run, so that its \
                curves show what was seen, and not whether it would be seen again.";
    let mut section = Section::new("levels", "Both runs under load", "Levels", lead);
    let both = baseline.levels.iter().filter_map(|before| {
        let same = |after: &&LevelRecord| after.load_percent == before.load_percent;
        Some((before, run.levels.iter().find(same)?))
    });
    for ((before, after), number) in both.zip(1_u32..) {
        let percent = before.load_percent;
        let title = format!("Dashboard queries at {percent} %");
        let sides = (&before.dashboard, &after.dashboard);
        let chart = percentiles(&format!("dashboard-{number}"), &title, sides);
        let missing = format!("The dashboard's histograms at {percent} % cannot be read.");
        section = section.with(Block::chart(&chart, "", &missing)?);
        if let Some(sides) = before.index.as_ref().zip(after.index.as_ref()) {
            let title = format!("Indexing at {percent} %");
            let chart = percentiles(&format!("index-{number}"), &title, sides);
            let missing = format!("The histograms of indexing at {percent} % cannot be read.");
            section = section.with(Block::chart(&chart, "", &missing)?);
        }
    }
    if section.blocks.is_empty() {
        section = section.with(Block::missing("The runs have no level in common."));
    }
    Ok(section)
}

fn percentiles(id: &str, title: &str, (before, after): (&StreamRecord, &StreamRecord)) -> Chart {
    let series = |label: &str, tone: Tone, shape: Shape, stream: &StreamRecord| {
        let series = Series::new(label, tone, shape, curve(stream)?);
        Some(Series { is_labelled: true, ..series })
    };
    let both = [
        series("baseline", Tone::Soft, Shape::Dashed, before),
        series("run", Tone::First, Shape::Line, after),
    ];
    Chart::new(
        id,
        title,
        Axis::percentiles("percentile"),
        Axis::log("response time, ms"),
        both.into_iter().flatten().collect(),
    )
}

/// The tables of the text, as tables of the page.
fn numbers(found: &Comparison) -> Section {
    let lead = "None of these decides. Probabilities are corrected for there being several; a figure that was measured once \
                a run has none, and its interval is that of the samples of two trials.";
    let mut section = Section::new("figures", "All other figures", "Figures", lead);
    let (soaks, levels): (Vec<&FigureChange>, Vec<&FigureChange>) =
        found.figures.iter().partition(|figure| figure.at == "soak");
    let captions = ["At the soak that confirmed each capacity", "At the levels, in percent of it"];
    for (caption, figures) in captions.into_iter().zip([soaks, levels]) {
        let mut rows = table(&figures).into_iter();
        let heads = rows.next().unwrap_or_default();
        if figures.is_empty() {
            continue;
        }
        let heads: Vec<(&str, Column)> =
            heads.iter().map(|head| (head.as_str(), column(head))).collect();
        let rows = rows.map(|row| row.into_iter().map(Cell::from).collect::<Vec<Cell>>());
        section = section.with(Block::Table { table: Table::new(caption, &heads).rows(rows) });
    }
    section
}

fn column(head: &str) -> Column {
    if ["baseline", "run", "change", "interval", "p"].contains(&head) {
        Column::Number
    } else {
        Column::Word
    }
}

fn cautions(found: &Comparison) -> Section {
    let lead = "What differs between the two runs beside what they are compared for.";
    let section = Section::new("cautions", "Cautions", "Cautions", lead);
    if found.cautions.is_empty() {
        return section.with(Block::text("None."));
    }
    section.with(Block::List { items: found.cautions.clone() })
}
