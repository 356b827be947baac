//! A histogram of times that never loses a value and never invents one.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::units::ns_to_ms;

/// Greatest time that is kept apart: one hour, in microseconds.
const HIGHEST_US: u64 = 3_600_000_000;
/// Significant decimal digits: values are exact to 0.1 %.
const DIGITS: u8 = 3;
/// What a written histogram begins with, compressed and plain.
const COOKIES: [[u8; 4]; 2] = [[0x1c, 0x84, 0x93, 0x14], [0x1c, 0x84, 0x93, 0x13]];
/// Bytes of a plain one before its counts: cookie, their length, offset, digits, lowest, highest, ratio.
const HEAD_BYTES: usize = 40;
/// Bytes of a plain one at the most: some 23,500 counts of up to five bytes.
const PLAIN_BYTES_MOST: u64 = 1 << 17;
/// A count of 32 bits, or a row of empty places, takes no more bytes.
const COUNT_BYTES_MOST: usize = 5;

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
        let bytes = plain_form(&STANDARD.decode(text).ok()?)?;
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

    /// About how many bytes of memory it takes.
    pub(super) fn weight_bytes(&self) -> usize {
        self.histogram.distinct_values() * size_of::<u32>()
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
            .filter(|log| written.overflow <= log.samples())
            .ok_or_else(|| D::Error::custom("no histogram of response times"))?;
        Ok(Self { overflow: written.overflow, ..log })
    }
}

/// A compressed histogram in its plain form, where that is one of this tool's bounds.
///
/// The library takes memory by what the head says, four gigabytes where it says so, and counts on rows of empty places
/// that are no longer than a histogram.
fn plain_form(packed: &[u8]) -> Option<Vec<u8>> {
    let [packed_cookie, plain_cookie] = COOKIES;
    let body = packed.strip_prefix(&packed_cookie)?.get(4..)?;
    let mut plain = Vec::new();
    ZlibDecoder::new(body).take(PLAIN_BYTES_MOST + 1).read_to_end(&mut plain).ok()?;
    let (head, counts) = plain.split_at_checked(HEAD_BYTES)?;
    let length = u32::try_from(counts.len()).ok()?;
    let own = [
        &plain_cookie[..],
        &length.to_be_bytes(),
        &0_u32.to_be_bytes(),
        &u32::from(DIGITS).to_be_bytes(),
        &1_u64.to_be_bytes(),
        &HIGHEST_US.to_be_bytes(),
        &1_f64.to_be_bytes(),
    ];
    let mut numbers = counts.split_inclusive(|byte| byte & 0x80 == 0);
    let is_whole = counts.last().is_none_or(|byte| byte & 0x80 == 0);
    let is_own =
        own.concat() == head && is_whole && numbers.all(|number| number.len() <= COUNT_BYTES_MOST);
    is_own.then_some(plain)
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

    /// A histogram as text, with so many bytes of counts as its head says.
    fn written(length: u32, high: u64, counts: &[u8]) -> String {
        let head = [length, 0, 3].map(u32::to_be_bytes).concat();
        let bounds = [1, high, 1_f64.to_bits()].map(u64::to_be_bytes).concat();
        let plain = [&COOKIES[1][..], &head, &bounds, counts].concat();
        let mut packed = Vec::new();
        let mut encoder =
            flate2::read::ZlibEncoder::new(plain.as_slice(), flate2::Compression::fast());
        encoder.read_to_end(&mut packed).unwrap();
        let length = u32::try_from(packed.len()).unwrap().to_be_bytes();
        STANDARD.encode([&COOKIES[0][..], &length, &packed].concat())
    }

    proptest! {
        #[test]
        fn whatever_counts_a_histogram_holds_it_is_read_or_refused(
            counts in prop::collection::vec(prop_oneof![any::<u8>(), Just(0xff), Just(1)], 0..60),
        ) {
            let length = u32::try_from(counts.len()).unwrap();
            if let Some(log) = LatencyLog::decoded(&written(length, HIGHEST_US, &counts)) {
                prop_assert_eq!(LatencyLog::decoded(&log.encoded()), Some(log));
            }
        }
    }

    #[test]
    fn a_histogram_that_lies_about_its_size_costs_nothing_and_is_none() {
        let good = LatencyLog::decoded(&written(2, HIGHEST_US, &[1, 4])).unwrap();
        assert_eq!(good.samples(), 2, "a row of one empty place, and two values");
        let endless = vec![2; 1 << 20];
        let runs_wild = [&[0xff; 9][..], &[0; 9]].concat();
        for (what, bad) in [
            ("gigabytes of counts", written(u32::MAX, HIGHEST_US, &[1, 4])),
            ("other bounds", written(2, u64::MAX, &[1, 4])),
            ("a row of empty places beyond all numbers", written(18, HIGHEST_US, &runs_wild)),
            ("more counts than places", written(1 << 20, HIGHEST_US, &endless)),
            ("a number that does not end", written(1, HIGHEST_US, &[0x80])),
        ] {
            assert_eq!(LatencyLog::decoded(&bad), None, "{what}");
        }
    }

    #[test]
    fn a_time_over_one_hour_is_counted_as_overflow_and_kept() {
        let log = LatencyLog::of(&[4_000_000_000_000_000]);
        assert_eq!((log.samples(), log.overflow()), (1, 1), "kept and counted");
    }
}
