//! What a sender has counted since it was last asked: small enough to be told every half second, and enough to know
//! all of it.
//!
//! Counts are told as they stand, so that one that is missed is made good by the next. Times are told second by second,
//! once; at the end the seconds must add up to the whole, bucket by bucket, or something was lost on the way.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::compact::CompactLog;
use super::counts::{DueBin, EndingCounts, Second, Spread, WarmUpCounts};
use super::credible::{Weighs, row};
use super::latency::LatencyLog;
use super::outcome::Break;
use super::tally::Tally;
use crate::units::{OffsetNs, u64_to_usize, usize_to_u64};

/// Everything small of a tally, as it stands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    end_ns: u64,
    scheduled: u64,
    counts: EndingCounts,
    documents: EndingCounts,
    warm_up: WarmUpCounts,
    unsent_generator: u64,
    unknown: u64,
    accepted_in_time: u64,
    accepted_second_half: u64,
    resent: u64,
    connects: u64,
    spread: Spread,
    statuses: BTreeMap<u16, u64>,
    broken: BTreeMap<Break, u64>,
}

impl Totals {
    fn of(tally: &Tally) -> Self {
        Self {
            end_ns: tally.end.0,
            scheduled: tally.scheduled,
            counts: tally.counts,
            documents: tally.documents,
            warm_up: tally.warm_up,
            unsent_generator: tally.unsent_generator,
            unknown: tally.unknown,
            accepted_in_time: tally.accepted_in_time,
            accepted_second_half: tally.accepted_second_half,
            resent: tally.resent,
            connects: tally.connects,
            spread: tally.spread,
            statuses: tally.statuses.clone(),
            broken: tally.broken.clone(),
        }
    }
}

/// What has changed in a tally.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TallyUpdate {
    totals: Totals,
    /// Ticks that have changed.
    bins: Vec<(u64, DueBin)>,
    /// Seconds that have changed, the times of each only when it is over.
    #[serde(deserialize_with = "row")]
    seconds: Vec<(u64, Second)>,
    /// Times of the second that is not over yet.
    open: CompactLog,
}

/// The whole distributions of a stream, told once, at its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    response: LatencyLog,
    connect: LatencyLog,
    lateness: LatencyLog,
    waiting: LatencyLog,
    service: LatencyLog,
}

impl Weighs for TallyUpdate {
    fn weight_bytes(&self) -> usize {
        // What a map keeps of a count besides it.
        let counts = 32 * (self.totals.statuses.len() + self.totals.broken.len());
        let seconds: usize = self.seconds.iter().map(Weighs::weight_bytes).sum();
        let bins = self.bins.len() * size_of::<(u64, DueBin)>();
        size_of::<Self>() + counts + bins + seconds + self.open.weight_bytes()
    }
}

impl Weighs for (TallyUpdate, Times) {
    fn weight_bytes(&self) -> usize {
        self.0.weight_bytes() + 5 * self.1.response.weight_bytes()
    }
}

impl Times {
    /// Those of `tally`.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        Self {
            response: tally.response.clone(),
            connect: tally.connect.clone(),
            lateness: tally.lateness.clone(),
            waiting: tally.waiting.clone(),
            service: tally.service.clone(),
        }
    }
}

/// Why what was told cannot be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// A row longer than any trial.
    #[error("it tells of a second that no trial has")]
    Row,
    /// The seconds do not add up to the whole.
    #[error("its seconds do not add up to its totals: a message was lost")]
    Times,
    /// Scheduled differs from the sum of all endings.
    #[error("its books do not balance")]
    Books,
    /// Counts that no sender has, or parts that are more than their whole.
    #[error("it tells of counts that cannot be")]
    Counts,
}

/// What was told of a tally so far: the next update has what has changed since.
#[derive(Debug, Default)]
pub struct Told {
    bins: Vec<DueBin>,
    /// Without their times.
    seconds: Vec<Second>,
    /// The times of the seconds before this one are told.
    times: u64,
}

