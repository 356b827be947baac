//! The counts of one stream of one trial: endings, four histograms, seconds. The books balance.

use std::collections::BTreeMap;

use super::TICK_S;
use super::compact::CompactLog;
use super::counts::{DueBin, EndingCounts, Second, Spread, WarmUpCounts};
use super::latency::LatencyLog;
use super::outcome::{Break, Ending, Outcome, Shortage};
use super::update::slot;
use crate::schedule::Part;
use crate::units::{OffsetNs, round_to_u64, u64_to_usize};

/// Everything counted of one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    pub(super) start: OffsetNs,
    pub(super) half: OffsetNs,
    pub(super) end: OffsetNs,
    pub(super) timeout_ns: u64,
    pub(super) slow_ns: u64,
    /// Arrivals due in the measured part.
    pub scheduled: u64,
    /// How they ended.
    pub counts: EndingCounts,
    /// How their documents did; a query counts as one document.
    pub documents: EndingCounts,
    /// The arrivals before them.
    pub warm_up: WarmUpCounts,
    /// Of `unsent`: those that the generator lacked ports or file descriptors for.
    pub unsent_generator: u64,
    /// Documents of measured requests of which it is not known whether the target holds them.
    pub unknown: u64,
    /// Documents whose acceptance came within the measured part, warm-up's requests included.
    pub accepted_in_time: u64,
    /// The same for its second half.
    pub accepted_second_half: u64,
    /// Requests sent again after the client handed them back untouched.
    pub resent: u64,
    /// Connections opened.
    pub connects: u64,
    /// How evenly requests went over the connections.
    pub spread: Spread,
    /// Time to open a connection, of those that brought an answer.
    pub connect: LatencyLog,
    /// Documents by the status of their answer.
    pub statuses: BTreeMap<u16, u64>,
    /// Documents of broken requests by kind.
    pub broken: BTreeMap<Break, u64>,
    /// Due to done: what a caller feels; every ending.
    pub response: LatencyLog,
    /// Due to taken: the generator's own fault, and nothing else.
    pub lateness: LatencyLog,
    /// Taken to sent: for a connection.
    pub waiting: LatencyLog,
    /// Sent to done, of answered requests.
    pub service: LatencyLog,
    /// By the tick in which requests were due.
    pub bins: Vec<DueBin>,
    /// By the second in which things happened.
    pub seconds: Vec<Second>,
    pub(super) open_second: usize,
    pub(super) open_second_response: LatencyLog,
    /// Whether its last second is over too.
    pub(super) is_closed: bool,
}

impl Tally {
    /// An empty tally of a stream whose measured part runs from `warmup_s` for `measure_s` seconds.
    #[must_use]
    pub fn new(warmup_s: f64, measure_s: f64, timeout_ns: u64, slow_ns: Option<u64>) -> Self {
        Self {
            start: OffsetNs::from_s(warmup_s),
            half: OffsetNs::from_s(warmup_s + measure_s / 2.0),
            end: OffsetNs::from_s(warmup_s + measure_s),
            timeout_ns,
            slow_ns: slow_ns.unwrap_or(u64::MAX),
            scheduled: 0,
            counts: EndingCounts::default(),
            documents: EndingCounts::default(),
            warm_up: WarmUpCounts::default(),
            unsent_generator: 0,
            unknown: 0,
            accepted_in_time: 0,
            accepted_second_half: 0,
            resent: 0,
            connects: 0,
            spread: Spread::default(),
            connect: LatencyLog::new(),
            statuses: BTreeMap::new(),
            broken: BTreeMap::new(),
            response: LatencyLog::new(),
            lateness: LatencyLog::new(),
            waiting: LatencyLog::new(),
            service: LatencyLog::new(),
            bins: Vec::new(),
            seconds: Vec::new(),
            open_second: 0,
            open_second_response: LatencyLog::new(),
            is_closed: false,
        }
    }

    /// Counts an arrival when it is taken up.
    pub fn arrive(&mut self, due: OffsetNs, part: Part) {
        if part == Part::WarmUp {
            self.warm_up.scheduled += 1;
            return;
        }
        self.scheduled += 1;
        let bin = bin_of(due.since_ns(self.start));
        slot(&mut self.bins, bin).due += 1;
        let second = second_of(due.since_ns(self.start));
        slot(&mut self.seconds, second).offered += 1;
    }

