//! The two axes of a chart: from where to where, and where a tick stands.

use serde::Serialize;

use crate::units::round_to_u64;

/// Ticks that an axis should have, about.
const TICKS: f64 = 6.0;
/// No axis has more.
const TICKS_MAX: u32 = 60;
/// A logarithmic axis shows nothing below it, whatever its unit.
const SMALLEST: f64 = 1e-6;
/// Steps between ticks of a clock, in seconds.
const CLOCK_STEPS_S: [f64; 16] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
    14_400.0, 43_200.0,
];

/// How values are laid out along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Equal differences are equally far.
    Linear,
    /// Equal ratios are equally far; values at or below zero are not shown.
    Log,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As a number.
    Plain,
    /// Seconds as minutes and seconds.
    Clock,
    /// One in so many as a percentile: 100 is p99.
    Percentile,
}

/// One axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it measures, with its unit.
    pub label: String,
    /// How values are laid out.
    pub scale: Scale,
    /// How they are written.
    pub form: Form,
    /// Where it begins; at a tick below the data where this does not say.
    pub low: Option<f64>,
    /// Where it ends; at a tick above the data where this does not say.
    pub high: Option<f64>,
}

impl Axis {
    /// Numbers from zero on.
    #[must_use]
    pub fn linear(label: &str) -> Self {
        let label = label.to_owned();
        Self { label, scale: Scale::Linear, form: Form::Plain, low: Some(0.0), high: None }
    }

    /// Numbers by their ratio.
    #[must_use]
    pub fn log(label: &str) -> Self {
        let label = label.to_owned();
        Self { label, scale: Scale::Log, form: Form::Plain, low: None, high: None }
    }

    /// Seconds from zero on, as a clock shows them.
    #[must_use]
    pub fn clock(label: &str) -> Self {
        Self { form: Form::Clock, ..Self::linear(label) }
    }

    /// Percentiles from the median on: the value is 1 / (1 - quantile).
    #[must_use]
    pub fn percentiles(label: &str) -> Self {
        Self { form: Form::Percentile, ..Self::log(label) }
    }

    /// The extent of the axis over `values`; `None` when none of them can be shown.
    pub(super) fn span(&self, values: &[f64]) -> Option<Span> {
        let least = if self.scale == Scale::Log { SMALLEST } else { f64::NEG_INFINITY };
        let shown = || values.iter().copied().filter(|value| value.is_finite() && *value >= least);
        let low = self.low.or_else(|| shown().reduce(f64::min))?;
        let high = self.high.or_else(|| shown().reduce(f64::max))?;
        let (low, high, ticks) = match (self.scale, self.form) {
            (Scale::Log, Form::Percentile) => percentile_ticks(high),
            (Scale::Log, _) => log_ticks(low.max(SMALLEST), high),
            (Scale::Linear, form) => {
                let (begin, end, ticks) = linear_ticks(low, high, form);
                let (begin, end) = (self.low.unwrap_or(begin), self.high.unwrap_or(end));
                let is_inside = |at: &f64| *at >= begin - 1e-9 && *at <= end + 1e-9;
                (begin, end.max(begin + 1e-9), ticks.into_iter().filter(is_inside).collect())
            }
        };
        let ticks = ticks.into_iter().map(|at| (at, written(at, self.form))).collect();
        Some(Span {
            label: self.label.clone(),
            scale: self.scale,
            form: self.form,
            low,
            high,
            ticks,
        })
    }
}

/// An axis with its ends and ticks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Span {
    /// What it measures, with its unit.
    pub label: String,
    /// How values are laid out.
    pub scale: Scale,
    /// How they are written.
    pub form: Form,
    /// Where it begins.
    pub low: f64,
    /// Where it ends, above `low`.
    pub high: f64,
    /// Values with their text.
    pub ticks: Vec<(f64, String)>,
}

impl Span {
    /// Where `value` lies along the axis, within its ends: equal distances are equal differences.
    pub(super) fn place(&self, value: f64) -> f64 {
        let within = value.clamp(self.low, self.high);
        if self.scale == Scale::Log { within.log10() } else { within }
    }
}

/// A number with its thousands apart: `12,345.6`; at most `decimals` digits behind the point.
#[must_use]
pub fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), ""), |(whole, rest)| (whole, rest));
    let mut shown = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    let sign = if value < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) {
        "−"
    } else {
        ""
    };
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{shown}{point}{rest}")
}

/// Seconds as minutes and seconds, or as hours, minutes and seconds.
#[must_use]
pub fn clock(seconds: f64) -> String {
    let whole = round_to_u64(seconds);
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{rest:02}")
    } else {
        format!("{minutes}:{rest:02}")
    }
}

