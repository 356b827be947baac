//! From the schedule to the connections: everything that is due is sent on waking.

use std::iter::Peekable;

use super::clock::now_ns;
use super::lanes::Lanes;
use super::senders::{Glance, Link, part_of};
use super::source::RequestSource;
use super::stream::Stream;
use super::vitals::{Effort, EffortMeter};
use crate::corpus::number_set::NumberSet;
use crate::profile::Profile;
use crate::schedule::deal::{Dealt, Sender};
use crate::trial::tally::Tally;
use crate::trial::update::{TallyUpdate, Times, Told};
use crate::trial::{StopCause, TICK_S, TrialPlan};
use crate::units::{OffsetNs, ms_to_ns, round_to_u64, usize_to_u64};

/// A sender of many requests wakes at most once in this time, and sends what is due then: waking for each arrival is
/// what costs ...
const QUANTUM_NS: u64 = 110_000;
/// ... but one of fewer than this a second wakes for each, so that even the shortest gaps are those of the schedule.
const QUANTUM_RPS: f64 = 4500.0;
/// An order to stop is seen after this at the latest, however little there is to send.
const ORDER_LOOK_NS: u64 = 20_000_000;

/// Which sender of how many this is, and when all of them start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) sender: Sender,
    pub(super) start_ns: u64,
}

/// One sender's share of a trial.
pub(super) struct Dispatch<'a> {
    plan: &'a TrialPlan,
    pub(super) profile: &'a dyn Profile,
    pub(super) lanes: &'a mut Lanes,
    share: Share,
    link: Link<'a>,
    meter: EffortMeter,
    quantum_ns: u64,
    /// Its arrivals of each stream.
    schedules: Vec<Peekable<Dealt>>,
    pub(super) streams: Vec<Stream>,
    /// What was told of each.
    told: Vec<Told>,
    pub(super) lanes_exhausted: bool,
    /// The longest time from one look to the next.
    longest_gap_ns: u64,
}

/// What senders leave behind.
#[derive(Debug, Default)]
pub(super) struct Finished {
    /// What was counted since the last look, and the whole distributions; sender by sender, stream by stream.
    pub(super) senders: Vec<Vec<(TallyUpdate, Times)>>,
    /// Documents that were accepted.
    pub(super) accepted: NumberSet,
    pub(super) stopped: Option<StopCause>,
    pub(super) wall_s: f64,
    pub(super) lanes_exhausted: bool,
    pub(super) longest_gap_s: f64,
    /// Of all senders together.
    pub(super) effort: Effort,
    /// Of the one that worked most.
    pub(super) busiest_cpu_s: f64,
}

impl Finished {
    /// What both have left behind.
    pub(super) fn merge(self, other: Self) -> Self {
        Self {
            senders: [self.senders, other.senders].concat(),
            accepted: self.accepted.merged(other.accepted),
            stopped: self.stopped.max(other.stopped),
            wall_s: self.wall_s.max(other.wall_s),
            lanes_exhausted: self.lanes_exhausted || other.lanes_exhausted,
            longest_gap_s: self.longest_gap_s.max(other.longest_gap_s),
            effort: self.effort + other.effort,
            busiest_cpu_s: self.busiest_cpu_s.max(other.busiest_cpu_s),
        }
    }
}

