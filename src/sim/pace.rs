//! How long a service takes: its law, the changing speed of the workers, their load, their standstills.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use rand_distr::{Distribution, Exp1, LogNormal, Normal, StandardNormal};

use super::plan::{Congestion, Pace, Pauses, ServiceLaw, TargetPlan};
use crate::seed::Seed;
use crate::units::{NS_PER_S, bits_to_unit, round_to_u64};

/// The speed of a second is never below this share of the usual one.
const SLOWEST: f64 = 0.2;

/// Draws service times.
#[derive(Debug, Clone)]
pub(super) struct ServiceTimes {
    law: ServiceLaw,
    log_normal: Option<LogNormal<f64>>,
    pace: Pace,
    congestion: Option<Congestion>,
    chance: Xoshiro256PlusPlus,
    speed_chance: Xoshiro256PlusPlus,
    served: f64,
    is_congested: bool,
    /// The second that `speed` holds for, and the deviation that it wandered to.
    second: u64,
    speed: f64,
    wandered: f64,
}

impl ServiceTimes {
    pub(super) fn new(plan: &TargetPlan, seed: Seed) -> Self {
        let log_normal = match plan.law {
            ServiceLaw::LogNormal(variation) => LogNormal::from_mean_cv(1.0, variation).ok(),
            ServiceLaw::Constant | ServiceLaw::Exponential => None,
        };
        Self {
            law: plan.law,
            log_normal,
            pace: plan.pace,
            congestion: plan.congestion,
            chance: Xoshiro256PlusPlus::seed_from_u64(seed.named("service").0),
            speed_chance: Xoshiro256PlusPlus::seed_from_u64(seed.named("speed").0),
            served: 0.0,
            is_congested: false,
            second: u64::MAX,
            speed: 1.0,
            wandered: 0.0,
        }
    }

    /// A service time as a multiple of the mean, for a request that begins to be served at `begins_ns`
    /// and found `in_system` others.
    pub(super) fn next_factor(&mut self, begins_ns: u64, in_system: u64) -> f64 {
        let own = match self.law {
            ServiceLaw::Constant => 1.0,
            ServiceLaw::Exponential => Exp1.sample(&mut self.chance),
            ServiceLaw::LogNormal(_) => {
                self.log_normal.map_or(1.0, |law| law.sample(&mut self.chance))
            }
        };
        let paced = self.pace_factor(begins_ns);
        self.served += 1.0;
        own * paced * self.congestion_factor(in_system)
    }

    fn pace_factor(&mut self, begins_ns: u64) -> f64 {
        match self.pace {
            Pace::Steady => 1.0,
            Pace::Settling { first, requests } => {
                1.0 + (first - 1.0) * (-self.served / requests).exp()
            }
            Pace::Step { at_s, until_s, factor } => {
                let is_within = (at_s..until_s).contains(&(begins_ns as f64 / 1e9));
                if is_within { factor } else { 1.0 }
            }
            Pace::Leak { per_request } => 1.0 + per_request * self.served,
            Pace::Noise { deviation } => {
                if self.is_another_second(begins_ns) {
                    let drawn = Normal::new(1.0, deviation)
                        .map_or(1.0, |law| law.sample(&mut self.speed_chance));
                    self.speed = drawn.max(SLOWEST);
                }
                1.0 / self.speed
            }
            Pace::Wander { deviation, correlation_s } => {
                if self.is_another_second(begins_ns) {
                    let kept = (-1.0 / correlation_s).exp();
                    let drawn: f64 = StandardNormal.sample(&mut self.speed_chance);
                    self.wandered =
                        kept * self.wandered + (1.0 - kept * kept).sqrt() * deviation * drawn;
                    self.speed = (1.0 + self.wandered).max(SLOWEST);
                }
                1.0 / self.speed
            }
        }
    }

    fn is_another_second(&mut self, begins_ns: u64) -> bool {
        let second = begins_ns / NS_PER_S;
        std::mem::replace(&mut self.second, second) != second
    }

    fn congestion_factor(&mut self, in_system: u64) -> f64 {
        match self.congestion {
            None => 1.0,
            Some(Congestion::Metastable { above, below, factor }) => {
                if in_system > above {
                    self.is_congested = true;
                } else if in_system < below {
                    self.is_congested = false;
                }
                if self.is_congested { factor } else { 1.0 }
            }
            Some(Congestion::Retrograde { per_pair }) => {
                let others = in_system as f64;
                1.0 + per_pair * others * (others + 1.0)
            }
        }
    }
}

/// Standstills of all workers, as a map between time and time in which they work.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to each name")]
pub(super) struct Standstills {
    length_ns: u64,
    every_ns: u64,
    /// The first one begins so long before time zero.
    phase_ns: u64,
}

impl Standstills {
    pub(super) fn new(plan: Pauses, seed: Seed) -> Self {
        let every_ns = round_to_u64(plan.every_ms * 1e6).max(1);
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed.named("pauses").0);
        let phase_ns = round_to_u64(bits_to_unit(chance.next_u64()) * every_ns as f64);
        Self { length_ns: round_to_u64(plan.length_ms * 1e6).min(every_ns - 1), every_ns, phase_ns }
    }

    /// When work of `service_ns` ends that may begin at `begins_ns`.
    pub(super) fn end_ns(&self, begins_ns: u64, service_ns: u64) -> u64 {
        let working_ns = self.every_ns - self.length_ns;
        let at_ns = begins_ns + self.phase_ns;
        let periods = at_ns / self.every_ns;
        let worked_ns =
            periods * working_ns + (at_ns % self.every_ns).saturating_sub(self.length_ns);
        let until_ns = worked_ns + service_ns;
        let (full, rest_ns) = (until_ns / working_ns, until_ns % working_ns);
        let end_ns = full * self.every_ns + if rest_ns == 0 { 0 } else { self.length_ns + rest_ns };
        end_ns.saturating_sub(self.phase_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_standstill_only_ever_adds_its_own_length(
            begins_ns in 0..10_000_000_000_u64,
            service_ns in 1..3_000_000_000_u64,
            seed in any::<u64>(),
        ) {
            let pauses = Pauses { length_ms: 300.0, every_ms: 1000.0 };
            let standstills = Standstills::new(pauses, Seed(seed));
            let took_ns = standstills.end_ns(begins_ns, service_ns) - begins_ns;
            let most = (service_ns / 700_000_000 + 1) * 300_000_000;
            prop_assert!(took_ns >= service_ns, "never shorter");
            prop_assert!(took_ns <= service_ns + most, "{took_ns} for {service_ns}");
        }
    }
}
