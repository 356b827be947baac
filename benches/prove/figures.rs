//! From answers to figures: error, spread, time, how often the interval was right.

use std::fmt;

use plimsoll::campaign::presets::Preset;
use plimsoll::search::finding::Flag;

use crate::rehearsal::Answer;

/// What many searches of one kind of service came to. Shares are 0..1.
pub(crate) struct Figures {
    runs: usize,
    answered: f64,
    truth_rps: Option<f64>,
    bias: f64,
    error_p90: f64,
    error_p95: f64,
    too_high: f64,
    variation: f64,
    load_median_s: f64,
    load_p95_s: f64,
    covered: f64,
    /// Share of intervals that lie above the truth as a whole.
    above: f64,
    width: f64,
    flagged: f64,
    drift: f64,
    generator_limited: f64,
}

impl Figures {
    pub(crate) fn of(answers: &[Answer]) -> Self {
        let runs = answers.len();
        let share =
            |count: usize, of: usize| if of == 0 { f64::NAN } else { count as f64 / of as f64 };
        let errors: Vec<f64> = answers.iter().filter_map(Answer::error_ratio).collect();
        let sizes = sorted(errors.iter().map(|error| error.abs()));
        let loads = sorted(answers.iter().map(|answer| answer.load_s));
        let rates = answers
            .iter()
            .filter_map(|answer| Some(answer.capacity.rps?.get() / answer.truth_rps?));
        let ends: Vec<(f64, f64, f64)> = answers
            .iter()
            .filter_map(|answer| {
                answer.capacity.rps?;
                Some((answer.capacity.low?.get(), answer.capacity.high?.get(), answer.truth_rps?))
            })
            .collect();
        let held = ends.iter().filter(|(low, high, truth)| low <= truth && truth <= high).count();
        let has = |flags: &[Flag]| {
            answers
                .iter()
                .filter(|answer| answer.capacity.flags.iter().any(|flag| flags.contains(flag)))
                .count()
        };
        Self {
            runs,
            answered: share(
                answers.iter().filter(|answer| answer.capacity.rps.is_some()).count(),
                runs,
            ),
            truth_rps: answers.first().and_then(|answer| answer.truth_rps),
            bias: quantile(&sorted(errors.iter().copied()), 0.5),
            error_p90: quantile(&sizes, 0.90),
            error_p95: quantile(&sizes, 0.95),
            too_high: share(errors.iter().filter(|error| **error > 0.02).count(), errors.len()),
            variation: variation(&rates.collect::<Vec<_>>()),
            load_median_s: quantile(&loads, 0.5),
            load_p95_s: quantile(&loads, 0.95),
            covered: share(held, ends.len()),
            above: share(ends.iter().filter(|(low, _, truth)| low > truth).count(), ends.len()),
            width: quantile(&sorted(ends.iter().map(|(low, high, _)| high / low - 1.0)), 0.5),
            flagged: share(has(&[Flag::HeavyTail, Flag::Noisy]), runs),
            drift: share(has(&[Flag::Drift]), runs),
            generator_limited: share(
                answers.iter().filter(|answer| answer.is_generator_limited()).count(),
                runs,
            ),
        }
    }

    /// What is required of this kind of service and was not reached.
    pub(crate) fn missed(&self, name: &str, title: &str, preset: Preset) -> Vec<String> {
        let mut missed = Vec::new();
        let mut need = |holds: bool, what: String| {
            if !holds {
                missed.push(what);
            }
        };
        let percent = |ratio: f64| format!("{:.1} %", ratio * 100.0);
        let is_quick = preset == Preset::Quick;
        if title.starts_with("hopeless") {
            need(self.answered <= 0.0, format!("{} got a number", percent(self.answered)));
        } else if title.starts_with("slow client") {
            let blamed = self.generator_limited;
            need(blamed >= 0.99, format!("only {} blame the generator", percent(blamed)));
            return missed;
        } else if title.starts_with("hard") {
            if !is_quick {
                need(self.error_p90 <= 0.08, format!("error p90 {}", percent(self.error_p90)));
                need(self.flagged >= 0.95, format!("flagged in {}", percent(self.flagged)));
            }
        } else if title.starts_with("one worker, 50") {
            if !is_quick {
                need(self.error_p95 <= 0.08, format!("error p95 {}", percent(self.error_p95)));
                need(self.load_median_s <= 480.0, format!("median {:.0} s", self.load_median_s));
            }
        } else if title.starts_with("well-behaved") {
            let (error, median_s, p95_s) =
                if is_quick { (0.06, 90.0, 300.0) } else { (0.03, 180.0, 360.0) };
            need(self.error_p95 <= error, format!("error p95 {}", percent(self.error_p95)));
            need(self.load_median_s <= median_s, format!("median {:.0} s", self.load_median_s));
            if !is_quick {
                need(self.load_p95_s <= p95_s, format!("p95 {:.0} s", self.load_p95_s));
                need(self.too_high <= 0.02, format!("{} too high", percent(self.too_high)));
                need(self.variation <= 0.015, format!("variation {}", percent(self.variation)));
                need(self.covered >= 0.9, format!("interval holds {}", percent(self.covered)));
                need(self.width <= 0.08, format!("width {}", percent(self.width)));
            }
        }
        need(
            self.generator_limited <= 0.0,
            format!("{} blame the generator ({name})", percent(self.generator_limited)),
        );
        missed
    }
}

/// A line of a Markdown table.
pub(crate) struct Row<'a> {
    pub(crate) name: &'static str,
    pub(crate) figures: &'a Figures,
}

impl Row<'_> {
    pub(crate) const fn header() -> &'static str {
        "| service | truth | answered | bias | error p95 | > 2 % high | CV | load median / p95 | interval holds / lies above / width | tail or noise / drift flagged |\n|---|---|---|---|---|---|---|---|---|---|"
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.figures;
        let percent = |ratio: f64| {
            if ratio.is_finite() { format!("{:.1} %", ratio * 100.0) } else { "–".to_owned() }
        };
        write!(
            f,
            "| {} | {} | {} of {} | {} | {} | {} | {} | {:.0} / {:.0} s | {} / {} / {} | {} / {} |",
            self.name,
            figures.truth_rps.map_or_else(|| "none".to_owned(), |rps| format!("{rps:.1}")),
            (figures.answered * figures.runs as f64).round(),
            figures.runs,
            percent(figures.bias),
            percent(figures.error_p95),
            percent(figures.too_high),
            percent(figures.variation),
            figures.load_median_s,
            figures.load_p95_s,
            percent(figures.covered),
            percent(figures.above),
            percent(figures.width),
            percent(figures.flagged),
            percent(figures.drift),
        )
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The nearest-rank quantile of sorted values; not a number without values.
fn quantile(values: &[f64], share: f64) -> f64 {
    let rank = (share * values.len() as f64).ceil();
    (1..=values.len())
        .find(|position| *position as f64 >= rank)
        .and_then(|position| values.get(position - 1).copied())
        .unwrap_or(f64::NAN)
}

fn variation(values: &[f64]) -> f64 {
    let number = values.len() as f64;
    let mean = values.iter().sum::<f64>() / number;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (number - 1.0)).sqrt() / mean
}
