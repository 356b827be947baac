//! The times of one second, as small as they are few.

use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use super::latency::LatencyLog;
use crate::units::{ns_to_ms, round_to_u64};

/// Times at the resolution of a [`LatencyLog`]: each value once, ascending, with how often it occurred.
///
/// A whole log takes 90 kB, whatever it holds; a second's few hundred values take a tenth of that or less.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactLog {
    /// Microseconds, and how many.
    values: Vec<(u64, u64)>,
}

impl CompactLog {
    /// What `log` holds.
    #[must_use]
    pub fn of(log: &LatencyLog) -> Self {
        let recorded = log.histogram_us().iter_recorded();
        let values =
            recorded.map(|step| (step.value_iterated_to(), u64::from(step.count_at_value())));
        Self { values: values.collect() }
    }

    /// About how many bytes of memory it takes.
    pub(super) const fn weight_bytes(&self) -> usize {
        self.values.len() * size_of::<(u64, u64)>()
    }

    /// Number of times.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.values.iter().map(|(_, count)| count).sum()
    }

    /// The `quantile` (0..1) in milliseconds, as [`LatencyLog::quantile_ms`] gives it.
    #[must_use]
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let samples = self.samples() as f64;
        if samples * (1.0 - quantile) < 1.0 - 1e-9 {
            return None;
        }
        let mut left = round_to_u64((samples * quantile).ceil()).max(1);
        let value = self.values.iter().find(|(_, count)| {
            let is_here = left <= *count;
            left = left.saturating_sub(*count);
            is_here
        });
        value.map(|(value_us, _)| ns_to_ms(value_us * 1000))
    }

    /// The same as a whole log.
    #[must_use]
    pub fn log(&self) -> LatencyLog {
        let mut log = LatencyLog::new();
        self.add_to(&mut log);
        log
    }

    /// Counts its times in `log` too.
    pub fn add_to(&self, log: &mut LatencyLog) {
        for (value_us, count) in &self.values {
            log.record_us(*value_us, *count);
        }
    }

    /// Adds all times of `other`; the order of merging does not matter.
    pub fn merge(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
        // Two rows that are sorted already: a stable sort finds them and merges them in one pass.
        self.values.sort_by_key(|(value_us, _)| *value_us);
        self.values.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                earlier.1 += later.1;
            }
            is_same
        });
    }
}

/// On the way from one machine to another: the histogram as text, as everywhere; empty without times.
impl Serialize for CompactLog {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = if self.values.is_empty() { String::new() } else { self.log().encoded() };
        text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for CompactLog {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() {
            return Ok(Self::default());
        }
        let log = LatencyLog::decoded(&text);
        log.map(|log| Self::of(&log)).ok_or_else(|| D::Error::custom("no histogram of a second"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_has_the_percentiles_of_the_log_that_it_was_made_of(
            first in prop::collection::vec(0..10_000_000_000_u64, 0..300),
            second in prop::collection::vec(0..10_000_000_u64, 0..300),
        ) {
            let whole = LatencyLog::of(&[first.clone(), second.clone()].concat());
            let mut compact = CompactLog::of(&LatencyLog::of(&first));
            compact.merge(&CompactLog::of(&LatencyLog::of(&second)));
            prop_assert_eq!(&compact, &CompactLog::of(&whole));
            let log = compact.log();
            prop_assert_eq!(log.histogram_us(), whole.histogram_us());
            for quantile in [0.5, 0.75, 0.9, 0.99, 0.995] {
                prop_assert_eq!(compact.quantile_ms(quantile), whole.quantile_ms(quantile));
            }
        }
    }
}