    /// Counts what became of an arrival.
    pub fn record(&mut self, outcome: &Outcome) {
        outcome.assert_ordered();
        if outcome.ended >= self.start && outcome.ended < self.end {
            self.accepted_in_time += outcome.accepted();
            let is_late = outcome.ended >= self.half;
            self.accepted_second_half += if is_late { outcome.accepted() } else { 0 };
        }
        if outcome.part == Part::WarmUp {
            self.warm_up.counts.count(outcome.ending);
            self.warm_up.documents.count_documents(outcome);
            self.warm_up.unknown += outcome.unknown();
            return;
        }
        self.counts.count(outcome.ending);
        self.documents.count_documents(outcome);
        self.unknown += outcome.unknown();
        self.count_kind(outcome);
        let response_ns = outcome.response_ns(self.timeout_ns);
        self.record_times(outcome, response_ns);
        let bin = slot(&mut self.bins, bin_of(outcome.due.since_ns(self.start)));
        bin.ended += 1;
        bin.slow += u64::from(response_ns > self.slow_ns);
        bin.failed += u64::from(outcome.ending != Ending::Accepted);
        self.count_second(outcome, response_ns);
    }

    /// Marks the instant at which the trial stopped offering, where that is before the planned end.
    pub fn cut(&mut self, at: OffsetNs) {
        self.end = self.end.min(at).max(self.start);
    }

    /// Closes the last second and checks the books.
    ///
    /// # Panics
    /// When scheduled differs from the sum of all endings: a request was lost or counted twice, and no
    /// figure of the trial can be believed.
    pub fn close(&mut self) {
        self.close_second();
        self.is_closed = true;
        assert!(
            self.is_balanced(),
            "the books do not balance: {} scheduled, {:?}; warm-up {:?}",
            self.scheduled,
            self.counts,
            self.warm_up
        );
    }

    pub(super) const fn is_balanced(&self) -> bool {
        self.scheduled == self.counts.total()
            && self.warm_up.scheduled == self.warm_up.counts.total()
    }

    /// Requests that were taken up and have not ended, warm-up included.
    #[must_use]
    pub const fn outstanding(&self) -> u64 {
        let ended = self.counts.total() + self.warm_up.counts.total();
        (self.scheduled + self.warm_up.scheduled).saturating_sub(ended)
    }

    /// Length of the measured part as it was run, in seconds.
    #[must_use]
    pub fn measured_s(&self) -> f64 {
        self.end.since_ns(self.start) as f64 / 1e9
    }

    /// The stream's time-out.
    #[must_use]
    pub const fn timeout_ns(&self) -> u64 {
        self.timeout_ns
    }

    fn count_kind(&mut self, outcome: &Outcome) {
        let documents = &outcome.documents;
        if let (Some(status), true) = (outcome.status, documents.statuses.is_empty()) {
            *self.statuses.entry(status).or_default() += documents.carried;
        }
        for (status, count) in &documents.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        match outcome.ending {
            Ending::Broken(kind) => *self.broken.entry(kind).or_default() += documents.carried,
            Ending::Unsent(Shortage::Generator) => self.unsent_generator += 1,
            _ => {}
        }
    }

    fn record_times(&mut self, outcome: &Outcome, response_ns: u64) {
        self.response.record_ns(response_ns);
        self.lateness.record_ns(outcome.taken.since_ns(outcome.due));
        let waited_until = outcome.sent.unwrap_or(outcome.ended);
        self.waiting.record_ns(waited_until.since_ns(outcome.taken));
        if let (true, Some(sent)) = (outcome.is_answered(), outcome.sent) {
            self.service.record_ns(outcome.ended.since_ns(sent));
        }
    }

