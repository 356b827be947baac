//! From the schedule to the connections: everything that is due is sent on waking.

use std::iter::Peekable;

use super::clock::now_ns;
use super::lanes::Lanes;
use super::stream::{RequestSource, Stream};
use crate::profile::Profile;
use crate::schedule::Schedule;
use crate::trial::tally::Tally;
use crate::trial::{Flow, StopCause, StreamPlan, StreamView, TICK_S, Tick, TrialPlan, Watch};
use crate::units::{OffsetNs, ms_to_ns};
use nix::sys::epoll::EpollTimeout;

/// From the first prepared request to the start of the schedule.
const LEAD_NS: u64 = 2_000_000;
/// The sender wakes at most once in this time, and sends what is due then: waking for each arrival is what costs.
const QUANTUM_NS: u64 = 110_000;
/// While waiting for the last answers, the user is asked this often whether to go on.
const DRAIN_LOOK_NS: u64 = 100_000_000;

/// A trial that is being run.
pub(super) struct Dispatch<'a, P> {
    plan: &'a TrialPlan,
    pub(super) profile: &'a P,
    pub(super) lanes: &'a mut Lanes,
    start_ns: u64,
    schedules: Vec<Peekable<Schedule>>,
    pub(super) streams: Vec<Stream<P>>,
    pub(super) lanes_exhausted: bool,
    /// The longest time from one look to the next.
    longest_gap_ns: u64,
}

/// What the dispatcher leaves behind.
pub(super) struct Finished {
    pub(super) tallies: Vec<Tally>,
    pub(super) stopped: Option<StopCause>,
    pub(super) wall_s: f64,
    pub(super) lanes_exhausted: bool,
    pub(super) longest_gap_s: f64,
}

impl<'a, P: Profile> Dispatch<'a, P> {
    pub(super) fn new(
        plan: &'a TrialPlan,
        profile: &'a P,
        lanes: &'a mut Lanes,
        sources: Vec<(StreamPlan, RequestSource<P>)>,
    ) -> Self {
        let (mut streams, mut schedules) = (Vec::new(), Vec::new());
        let start_ns = now_ns() + LEAD_NS;
        for (position, (stream, mut requests)) in sources.into_iter().enumerate() {
            schedules.push(plan.schedule(position, &stream).peekable());
            requests.top_up();
            let slow_ns = stream.slow_ms.map(ms_to_ns);
            let timeout_ns = ms_to_ns(stream.timeout_ms);
            let tally = Tally::new(plan.warmup_s, plan.measure_s, timeout_ns, slow_ns);
            streams.push(Stream::new(stream, tally, requests, start_ns));
        }
        Self {
            plan,
            profile,
            lanes,
            start_ns,
            schedules,
            streams,
            lanes_exhausted: false,
            longest_gap_ns: 0,
        }
    }

    /// Runs the trial until nothing of it is under way.
    pub(super) fn run(
        mut self,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Finished {
        let stopped = self.offer(watch, target_lives);
        if let Some(cause) = stopped {
            self.cut(cause);
        }
        let stopped = self.drain(watch, target_lives).or(stopped);
        let wall_s = OffsetNs(now_ns().saturating_sub(self.start_ns)).as_s();
        let tallies = self.streams.into_iter().map(|stream| {
            let mut tally = stream.tally;
            tally.close();
            tally
        });
        Finished {
            tallies: tallies.collect(),
            stopped,
            wall_s,
            lanes_exhausted: self.lanes_exhausted,
            longest_gap_s: OffsetNs(self.longest_gap_ns).as_s(),
        }
    }

    /// Sends what is due when it is due, until the end of the schedule or a stop.
    fn offer(
        &mut self,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Option<StopCause> {
        let end_ns = self.start_ns + OffsetNs::from_s(self.plan.warmup_s + self.plan.measure_s).0;
        let tick_ns = OffsetNs::from_s(TICK_S).0;
        let mut next_tick_ns = self.start_ns + tick_ns;
        let mut looked_ns = self.start_ns;
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
                let stop = self.look(now, watch, target_lives);
                if stop.is_some() || now >= end_ns {
                    return stop.filter(|cause| now < end_ns || *cause != StopCause::Decided);
                }
                next_tick_ns += tick_ns;
            }
            let next_due_ns = self.next_due().map(|due| self.start_ns + due.0);
            let wake_ns = [next_due_ns, self.next_deadline_ns(), Some(next_tick_ns.min(end_ns))]
                .into_iter()
                .flatten()
                .min();
            self.lanes.wait(wake_ns.unwrap_or(next_tick_ns).max(woken_ns + QUANTUM_NS));
        }
    }

    /// Waits until every request has ended, each at its deadline at the latest.
    fn drain(
        &mut self,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Option<StopCause> {
        while self.streams.iter().any(|stream| stream.tally.outstanding() > 0) {
            self.tend();
            let lost = !target_lives() || self.is_lost();
            if lost || watch.interrupted() {
                let cause = if lost { StopCause::TargetLost } else { StopCause::Interrupted };
                self.cut(cause);
                return Some(cause);
            }
            let look_ns = now_ns() + DRAIN_LOOK_NS;
            self.lanes.wait(self.next_deadline_ns().map_or(look_ns, |at_ns| at_ns.min(look_ns)));
        }
        None
    }

    /// Takes up every arrival that was due by `by_ns`; true when more are outstanding than the plan allows.
    fn send_due(&mut self, by_ns: u64) -> bool {
        let Some(since_start_ns) = by_ns.checked_sub(self.start_ns) else { return false };
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
                    self.lanes.look(EpollTimeout::ZERO);
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

    fn look(
        &self,
        now: u64,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Option<StopCause> {
        let views = self.streams.iter().map(|stream| StreamView {
            plan: &stream.plan,
            tally: &stream.tally,
            outstanding: stream.tally.outstanding(),
        });
        let at_s = OffsetNs(now - self.start_ns).as_s();
        let flow = watch.tick(&Tick { at_s, streams: views.collect() });
        match flow {
            _ if !target_lives() || self.is_lost() => Some(StopCause::TargetLost),
            Flow::Stop(cause) => Some(cause),
            Flow::Continue => None,
        }
    }

    fn is_lost(&self) -> bool {
        self.streams.iter().any(|stream| stream.loss.is_lost())
    }

    /// Ends the offering now; what is under way may end, unless the run itself is over.
    fn cut(&mut self, cause: StopCause) {
        let now = now_ns();
        for stream in &mut self.streams {
            stream.tally.cut(OffsetNs(now.saturating_sub(self.start_ns)));
            match cause {
                StopCause::Decided | StopCause::Outstanding => stream.drop_waiting(now),
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