impl<'a> Dispatch<'a> {
    pub(super) fn new(
        plan: &'a TrialPlan,
        profile: &'a dyn Profile,
        lanes: &'a mut Lanes,
        share: Share,
        link: Link<'a>,
        sources: Vec<RequestSource>,
    ) -> Self {
        let meter = EffortMeter::start();
        let (mut streams, mut schedules) = (Vec::new(), Vec::new());
        let Sender { share: part, number, of } = share.sender;
        let offered_rps: f64 = plan.streams.iter().map(|stream| stream.offered.get()).sum();
        let is_busy = offered_rps * part.ratio() > QUANTUM_RPS * usize_to_u64(of) as f64;
        for (position, mut requests) in sources.into_iter().enumerate() {
            let Some(mut stream) = plan.streams.get(position).cloned() else { break };
            let (arrivals, _) = plan.course(position, &stream).dealt(share.sender);
            schedules.push(arrivals.peekable());
            requests.top_up();
            // What was carried before is none of this trial's.
            let _ = lanes.take_spread(stream.workload);
            // A small part scatters more than the whole: four deviations more than its due.
            let of_agent = |bound: u64| {
                let due = bound as f64 * part.ratio();
                let room = if part.ratio() < 1.0 { 4.0 * due.sqrt() + 4.0 } else { 0.0 };
                round_to_u64((due + room).ceil())
            };
            stream.outstanding_max =
                stream.outstanding_max.map(|bound| part_of(of_agent(bound), number, of));
            let slow_ns = stream.slow_ms.map(ms_to_ns);
            let timeout_ns = ms_to_ns(stream.timeout_ms);
            let tally = Tally::new(plan.warmup_s, plan.measure_s, timeout_ns, slow_ns);
            streams.push(Stream::new(stream, tally, requests, share.start_ns));
        }
        Self {
            plan,
            profile,
            lanes,
            share,
            link,
            meter,
            quantum_ns: if is_busy { QUANTUM_NS } else { 0 },
            schedules,
            told: streams.iter().map(|_| Told::default()).collect(),
            streams,
            lanes_exhausted: false,
            longest_gap_ns: 0,
        }
    }

    /// Runs the trial until nothing of it is under way.
    pub(super) fn run(mut self) -> Finished {
        let stopped = self.offer();
        if let Some(cause) = stopped {
            self.link.orders.stop(cause);
            self.cut(cause);
        }
        let stopped = self.drain().or(stopped);
        let wall_s = OffsetNs(now_ns().saturating_sub(self.share.start_ns)).as_s();
        let effort = self.meter.spent();
        let lanes = self.lanes;
        let mut accepted = NumberSet::default();
        let streams = self.streams.into_iter().zip(&mut self.told).map(|(stream, told)| {
            accepted = std::mem::take(&mut accepted).merged(stream.accepted);
            let mut tally = stream.tally;
            tally.spread = lanes.take_spread(stream.plan.workload);
            tally.close();
            (told.update(&tally), Times::of(&tally))
        });
        let senders = vec![streams.collect()];
        Finished {
            senders,
            accepted,
            stopped,
            wall_s,
            lanes_exhausted: self.lanes_exhausted,
            longest_gap_s: OffsetNs(self.longest_gap_ns).as_s(),
            effort,
            busiest_cpu_s: effort.cpu_s,
        }
    }

    /// Sends what is due when it is due, until the end of the schedule or a stop.
    fn offer(&mut self) -> Option<StopCause> {
        let start_ns = self.share.start_ns;
        let end_ns = start_ns + OffsetNs::from_s(self.plan.warmup_s + self.plan.measure_s).0;
        let tick_ns = OffsetNs::from_s(TICK_S).0;
        let mut next_tick_ns = start_ns + tick_ns;
        let mut looked_ns = start_ns;
        loop {
            let woken_ns = now_ns();
            if self.send_due(woken_ns) {
                return Some(StopCause::Outstanding);
            }
            self.tend();
            let now = now_ns();
            if now >= end_ns && self.send_due(now) {
                return Some(StopCause::Outstanding);
            }
            if now >= next_tick_ns {
                self.longest_gap_ns = self.longest_gap_ns.max(now - looked_ns);
                looked_ns = now;
                next_tick_ns += tick_ns;
                self.show(now);
                if self.is_lost() {
                    return Some(StopCause::TargetLost);
                }
            }
            if now >= end_ns {
                return None;
            }
            if let Some(cause) = self.link.orders.stopped() {
                return Some(cause);
            }
            let next_due_ns = self.next_due().map(|due| start_ns + due.0);
            let wake_ns = [next_due_ns, self.next_deadline_ns(), Some(next_tick_ns.min(end_ns))]
                .into_iter()
                .flatten()
                .fold(now + ORDER_LOOK_NS, u64::min);
            self.lanes.wait(wake_ns.max(woken_ns + self.quantum_ns));
        }
    }

