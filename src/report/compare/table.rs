//! A comparison as text: the answer first, then what it rests on.

use std::fmt;

use super::capacity::Change;
use super::figures::{FigureChange, Told};
use super::{Comparison, SideRecord};
use crate::report::figure::{MISSING, columns, counted, entry, ms, rate};
use crate::units::usize_to_u64;

const LEVELS_HEAD: &str = "
at the levels, in percent of each run's own capacity; measured once a run, so that change cannot be
told from chance, and an interval is that of the samples of these two trials alone
";

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&entry("baseline", &side(&self.baseline)))?;
        f.write_str(&entry("run", &side(&self.run)))?;
        f.write_str(&entry("capacity", &self.capacity.reason))?;
        let soaks: Vec<&FigureChange> =
            self.figures.iter().filter(|one| one.at == "soak").collect();
        if !soaks.is_empty() {
            writeln!(f, "\nat the soak that confirmed each capacity, medians of the searches")?;
            f.write_str(&columns(&table(&soaks)))?;
        }
        let levels: Vec<&FigureChange> =
            self.figures.iter().filter(|one| one.at != "soak").collect();
        if !levels.is_empty() {
            f.write_str(LEVELS_HEAD)?;
            f.write_str(&columns(&table(&levels)))?;
        }
        writeln!(f)?;
        for caution in &self.cautions {
            f.write_str(&entry("caution", caution))?;
        }
        f.write_str(&entry(
            "outcome",
            &format!("{}: {}", self.outcome, verdict(self.capacity.change)),
        ))
    }
}

pub(super) const fn verdict(change: Change) -> &'static str {
    match change {
        Change::Worse => "worse",
        Change::Undecided => "undecided",
        Change::NoWorse => "no worse",
        Change::Better => "better",
        Change::NotEnoughRepeats => "not enough repeats",
        Change::NoAnswer => "no answer to compare",
    }
}

fn side(side: &SideRecord) -> String {
    let rates: Vec<String> = side.repeats_rps.iter().map(|rps| rate(*rps)).collect();
    let searches = match rates.len() {
        1 => format!("capacity {} documents/s, one search", rate(side.median_rps)),
        _ => format!(
            "capacity {} documents/s, the median of {} ({})",
            rate(side.median_rps),
            counted(usize_to_u64(rates.len()), "repeat"),
            rates.join(", ")
        ),
    };
    format!("{}: {searches}; {}, {}", side.id, side.finding, side.outcome)
}

pub(super) fn table(figures: &[&FigureChange]) -> Vec<Vec<String>> {
    let is_soak = figures.iter().all(|one| one.at == "soak");
    let heads = ["", "figure", "baseline", "run", "change", "interval", "p", ""];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(figures.iter().map(|one| row(one)));
    // Levels have neither a probability nor anything to say of it.
    let is_told = |column: usize| if is_soak { column != 0 } else { column < 6 };
    rows.into_iter()
        .map(|row| {
            let cells = row.into_iter().enumerate().filter(|(column, _)| is_told(*column));
            cells.map(|(_, cell)| cell).collect()
        })
        .collect()
}

fn row(one: &FigureChange) -> Vec<String> {
    let value = |value: Option<f64>| match (value, one.unit.as_str()) {
        (None, _) => MISSING.to_owned(),
        (Some(share), "ratio") => format!("{:.3} %", share * 100.0),
        (value, "us") => format!("{} µs", ms(value)),
        (value, _) => format!("{} ms", ms(value)),
    };
    let signed = |ratio: f64| format!("{:+.1} %", (ratio - 1.0) * 100.0);
    let interval = one
        .low_ratio
        .zip(one.high_ratio)
        .map(|(low, high)| format!("{} to {}", signed(low), signed(high)));
    let or_missing = |text: Option<String>| text.unwrap_or_else(|| MISSING.to_owned());
    let told = match one.told {
        Told::Higher => "higher",
        Told::Lower => "lower",
        Told::NoChangeShown => "no change shown",
        Told::MoreRepeatsNeeded => "more repeats needed",
        Told::MeasuredOnce => "measured once",
        Told::NotMeasured => "not measured in both",
    };
    vec![
        one.at.strip_prefix("level_").map_or_else(String::new, |percent| format!("{percent} %")),
        one.name.replace('_', " "),
        value(one.baseline),
        value(one.run),
        or_missing(one.ratio.map(signed)),
        or_missing(interval),
        or_missing(one.p.map(|p| format!("{p:.3}"))),
        told.to_owned(),
    ]
}

/// A ratio in words: `4.4 % lower`.
pub(super) fn changed(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    // What rounds to nothing is neither higher nor lower.
    match format!("{:.1}", percent.abs()).as_str() {
        "0.0" => "the same".to_owned(),
        size if percent < 0.0 => format!("{size} % lower"),
        size => format!("{size} % higher"),
    }
}

/// An interval of a ratio in words: `between 2.0 % lower and 3.0 % higher`, `2.0 % to 3.0 % lower`.
pub(super) fn between(low_ratio: f64, high_ratio: f64) -> String {
    let (nearer, farther) =
        if high_ratio < 1.0 { (high_ratio, low_ratio) } else { (low_ratio, high_ratio) };
    let (nearer, farther) = (changed(nearer), changed(farther));
    let word = |end: &str| end.rsplit(' ').next().unwrap_or_default().to_owned();
    match nearer.strip_suffix(&word(&farther)) {
        Some(size) => format!("{size}to {farther}"),
        None => format!("between {nearer} and {farther}"),
    }
}
