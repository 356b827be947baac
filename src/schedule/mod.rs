//! When each request of a stream is due: fixed before the trial, from its seed alone.
//!
//! The schedule never looks at a clock and never at an answer. That is what makes the load model open:
//! a slow target cannot thin out the requests that would have shown how slow it is.
//!
//! A stream has two parts, warm-up and measured, each with a fixed count of `round(rate x seconds)`
//! arrivals, so that two trials at one rate offer exactly the same load.

pub mod deal;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use crate::seed::Seed;
use crate::units::{OffsetNs, Rps, bits_to_unit};

/// The law that places arrivals in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArrivalLaw {
    /// Independent arrivals, as of many users who do not know each other.
    Poisson,
    /// One arrival, uniformly placed, in every slot of 1/rate: exact rate, no phase lock.
    Stratified,
    /// Evenly spaced, in the middle of every slot of 1/rate.
    Uniform,
}

impl ArrivalLaw {
    /// The law's name in settings and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Stratified => "stratified",
            Self::Uniform => "uniform",
        }
    }

    /// Variance over mean of the number of arrivals in a long stretch of time.
    #[must_use]
    pub const fn dispersion(self) -> f64 {
        match self {
            Self::Poisson => 1.0,
            Self::Stratified | Self::Uniform => 0.0,
        }
    }
}

/// The part of a stream that an arrival belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Sent like any other, left out of every figure.
    WarmUp,
    /// What the figures are made of.
    Measured,
}

/// One request that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Position in the stream, from 0, warm-up included.
    pub number: u64,
    /// When it is due.
    pub due: OffsetNs,
    /// Whether it counts.
    pub part: Part,
}

/// An iterator over the arrivals of one stream, in the order in which they are due.
///
/// Constant memory, whatever the length. Due times never decrease and lie before the stream's end.
#[derive(Debug, Clone)]
pub struct Schedule {
    law: ArrivalLaw,
    seed: Seed,
    number: u64,
    part: Part,
    cursor: PartCursor,
    measured: PartSpan,
}

/// Where a part starts, how long it is and how many arrivals it holds.
#[derive(Debug, Clone, Copy)]
struct PartSpan {
    start_s: f64,
    length_s: f64,
    count: u64,
}

/// How far a part has been given out.
#[derive(Debug, Clone)]
struct PartCursor {
    span: PartSpan,
    given: u64,
    /// For Poisson: the last order statistic, as the share of the part that lies behind it.
    left_ratio: f64,
    chance: Xoshiro256PlusPlus,
}

impl Schedule {
    /// The arrivals of a stream at `rate` with `warmup_s` seconds before `measure_s` measured seconds.
    #[must_use]
    pub fn new(law: ArrivalLaw, rate: Rps, warmup_s: f64, measure_s: f64, seed: Seed) -> Self {
        let counts = [rate.count_in(warmup_s), rate.count_in(measure_s)];
        Self::of_counts(law, counts, (warmup_s, measure_s), seed)
    }

    /// So many arrivals before and in the measured part, whose lengths in seconds are these.
    fn of_counts(
        law: ArrivalLaw,
        [before, count]: [u64; 2],
        (warmup_s, measure_s): (f64, f64),
        seed: Seed,
    ) -> Self {
        let warmup = PartSpan { start_s: 0.0, length_s: warmup_s, count: before };
        let measured = PartSpan { start_s: warmup_s, length_s: measure_s, count };
        let cursor = PartCursor::new(warmup, seed.named("warm-up"));
        Self { law, seed, number: 0, part: Part::WarmUp, cursor, measured }
    }

    /// How many arrivals the whole stream holds, warm-up included.
    #[must_use]
    pub fn total(law_rate: Rps, warmup_s: f64, measure_s: f64) -> u64 {
        law_rate.count_in(warmup_s) + law_rate.count_in(measure_s)
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        if self.part == Part::WarmUp && self.cursor.is_done() {
            self.part = Part::Measured;
            self.cursor = PartCursor::new(self.measured, self.seed.named("measured"));
        }
        let due = self.cursor.next_due(self.law)?;
        let arrival = Arrival { number: self.number, due, part: self.part };
        self.number += 1;
        Some(arrival)
    }
}

impl PartCursor {
    fn new(span: PartSpan, seed: Seed) -> Self {
        let chance = Xoshiro256PlusPlus::seed_from_u64(seed.0);
        Self { span, given: 0, left_ratio: 1.0, chance }
    }

    fn is_done(&self) -> bool {
        self.given >= self.span.count
    }

