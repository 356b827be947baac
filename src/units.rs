//! Quantities with their units, checked when they are made; the only file with numeric casts.
//!
//! A bare number lives inside one function. Between functions it is one of these types, or its name
//! carries its unit.

use std::fmt;
use std::time::Duration;

/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;

/// No machine offers more requests or documents per second; beyond it a count of arrivals would say nothing.
pub const RPS_MOST: f64 = 1e7;
/// A week, in seconds: longer spans are typing errors.
pub const SPAN_MOST_S: f64 = 604_800.0;
/// Histograms end at an hour, in milliseconds, and so do limits.
pub const LIMIT_MOST_MS: u64 = 3_600_000;

/// A rate in documents or requests per second: finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rps(f64);

impl Rps {
    /// `None` unless `per_second` is finite and above zero.
    #[must_use]
    pub fn new(per_second: f64) -> Option<Self> {
        (per_second.is_finite() && per_second > 0.0).then_some(Self(per_second))
    }

    /// The rate as a number of events per second.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// This rate times `factor`, which must be finite and above zero.
    ///
    /// # Panics
    /// When the product is no rate; the factors in this code base are positive constants.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        let product = self.0 * factor;
        assert!(product.is_finite() && product > 0.0, "a rate times {factor} is no rate");
        Self(product)
    }

    /// The smaller of two rates.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// The greater of two rates.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// Geometric mean: the middle of a bracket of rates, where errors are relative.
    #[must_use]
    pub fn geometric_mean(self, other: Self) -> Self {
        Self((self.0 * other.0).sqrt())
    }

    /// How many events this rate makes in `span_s` seconds, to the nearest whole number.
    #[must_use]
    pub fn count_in(self, span_s: f64) -> u64 {
        round_to_u64(self.0 * span_s)
    }
}

impl fmt::Display for Rps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}/s", self.0)
    }
}

/// Nanoseconds since the start of a trial's schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct OffsetNs(pub u64);

impl OffsetNs {
    /// The offset `span_s` seconds after the start; negative spans count as zero.
    #[must_use]
    pub fn from_s(span_s: f64) -> Self {
        Self(round_to_u64(span_s * 1e9))
    }

    /// Seconds since the start.
    #[must_use]
    pub fn as_s(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Nanoseconds from `earlier` to this offset; zero when it lies before.
    #[must_use]
    pub const fn since_ns(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This offset moved `span_ns` nanoseconds later.
    #[must_use]
    pub const fn plus_ns(self, span_ns: u64) -> Self {
        Self(self.0.saturating_add(span_ns))
    }
}

/// A share of load in percent of the capacity that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadPercent(pub u32);

impl LoadPercent {
    /// Levels go no higher.
    pub const MOST: u32 = 1000;

    /// The levels of `none` or of a list such as `0,50,100`, each once and none above [`Self::MOST`]; `None` where the
    /// text is neither.
    #[must_use]
    pub fn list(text: &str) -> Option<Vec<Self>> {
        if text == "none" {
            return Some(Vec::new());
        }
        let mut levels = Vec::new();
        for item in text.split(',') {
            let level = item.trim().parse().ok().filter(|percent| *percent <= Self::MOST);
            let level = Self(level?);
            if levels.contains(&level) {
                return None;
            }
            levels.push(level);
        }
        Some(levels)
    }

    /// The rate that this percentage of `capacity` is; `None` for 0 %.
    #[must_use]
    pub fn of(self, capacity: Rps) -> Option<Rps> {
        Rps::new(capacity.get() * f64::from(self.0) / 100.0)
    }
}

impl fmt::Display for LoadPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// The nearest whole number; negative and undefined values count as zero.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float-to-integer cast saturates, and NaN becomes zero"
)]
pub fn round_to_u64(value: f64) -> u64 {
    value.round() as u64
}

/// The nearest whole number as an index or a length; negative and undefined values count as zero.
#[must_use]
pub fn round_to_usize(value: f64) -> usize {
    u64_to_usize(round_to_u64(value))
}

/// A count as an index or a length, cut off at the greatest that the machine has.
#[must_use]
pub fn u64_to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A length as a count.
#[must_use]
pub fn usize_to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// Milliseconds as nanoseconds.
#[must_use]
pub const fn ms_to_ns(span_ms: u64) -> u64 {
    span_ms.saturating_mul(1_000_000)
}

/// Nanoseconds as milliseconds.
#[must_use]
pub fn ns_to_ms(span_ns: u64) -> f64 {
    span_ns as f64 / 1e6
}

/// A duration as nanoseconds, cut off after 584 years.
#[must_use]
pub fn duration_to_ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The upper 53 of 64 random bits as a number in 0..1.
#[must_use]
pub fn bits_to_unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The upper 32 bits of a product of 64-bit numbers: `index < bound`, without the bias of a modulus.
#[must_use]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the upper half of a 128-bit product fits in 64 bits"
)]
pub fn bits_below(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_finite_and_above_zero() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Rps::new(bad).is_none(), "{bad} is no rate");
        }
        assert_eq!(Rps::new(2.5).map(Rps::get), Some(2.5), "2.5/s is a rate");
    }

    #[test]
    fn zero_percent_of_a_capacity_is_no_rate() {
        let capacity = Rps::new(400.0).unwrap();
        assert_eq!(LoadPercent(0).of(capacity), None, "nothing is offered at 0 %");
        assert_eq!(LoadPercent(120).of(capacity), Rps::new(480.0), "120 % of 400/s is 480/s");
    }

    #[test]
    fn a_list_of_levels_is_read_whole_or_not_at_all() {
        let list =
            |text| LoadPercent::list(text).map(|levels| levels.iter().map(|l| l.0).collect());
        assert_eq!(list("0, 50,100"), Some(vec![0, 50, 100]), "a list");
        assert_eq!(list("none"), Some(vec![]), "none at all");
        for wrong in ["", "0,50,x", "50,50", "1001", "-1", "0,"] {
            assert_eq!(list(wrong), None, "{wrong:?} is no list");
        }
    }

    #[test]
    fn casts_saturate_instead_of_wrapping() {
        assert_eq!(round_to_u64(-3.0), 0, "negative");
        assert_eq!(round_to_u64(f64::NAN), 0, "undefined");
        assert_eq!(round_to_u64(1e300), u64::MAX, "too large");
        assert_eq!(bits_below(u64::MAX, 10), 9, "the bound is never reached");
    }
}
