//! What becomes of a request by its number alone, and what the target then holds.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand_distr::{Distribution, Exp1, LogNormal};

use super::plan::Service;
use crate::corpus::number_set::NumberSet;
use crate::schedule::Arrival;
use crate::seed::Seed;
use crate::sim::plan::ServiceLaw;
use crate::trial::StreamPlan;
use crate::trial::outcome::{Documents, Ending, Outcome};
use crate::units::{bits_to_unit, ms_to_ns, round_to_u64};

/// An agent takes a request up within so long ...
const LATENESS_MOST_NS: u64 = 40_000;
/// ... and has its first byte sent so long after.
const WAITING_NS: u64 = 3_000;

impl Service {
    /// What becomes of an arrival of a stream with this `seed`.
    #[must_use]
    pub fn outcome(&self, arrival: Arrival, stream: &StreamPlan, seed: Seed) -> Outcome {
        let own = seed.numbered(arrival.number);
        let factor = match self.law {
            ServiceLaw::Constant => 1.0,
            ServiceLaw::Exponential => Exp1.sample(&mut chance(own)),
            ServiceLaw::LogNormal(variation) => LogNormal::from_mean_cv(1.0, variation)
                .map_or(1.0, |law| law.sample(&mut chance(own))),
        };
        let taken = arrival.due.plus_ns(own.bits_at(0) % LATENESS_MOST_NS);
        let sent = taken.plus_ns(WAITING_NS);
        let answered = sent.plus_ns(round_to_u64(self.mean_ms * factor * 1e6));
        let deadline = arrival.due.plus_ns(ms_to_ns(stream.timeout_ms));
        let is_refused = bits_to_unit(own.bits_at(1)) < self.refused_ratio;
        let (ending, status) = match () {
            () if answered > deadline => (Ending::TimedOut, None),
            () if is_refused => (Ending::Refused, Some(503)),
            () => (Ending::Accepted, Some(200)),
        };
        Outcome {
            due: arrival.due,
            taken,
            sent: Some(sent),
            ended: answered.min(deadline).max(sent),
            status,
            ending,
            documents: Documents::all_alike(stream.batch),
            part: arrival.part,
        }
    }
}

fn chance(seed: Seed) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(seed.0)
}

/// The target's own books: what it was sent, whoever knows of it.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// Requests of all streams.
    pub requests: u64,
    /// Documents that it was sent and did not refuse.
    pub held: NumberSet,
    /// Documents that it was sent more than once.
    pub doubled: u64,
    /// When it was sent something last, in nanoseconds of the coordinator's clock.
    pub last_ns: u64,
}

impl Ledger {
    /// A request that carries the documents from `first` on arrives; none for a query.
    pub(super) fn take(&mut self, outcome: &Outcome, first: Option<u64>, now_ns: u64) {
        self.requests += 1;
        self.last_ns = self.last_ns.max(now_ns);
        let Some(first) = first.filter(|_| outcome.ending != Ending::Refused) else { return };
        for number in first..first + outcome.documents.carried {
            self.doubled += u64::from(self.held.contains(number));
            self.held.insert(number..number + 1);
        }
    }
}
