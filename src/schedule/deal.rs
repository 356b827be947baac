//! One schedule dealt to many: which agent sends which arrival, and which of its senders.
//!
//! Every arrival of a stream falls into one of the run's slots, by its number and the stream's seed alone. An agent has
//! a range of the slots, so that any number of agents sends together exactly what one would send, and nobody needs
//! to be asked. What is left of independent arrivals when some are left out by chance are independent arrivals.
//!
//! Beyond [`GLOBAL_RPS`] going through everybody's arrivals to find one's own costs too much. Each agent then has an
//! independent stream of its own, with exactly its part of the arrivals.

use super::{Arrival, ArrivalLaw, Schedule};
use crate::seed::Seed;
use crate::units::{Rps, usize_to_u64};

/// Up to this rate every agent goes through the arrivals of all.
pub const GLOBAL_RPS: f64 = 1e6;
/// A run has at least so many slots ...
const SLOTS_LEAST: u32 = 64;
/// ... and at least so many for each agent, so that shares follow weights.
const SLOTS_PER_AGENT: u32 = 16;
/// More agents than these have no slots to be dealt.
pub const AGENTS_MOST: u32 = 4096;

/// The slots of one agent: from `first` to before `end`, of `slots` in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    slots: u32,
    first: u32,
    end: u32,
}

impl Share {
    /// Everything: the share of the only agent.
    pub const WHOLE: Self = Self { slots: SLOTS_LEAST, first: 0, end: SLOTS_LEAST };

    /// The slots from `first` to before `end`, of `slots` in all; `None` where these are no slots that [`deal`] deals.
    #[must_use]
    pub const fn new(slots: u32, first: u32, end: u32) -> Option<Self> {
        let is_table = slots.is_power_of_two()
            && slots >= SLOTS_LEAST
            && slots <= (AGENTS_MOST * SLOTS_PER_AGENT).next_power_of_two();
        if is_table && first < end && end <= slots {
            Some(Self { slots, first, end })
        } else {
            None
        }
    }

    /// Slots in all.
    #[must_use]
    pub const fn slots(self) -> u32 {
        self.slots
    }

    /// Its own ones, the first and the one behind the last.
    #[must_use]
    pub const fn range(self) -> (u32, u32) {
        (self.first, self.end)
    }

    /// The part of all slots that it has, from 0 to 1.
    #[must_use]
    pub fn ratio(self) -> f64 {
        f64::from(self.end - self.first) / f64::from(self.slots)
    }

    const fn is_whole(self) -> bool {
        self.end - self.first == self.slots
    }

    fn takes(self, seed: Seed, number: u64) -> bool {
        let slot = seed.bits_at(number) & u64::from(self.slots - 1);
        self.is_whole() || (u64::from(self.first)..u64::from(self.end)).contains(&slot)
    }

    /// How many of `count` come before its own, and how many are its own, where each agent has its exact part.
    fn part_of(self, count: u64) -> (u64, u64) {
        let until = |slot: u32| {
            let product = u128::from(count) * u128::from(slot) / u128::from(self.slots);
            u64::try_from(product).unwrap_or(count)
        };
        (until(self.first), until(self.end) - until(self.first))
    }
}

/// Deals all slots to agents of these weights, as near to the weights as whole slots allow; each has one at least.
///
/// Agents without a weight (zero, or no number) count as the lightest that has one. Empty without agents, or with more
/// than [`AGENTS_MOST`].
#[must_use]
pub fn deal(weights: &[f64]) -> Vec<Share> {
    let Some(agents) = u32::try_from(weights.len()).ok().filter(|agents| *agents <= AGENTS_MOST)
    else {
        return Vec::new();
    };
    let slots = (agents * SLOTS_PER_AGENT).max(SLOTS_LEAST).next_power_of_two();
    let is_weight = |weight: &f64| weight.is_finite() && *weight > 0.0;
    let least = weights.iter().copied().filter(is_weight).fold(f64::INFINITY, f64::min);
    let least = if least.is_finite() { least } else { 1.0 };
    let weights = weights.iter().map(|weight| if is_weight(weight) { *weight } else { least });
    // One slot is everybody's; the rest goes by weight. Ends are rounded, not lengths: nothing is left over.
    let (total, spare) = (weights.clone().sum::<f64>(), f64::from(slots - agents));
    let mut shares = Vec::new();
    let (mut first, mut before) = (0, 0.0);
    for (dealt, weight) in (1..=agents).zip(weights) {
        before += weight;
        let by_weight = crate::units::round_to_u64(before / total * spare);
        let end = dealt + u32::try_from(by_weight).unwrap_or(slots);
        let end = if dealt == agents { slots } else { end.min(slots - (agents - dealt)) };
        shares.push(Share { slots, first, end });
        first = end;
    }
    shares
}