    fn count_second(&mut self, outcome: &Outcome, response_ns: u64) {
        let second = second_of(outcome.ended.since_ns(self.start));
        // Stamps are taken where bytes arrive, so two outcomes may be recorded out of order by a hair.
        if second > self.open_second {
            self.close_second();
            self.open_second = second;
        }
        self.open_second_response.record_ns(response_ns);
        let entry = slot(&mut self.seconds, self.open_second);
        entry.documents += outcome.accepted();
        if outcome.ending == Ending::Accepted {
            entry.accepted += 1;
        } else {
            entry.failed += 1;
        }
    }

    fn close_second(&mut self) {
        if self.open_second_response.samples() == 0 {
            return;
        }
        let entry = slot(&mut self.seconds, self.open_second);
        entry.response = CompactLog::of(&self.open_second_response);
        self.open_second_response.clear();
    }
}

/// The tick in which an instant lies.
fn bin_of(since_start_ns: u64) -> usize {
    u64_to_usize(since_start_ns / round_to_u64(TICK_S * 1e9))
}

/// The second in which an instant lies.
fn second_of(since_start_ns: u64) -> usize {
    u64_to_usize(since_start_ns / crate::units::NS_PER_S)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::outcome::Documents;

    fn outcome(due_s: f64, sent_s: Option<f64>, ended_s: f64, ending: Ending) -> Outcome {
        Outcome {
            due: OffsetNs::from_s(due_s),
            taken: OffsetNs::from_s(due_s),
            sent: sent_s.map(OffsetNs::from_s),
            ended: OffsetNs::from_s(ended_s),
            status: None,
            ending,
            documents: Documents::ONE,
            part: Part::Measured,
        }
    }

    fn tally_of(outcomes: &[Outcome]) -> Tally {
        let mut tally = Tally::new(0.0, 10.0, 5_000_000_000, Some(1_000_000_000));
        for outcome in outcomes {
            tally.arrive(outcome.due, outcome.part);
            tally.record(outcome);
        }
        tally.close();
        tally
    }

    #[test]
    fn a_request_without_an_answer_counts_with_at_least_the_time_out() {
        let tally = tally_of(&[
            outcome(1.0, Some(1.0), 1.2, Ending::Broken(Break::Reset)),
            outcome(1.0, Some(1.0), 6.0, Ending::TimedOut),
            outcome(1.0, None, 1.1, Ending::Unsent(Shortage::Target)),
        ]);
        let p50_ms = tally.response.rank_ms(1).unwrap();
        assert!((5000.0..5010.0).contains(&p50_ms), "all three count as 5 s, not {p50_ms}");
        assert_eq!(tally.counts.accepted, 0, "none was accepted");
        assert_eq!(tally.service.samples(), 0, "service time is for answers");
        assert_eq!(tally.unknown, 2, "the two that were sent may have been stored");
    }

    #[test]
    fn waiting_for_a_connection_counts_as_response_time() {
        let tally = tally_of(&[outcome(1.0, Some(3.0), 3.5, Ending::Accepted)]);
        let of = |log: &LatencyLog| log.max_ms().unwrap();
        assert!((of(&tally.response) - 2500.0).abs() < 3.0, "response from the due time");
        assert!((of(&tally.waiting) - 2000.0).abs() < 3.0, "waiting until sent");
        assert!((of(&tally.service) - 500.0).abs() < 1.0, "service from sent");
        assert_eq!(tally.bins.iter().map(|bin| bin.slow).sum::<u64>(), 1, "and it was slow");
    }

    #[test]
    #[should_panic(expected = "the books do not balance")]
    fn a_lost_request_stops_everything() {
        let mut tally = Tally::new(0.0, 10.0, 5_000_000_000, None);
        tally.arrive(OffsetNs(1), Part::Measured);
        tally.close();
    }

    #[test]
    fn accepted_answers_after_the_end_are_no_part_of_the_accepted_rate() {
        let tally = tally_of(&[
            outcome(9.0, Some(9.0), 9.5, Ending::Accepted),
            outcome(9.9, Some(9.9), 10.4, Ending::Accepted),
        ]);
        assert_eq!((tally.counts.accepted, tally.accepted_in_time), (2, 1), "one came in time");
        assert_eq!(tally.seconds.get(10).map(|second| second.accepted), Some(1), "one after");
    }
}
