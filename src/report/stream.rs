//! One stream of a trial as it stands in the result file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};

use crate::stats::interval::quantile_ranks;
use crate::trial::latency::LatencyLog;
use crate::trial::result::StreamResult;
use crate::trial::tally::{Second, Tally};

/// The contract's STREAM. Rates and counts are in documents or queries; durations in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// `index` or `dashboard`.
    pub workload: String,
    /// Law of arrivals.
    pub arrivals: String,
    /// The rate that was scheduled.
    pub offered_rps: f64,
    /// Accepted answers that came within the measured part, per second of it.
    pub accepted_rps: Option<f64>,
    /// Requests that were scheduled, per second; one document travels in each.
    pub requests_rps: Option<f64>,
    /// Requests sent again after the client handed them back untouched.
    pub resent: u64,
    /// Connections opened.
    pub connects: u64,
    /// Requests by ending; they go by due time.
    pub counts: CountsRecord,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Broken requests by kind.
    pub broken: BTreeMap<String, u64>,
    /// Requests of which it is not known whether the target holds their document.
    pub unknown: u64,
    /// The part before the measured one, counted apart.
    pub warm_up: WarmUpRecord,
    /// Due to done, every ending.
    pub response_ms: PercentilesRecord,
    /// Sent to done, answered requests.
    pub service_ms: PercentilesRecord,
    /// Taken to sent.
    pub waiting_ms: PercentilesRecord,
    /// Due to taken: the generator's own fault.
    pub lateness_ms: PercentilesRecord,
    /// The four histograms themselves.
    pub hdr: HdrRecord,
    /// Second by second.
    pub seconds: Vec<SecondRecord>,
}

/// Requests by ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the contract's table of endings")]
pub struct CountsRecord {
    pub scheduled: u64,
    pub accepted: u64,
    pub refused: u64,
    pub timed_out: u64,
    pub broken: u64,
    pub unsent: u64,
}

/// The warm-up part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmUpRecord {
    /// Arrivals before the measured part.
    pub scheduled: u64,
    /// Those that were accepted.
    pub accepted: u64,
    /// Those of which it is not known whether the target holds their document.
    pub unknown: u64,
}

/// Percentiles in milliseconds; `None` where the samples do not carry one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[allow(missing_docs, reason = "p999 is the 99.9th percentile, and so on")]
pub struct PercentilesRecord {
    pub p50: Option<f64>,
    pub p75: Option<f64>,
    pub p90: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub p999: Option<f64>,
    pub p9999: Option<f64>,
    pub max: Option<f64>,
    pub p99_low: Option<f64>,
    pub p99_high: Option<f64>,
    pub samples: u64,
}

/// The four histograms of a stream, in microseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "named like the percentiles beside them")]
pub struct HdrRecord {
    pub encoding: String,
    pub unit: String,
    pub response: String,
    pub service: String,
    pub waiting: String,
    pub lateness: String,
}

/// One second of a stream; those after the measured part hold what was still under way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SecondRecord {
    /// Its beginning, since the start of the measured part.
    pub t_s: u64,
    /// Requests due in it.
    pub offered: u64,
    /// Accepted answers that came in it.
    pub accepted: u64,
    /// Requests that ended otherwise in it.
    pub failed: u64,
    /// Requests under way at its end.
    pub in_flight: u64,
    /// Median response time of what ended in it.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the same.
    pub p99_ms: Option<f64>,
}

impl StreamRecord {
    /// The record of a finished stream.
    #[must_use]
    pub fn new(result: &StreamResult) -> Self {
        let tally = &result.tally;
        let measured_s = tally.measured_s();
        let counts = tally.counts;
        Self {
            workload: result.plan.workload.name().to_owned(),
            arrivals: result.plan.arrivals.name().to_owned(),
            offered_rps: result.plan.offered.get(),
            accepted_rps: result.accepted_rps(),
            requests_rps: (measured_s > 0.0).then(|| tally.scheduled as f64 / measured_s),
            resent: tally.resent,
            connects: tally.connects,
            counts: CountsRecord {
                scheduled: tally.scheduled,
                accepted: counts.accepted,
                refused: counts.refused,
                timed_out: counts.timed_out,
                broken: counts.broken,
                unsent: counts.unsent,
            },
            statuses: tally.statuses.clone(),
            broken: tally.broken.iter().map(|(kind, n)| (kind.name().to_owned(), *n)).collect(),
            unknown: tally.unknown,
            warm_up: WarmUpRecord {
                scheduled: tally.warm_up.scheduled,
                accepted: tally.warm_up.counts.accepted,
                unknown: tally.warm_up.unknown,
            },
            response_ms: percentiles(&tally.response),
            service_ms: percentiles(&tally.service),
            waiting_ms: percentiles(&tally.waiting),
            lateness_ms: percentiles(&tally.lateness),
            hdr: histograms(tally),
            seconds: seconds(&tally.seconds),
        }
    }
}

