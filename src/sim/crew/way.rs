//! How long messages are on their way, and which of them never arrive.

use rand::Rng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp1};

use super::plan::Way;
use crate::units::{bits_to_unit, round_to_u64};

/// The ways between the coordinator and its agents, there and back.
#[derive(Debug)]
pub(super) struct Ways {
    way: Way,
    /// When the last message to each agent arrives, and the last one of each.
    last_ns: Vec<[u64; 2]>,
    chance: Xoshiro256PlusPlus,
}

impl Ways {
    pub(super) fn new(way: Way, agents: usize, chance: Xoshiro256PlusPlus) -> Self {
        Self { way, last_ns: vec![[0; 2]; agents], chance }
    }

    /// When what leaves for an agent at `now_ns` is there; `None` when it is lost on the way.
    pub(super) fn out(&mut self, agent: usize, now_ns: u64, is_answered: bool) -> Option<u64> {
        let is_lost = !is_answered && self.loses();
        let took_ns = self.takes_ns();
        let [last_ns, _] = self.last_ns.get_mut(agent)?;
        *last_ns = (now_ns + took_ns).max(*last_ns);
        (!is_lost).then_some(*last_ns)
    }

    /// The same of what an agent says; `may_be_lost` where nobody would say it again.
    pub(super) fn back(&mut self, agent: usize, now_ns: u64, may_be_lost: bool) -> Option<u64> {
        let is_lost = may_be_lost && self.loses();
        let took_ns = self.takes_ns();
        let [_, last_ns] = self.last_ns.get_mut(agent)?;
        *last_ns = (now_ns + took_ns).max(*last_ns);
        (!is_lost).then_some(*last_ns)
    }

    /// How long a message takes.
    pub(super) fn takes_ns(&mut self) -> u64 {
        let more: f64 = Exp1.sample(&mut self.chance);
        round_to_u64((self.way.least_ms + self.way.jitter_ms * more) * 1e6)
    }

    fn loses(&mut self) -> bool {
        self.way.loss_ratio > 0.0 && bits_to_unit(self.chance.next_u64()) < self.way.loss_ratio
    }
}