/// A stream as it is planned for all agents together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Course {
    /// How arrivals are placed in time.
    pub law: ArrivalLaw,
    /// The rate of all agents together.
    pub offered: Rps,
    /// Seconds before the measured part.
    pub warmup_s: f64,
    /// Seconds of the measured part.
    pub measure_s: f64,
    /// Seed of its arrivals.
    pub seed: Seed,
}

/// One sender among those of its agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// The slots of the agent.
    pub share: Share,
    /// Which of its senders, from 0.
    pub number: usize,
    /// How many it has.
    pub of: usize,
}

/// The arrivals of one sender, in the order in which they are due, numbered as in the whole stream.
#[derive(Debug, Clone)]
pub struct Dealt {
    schedule: Schedule,
    turns: Turns,
}

/// The numbers of the same arrivals, without working out when they are due.
#[derive(Debug, Clone)]
pub struct DealtNumbers {
    next: u64,
    total: u64,
    turns: Turns,
}

/// Which numbers of an agent's schedule fall to one sender, one after the other.
#[derive(Debug, Clone)]
struct Turns {
    /// Number of the agent's first arrival in the whole stream.
    base: u64,
    /// Slots to be looked up; `None` where the agent's schedule holds its own arrivals alone.
    slots: Option<(Seed, Share)>,
    number: u64,
    of: u64,
    turn: u64,
}

impl Turns {
    fn takes(&mut self, number: u64) -> bool {
        if self.slots.is_some_and(|(seed, share)| !share.takes(seed, number)) {
            return false;
        }
        let is_ours = self.turn == self.number;
        self.turn = (self.turn + 1) % self.of;
        is_ours
    }
}

impl Course {
    /// What `sender` sends of it.
    #[must_use]
    pub fn dealt(&self, sender: Sender) -> (Dealt, DealtNumbers) {
        let Self { law, offered, warmup_s, measure_s, seed } = *self;
        let counts = [offered.count_in(warmup_s), offered.count_in(measure_s)];
        let (share, of) = (sender.share, usize_to_u64(sender.of).max(1));
        let turns =
            |base, slots| Turns { base, slots, number: usize_to_u64(sender.number), of, turn: 0 };
        let (schedule, total, turns) = if offered.get() <= GLOBAL_RPS || share.is_whole() {
            let schedule = Schedule::of_counts(law, counts, (warmup_s, measure_s), seed);
            let slots = Some((seed.named("slots"), share)).filter(|_| !share.is_whole());
            (schedule, counts.iter().sum(), turns(0, slots))
        } else {
            let parts = counts.map(|count| share.part_of(count));
            let own = parts.map(|(_, own)| own);
            let seed = seed.named("own").numbered(u64::from(share.first));
            let schedule = Schedule::of_counts(law, own, (warmup_s, measure_s), seed);
            let before = parts.iter().map(|(before, _)| before).sum();
            (schedule, own.iter().sum(), turns(before, None))
        };
        (Dealt { schedule, turns: turns.clone() }, DealtNumbers { next: 0, total, turns })
    }
}

impl Iterator for Dealt {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let turns = &mut self.turns;
        let arrival = self.schedule.find(|arrival| turns.takes(arrival.number))?;
        Some(Arrival { number: turns.base + arrival.number, ..arrival })
    }
}

impl DealtNumbers {
    /// The numbers of `total` arrivals that all fall to one sender.
    #[must_use]
    pub const fn all(total: u64) -> Self {
        let turns = Turns { base: 0, slots: None, number: 0, of: 1, turn: 0 };
        Self { next: 0, total, turns }
    }
}

