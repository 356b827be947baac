//! STREAM of the result file: one endpoint's arrivals within a trial, in numbers that carry their unit.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::times::{HdrRecord, PercentilesRecord};
use crate::trial::counts::{EndingCounts, Spread};
use crate::trial::outcome::Break;
use crate::trial::result::StreamResult;
use crate::trial::tally::Tally;

/// One stream of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamRecord {
    /// `index` or `dashboard`.
    pub workload: String,
    /// Law of the arrivals.
    pub arrivals: String,
    /// Rate that was scheduled, in documents (or queries) per second.
    pub offered_rps: f64,
    /// Documents that travel in one request.
    #[serde(default = "one")]
    pub batch: u64,
    /// Rate of accepted answers within the measured part; null when that part is empty.
    pub accepted_rps: Option<f64>,
    /// The same over the second half of the measured part.
    pub accepted_second_half_rps: Option<f64>,
    /// HTTP requests per second of the measured part for which a connection was found.
    pub requests_rps: Option<f64>,
    /// Requests sent again after the client handed them back untouched.
    pub resent: u64,
    /// Connections opened.
    pub connects: u64,
    /// How evenly the requests went over the connections; null where nothing was answered.
    #[serde(default)]
    pub spread: Option<SpreadRecord>,
    /// Length of the measured part as it was run, in seconds.
    pub measured_s: f64,
    /// Deadline of a request after its due time, in milliseconds.
    pub timeout_ms: u64,
    /// What was due in the measured part, and how it ended.
    pub counts: CountsRecord,
    /// What was due before.
    pub warm_up: CountsRecord,
    /// Documents, warm-up included, of which it is not known whether the target holds them.
    pub unknown: u64,
    /// Of `counts.unsent`: those that the generator lacked a port or a file descriptor for.
    pub unsent_generator: u64,
    /// Documents by the status of their answer.
    pub statuses: BTreeMap<String, u64>,
    /// Documents of broken requests by kind.
    pub broken: BTreeMap<String, u64>,
    /// Due to done: what a caller feels; every ending.
    pub response_ms: PercentilesRecord,
    /// Sent to done, of answered requests.
    pub service_ms: PercentilesRecord,
    /// To open a connection; part of `waiting_ms`. Without samples in results of earlier versions.
    #[serde(default)]
    pub connect_ms: PercentilesRecord,
    /// Taken to sent: for a connection.
    pub waiting_ms: PercentilesRecord,
    /// Due to taken: the generator's own fault.
    pub lateness_ms: PercentilesRecord,
    /// The whole distributions.
    pub hdr: HdrRecord,
    /// The measured part second by second, and the wait for the last answers after it.
    pub seconds: Vec<SecondRecord>,
}

/// The connections that were open when the stream ended: a server that gives each to a process of its own works as
/// evenly as they are used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpreadRecord {
    /// How many there were.
    pub connections: u64,
    /// Share of their requests that the busiest one carried; 1 / connections where all carried the same.
    pub busiest_ratio: f64,
}

impl SpreadRecord {
    fn new(spread: Spread) -> Option<Self> {
        (spread.carried > 0).then(|| Self {
            connections: spread.connections,
            busiest_ratio: spread.busiest as f64 / spread.carried as f64,
        })
    }
}

/// What stood for `batch` before there was one.
const fn one() -> u64 {
    1
}

/// In documents: scheduled = accepted + refused + timed out + broken + unsent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct CountsRecord {
    /// Documents that were due.
    pub scheduled: u64,
    /// Answered 2xx with the expected body.
    pub accepted: u64,
    /// Any other status.
    pub refused: u64,
    /// Not answered by the deadline.
    pub timed_out: u64,
    /// Transport failed, or a wrong body.
    pub broken: u64,
    /// Never sent.
    pub unsent: u64,
}

impl CountsRecord {
    fn new(counts: &EndingCounts) -> Self {
        Self {
            // At the end of a trial everything has ended.
            scheduled: counts.total(),
            accepted: counts.accepted,
            refused: counts.refused,
            timed_out: counts.timed_out,
            broken: counts.broken,
            unsent: counts.unsent,
        }
    }

    /// Endings other than accepted.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.refused + self.timed_out + self.broken + self.unsent
    }
}

/// One second of the measured part, or of the wait after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SecondRecord {
    /// Its beginning, in seconds since the measured part began.
    pub t_s: u64,
    /// Documents due in it.
    pub offered: u64,
    /// Documents that were accepted in it.
    pub accepted: u64,
    /// Documents whose request ended otherwise in it.
    pub failed: u64,
    /// Documents of the measured part that were due and had not ended at its end.
    pub in_flight: u64,
    /// Median response time of what ended in it.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the response time of what ended in it.
    pub p99_ms: Option<f64>,
    /// Response times of what ended in it, as in `hdr`; all seconds together are the stream's. Null where nothing
    /// ended, and in results of earlier versions.
    #[serde(default)]
    pub hdr: Option<String>,
}