fn written(at: f64, form: Form) -> String {
    match form {
        Form::Clock => clock(at),
        Form::Percentile => {
            let percent = format!("{:.4}", 100.0 - 100.0 / at);
            format!("p{}", percent.trim_end_matches('0').trim_end_matches('.'))
        }
        Form::Plain => {
            let decimals = if at.abs() >= 1.0 || at == 0.0 { 3 } else { 6 };
            let text = grouped(at, decimals);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

fn linear_ticks(low: f64, high: f64, form: Form) -> (f64, f64, Vec<f64>) {
    let high = if high > low { high } else { low + low.abs().max(1.0) };
    let rough = (high - low) / TICKS;
    let step = match form {
        Form::Clock => {
            CLOCK_STEPS_S.into_iter().find(|step_s| *step_s >= rough).unwrap_or(86_400.0)
        }
        Form::Plain | Form::Percentile => nice(rough),
    };
    let end = (high / step - 1e-9).ceil() * step;
    let begin = (low / step + 1e-9).floor() * step;
    let ticks = (0..TICKS_MAX).map(|number| begin + f64::from(number) * step);
    (begin, end, ticks.take_while(|at| *at <= end + step * 1e-6).collect())
}

/// 1, 2, 2.5 or 5 times a power of ten, at least `rough`.
fn nice(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let leads = [1.0, 2.0, 2.5, 5.0, 10.0];
    leads
        .into_iter()
        .map(|lead| lead * power)
        .find(|step| *step >= rough * 0.999_999)
        .unwrap_or(rough)
}

fn log_ticks(low: f64, high: f64) -> (f64, f64, Vec<f64>) {
    let high = high.max(low * 1.000_001);
    let decades = (high / low).log10();
    let leads: &[f64] = match decades {
        wide if wide > 4.0 => &[1.0],
        middle if middle > 2.2 => &[1.0, 3.0],
        _ => &[1.0, 2.0, 5.0],
    };
    // A line along either edge of the plot would not be seen.
    let (low, high) = (low * 0.97, high * 1.03);
    let first = low.log10().floor();
    let all: Vec<f64> = (0..TICKS_MAX)
        .map(|number| 10_f64.powf(first + f64::from(number)))
        .flat_map(|power| leads.iter().map(move |lead| lead * power))
        .collect();
    let begin = all.iter().copied().rfind(|at| *at <= low).unwrap_or(low);
    let end = all.iter().copied().find(|at| *at >= high).unwrap_or(high);
    let end = if end > begin { end } else { begin * 10.0 };
    (begin, end, all.into_iter().filter(|at| *at >= begin * 0.999 && *at <= end * 1.001).collect())
}

fn percentile_ticks(high: f64) -> (f64, f64, Vec<f64>) {
    let end = high.max(10.0);
    let all = [2.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6];
    (2.0, end, all.into_iter().filter(|at| *at <= end).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        axis.span(values).unwrap().ticks.into_iter().map(|(_, label)| label).collect()
    }

    proptest! {
        #[test]
        fn an_axis_holds_all_its_values_and_has_at_least_two_ticks_in_order(
            values in prop::collection::vec(1e-3..1e7_f64, 1..20),
            is_log in any::<bool>(),
        ) {
            let axis = if is_log { Axis::log("ms") } else { Axis::linear("ms") };
            let span = axis.span(&values).unwrap();
            prop_assert!(values.iter().all(|value| (span.low..=span.high * 1.000_1).contains(value)));
            prop_assert!((2..=30).contains(&span.ticks.len()), "{:?}", span.ticks);
            prop_assert!(span.ticks.is_sorted_by(|a, b| a.0 < b.0), "{:?}", span.ticks);
            let inside = |at: f64| at >= span.low * 0.999 && at <= span.high * 1.001;
            prop_assert!(span.ticks.iter().all(|(at, _)| inside(*at)), "{:?}", span);
        }
    }

    #[test]
    fn ticks_are_written_as_a_person_would() {
        assert_eq!(
            labels(&Axis::linear(""), &[1430.0]),
            ["0", "250", "500", "750", "1,000", "1,250", "1,500"]
        );
        assert_eq!(
            labels(&Axis::log(""), &[0.4, 30.0]),
            ["0.2", "0.5", "1", "2", "5", "10", "20", "50"]
        );
        let clock = Axis { high: Some(200.0), ..Axis::clock("") };
        assert_eq!(labels(&clock, &[120.0]), ["0:00", "1:00", "2:00", "3:00"], "to its end");
        assert_eq!(labels(&Axis::percentiles(""), &[1500.0]), ["p50", "p90", "p99", "p99.9"]);
    }

    #[test]
    fn what_no_axis_can_show_is_left_out() {
        assert_eq!(Axis::log("").span(&[0.0, -1.0, f64::NAN]), None, "nothing to show");
        let span = Axis::linear("").span(&[f64::INFINITY, 5.0]).unwrap();
        assert!(span.high < 6.0, "infinity does not stretch it: {span:?}");
        assert!(Axis::linear("").span(&[0.0]).unwrap().high > 0.0, "and one value has room");
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        assert_eq!(
            (grouped(1_234_567.89, 1), grouped(999.96, 1)),
            ("1,234,567.9".into(), "1,000.0".into())
        );
        assert_eq!((grouped(-1234.0, 0), grouped(-0.001, 1)), ("−1,234".into(), "0.0".into()));
    }
}
