//! One agent's part of a trial, sent in virtual time.

use std::collections::BTreeMap;
use std::iter::Peekable;

use super::plan::Service;
use super::service::Ledger;
use crate::agents::{Assignment, DoneReport, TickReport};
use crate::corpus::number_set::NumberSet;
use crate::schedule::deal::{Dealt, Sender};
use crate::seed::Seed;
use crate::trial::outcome::{Break, Ending, Outcome};
use crate::trial::result::Vitals;
use crate::trial::tally::Tally;
use crate::trial::update::{Times, Told};
use crate::trial::{StopCause, StreamPlan, TICK_S, TrialPlan, Workload};
use crate::units::{OffsetNs, ms_to_ns};

/// A request on its way; what becomes of it is known already.
#[derive(Debug)]
struct Pending {
    outcome: Outcome,
    /// Its first document; `None` for a query.
    first: Option<u64>,
}

/// One stream of one sender.
#[derive(Debug)]
struct Lane {
    plan: StreamPlan,
    seed: Seed,
    arrivals: Peekable<Dealt>,
    tally: Tally,
    told: Told,
    /// In the order in which they end.
    pending: BTreeMap<(OffsetNs, u64), Pending>,
    accepted: NumberSet,
}

/// One agent's part of a trial.
#[derive(Debug)]
pub(super) struct Load {
    plan: TrialPlan,
    first_number: u64,
    service: Service,
    /// Sender by sender, stream by stream.
    senders: Vec<Vec<Lane>>,
    /// When the schedule starts, in nanoseconds of the coordinator's clock: when it really does.
    start_ns: u64,
    next_tick: OffsetNs,
    is_offering: bool,
    stopped: Option<StopCause>,
    now: OffsetNs,
}

impl Load {
    pub(super) fn new(
        assignment: &Assignment,
        senders: usize,
        service: Service,
        start_ns: u64,
    ) -> Self {
        let Assignment { plan, share, numbers } = assignment;
        let lane = |sender, position, stream: &StreamPlan| {
            let course = plan.course(position, stream);
            let slow_ns = stream.slow_ms.map(ms_to_ns);
            let timeout_ns = ms_to_ns(stream.timeout_ms);
            Lane {
                plan: stream.clone(),
                seed: course.seed,
                arrivals: course.dealt(sender).0.peekable(),
                tally: Tally::new(plan.warmup_s, plan.measure_s, timeout_ns, slow_ns),
                told: Told::default(),
                pending: BTreeMap::new(),
                accepted: NumberSet::default(),
            }
        };
        let lanes = (0..senders).map(|number| {
            let sender = Sender { share: *share, number, of: senders };
            let streams = plan.streams.iter().enumerate();
            streams.map(|(position, stream)| lane(sender, position, stream)).collect()
        });
        Self {
            senders: lanes.collect(),
            plan: plan.clone(),
            first_number: numbers.start,
            service,
            start_ns,
            next_tick: OffsetNs::from_s(TICK_S),
            is_offering: true,
            stopped: None,
            now: OffsetNs(0),
        }
    }

    /// Everything until `now`: what is due is sent, what is answered is counted.
    pub(super) fn advance(&mut self, now_ns: u64, target: &mut Ledger) {
        let Some(since_start_ns) = now_ns.checked_sub(self.start_ns) else { return };
        self.now = OffsetNs(since_start_ns).max(self.now);
        for lane in self.senders.iter_mut().flatten() {
            while let Some(arrival) =
                lane.arrivals.next_if(|arrival| self.is_offering && arrival.due <= self.now)
            {
                lane.end_until(arrival.due);
                lane.tally.arrive(arrival.due, arrival.part);
                let outcome = self.service.outcome(arrival, &lane.plan, lane.seed);
                let first = (lane.plan.workload == Workload::Index)
                    .then(|| self.first_number + arrival.number * lane.plan.batch);
                target.take(&outcome, first, self.start_ns + outcome.taken.0);
                let pending = Pending { outcome, first };
                lane.pending.insert((pending.outcome.ended, arrival.number), pending);
            }
            lane.end_until(self.now);
        }
        self.is_offering &= self.now < self.end();
    }

    /// What was counted since the last report, when one is due.
    pub(super) fn tick(&mut self) -> Option<TickReport> {
        let is_due = self.now >= self.next_tick && self.stopped.is_none();
        if !is_due || self.next_tick > self.end() {
            return None;
        }
        self.next_tick = self.next_tick.plus_ns(OffsetNs::from_s(TICK_S).0);
        let senders = self
            .senders
            .iter_mut()
            .map(|lanes| lanes.iter_mut().map(|lane| lane.told.update(&lane.tally)).collect());
        let senders = senders.collect();
        Some(TickReport { trial: self.plan.id.0, at_s: self.now.as_s(), senders })
    }

    /// Offers no more; what is under way may end, unless the run itself is over.
    pub(super) fn stop(&mut self, cause: StopCause) {
        if self.stopped >= Some(cause) {
            return;
        }
        // The trial that was sent to its end was not stopped; only its rest can be given up.
        if self.is_offering {
            for lane in self.senders.iter_mut().flatten() {
                lane.tally.cut(self.now);
            }
        } else if cause < StopCause::Interrupted {
            return;
        }
        self.is_offering = false;
        self.stopped = Some(cause);
        if cause >= StopCause::Interrupted {
            self.senders.iter_mut().flatten().for_each(|lane| lane.abandon_all(self.now));
        }
    }

    /// Everything, once nothing is under way any more.
    pub(super) fn done(&mut self) -> Option<Box<DoneReport>> {
        let mut lanes = self.senders.iter().flatten();
        if self.is_offering || !lanes.all(|lane| lane.pending.is_empty()) {
            return None;
        }
        let mut accepted = NumberSet::default();
        let senders = self.senders.iter_mut().map(|lanes| {
            let ends = lanes.iter_mut().map(|lane| {
                lane.tally.close();
                accepted = std::mem::take(&mut accepted).merged(std::mem::take(&mut lane.accepted));
                (lane.told.update(&lane.tally), Times::of(&lane.tally))
            });
            ends.collect()
        });
        Some(Box::new(DoneReport {
            trial: self.plan.id.0,
            senders: senders.collect(),
            accepted,
            stopped: self.stopped,
            vitals: Vitals { wall_s: self.now.as_s(), ..Vitals::default() },
        }))
    }

    fn end(&self) -> OffsetNs {
        OffsetNs::from_s(self.plan.warmup_s + self.plan.measure_s)
    }
}

impl Lane {
    /// Counts what ends by then.
    fn end_until(&mut self, until: OffsetNs) {
        while let Some(entry) = self.pending.first_entry() {
            if entry.key().0 > until {
                return;
            }
            let Pending { outcome, first } = entry.remove();
            if let (Ending::Accepted, Some(first)) = (outcome.ending, first) {
                self.accepted.insert(first..first + outcome.documents.carried);
            }
            self.tally.record(&outcome);
        }
    }

    /// Gives up what is under way.
    fn abandon_all(&mut self, now: OffsetNs) {
        for (_, Pending { outcome, .. }) in std::mem::take(&mut self.pending) {
            self.tally.record(&Outcome {
                ended: now.max(outcome.sent.unwrap_or(outcome.taken)),
                status: None,
                ending: Ending::Broken(Break::Abandoned),
                ..outcome
            });
        }
    }
}
