//! A histogram of times that never loses a value and never invents one.

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::units::ns_to_ms;

/// Greatest time that is kept apart: one hour, in microseconds.
const HIGHEST_US: u64 = 3_600_000_000;
/// Significant decimal digits: values are exact to 0.1 %.
const DIGITS: u8 = 3;

/// Times from 1 µs to 1 h at three digits; longer ones are counted as one hour and counted apart.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyLog {
    histogram: Histogram<u32>,
    overflow: u64,
}

impl Default for LatencyLog {
    fn default() -> Self {
        Self::new()
    }
}

impl LatencyLog {
    /// An empty log.
    ///
    /// # Panics
    /// Never: the bounds are constants that the histogram accepts.
    #[must_use]
    #[allow(clippy::expect_used, reason = "constant bounds, exercised by every test")]
    pub fn new() -> Self {
        let histogram = Histogram::new_with_bounds(1, HIGHEST_US, DIGITS)
            .expect("1 µs to 1 h at three digits are valid bounds");
        Self { histogram, overflow: 0 }
    }

    /// A log of these times.
    #[cfg(test)]
    pub(super) fn of(spans_ns: &[u64]) -> Self {
        let mut log = Self::new();
        for span_ns in spans_ns {
            log.record_ns(*span_ns);
        }
        log
    }

    /// Counts one time.
    pub fn record_ns(&mut self, span_ns: u64) {
        let microseconds = (span_ns + 500) / 1000;
        if microseconds > HIGHEST_US {
            self.overflow += 1;
        }
        self.histogram.saturating_record(microseconds);
    }

    /// Counts one time of this log's own resolution again, `count` times.
    pub(super) fn record_us(&mut self, span_us: u64, count: u64) {
        self.histogram.saturating_record_n(span_us, u32::try_from(count).unwrap_or(u32::MAX));
    }

    /// Number of times.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.histogram.len()
    }

    /// Number of times over one hour.
    #[must_use]
    pub const fn overflow(&self) -> u64 {
        self.overflow
    }

    /// The `quantile` (0..1) in milliseconds; `None` with fewer than `1 / (1 - quantile)` samples.
    #[must_use]
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let carried = self.samples() as f64 * (1.0 - quantile) >= 1.0 - 1e-9;
        carried.then(|| us_to_ms(self.histogram.value_at_quantile(quantile)))
    }

    /// The time at `rank` of the sorted times, counted from 1, in milliseconds; `None` beyond them.
    #[must_use]
    pub fn rank_ms(&self, rank: u64) -> Option<f64> {
        (rank >= 1 && rank <= self.samples()).then(|| {
            // The middle of the rank's share: a quotient at its end could round up to the next rank.
            let quantile = (rank as f64 - 0.5) / self.samples() as f64;
            us_to_ms(self.histogram.value_at_quantile(quantile))
        })
    }

    /// The longest time in milliseconds; `None` without samples.
    #[must_use]
    pub fn max_ms(&self) -> Option<f64> {
        (self.samples() > 0).then(|| us_to_ms(self.histogram.max()))
    }

    /// Adds all times of `other`; the order of merging does not matter.
    ///
    /// # Panics
    /// Never: all logs have the same bounds.
    #[allow(clippy::expect_used, reason = "all logs have the same bounds")]
    pub fn merge(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("logs share their bounds");
        self.overflow += other.overflow;
    }

    /// The times that came to this log after it was as `earlier` is.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut rest = self.clone();
        // A log only grows, so that what it was is always a part of what it is.
        if rest.histogram.subtract(&earlier.histogram).is_err() {
            return self.clone();
        }
        rest.overflow = self.overflow.saturating_sub(earlier.overflow);
        rest
    }

    /// The log of times in microseconds that were written down before; `None` when they lie outside of
    /// its bounds.
    #[must_use]
    pub fn from_histogram_us(histogram: &Histogram<u32>) -> Option<Self> {
        let mut log = Self::new();
        log.histogram.add(histogram).ok()?;
        Some(log)
    }

    /// The log that was written down as `text` by [`Self::encoded`]; `None` when that is no histogram of this tool.
    #[must_use]
    pub fn decoded(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let histogram = Deserializer::new().deserialize::<u32, _>(&mut bytes.as_slice()).ok()?;
        Self::from_histogram_us(&histogram)
    }

    /// The times in microseconds as `HdrHistogram V2 deflate base64`, standard alphabet.
    ///
    /// # Panics
    /// Never: writing to memory does not fail, and the histogram's bounds are constant.
    #[must_use]
    #[allow(clippy::expect_used, reason = "memory takes what is written; exercised by every test")]
    pub fn encoded(&self) -> String {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.histogram, &mut bytes)
            .expect("a histogram of constant bounds can be written to memory");
        STANDARD.encode(bytes)
    }

    /// Forgets all times.
    pub fn clear(&mut self) {
        self.histogram.reset();
        self.overflow = 0;
    }

    /// The histogram itself, in microseconds, for its serialised form.
    #[must_use]
    pub const fn histogram_us(&self) -> &Histogram<u32> {
        &self.histogram
    }
}