impl Told {
    /// What is new in `tally`.
    pub fn update(&mut self, tally: &Tally) -> TallyUpdate {
        let bins = changed(&mut self.bins, &tally.bins, |bin| *bin, |_| None);
        let over =
            usize_to_u64(if tally.is_closed { tally.seconds.len() } else { tally.open_second });
        let times = self.times..over;
        let seconds =
            changed(&mut self.seconds, &tally.seconds, Second::counts, |(second, position)| {
                times.contains(&position).then(|| second.clone())
            });
        self.times = over.max(self.times);
        TallyUpdate {
            totals: Totals::of(tally),
            bins,
            seconds,
            open: CompactLog::of(&tally.open_second_response),
        }
    }
}

/// The elements of `row` that are not as they were `told`, or that have `more` to tell; `told` follows.
fn changed<T: Clone + Default + PartialEq>(
    told: &mut Vec<T>,
    row: &[T],
    plain: impl Fn(&T) -> T,
    more: impl Fn((&T, u64)) -> Option<T>,
) -> Vec<(u64, T)> {
    told.resize(row.len().max(told.len()), T::default());
    let pairs = told.iter_mut().zip(row).zip(0..);
    let changes = pairs.filter_map(|((told, element), position)| {
        let now = plain(element);
        let is_new = *told != now;
        told.clone_from(&now);
        more((element, position)).or_else(|| is_new.then_some(now)).map(|news| (position, news))
    });
    changes.collect()
}

impl Tally {
    /// Takes over what a sender has told; `self` then stands as its own tally did, but for the times of its end.
    ///
    /// # Errors
    /// When it tells of what cannot be; no use can be made of this tally any more then.
    pub fn apply(&mut self, update: TallyUpdate) -> Result<(), Untold> {
        let TallyUpdate { totals, bins, seconds, open } = update;
        let (bins_most, seconds_most) = self.rows_most();
        if bins.iter().any(|(position, _)| *position >= bins_most)
            || seconds.iter().any(|(position, _)| *position >= seconds_most)
        {
            return Err(Untold::Row);
        }
        self.end = OffsetNs(totals.end_ns).max(self.start);
        self.scheduled = totals.scheduled;
        self.counts = totals.counts;
        self.documents = totals.documents;
        self.warm_up = totals.warm_up;
        self.unsent_generator = totals.unsent_generator;
        self.unknown = totals.unknown;
        self.accepted_in_time = totals.accepted_in_time;
        self.accepted_second_half = totals.accepted_second_half;
        self.resent = totals.resent;
        self.connects = totals.connects;
        self.spread = totals.spread;
        self.statuses = totals.statuses;
        self.broken = totals.broken;
        for (position, bin) in bins {
            *slot(&mut self.bins, u64_to_usize(position)) = bin;
        }
        for (position, second) in seconds {
            second.response.add_to(&mut self.response);
            let own = slot(&mut self.seconds, u64_to_usize(position));
            // Times are told once; counts may change after them by a hair.
            let told = std::mem::take(&mut own.response);
            *own = second;
            own.response.merge(&told);
        }
        self.open_second_response.clear();
        open.add_to(&mut self.open_second_response);
        if self.is_credible() { Ok(()) } else { Err(Untold::Counts) }
    }

    /// Takes over the whole distributions at the end, where they are what its seconds were.
    ///
    /// # Errors
    /// When something was lost on the way, or the books do not balance.
    pub fn complete(&mut self, times: Times) -> Result<(), Untold> {
        let is_whole = times.response.histogram_us() == self.response.histogram_us();
        if !is_whole || self.open_second_response.samples() > 0 {
            return Err(Untold::Times);
        }
        let Times { response, connect, lateness, waiting, service } = times;
        (self.response, self.connect, self.lateness) = (response, connect, lateness);
        (self.waiting, self.service) = (waiting, service);
        self.is_closed = true;
        if self.is_balanced() { Ok(()) } else { Err(Untold::Books) }
    }
}

