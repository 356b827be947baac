//! What another machine tells of its counts, held against what can be: nothing of it overflows, and it takes no more memory
//! than its trial is worth.
//!
//! Whoever can reach the bus can tell anything. Each count has a bound, parts are no more than their whole, and times are
//! no more than requests.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::TICK_S;
use super::counts::{EndingCounts, Second, WarmUpCounts};
use super::result::Vitals;
use super::tally::Tally;
use crate::units::{NS_PER_S, OffsetNs};

/// A million million of anything: as many senders as there may be can be added up without an overflow.
pub(super) const COUNT_MOST: u64 = 1 << 40;
/// A generator that was stopped and goes on tells of so many seconds behind the last deadline, and of no more.
const LATE_S: u64 = 3600;
/// No figure of how a generator fared is greater: seconds, or shares.
const FIGURE_MOST: f64 = 1e9;
/// Memory that one row of a message may take.
const ROW_BYTES_MOST: usize = 128 << 20;

impl Tally {
    /// Ticks and seconds that it can have at the most.
    pub(super) fn rows_most(&self) -> (u64, u64) {
        let measured_ns = self.planned_end_ns().saturating_sub(self.start.0);
        let ticks = measured_ns / OffsetNs::from_s(TICK_S).0.max(1);
        let seconds = measured_ns.saturating_add(self.timeout_ns) / NS_PER_S;
        (ticks + 2, seconds + LATE_S)
    }

    /// Where its measured part ends by its plan, give or take three nanoseconds.
    fn planned_end_ns(&self) -> u64 {
        (2 * self.half.0).saturating_sub(self.start.0)
    }

    /// Whether what was told of it can be.
    pub(super) fn is_credible(&self) -> bool {
        let single = [
            self.scheduled,
            self.unsent_generator,
            self.unknown,
            self.accepted_in_time,
            self.accepted_second_half,
            self.resent,
            self.connects,
            self.spread.connections,
            self.spread.busiest,
            self.spread.carried,
        ];
        let sum = |counts: &mut dyn Iterator<Item = u64>| counts.fold(0, u64::saturating_add);
        let is_small = single.iter().all(|count| *count <= COUNT_MOST)
            && are_small(self.counts)
            && are_small(self.documents)
            && is_small(&self.warm_up)
            && sum(&mut self.statuses.values().copied()) <= COUNT_MOST
            && sum(&mut self.broken.values().copied()) <= COUNT_MOST;
        let is_later = self.end.0 > self.planned_end_ns().saturating_add(3);
        is_small && !is_later && self.parts_fit()
    }

    /// Whether its ticks, its seconds and its times are no more than its requests. Call it with small counts only.
    fn parts_fit(&self) -> bool {
        let ended = self.counts.total();
        let (mut due, mut offered, mut settled, mut documents) = (0_u64, 0_u64, 0_u64, 0_u64);
        for bin in &self.bins {
            if bin.ended > bin.due || bin.slow.max(bin.failed) > bin.ended {
                return false;
            }
            due = due.saturating_add(bin.due);
        }
        for second in &self.seconds {
            offered = offered.saturating_add(second.offered);
            settled = settled.saturating_add(second.accepted).saturating_add(second.failed);
            documents = documents.saturating_add(second.documents);
        }
        let times = self.response.samples().saturating_add(self.open_second_response.samples());
        ended <= self.scheduled
            && self.warm_up.counts.total() <= self.warm_up.scheduled
            && due.max(offered) <= self.scheduled
            && settled.max(times) <= ended
            && documents <= COUNT_MOST
    }
}

const fn are_small(counts: EndingCounts) -> bool {
    counts.accepted <= COUNT_MOST
        && counts.refused <= COUNT_MOST
        && counts.timed_out <= COUNT_MOST
        && counts.broken <= COUNT_MOST
        && counts.unsent <= COUNT_MOST
}

const fn is_small(warm_up: &WarmUpCounts) -> bool {
    warm_up.scheduled <= COUNT_MOST
        && warm_up.unknown <= COUNT_MOST
        && are_small(warm_up.counts)
        && are_small(warm_up.documents)
}

impl Vitals {
    /// Whether a generator can have fared so.
    #[must_use]
    pub fn is_credible(&self) -> bool {
        let figures = [self.cpu_s, self.busiest_cpu_s, self.wall_s, self.longest_gap_s];
        let ratios = [self.host.stalled_ratio, self.host.stolen_ratio];
        let counts = [self.sleeps, self.preemptions, self.sockets.ports_held, self.sockets.ports];
        figures
            .into_iter()
            .chain(ratios.into_iter().flatten())
            .all(|figure| (0.0..=FIGURE_MOST).contains(&figure))
            && counts.iter().all(|count| *count <= COUNT_MOST)
    }
}

/// What takes memory.
pub trait Weighs {
    /// About how many bytes.
    fn weight_bytes(&self) -> usize;
}

impl Weighs for (u64, Second) {
    fn weight_bytes(&self) -> usize {
        size_of::<Self>() + self.1.response.weight_bytes()
    }
}

/// A row of a message, read only as far as memory for it is due.
#[derive(Debug)]
pub struct Row<T>(pub Vec<T>);

impl<T: Weighs> Weighs for Row<T> {
    fn weight_bytes(&self) -> usize {
        size_of::<Self>() + self.0.iter().map(Weighs::weight_bytes).sum::<usize>()
    }
}

impl<'de, T: Deserialize<'de> + Weighs> Deserialize<'de> for Row<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        row(deserializer).map(Self)
    }
}

/// Reads a row.
///
/// # Errors
/// When it takes more memory than any of ours.
pub fn row<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Weighs,
{
    struct Reading<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de> + Weighs> Visitor<'de> for Reading<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a row")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut rest: A) -> Result<Vec<T>, A::Error> {
            let (mut row, mut bytes) = (Vec::new(), 0);
            while let Some(next) = rest.next_element::<T>()? {
                bytes += size_of::<T>() + next.weight_bytes();
                if bytes > ROW_BYTES_MOST {
                    return Err(A::Error::custom("more than any trial has to tell"));
                }
                row.push(next);
            }
            Ok(row)
        }
    }
    deserializer.deserialize_seq(Reading(PhantomData))
}