impl Iterator for DealtNumbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        while self.next < self.total {
            let number = self.next;
            self.next += 1;
            if self.turns.takes(number) {
                return Some(self.turns.base + number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAWS: [ArrivalLaw; 3] =
        [ArrivalLaw::Poisson, ArrivalLaw::Stratified, ArrivalLaw::Uniform];

    fn course(law: ArrivalLaw, rate: f64, measure_s: f64, seed: u64) -> Course {
        let offered = Rps::new(rate).unwrap();
        Course { law, offered, warmup_s: 0.2, measure_s, seed: Seed(seed) }
    }

    fn all(course: &Course, shares: &[Share], of: usize) -> Vec<Arrival> {
        let senders = shares
            .iter()
            .flat_map(|share| (0..of).map(|number| Sender { share: *share, number, of }));
        let mut arrivals: Vec<Arrival> = Vec::new();
        for sender in senders {
            let (dealt, numbers) = course.dealt(sender);
            let dealt: Vec<Arrival> = dealt.collect();
            assert!(
                dealt.iter().map(|arrival| arrival.number).eq(numbers),
                "documents are numbered as the arrivals are"
            );
            arrivals.extend(dealt);
        }
        arrivals.sort_by_key(|arrival| arrival.number);
        arrivals
    }

    proptest! {
        #[test]
        fn any_number_of_agents_sends_exactly_what_one_would(
            law in prop::sample::select(LAWS.to_vec()), rate in 50.0..2000.0_f64, seed: u64,
            agents in prop::sample::select(vec![1_usize, 2, 3, 7, 40]), of in 1..4_usize,
        ) {
            let course = course(law, rate, 1.0, seed);
            let alone = all(&course, &[Share::WHOLE], 1);
            let together = all(&course, &deal(&vec![1.0; agents]), of);
            prop_assert_eq!(together, alone);
        }

        #[test]
        fn every_slot_is_dealt_once_and_as_the_weights_say(
            weights in prop::collection::vec(0.01..100.0_f64, 1..200),
        ) {
            let shares = deal(&weights);
            let slots = shares[0].slots;
            prop_assert!(slots.is_power_of_two() && slots >= 64 && usize_to_u64(weights.len()) * 16 <= u64::from(slots));
            let mut first = 0;
            let total: f64 = weights.iter().sum();
            let spare = f64::from(slots) - weights.len() as f64;
            for (share, weight) in shares.iter().zip(&weights) {
                prop_assert_eq!(share.first, first, "one range follows the other");
                prop_assert!(share.end > share.first, "nobody is left out");
                prop_assert_eq!(Share::new(slots, share.first, share.end), Some(*share));
                let wanted = 1.0 + weight / total * spare;
                prop_assert!((f64::from(share.end - share.first) - wanted).abs() <= 1.0);
                first = share.end;
            }
            prop_assert_eq!(first, slots, "no slot is left over");
        }
    }

    #[test]
    fn above_a_million_a_second_each_agent_has_its_exact_part_of_the_arrivals() {
        let course = course(ArrivalLaw::Poisson, 2e6, 0.05, 9);
        let together = all(&course, &deal(&[3.0, 1.0, 2.0]), 2);
        let total = course.offered.count_in(0.2) + course.offered.count_in(0.05);
        assert_eq!(usize_to_u64(together.len()), total, "as many as one would send");
        for pair in together.windows(2) {
            assert_ne!(pair[0].number, pair[1].number, "and no number twice");
        }
    }

    #[test]
    fn what_nobody_deals_is_no_share() {
        for (slots, first, end) in [(0, 0, 0), (63, 0, 1), (32, 0, 1), (64, 5, 5), (64, 9, 65)] {
            assert_eq!(Share::new(slots, first, end), None, "{slots} {first} {end}");
        }
        assert_eq!(Share::new(1 << 31, 0, 1), None, "more slots than any run has");
        assert!(deal(&[]).is_empty(), "nobody gets nothing");
        let lame = deal(&[0.0, f64::NAN, 4.0, 4.0]);
        assert!(lame.iter().all(|share| (share.ratio() - 0.25).abs() < 0.01), "{lame:?}");
    }
}
