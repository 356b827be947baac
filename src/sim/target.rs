//! A simulated service: workers, one queue in front of them, service times drawn from a law.

use std::collections::VecDeque;

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp, LogNormal};

use crate::seed::Seed;
use crate::units::{round_to_u64, u64_to_usize, usize_to_u64};

/// The law of a service time; its mean is given apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ServiceLaw {
    /// Always the mean.
    Constant,
    /// Exponential: coefficient of variation 1.
    Exponential,
    /// Log-normal with this coefficient of variation.
    LogNormal(f64),
}

/// What a simulated target is made of.
#[derive(Debug, Clone, Copy)]
pub struct TargetPlan {
    /// Requests that are served at the same time.
    pub workers: u32,
    /// Mean service time.
    pub service_ms: f64,
    /// Its law.
    pub law: ServiceLaw,
    /// Requests that may wait; more are refused at once. `None`: any number.
    pub queue: Option<u64>,
}

impl TargetPlan {
    /// The rate that the workers can serve at the most, per second.
    #[must_use]
    pub fn saturation_rps(&self) -> f64 {
        f64::from(self.workers) * 1000.0 / self.service_ms
    }
}

/// What the target does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// It is served; the answer is there at this instant.
    Answered {
        /// Nanoseconds of the campaign.
        at_ns: u64,
    },
    /// It is refused at once: the queue is full.
    Refused {
        /// Nanoseconds of the campaign.
        at_ns: u64,
    },
}

/// The state of a simulated target. Requests that the client gave up are served all the same, as a
/// server does that has already read them.
#[derive(Debug, Clone)]
pub struct Target {
    plan: TargetPlan,
    chance: Xoshiro256PlusPlus,
    /// When each worker will be free.
    free_ns: Vec<u64>,
    /// When each waiting request will begin to be served; first come, first served.
    begins_ns: VecDeque<u64>,
}

impl Target {
    /// An idle target.
    #[must_use]
    pub fn new(plan: TargetPlan, seed: Seed) -> Self {
        Self {
            plan,
            chance: Xoshiro256PlusPlus::seed_from_u64(seed.named("service").0),
            free_ns: vec![0; u64_to_usize(u64::from(plan.workers))],
            begins_ns: VecDeque::new(),
        }
    }

    /// A request arrives at `now_ns`, which must never decrease from call to call.
    pub fn arrive(&mut self, now_ns: u64) -> Reply {
        while self.begins_ns.front().is_some_and(|begins_ns| *begins_ns <= now_ns) {
            self.begins_ns.pop_front();
        }
        if self.plan.queue.is_some_and(|queue| usize_to_u64(self.begins_ns.len()) >= queue) {
            return Reply::Refused { at_ns: now_ns };
        }
        let service_ns = self.draw_service_ns();
        let Some(worker) = self.free_ns.iter_mut().min() else {
            return Reply::Refused { at_ns: now_ns };
        };
        let begins_ns = now_ns.max(*worker);
        *worker = begins_ns + service_ns;
        let at_ns = *worker;
        if begins_ns > now_ns {
            self.begins_ns.push_back(begins_ns);
        }
        Reply::Answered { at_ns }
    }

    fn draw_service_ns(&mut self) -> u64 {
        let mean_ns = self.plan.service_ms * 1e6;
        let factor = match self.plan.law {
            ServiceLaw::Constant => 1.0,
            ServiceLaw::Exponential => {
                Exp::new(1.0).map_or(1.0, |law| law.sample(&mut self.chance))
            }
            ServiceLaw::LogNormal(variation) => LogNormal::from_mean_cv(1.0, variation)
                .map_or(1.0, |law| law.sample(&mut self.chance)),
        };
        round_to_u64(mean_ns * factor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(workers: u32, law: ServiceLaw, queue: Option<u64>) -> TargetPlan {
        TargetPlan { workers, service_ms: 10.0, law, queue }
    }

    fn answered_ns(reply: Reply) -> u64 {
        match reply {
            Reply::Answered { at_ns } | Reply::Refused { at_ns } => at_ns,
        }
    }

    #[test]
    fn workers_serve_side_by_side_and_the_rest_waits_in_turn() {
        let mut target = Target::new(plan(2, ServiceLaw::Constant, None), Seed(1));
        let ends_ms: Vec<u64> = (0..5).map(|_| answered_ns(target.arrive(0)) / 1_000_000).collect();
        assert_eq!(ends_ms, [10, 10, 20, 20, 30], "two at a time");
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let mut target = Target::new(plan(1, ServiceLaw::Constant, Some(2)), Seed(1));
        let replies: Vec<Reply> = (0..4).map(|_| target.arrive(0)).collect();
        assert_eq!(replies.last(), Some(&Reply::Refused { at_ns: 0 }), "one served, two wait");
        assert_ne!(target.arrive(10_000_000), Reply::Refused { at_ns: 10_000_000 }, "room again");
    }

    #[test]
    fn every_law_keeps_the_mean() {
        for law in [ServiceLaw::Constant, ServiceLaw::Exponential, ServiceLaw::LogNormal(0.5)] {
            let mut target = Target::new(plan(1, law, None), Seed(3));
            let ends_ns = (0..200_000).map(|_| answered_ns(target.arrive(0))).last();
            let mean_ms = ends_ns.unwrap_or_default() as f64 / 200_000.0 / 1e6;
            assert!((mean_ms - 10.0).abs() < 0.1, "{law:?}: {mean_ms} ms");
        }
    }
}
