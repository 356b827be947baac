//! From the schedule to the connections: everything that is due is sent on waking.

use std::cell::RefCell;
use std::iter::Peekable;
use std::rc::Rc;

use tokio::sync::Notify;

use super::Address;
use super::clock::{Alarm, now_ns};
use super::fleet::Fleet;
use super::runner::Runner;
use super::stream::{BodySource, Stream};
use crate::profile::Profile;
use crate::schedule::Schedule;
use crate::trial::tally::Tally;
use crate::trial::{Flow, StopCause, StreamPlan, StreamView, TICK_S, Tick, TrialPlan, Watch};
use crate::units::{OffsetNs, ms_to_ns};

/// From the first prepared body to the start of the schedule.
const LEAD_NS: u64 = 2_000_000;
/// While waiting for the last answers, the user is asked this often whether to go on.
const DRAIN_LOOK_NS: u64 = 100_000_000;

/// A stream as it is handed to the dispatcher: its plan, its bodies, its connections.
pub(super) type StreamParts<P> = (StreamPlan, BodySource<P>, Rc<RefCell<Fleet>>);

/// A trial that is being run.
pub(super) struct Dispatch<'a, P> {
    plan: &'a TrialPlan,
    start_ns: u64,
    schedules: Vec<Peekable<Schedule>>,
    runners: Vec<Rc<Runner<P>>>,
    /// Told whenever a request ends, for the wait after the last arrival.
    ended: Rc<Notify>,
    /// The longest time from one look to the next.
    longest_gap_ns: u64,
}

/// What the dispatcher leaves behind.
pub(super) struct Finished {
    pub(super) tallies: Vec<Tally>,
    pub(super) stopped: Option<StopCause>,
    pub(super) wall_s: f64,
    pub(super) lanes_exhausted: bool,
    pub(super) lanes_max: u32,
    pub(super) longest_gap_s: f64,
}

