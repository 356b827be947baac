//! The times of a stream in a result: percentiles for people, whole distributions for programs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stats::interval::quantile_ranks;
use crate::trial::latency::LatencyLog;
use crate::trial::tally::Tally;

/// How [`HdrRecord`] is encoded; readers exist for Python, JavaScript and Java.
const HDR_ENCODING: &str = "HdrHistogram V2 deflate base64";

/// Percentiles in milliseconds; one that the samples cannot carry is null.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct PercentilesRecord {
    /// Median.
    pub p50: Option<f64>,
    /// 75th percentile.
    pub p75: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p999: Option<f64>,
    /// 99.99th percentile.
    pub p9999: Option<f64>,
    /// The longest time.
    pub max: Option<f64>,
    /// Lower end of the p99's order-statistic interval, one-sided 95 %.
    pub p99_low: Option<f64>,
    /// Its upper end; there from 299 samples on.
    pub p99_high: Option<f64>,
    /// Number of times.
    pub samples: u64,
    /// Of them, those over one hour, kept as one hour.
    pub overflow: u64,
}

impl PercentilesRecord {
    /// The percentiles of `log`.
    #[must_use]
    pub fn from_log(log: &LatencyLog) -> Self {
        let p99 = log.quantile_ms(0.99);
        let (low, high) = quantile_ranks(log.samples(), 0.99);
        let end = |rank: Option<u64>| p99.and(rank).and_then(|rank| log.rank_ms(rank));
        Self {
            p50: log.quantile_ms(0.5),
            p75: log.quantile_ms(0.75),
            p90: log.quantile_ms(0.9),
            p95: log.quantile_ms(0.95),
            p99,
            p999: log.quantile_ms(0.999),
            p9999: log.quantile_ms(0.9999),
            max: log.max_ms(),
            p99_low: end(low),
            p99_high: end(high),
            samples: log.samples(),
            overflow: log.overflow(),
        }
    }
}

/// The generator's lateness in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LatenessRecord {
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

impl LatenessRecord {
    /// The lateness in `log`.
    #[must_use]
    pub fn from_log(log: &LatencyLog) -> Self {
        Self { p50: log.quantile_ms(0.5), p99: log.quantile_ms(0.99), max: log.max_ms() }
    }
}

/// The four distributions, in a form that other programs merge without loss.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HdrRecord {
    /// Always `HdrHistogram V2 deflate base64`, standard alphabet.
    pub encoding: String,
    /// Unit of the recorded values: `us`.
    pub unit: String,
    /// Due to done.
    pub response: String,
    /// Sent to done.
    pub service: String,
    /// Taken to sent.
    pub waiting: String,
    /// Due to taken.
    pub lateness: String,
}

impl HdrRecord {
    /// The distribution of lateness; `None` when the text is no histogram.
    #[must_use]
    pub fn lateness(&self) -> Option<LatencyLog> {
        LatencyLog::decoded(&self.lateness)
    }

    /// The distribution of response times; `None` when the text is no histogram.
    #[must_use]
    pub fn response(&self) -> Option<LatencyLog> {
        LatencyLog::decoded(&self.response)
    }

    /// The distributions of `tally`.
    #[must_use]
    pub fn from_tally(tally: &Tally) -> Self {
        Self {
            encoding: HDR_ENCODING.to_owned(),
            unit: "us".to_owned(),
            response: tally.response.encoded(),
            service: tally.service.encoded(),
            waiting: tally.waiting.encoded(),
            lateness: tally.lateness.encoded(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::stream_result;
    use crate::report::stream::StreamRecord;
    use crate::trial::Workload;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hdrhistogram::serialization::Deserializer;

    #[test]
    fn a_histogram_comes_back_from_the_result_file_with_the_same_counts() {
        let result = stream_result(Workload::Index, 50.0, 400, 20);
        let record = StreamRecord::from_result(&result);
        let bytes = STANDARD.decode(&record.hdr.response).unwrap();
        let back = Deserializer::new().deserialize::<u32, _>(&mut bytes.as_slice()).unwrap();
        assert_eq!(&back, result.tally.response.histogram_us(), "every bucket is equal");
        assert_eq!(back.len(), record.response_ms.samples, "and so is the number of samples");
    }

    #[test]
    fn the_seconds_of_a_stream_together_are_its_response_times() {
        let result = stream_result(Workload::Index, 50.0, 400, 20);
        let record = StreamRecord::from_result(&result);
        let mut together = LatencyLog::new();
        for text in record.seconds.iter().filter_map(|second| second.hdr.as_deref()) {
            let bytes = STANDARD.decode(text).unwrap();
            let second = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
            together.merge(&LatencyLog::from_histogram_us(&second).unwrap());
        }
        assert_eq!(together.histogram_us(), result.tally.response.histogram_us(), "no time less");
    }

    #[test]
    fn a_percentile_that_the_samples_cannot_carry_is_null_and_so_is_the_end_of_its_interval() {
        let of = |n| StreamRecord::from_result(&stream_result(Workload::Dashboard, 5.0, n, 0));
        let (few, some, many) = (of(99).response_ms, of(298).response_ms, of(299).response_ms);
        assert_eq!((few.p99, few.p99_low, few.p99_high), (None, None, None), "99 samples: no p99");
        assert!(few.p95.is_some() && few.max.is_some(), "but a p95 and a greatest");
        assert!(some.p99.is_some() && some.p99_high.is_none(), "298: a p99 without an upper end");
        assert!(many.p99_high.is_some(), "299: with one");
        assert_eq!(many.p999, None, "and no p99.9");
        assert_eq!(of(0).response_ms.max, None, "no data is not zero");
    }
}
