//! One agent's part of a trial, as it would be sent.

use std::ops::Range;

use plimsoll::agents::{DoneReport, TickReport};
use plimsoll::corpus::number_set::NumberSet;
use plimsoll::schedule::ArrivalLaw;
use plimsoll::schedule::deal::{Course, Sender, deal};
use plimsoll::seed::Seed;
use plimsoll::sim::crew::plan::CrewPlan;
use plimsoll::trial::outcome::{Ending, Outcome};
use plimsoll::trial::result::Vitals;
use plimsoll::trial::tally::Tally;
use plimsoll::trial::update::{TallyUpdate, Times, Told};
use plimsoll::trial::{StreamPlan, TICK_S, Workload};
use plimsoll::units::{OffsetNs, Rps, ms_to_ns};

const TIMEOUT_MS: u64 = 5000;

/// Arrivals at `rate` of all agents together.
pub(crate) fn course(law: ArrivalLaw, rate: f64, measure_s: f64) -> Course {
    let offered = Rps::new(rate).expect("a rate");
    Course { law, offered, warmup_s: 0.0, measure_s, seed: Seed(7) }
}

/// An empty tally of a trial of this length.
pub(crate) fn empty(measure_s: f64) -> Tally {
    Tally::new(0.0, measure_s, ms_to_ns(TIMEOUT_MS), Some(ms_to_ns(1000)))
}

pub(crate) fn tick(update: TallyUpdate) -> TickReport {
    TickReport { trial: 1, at_s: 0.5, senders: vec![vec![update]] }
}

/// What the first of three agents sends at a rate of its own.
pub(crate) struct Part {
    measure_s: f64,
    total: u64,
    /// With their numbers, in the order in which they end.
    outcomes: Vec<(u64, Outcome)>,
}

/// All of it, once it was counted.
pub(crate) struct Counted {
    tally: Tally,
    told: Told,
    accepted: NumberSet,
}

impl Part {
    pub(crate) fn sent(rate: f64, measure_s: f64) -> Self {
        let course = course(ArrivalLaw::Poisson, 3.0 * rate, measure_s);
        let service = CrewPlan::sound(1, Seed(1)).service;
        let stream = StreamPlan {
            workload: Workload::Index,
            offered: course.offered,
            batch: 1,
            arrivals: course.law,
            timeout_ms: TIMEOUT_MS,
            slow_ms: Some(1000),
            outstanding_max: None,
        };
        let sender = Sender { share: deal(&[1.0; 3])[0], number: 0, of: 1 };
        let outcomes = course
            .dealt(sender)
            .0
            .map(|arrival| (arrival.number, service.outcome(arrival, &stream, Seed(3))));
        let mut outcomes: Vec<(u64, Outcome)> = outcomes.collect();
        outcomes.sort_by_key(|(_, outcome)| outcome.ended);
        Self { measure_s, total: course.offered.count_in(measure_s), outcomes }
    }

    pub(crate) fn numbers(&self) -> Range<u64> {
        0..self.total
    }

    /// Counts everything, and asks for what is new every half second.
    pub(crate) fn replay(&self, mut look: impl FnMut(&mut Told, &Tally)) -> Counted {
        let (mut tally, mut told) = (empty(self.measure_s), Told::default());
        let mut accepted = NumberSet::default();
        let mut next = OffsetNs::from_s(TICK_S);
        for (number, outcome) in &self.outcomes {
            if outcome.ended > next {
                look(&mut told, &tally);
                next = next.plus_ns(OffsetNs::from_s(TICK_S).0);
            }
            // Arrivals are counted a little late here, which changes no size.
            tally.arrive(outcome.due, outcome.part);
            tally.record(outcome);
            if outcome.ending == Ending::Accepted {
                accepted.insert(*number..*number + 1);
            }
        }
        tally.close();
        Counted { tally, told, accepted }
    }

    /// Counts everything in `tally`.
    pub(crate) fn replay_into(&self, tally: &mut Tally) {
        *tally = self.replay(|_, _| {}).tally;
    }
}

impl Counted {
    /// What is told at the end.
    pub(crate) fn done(mut self) -> Box<DoneReport> {
        let update = self.told.update(&self.tally);
        Box::new(DoneReport {
            trial: 1,
            senders: vec![vec![(update, Times::of(&self.tally))]],
            accepted: self.accepted,
            stopped: None,
            vitals: Vitals::default(),
        })
    }
}