    fn next_due(&mut self, law: ArrivalLaw) -> Option<OffsetNs> {
        if self.is_done() {
            return None;
        }
        let count = self.span.count as f64;
        let share = match law {
            ArrivalLaw::Uniform => (self.given as f64 + 0.5) / count,
            ArrivalLaw::Stratified => {
                (self.given as f64 + bits_to_unit(self.chance.next_u64())) / count
            }
            ArrivalLaw::Poisson => {
                // Order statistics of `count` uniform points, one after the other: the share left
                // behind the next point is the current share times the greatest of the remaining
                // points' uniforms. Source: Devroye, "Non-Uniform Random Variate Generation", V.3.1.
                let remaining = (self.span.count - self.given) as f64;
                let uniform = 1.0 - bits_to_unit(self.chance.next_u64());
                self.left_ratio *= uniform.powf(1.0 / remaining);
                1.0 - self.left_ratio
            }
        };
        self.given += 1;
        Some(OffsetNs::from_s(self.span.start_s + share * self.span.length_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAWS: [ArrivalLaw; 3] =
        [ArrivalLaw::Poisson, ArrivalLaw::Stratified, ArrivalLaw::Uniform];

    fn schedule(law: ArrivalLaw, rate: f64, warmup_s: f64, measure_s: f64, seed: u64) -> Schedule {
        Schedule::new(law, Rps::new(rate).unwrap(), warmup_s, measure_s, Seed(seed))
    }

    proptest! {
        #[test]
        fn due_times_never_decrease_and_stay_in_their_part(
            law in prop::sample::select(LAWS.to_vec()),
            rate in 0.5..3000.0_f64, warmup_s in 0.0..3.0_f64, measure_s in 0.1..5.0_f64, seed: u64,
        ) {
            let border = OffsetNs::from_s(warmup_s);
            let end = OffsetNs::from_s(warmup_s + measure_s);
            let mut last = OffsetNs(0);
            for arrival in schedule(law, rate, warmup_s, measure_s, seed) {
                prop_assert!(arrival.due >= last, "due times never decrease");
                prop_assert!(arrival.due <= end, "nothing is due after the end");
                prop_assert_eq!(arrival.part == Part::WarmUp, arrival.due < border || arrival.part == Part::WarmUp);
                if arrival.part == Part::Measured { prop_assert!(arrival.due >= border); }
                last = arrival.due;
            }
        }

        #[test]
        fn every_law_offers_exactly_the_rounded_count(
            law in prop::sample::select(LAWS.to_vec()),
            rate in 0.5..3000.0_f64, warmup_s in 0.0..3.0_f64, measure_s in 0.1..5.0_f64, seed: u64,
        ) {
            let rate_checked = Rps::new(rate).unwrap();
            let measured = schedule(law, rate, warmup_s, measure_s, seed)
                .filter(|arrival| arrival.part == Part::Measured).count();
            prop_assert_eq!(measured as u64, rate_checked.count_in(measure_s));
            prop_assert_eq!(
                schedule(law, rate, warmup_s, measure_s, seed).count() as u64,
                Schedule::total(rate_checked, warmup_s, measure_s)
            );
        }

        #[test]
        fn a_stratified_slot_holds_exactly_one_arrival(rate in 1.0..2000.0_f64, seed: u64) {
            let slots = Rps::new(rate).unwrap().count_in(4.0);
            for (slot, arrival) in (0_u64..).zip(schedule(ArrivalLaw::Stratified, rate, 0.0, 4.0, seed)) {
                let position = arrival.due.as_s() / 4.0 * slots as f64;
                prop_assert!(position >= slot as f64 - 1e-6 && position <= slot as f64 + 1.0 + 1e-6);
            }
        }

        #[test]
        fn the_same_seed_gives_the_same_schedule(
            law in prop::sample::select(LAWS.to_vec()), rate in 1.0..500.0_f64, seed: u64,
        ) {
            prop_assert!(schedule(law, rate, 1.0, 2.0, seed).eq(schedule(law, rate, 1.0, 2.0, seed)));
        }
    }

    #[test]
    fn poisson_gaps_are_exponential_by_the_kolmogorov_distance() {
        let mut gaps_s = Vec::new();
        let mut last = 0.0;
        for arrival in schedule(ArrivalLaw::Poisson, 1000.0, 0.0, 20.0, 5) {
            gaps_s.push(arrival.due.as_s() - last);
            last = arrival.due.as_s();
        }
        gaps_s.sort_by(f64::total_cmp);
        let count = gaps_s.len() as f64;
        let distance = gaps_s
            .iter()
            .enumerate()
            .map(|(rank, gap_s)| ((1.0 - (-gap_s * 1000.0).exp()) - rank as f64 / count).abs())
            .fold(0.0, f64::max);
        assert!(distance < 1.63 / count.sqrt(), "distance {distance} is beyond the 1 % point");
    }
}