impl<'a, P: Profile + 'static> Dispatch<'a, P> {
    pub(super) fn new(
        plan: &'a TrialPlan,
        address: &Address,
        profile: &Rc<P>,
        streams: Vec<StreamParts<P>>,
    ) -> Self {
        let ended = Rc::new(Notify::new());
        let mut runners = Vec::new();
        let mut schedules = Vec::new();
        let start_ns = now_ns() + LEAD_NS;
        for (position, (stream, mut bodies, fleet)) in streams.into_iter().enumerate() {
            schedules.push(plan.schedule(position, &stream).peekable());
            bodies.top_up();
            let slow_ns = stream.slow_ms.map(ms_to_ns);
            let timeout_ns = ms_to_ns(stream.timeout_ms);
            let tally = Tally::new(plan.warmup_s, plan.measure_s, timeout_ns, slow_ns);
            let stream = Stream::new(stream, tally, bodies, fleet, start_ns);
            runners.push(Rc::new(Runner::new(stream, address, profile, &ended)));
        }
        Self { plan, start_ns, schedules, runners, ended, longest_gap_ns: 0 }
    }

    /// Runs the trial until nothing of it is under way.
    pub(super) async fn run(
        mut self,
        alarm: &mut Alarm,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Finished {
        let stopped = self.offer(alarm, watch, target_lives).await;
        if let Some(cause) = stopped {
            self.cut(cause);
        }
        let stopped = self.drain(alarm, watch, target_lives).await.or(stopped);
        let wall_s = OffsetNs(now_ns().saturating_sub(self.start_ns)).as_s();
        let mut finished = Finished {
            tallies: Vec::new(),
            stopped,
            wall_s,
            lanes_exhausted: false,
            lanes_max: 0,
            longest_gap_s: OffsetNs(self.longest_gap_ns).as_s(),
        };
        for runner in &self.runners {
            let stream = runner.stream.borrow();
            let mut tally = stream.tally.clone();
            tally.close();
            finished.lanes_exhausted |= stream.lanes_exhausted;
            finished.lanes_max = finished.lanes_max.max(stream.fleet.borrow().lanes_max());
            finished.tallies.push(tally);
        }
        finished
    }

    /// Sends what is due when it is due, until the end of the schedule or a stop.
    async fn offer(
        &mut self,
        alarm: &mut Alarm,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Option<StopCause> {
        let end_ns = self.start_ns + OffsetNs::from_s(self.plan.warmup_s + self.plan.measure_s).0;
        let tick_ns = OffsetNs::from_s(TICK_S).0;
        let mut next_tick_ns = self.start_ns + tick_ns;
        let mut looked_ns = self.start_ns;
        loop {
            if self.send_due() {
                return Some(StopCause::Outstanding);
            }
            self.tend();
            let now = now_ns();
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
            alarm.wait_until(wake_ns.unwrap_or(next_tick_ns)).await;
        }
    }

    /// Waits until every request has ended, each at its deadline at the latest.
    async fn drain(
        &mut self,
        alarm: &mut Alarm,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Option<StopCause> {
        while self.runners.iter().any(|runner| runner.stream.borrow().tally.outstanding() > 0) {
            self.tend();
            let lost = !target_lives() || self.is_lost();
            if lost || watch.interrupted() {
                let cause = if lost { StopCause::TargetLost } else { StopCause::Interrupted };
                self.cut(cause);
                return Some(cause);
            }
            let look_ns = now_ns() + DRAIN_LOOK_NS;
            let wake_ns = self.next_deadline_ns().map_or(look_ns, |at_ns| at_ns.min(look_ns));
            tokio::select! {
                () = alarm.wait_until(wake_ns) => {}
                () = self.ended.notified() => {}
            }
        }
        None
    }

    /// Takes up every arrival that is due; true when more are outstanding than the plan allows.
    fn send_due(&mut self) -> bool {
        let since_start = OffsetNs(now_ns().saturating_sub(self.start_ns));
        if now_ns() < self.start_ns {
            return false;
        }
        for (schedule, runner) in self.schedules.iter_mut().zip(&self.runners) {
            while let Some(arrival) = schedule.next_if(|arrival| arrival.due <= since_start) {
                let mut stream = runner.stream.borrow_mut();
                let serial = stream.take_up(arrival, now_ns());
                let vehicle = Runner::vehicle(&mut stream);
                let bound = stream.plan.outstanding_max;
                let is_too_many = bound.is_some_and(|bound| stream.tally.outstanding() > bound);
                match vehicle {
                    Some(vehicle) => {
                        drop(stream);
                        runner.start(serial, vehicle);
                    }
                    None => stream.wait_in_line(serial),
                }
                if is_too_many {
                    return true;
                }
            }
        }
        false
    }

    /// Gives up what is overdue, sends what has waited, prepares what comes.
    fn tend(&self) {
        for runner in &self.runners {
            runner.stream.borrow_mut().expire(now_ns());
            runner.start_waiting();
            runner.stream.borrow_mut().bodies.top_up();
        }
    }

    fn look(
        &self,
        now: u64,
        watch: &mut impl Watch,
        target_lives: &mut dyn FnMut() -> bool,
    ) -> Option<StopCause> {
        let streams: Vec<_> = self.runners.iter().map(|runner| runner.stream.borrow()).collect();
        let views = streams.iter().map(|stream| StreamView {
            plan: &stream.plan,
            tally: &stream.tally,
            outstanding: stream.tally.outstanding(),
        });
        let at_s = OffsetNs(now - self.start_ns).as_s();
        let flow = watch.tick(&Tick { at_s, streams: views.collect() });
        drop(streams);
        match flow {
            _ if !target_lives() || self.is_lost() => Some(StopCause::TargetLost),
            Flow::Stop(cause) => Some(cause),
            Flow::Continue => None,
        }
    }

    fn is_lost(&self) -> bool {
        self.runners.iter().any(|runner| runner.stream.borrow().loss.is_lost())
    }

    /// Ends the offering now; what is under way may end, unless the run itself is over.
    fn cut(&self, cause: StopCause) {
        let now = now_ns();
        for runner in &self.runners {
            let mut stream = runner.stream.borrow_mut();
            stream.tally.cut(OffsetNs(now.saturating_sub(self.start_ns)));
            match cause {
                StopCause::Decided | StopCause::Outstanding => stream.drop_waiting(now),
                StopCause::Interrupted | StopCause::TargetLost => stream.abandon_all(now),
            }
        }
    }

    fn next_due(&mut self) -> Option<OffsetNs> {
        self.schedules.iter_mut().filter_map(|schedule| Some(schedule.peek()?.due)).min()
    }

    fn next_deadline_ns(&self) -> Option<u64> {
        let deadlines = self.runners.iter().map(|runner| runner.stream.borrow().next_deadline_ns());
        deadlines.flatten().min()
    }
}