/// The element at `position`, with empty ones put before it where needed.
#[allow(clippy::indexing_slicing, reason = "the vector was just made long enough")]
pub(super) fn slot<T: Default + Clone>(row: &mut Vec<T>, position: usize) -> &mut T {
    if row.len() <= position {
        row.resize(position + 1, T::default());
    }
    &mut row[position]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::merge::tests::{empty, outcome};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whoever_hears_every_update_knows_the_tally(
            total in 1..300_u64, every in prop::collection::vec(1..40_usize, 1..20),
        ) {
            let (mut tally, mut mirror, mut told) = (empty(), empty(), Told::default());
            let mut outcomes: Vec<_> = (0..total).map(outcome).collect();
            for outcome in &outcomes {
                tally.arrive(outcome.due, outcome.part);
            }
            outcomes.sort_by_key(|outcome| outcome.ended);
            let mut looks = every.iter().cycle();
            let mut until = *looks.next().unwrap();
            for (position, outcome) in outcomes.iter().enumerate() {
                tally.record(outcome);
                if position == until {
                    until += looks.next().unwrap();
                    let text = serde_json::to_string(&told.update(&tally)).unwrap();
                    mirror.apply(serde_json::from_str(&text).unwrap()).unwrap();
                    let seen = mirror.viewed();
                    prop_assert_eq!(seen.response.histogram_us(), tally.response.histogram_us());
                    prop_assert_eq!(seen.outstanding(), tally.outstanding());
                    prop_assert_eq!(&seen.bins, &tally.bins);
                }
            }
            tally.close();
            mirror.apply(told.update(&tally)).unwrap();
            let text = serde_json::to_string(&Times::of(&tally)).unwrap();
            prop_assert_eq!(mirror.complete(serde_json::from_str(&text).unwrap()), Ok(()));
            tally.open_second = mirror.open_second;
            prop_assert!(mirror == tally, "nothing is missing");
        }

        #[test]
        fn a_lost_update_that_held_times_is_noticed(total in 60..300_u64, lost in 0..3_usize) {
            let (mut tally, mut mirror, mut told) = (empty(), empty(), Told::default());
            let outcomes: Vec<_> = (0..total).map(outcome).collect();
            for (number, part) in outcomes.chunks(20).enumerate() {
                for outcome in part {
                    tally.arrive(outcome.due, outcome.part);
                    tally.record(outcome);
                }
                let update = told.update(&tally);
                let is_lost = number == lost && update.seconds.iter().any(|(_, second)| second.response.samples() > 0);
                if !is_lost {
                    mirror.apply(update).unwrap();
                }
            }
            tally.close();
            mirror.apply(told.update(&tally)).unwrap();
            let is_whole = mirror.response.histogram_us() == tally.response.histogram_us();
            prop_assert_eq!(mirror.complete(Times::of(&tally)).is_ok(), is_whole);
        }
    }

    #[test]
    fn counts_that_cannot_be_are_refused_before_anything_is_added_to_them() {
        type Lie = (&'static str, fn(&mut TallyUpdate));
        let lies: [Lie; 8] = [
            ("too many", |it| it.totals.scheduled = u64::MAX),
            ("more endings than requests", |it| it.totals.counts.accepted = 1),
            ("a sum beyond all numbers", |it| it.totals.counts.refused = u64::MAX),
            ("a trial that never ends", |it| it.totals.end_ns = u64::MAX),
            ("many of a status", |it| it.totals.statuses = [(1, u64::MAX), (2, 1)].into()),
            ("connections", |it| it.totals.spread.carried = u64::MAX),
            ("a tick with more ended than due", |it| {
                it.bins = vec![(0, DueBin { ended: 1, ..DueBin::default() })];
            }),
            ("a second with more than there is", |it| {
                it.seconds = vec![(0, Second { accepted: 1, ..Second::default() })];
            }),
        ];
        for (what, lie) in lies {
            let mut update = TallyUpdate::default();
            lie(&mut update);
            assert_eq!(empty().apply(update), Err(Untold::Counts), "{what}");
        }
        let bins = vec![(u64::MAX, DueBin::default())];
        let update = TallyUpdate { bins, ..TallyUpdate::default() };
        assert_eq!(empty().apply(update), Err(Untold::Row), "no such tick");
    }

    #[test]
    fn books_that_do_not_balance_are_no_result() {
        let mut update = TallyUpdate::default();
        update.totals.scheduled = 1;
        let mut tally = empty();
        tally.apply(update).unwrap();
        assert_eq!(
            tally.complete(Times::of(&empty())),
            Err(Untold::Books),
            "one request is missing"
        );
    }
}