    /// Waits until every request has ended, each at its deadline at the latest.
    fn drain(&mut self) -> Option<StopCause> {
        while self.streams.iter().any(|stream| stream.tally.outstanding() > 0) {
            self.tend();
            if self.is_lost() {
                self.link.orders.stop(StopCause::TargetLost);
            }
            let order = self.link.orders.stopped();
            if let Some(cause @ (StopCause::Interrupted | StopCause::TargetLost)) = order {
                self.cut(cause);
                return Some(cause);
            }
            let look_ns = now_ns() + ORDER_LOOK_NS;
            self.lanes.wait(self.next_deadline_ns().map_or(look_ns, |at_ns| at_ns.min(look_ns)));
        }
        None
    }

    /// Takes up every arrival that was due by `by_ns`; true when more are outstanding than the plan allows.
    fn send_due(&mut self, by_ns: u64) -> bool {
        let Some(since_start_ns) = by_ns.checked_sub(self.share.start_ns) else { return false };
        for position in 0..self.streams.len() {
            while let Some(arrival) = self
                .schedules
                .get_mut(position)
                .and_then(|schedule| schedule.next_if(|arrival| arrival.due.0 <= since_start_ns))
            {
                let Some(stream) = self.streams.get_mut(position) else { break };
                let workload = stream.plan.workload;
                let serial = stream.take_up(arrival, now_ns());
                let bound = stream.plan.outstanding_max;
                let is_too_many = bound.is_some_and(|bound| stream.tally.outstanding() > bound);
                if !self.lanes.has_idle(workload) {
                    // An answer that has come unseen frees a connection: no other needs to be opened.
                    self.lanes.look();
                    self.hear();
                }
                if !self.start(position, serial)
                    && let Some(stream) = self.streams.get_mut(position)
                {
                    stream.wait_in_line(serial);
                }
                if is_too_many {
                    return true;
                }
            }
        }
        false
    }

    /// Hears what has come, gives up what is overdue, sends what has waited, prepares what comes.
    fn tend(&mut self) {
        self.hear();
        let now = now_ns();
        for position in 0..self.streams.len() {
            if let Some(stream) = self.streams.get_mut(position) {
                stream.expire(now, self.lanes);
            }
            self.start_waiting(position);
            if let Some(stream) = self.streams.get_mut(position) {
                stream.requests.top_up();
            }
        }
    }

    fn show(&mut self, now: u64) {
        let at_s = OffsetNs(now - self.share.start_ns).as_s();
        let streams = self.told.iter_mut().zip(&self.streams);
        let updates = streams.map(|(told, stream)| told.update(&stream.tally)).collect();
        self.link.show(Glance { sender: self.share.sender.number, at_s, updates });
    }

    fn is_lost(&self) -> bool {
        self.streams.iter().any(|stream| stream.loss.is_lost())
    }

    /// Ends the offering now; what is under way may end, unless the run itself is over.
    fn cut(&mut self, cause: StopCause) {
        let now = now_ns();
        for stream in &mut self.streams {
            stream.tally.cut(OffsetNs(now.saturating_sub(self.share.start_ns)));
            match cause {
                StopCause::Decided | StopCause::Outstanding | StopCause::AgentLost => {
                    stream.drop_waiting(now);
                }
                StopCause::Interrupted | StopCause::TargetLost => {
                    stream.abandon_all(now, self.lanes);
                }
            }
        }
    }

    fn next_due(&mut self) -> Option<OffsetNs> {
        self.schedules.iter_mut().filter_map(|schedule| Some(schedule.peek()?.due)).min()
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        self.streams.iter().filter_map(Stream::next_deadline_ns).min()
    }
}