/// The percentiles that the samples of `log` carry, and the interval of the 99th.
#[must_use]
pub fn percentiles(log: &LatencyLog) -> PercentilesRecord {
    let (low, high) = quantile_ranks(log.samples(), 0.99);
    PercentilesRecord {
        p50: log.quantile_ms(0.5),
        p75: log.quantile_ms(0.75),
        p90: log.quantile_ms(0.9),
        p95: log.quantile_ms(0.95),
        p99: log.quantile_ms(0.99),
        p999: log.quantile_ms(0.999),
        p9999: log.quantile_ms(0.9999),
        max: log.max_ms(),
        p99_low: low.and_then(|rank| log.rank_ms(rank)),
        p99_high: high.and_then(|rank| log.rank_ms(rank)),
        samples: log.samples(),
    }
}

fn histograms(tally: &Tally) -> HdrRecord {
    HdrRecord {
        encoding: "HdrHistogram V2 deflate base64".to_owned(),
        unit: "us".to_owned(),
        response: encode(&tally.response),
        service: encode(&tally.service),
        waiting: encode(&tally.waiting),
        lateness: encode(&tally.lateness),
    }
}

/// The histogram in the interchange form that every `HdrHistogram` port reads.
#[allow(clippy::expect_used, reason = "writing to memory does not fail")]
fn encode(log: &LatencyLog) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(log.histogram_us(), &mut bytes)
        .expect("a histogram can be written to memory");
    STANDARD.encode(bytes)
}

fn seconds(seconds: &[Second]) -> Vec<SecondRecord> {
    let mut in_flight = 0;
    (0..)
        .zip(seconds)
        .map(|(t_s, second)| {
            // An answer is stamped where its bytes pass and may belong to the second before by a hair.
            in_flight =
                (in_flight + second.offered).saturating_sub(second.accepted + second.failed);
            SecondRecord {
                t_s,
                offered: second.offered,
                accepted: second.accepted,
                failed: second.failed,
                in_flight,
                p50_ms: second.p50_ms,
                p99_ms: second.p99_ms,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;

    use super::*;
    use crate::units::ms_to_ns;

    #[test]
    fn an_encoded_histogram_decodes_to_the_same_counts() {
        let mut log = LatencyLog::new();
        for span_ms in 1..=500 {
            log.record_ns(ms_to_ns(span_ms));
        }
        let bytes = STANDARD.decode(encode(&log)).unwrap();
        let decoded: Histogram<u32> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        assert_eq!(&decoded, log.histogram_us(), "every count survives");
    }

    #[test]
    fn a_p99_has_no_upper_end_below_299_samples() {
        let mut log = LatencyLog::new();
        for _ in 0..298 {
            log.record_ns(1_000_000);
        }
        assert!(percentiles(&log).p99.is_some(), "the value is there");
        assert_eq!(percentiles(&log).p99_high, None, "its upper end is not");
        log.record_ns(1_000_000);
        assert!(percentiles(&log).p99_high.is_some(), "299 give it");
    }

    #[test]
    fn in_flight_is_what_was_offered_and_has_not_ended() {
        let second =
            |offered, accepted, failed| Second { offered, accepted, failed, ..Second::default() };
        let rows = seconds(&[second(10, 4, 1), second(10, 10, 2), second(0, 3, 0)]);
        let in_flight: Vec<u64> = rows.iter().map(|row| row.in_flight).collect();
        assert_eq!(in_flight, [5, 3, 0], "summed up second by second");
    }
}