/// On the way from one machine to another: the histogram as text, and what it cannot hold.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    hdr: String,
    overflow: u64,
}

impl Serialize for LatencyLog {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written { hdr: self.encoded(), overflow: self.overflow }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LatencyLog {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let log = Self::decoded(&written.hdr)
            .ok_or_else(|| D::Error::custom("no histogram of response times"))?;
        Ok(Self { overflow: written.overflow, ..log })
    }
}

fn us_to_ms(span_us: u64) -> f64 {
    ns_to_ms(span_us * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn merging_in_any_order_equals_recording_at_once(
            first in prop::collection::vec(0..10_000_000_000_u64, 0..50),
            second in prop::collection::vec(0..10_000_000_000_u64, 0..50),
        ) {
            let mut forward = LatencyLog::of(&first);
            forward.merge(&LatencyLog::of(&second));
            let mut backward = LatencyLog::of(&second);
            backward.merge(&LatencyLog::of(&first));
            let at_once = LatencyLog::of(&[first, second].concat());
            prop_assert_eq!(forward.histogram_us(), backward.histogram_us());
            prop_assert_eq!(forward.histogram_us(), at_once.histogram_us());
        }
    }

    proptest! {
        #[test]
        fn what_came_since_is_what_was_recorded_since(
            first in prop::collection::vec(0..10_000_000_000_u64, 0..50),
            second in prop::collection::vec(0..10_000_000_000_u64, 0..50),
        ) {
            let earlier = LatencyLog::of(&first);
            let since = LatencyLog::of(&[first, second.clone()].concat()).since(&earlier);
            let fresh = LatencyLog::of(&second);
            prop_assert_eq!(since.samples(), fresh.samples());
            for rank in 1..=fresh.samples() {
                prop_assert_eq!(since.rank_ms(rank), fresh.rank_ms(rank));
            }
        }
    }

    #[test]
    fn a_percentile_that_the_samples_cannot_carry_is_none() {
        let log = LatencyLog::of(&vec![1_000_000; 99]);
        assert_eq!(log.quantile_ms(0.99), None, "99 samples do not carry a p99");
        assert!(log.quantile_ms(0.95).is_some(), "they carry a p95");
        assert!(LatencyLog::of(&vec![1_000_000; 100]).quantile_ms(0.99).is_some(), "100 do");
        assert_eq!(LatencyLog::new().max_ms(), None, "no data is not zero");
    }

    #[test]
    fn a_time_over_one_hour_is_counted_as_overflow_and_kept() {
        let log = LatencyLog::of(&[4_000_000_000_000_000]);
        assert_eq!((log.samples(), log.overflow()), (1, 1), "kept and counted");
    }
}
