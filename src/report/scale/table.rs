//! A scaling run as text: the counts, the law, the forecast, the judgement.

use super::{CountRecord, FitRecord, ForecastRecord, GoalRecord, ScaleRecord};
use crate::report::caution::bracket;
use crate::report::figure::{MISSING, columns, entry, rate, short_rate};
use crate::report::schema::Outcome;
use crate::units::round_to_usize;

/// What a person reads of `record`, whose files are in `folder`.
#[must_use]
pub fn scale_table(record: &ScaleRecord, folder: &str) -> String {
    let header = ["workers", "documents/s", "interval", "a worker", "law", "finding"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(record.counts.iter().map(row));
    let mut text = columns(&rows);
    text.push('\n');
    if let Some(fit) = &record.fit {
        text.push_str(&entry("law", &law(fit)));
        text.push_str(&entry("peak", &peak(fit)));
    }
    let goal = &record.goal;
    let needed = short_rate(goal.needed_rps);
    let told = format!("{needed} documents/s {}: {}", met(goal), goal.reason);
    text.push_str(&entry("goal", &told));
    if let Some(forecast) = &record.forecast {
        text.push_str(&entry("forecast", &workers_needed(forecast, &needed)));
    }
    for caution in &record.cautions {
        text.push_str(&entry("caution", caution));
    }
    text.push_str(&entry("outcome", record.outcome.name()));
    text.push_str(&entry("results", folder));
    text
}

pub(super) const fn met(goal: &GoalRecord) -> &'static str {
    match goal.outcome {
        Outcome::Pass => "can be met",
        Outcome::Fail => "cannot be met",
        Outcome::Invalid => "not decided",
    }
}

fn row(count: &CountRecord) -> Vec<String> {
    let each = count.rps.map(|rps| rps / f64::from(count.workers));
    let interval = match count.rps {
        Some(_) => bracket(count.low_rps, count.high_rps),
        None => MISSING.to_owned(),
    };
    vec![
        count.workers.to_string(),
        rate(count.rps),
        interval,
        rate(each),
        rate(count.fitted_rps),
        count.finding.clone().unwrap_or_else(|| "not measured".to_owned()),
    ]
}

pub(super) fn law(fit: &FitRecord) -> String {
    let part = |words: &str, name: &str, value: f64, error: Option<f64>| {
        let is_held = fit.at_zero.iter().any(|held| held == name);
        let shown = match error {
            Some(error) => with_error(value, error),
            None => digits(value),
        };
        format!("{words} {shown}{}", if is_held { " (held)" } else { "" })
    };
    format!(
        "{}, {}, {} documents/s",
        part("contention", "alpha", fit.alpha, fit.alpha_error),
        part("coherency", "beta", fit.beta, fit.beta_error),
        part("one worker", "gamma", fit.gamma_rps, fit.gamma_error_rps)
    )
}

/// As many digits as make sense: two of the error.
fn with_error(value: f64, error: f64) -> String {
    if error < 1e-9 {
        return format!("{} ± 0", digits(value));
    }
    let decimals = round_to_usize(1.0 - error.log10().floor());
    format!("{value:.decimals$} ± {error:.decimals$}")
}

/// Three significant digits, whatever the size; a cost of a millionth is no zero.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size <= 0.0 => "0".to_owned(),
        size if size < 0.001 => format!("{value:.2e}"),
        size if size < 1.0 => format!("{value:.4}"),
        _ => format!("{value:.1}"),
    }
}

pub(super) fn peak(fit: &FitRecord) -> String {
    match (fit.peak_workers, fit.peak_rps, fit.most_rps) {
        (Some(workers), Some(rps), _) => {
            format!("{} documents/s with about {workers:.0} workers, fewer beyond", short_rate(rps))
        }
        (_, _, Some(most_rps)) => {
            format!("none: it nears {} documents/s with ever more workers", short_rate(most_rps))
        }
        _ => "none: it grows in proportion to the workers".to_owned(),
    }
}

pub(super) fn workers_needed(forecast: &ForecastRecord, needed: &str) -> String {
    let count = |workers: Option<u32>| workers.map(|workers| workers.to_string());
    let least = count(forecast.workers_low);
    let ends = match (least, count(forecast.workers_high)) {
        (Some(low), Some(high)) => format!("it takes at least {low}, and {high} are enough"),
        (Some(low), None) => {
            format!("it takes at least {low}, and no number is certain to be enough")
        }
        (None, _) => "no number is enough".to_owned(),
    };
    let workers = match forecast.workers {
        None => "no number of workers".to_owned(),
        Some(1) => "1 worker".to_owned(),
        Some(workers) => format!("{workers} workers"),
    };
    format!("{workers} for {needed} documents/s; at 95 % {ends}")
}
