//! Tallies of the same stream by several senders become one, and nothing is lost.

use super::counts::{DueBin, EndingCounts, Second, WarmUpCounts};
use super::tally::Tally;

impl Tally {
    /// The same with the times of the second that is not over yet, and without those of each single second: what a look
    /// at the running trial needs.
    #[must_use]
    pub fn viewed(&self) -> Self {
        let mut view = Self::empty_like(self);
        view.add_view(self);
        view
    }

    /// Nothing counted, of the same stream of the same trial.
    #[must_use]
    pub fn empty_like(other: &Self) -> Self {
        Self {
            start: other.start,
            half: other.half,
            end: other.start,
            ..Self::new(0.0, 0.0, other.timeout_ns, Some(other.slow_ns))
        }
    }

    /// Adds what is seen of another sender of the same stream in the running trial.
    pub fn add_view(&mut self, other: &Self) {
        self.merge_counts(other);
        self.response.merge(&other.response);
        self.response.merge(&other.open_second_response);
        merge_rows(&mut self.seconds, &other.seconds, Second::merge_counts);
    }

    /// Adds what another sender has counted of the same stream in the same trial; the order does not matter.
    pub fn merge(&mut self, other: &Self) {
        self.merge_counts(other);
        let logs = [
            (&mut self.connect, &other.connect),
            (&mut self.response, &other.response),
            (&mut self.lateness, &other.lateness),
            (&mut self.waiting, &other.waiting),
            (&mut self.service, &other.service),
        ];
        for (log, more) in logs {
            log.merge(more);
        }
        merge_rows(&mut self.seconds, &other.seconds, Second::merge);
    }

    fn merge_counts(&mut self, other: &Self) {
        // Senders stop within the same instant, give or take their waking.
        self.end = self.end.max(other.end);
        self.open_second = self.open_second.max(other.open_second);
        self.scheduled += other.scheduled;
        self.counts.merge(other.counts);
        self.documents.merge(other.documents);
        self.warm_up.merge(other.warm_up);
        self.unsent_generator += other.unsent_generator;
        self.unknown += other.unknown;
        self.accepted_in_time += other.accepted_in_time;
        self.accepted_second_half += other.accepted_second_half;
        self.resent += other.resent;
        self.connects += other.connects;
        self.spread.merge(other.spread);
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (kind, count) in &other.broken {
            *self.broken.entry(*kind).or_default() += count;
        }
        merge_rows(&mut self.bins, &other.bins, DueBin::merge);
    }
}

/// Merges two rows place by place; the shorter one counts as empty beyond its end.
fn merge_rows<T: Default + Clone>(row: &mut Vec<T>, other: &[T], merge: impl Fn(&mut T, &T)) {
    if row.len() < other.len() {
        row.resize(other.len(), T::default());
    }
    for (own, more) in row.iter_mut().zip(other) {
        merge(own, more);
    }
}

impl EndingCounts {
    /// Adds the endings of others.
    pub const fn merge(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.timed_out += other.timed_out;
        self.broken += other.broken;
        self.unsent += other.unsent;
    }
}

impl WarmUpCounts {
    const fn merge(&mut self, other: Self) {
        self.scheduled += other.scheduled;
        self.counts.merge(other.counts);
        self.documents.merge(other.documents);
        self.unknown += other.unknown;
    }
}

impl DueBin {
    const fn merge(&mut self, other: &Self) {
        self.due += other.due;
        self.ended += other.ended;
        self.slow += other.slow;
        self.failed += other.failed;
    }
}

impl Second {
    fn merge(&mut self, other: &Self) {
        self.merge_counts(other);
        self.response.merge(&other.response);
    }

    const fn merge_counts(&mut self, other: &Self) {
        self.offered += other.offered;
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.documents += other.documents;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::schedule::Part;
    use crate::trial::outcome::{Break, Documents, Ending, Outcome, Shortage};
    use crate::units::OffsetNs;
    use proptest::prelude::*;

    /// Endings in turn, at instants that follow from the number.
    pub(in crate::trial) fn outcome(number: u64) -> Outcome {
        let endings = [
            Ending::Accepted,
            Ending::Accepted,
            Ending::Refused,
            Ending::TimedOut,
            Ending::Broken(Break::Reset),
            Ending::Unsent(Shortage::Generator),
        ];
        let ending = endings[usize::try_from(number % 6).unwrap()];
        let due = OffsetNs(number * 11_000_000);
        let is_sent = !matches!(ending, Ending::Unsent(_));
        let is_answered = matches!(ending, Ending::Accepted | Ending::Refused);
        Outcome {
            due,
            taken: due.plus_ns(number % 7 * 10_000),
            sent: is_sent.then(|| due.plus_ns(number % 7 * 10_000 + 3_000)),
            ended: due.plus_ns(100_000 + number % 13 * 30_000_000),
            status: is_answered.then_some(if ending == Ending::Accepted { 200 } else { 503 }),
            ending,
            documents: Documents::ONE,
            part: if number < 40 { Part::WarmUp } else { Part::Measured },
        }
    }

    pub(in crate::trial) fn empty() -> Tally {
        Tally::new(0.44, 3.0, 5_000_000_000, Some(200_000_000))
    }

    fn tally_of(numbers: impl Iterator<Item = u64>) -> Tally {
        let mut tally = empty();
        let mut outcomes: Vec<Outcome> = numbers.map(outcome).collect();
        for outcome in &outcomes {
            tally.arrive(outcome.due, outcome.part);
        }
        outcomes.sort_by_key(|outcome| outcome.ended);
        for outcome in &outcomes {
            tally.record(outcome);
        }
        tally.close();
        tally
    }

    proptest! {
        #[test]
        fn any_number_of_senders_counts_what_one_would(senders in 1..9_usize, total in 50..300_u64) {
            let whole = tally_of(0..total);
            let mut merged = empty();
            for sender in 0..senders {
                merged.merge(&tally_of((0..total).skip(sender).step_by(senders)));
            }
            merged.close();
            prop_assert_eq!(&merged.seconds, &whole.seconds);
            prop_assert_eq!(&merged.bins, &whole.bins);
            prop_assert!(merged == whole, "{senders} senders count something else than one");
        }
    }
}