impl StreamRecord {
    /// The record of a finished stream.
    #[must_use]
    pub fn from_result(result: &StreamResult) -> Self {
        let (plan, tally) = (&result.plan, &result.tally);
        let measured_s = tally.measured_s();
        Self {
            workload: plan.workload.name().to_owned(),
            arrivals: plan.arrivals.name().to_owned(),
            offered_rps: plan.documents_rps(),
            batch: plan.batch,
            accepted_rps: result.accepted_rps(),
            accepted_second_half_rps: result.accepted_second_half_rps(),
            requests_rps: (measured_s > 0.0)
                .then(|| requests(tally, plan.batch) as f64 / measured_s),
            resent: tally.resent,
            connects: tally.connects,
            spread: SpreadRecord::new(tally.spread),
            measured_s,
            timeout_ms: plan.timeout_ms,
            counts: CountsRecord::new(&tally.documents),
            warm_up: CountsRecord::new(&tally.warm_up.documents),
            unknown: tally.unknown + tally.warm_up.unknown,
            unsent_generator: tally.unsent_generator * plan.batch,
            statuses: tally.statuses.iter().map(|(code, n)| (code.to_string(), *n)).collect(),
            broken: tally.broken.iter().map(|(kind, n)| (kind.name().to_owned(), *n)).collect(),
            response_ms: PercentilesRecord::from_log(&tally.response),
            service_ms: PercentilesRecord::from_log(&tally.service),
            connect_ms: PercentilesRecord::from_log(&tally.connect),
            waiting_ms: PercentilesRecord::from_log(&tally.waiting),
            lateness_ms: PercentilesRecord::from_log(&tally.lateness),
            hdr: HdrRecord::from_tally(tally),
            seconds: seconds(tally, plan.batch),
        }
    }

    /// The share of requests that ended in another way than accepted; `None` without requests.
    #[must_use]
    pub fn error_ratio(&self) -> Option<f64> {
        let total = self.counts.scheduled;
        (total > 0).then(|| self.counts.failed() as f64 / total as f64)
    }
}

/// Requests for which there was a connection.
fn requests(tally: &Tally, batch: u64) -> u64 {
    let without = |(kind, n): (&Break, &u64)| if kind.is_connect() { *n } else { 0 };
    let unconnected: u64 = tally.broken.iter().map(without).sum();
    tally.scheduled.saturating_sub(tally.counts.unsent + unconnected / batch)
}

fn seconds(tally: &Tally, batch: u64) -> Vec<SecondRecord> {
    let mut in_flight = 0_u64;
    (0..)
        .zip(&tally.seconds)
        .map(|(t_s, second)| {
            let (offered, accepted) = (second.offered * batch, second.documents);
            let failed = (second.accepted + second.failed) * batch - accepted;
            in_flight = (in_flight + offered).saturating_sub(accepted + failed);
            SecondRecord {
                t_s,
                offered,
                accepted,
                failed,
                in_flight,
                p50_ms: second.response.quantile_ms(0.5),
                p99_ms: second.response.quantile_ms(0.99),
                hdr: (second.response.samples() > 0).then(|| second.response.log().encoded()),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::stream_result;
    use crate::trial::Workload;

    #[test]
    fn in_flight_is_what_was_due_and_has_not_ended_by_the_end_of_the_second() {
        let record = StreamRecord::from_result(&stream_result(Workload::Index, 50.0, 400, 20));
        let mut outstanding = 0;
        for second in &record.seconds {
            outstanding = outstanding + second.offered - second.accepted - second.failed;
            assert_eq!(second.in_flight, outstanding, "in second {}", second.t_s);
        }
        assert_eq!(outstanding, 0, "at the end nothing is under way");
        assert!(
            record.seconds.iter().any(|second| second.in_flight > 0),
            "in between something is"
        );
    }

    #[test]
    fn the_books_of_a_record_balance_and_its_rates_are_per_measured_second() {
        let record = StreamRecord::from_result(&stream_result(Workload::Index, 50.0, 400, 20));
        let counts = record.counts;
        assert_eq!(counts.scheduled, counts.accepted + counts.failed(), "the books balance");
        assert_eq!((counts.timed_out, record.unknown), (20, 20), "time-outs are unknown");
        assert_eq!(record.requests_rps, Some(50.0), "all were sent within 8 s");
        let back: StreamRecord =
            serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        assert_eq!(back.counts, record.counts, "it reads back");
    }
}
