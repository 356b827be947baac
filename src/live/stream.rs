//! One stream of a running trial: its outstanding requests in the order in which they were due.
//!
//! All requests of a stream have the same time-out, so the order of their due times is the order of
//! their deadlines: one double-ended queue is the table of what is outstanding and the timer wheel at
//! once.

use std::collections::VecDeque;

use super::lanes::{LaneId, Lanes};
use super::source::{Request, RequestSource};
use super::unanswered;
use crate::corpus::number_set::NumberSet;
use crate::profile::Reading;
use crate::schedule::{Arrival, Part};
use crate::trial::outcome::{Break, Documents, Ending, Outcome, Shortage};
use crate::trial::recovery::LossWatch;
use crate::trial::tally::Tally;
use crate::trial::{StreamPlan, Workload};
use crate::units::{OffsetNs, ms_to_ns, u64_to_usize, usize_to_u64};

/// Where an outstanding request is.
#[derive(Debug)]
enum State {
    /// It waits for a connection.
    Waiting,
    /// It is under way.
    Active(LaneId),
    /// It has ended and is counted.
    Ended,
}

/// An outstanding request.
#[derive(Debug)]
struct Slot {
    due: OffsetNs,
    taken: OffsetNs,
    part: Part,
    request: Request,
    /// Whether it was sent again, because its first connection had closed under our hands.
    is_resent: bool,
    state: State,
}

/// How a request ended, as its connection tells.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) at_ns: u64,
    pub(super) sent_ns: Option<u64>,
    pub(super) status: Option<u16>,
    pub(super) reading: Reading,
}

impl Ended {
    /// Of a request without an answer; `sent_ns` where it was sent.
    pub(super) fn unanswered(at_ns: u64, sent_ns: Option<u64>, ending: Ending) -> Self {
        Self { at_ns, sent_ns, status: None, reading: ending.into() }
    }
}

/// The state of one stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) plan: StreamPlan,
    pub(super) tally: Tally,
    pub(super) requests: RequestSource,
    /// Documents that were accepted.
    pub(super) accepted: NumberSet,
    pub(super) loss: LossWatch,
    start_ns: u64,
    timeout_ns: u64,
    /// Serial number of the first slot.
    first: u64,
    slots: VecDeque<Slot>,
    waiting: VecDeque<u64>,
}

impl Stream {
    pub(super) fn new(
        plan: StreamPlan,
        tally: Tally,
        requests: RequestSource,
        start_ns: u64,
    ) -> Self {
        let timeout_ns = ms_to_ns(plan.timeout_ms);
        Self {
            plan,
            tally,
            requests,
            accepted: NumberSet::default(),
            loss: LossWatch::default(),
            start_ns,
            timeout_ns,
            first: 0,
            slots: VecDeque::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Takes an arrival up at `now_ns`; it waits until it is activated.
    pub(super) fn take_up(&mut self, arrival: Arrival, now_ns: u64) -> u64 {
        self.tally.arrive(arrival.due, arrival.part);
        let taken = OffsetNs(now_ns.saturating_sub(self.start_ns)).max(arrival.due);
        let request = self.requests.take();
        let (due, part) = (arrival.due, arrival.part);
        let state = State::Waiting;
        self.slots.push_back(Slot { due, taken, part, request, is_resent: false, state });
        self.first + usize_to_u64(self.slots.len()) - 1
    }

    pub(super) fn wait_in_line(&mut self, serial: u64) {
        self.waiting.push_back(serial);
    }

    /// Puts back a request that was first in line.
    pub(super) fn wait_first(&mut self, serial: u64) {
        if let Some(slot) = self.slot(serial) {
            slot.state = State::Waiting;
        }
        self.waiting.push_front(serial);
    }

    /// The next request that waits for a connection.
    pub(super) fn next_waiting(&mut self) -> Option<u64> {
        while let Some(serial) = self.waiting.pop_front() {
            if matches!(self.slot(serial), Some(Slot { state: State::Waiting, .. })) {
                return Some(serial);
            }
        }
        None
    }

    /// The bytes of a request that has not ended.
    pub(super) fn request_of(&self, serial: u64) -> &[u8] {
        let position = serial.checked_sub(self.first).map(u64_to_usize);
        let slot = position.and_then(|position| self.slots.get(position));
        slot.map_or(&[], |slot| &slot.request.bytes)
    }

    pub(super) fn activate(&mut self, serial: u64, lane: LaneId) {
        if let Some(slot) = self.slot(serial) {
            slot.state = State::Active(lane);
        }
    }

    /// Notes that a request is sent once more; false when it has been before.
    pub(super) fn may_resend(&mut self, serial: u64) -> bool {
        let is_first = self.slot(serial).is_some_and(|slot| !slot.is_resent);
        if is_first {
            self.tally.resent += 1;
            if let Some(slot) = self.slot(serial) {
                slot.is_resent = true;
            }
        }
        is_first
    }

    /// Counts how a request ended, unless it has been counted already.
    pub(super) fn settle(&mut self, serial: u64, ended: Ended) {
        let start_ns = self.start_ns;
        let timeout_ns = self.timeout_ns;
        let (batch, workload) = (self.plan.batch, self.plan.workload);
        let Some(slot) = self.slot(serial) else {
            return;
        };
        if matches!(slot.state, State::Ended) {
            return;
        }
        slot.state = State::Ended;
        let (first, bytes) = (slot.request.first, std::mem::take(&mut slot.request.bytes));
        let Ended { reading, .. } = ended;
        let offset = |at_ns: u64| OffsetNs(at_ns.saturating_sub(start_ns));
        let sent = ended.sent_ns.map(|at_ns| offset(at_ns).max(slot.taken));
        let mut outcome = Outcome {
            due: slot.due,
            taken: slot.taken,
            sent,
            ended: offset(ended.at_ns).max(sent.unwrap_or(slot.taken)),
            status: ended.status,
            ending: reading.ending,
            documents: Documents {
                carried: batch,
                accepted_in_part: reading.accepted_in_part,
                statuses: reading.statuses,
            },
            part: slot.part,
        };
        // An answer after the deadline is no answer, even if nobody had got round to giving it up.
        if outcome.is_answered() && outcome.ended.since_ns(outcome.due) > timeout_ns {
            outcome.ending = Ending::TimedOut;
            outcome.status = None;
            outcome.documents = Documents::all_alike(batch);
        }
        if outcome.ending == Ending::Accepted && workload == Workload::Index {
            self.accepted.insert(first..first + batch);
        }
        self.requests.give_back(bytes);
        self.loss.observe(outcome.ended.as_s(), outcome.ending);
        self.tally.record(&outcome);
        while matches!(self.slots.front(), Some(Slot { state: State::Ended, .. })) {
            self.slots.pop_front();
            self.first += 1;
        }
    }

    /// The deadline of the oldest outstanding request, in nanoseconds of the clock.
    pub(super) fn next_deadline_ns(&self) -> Option<u64> {
        self.slots.front().map(|slot| self.start_ns + slot.due.plus_ns(self.timeout_ns).0)
    }

    /// Gives up every request whose deadline has passed by `now_ns`.
    pub(super) fn expire(&mut self, now_ns: u64, lanes: &mut Lanes) {
        while self.next_deadline_ns().is_some_and(|deadline_ns| deadline_ns <= now_ns) {
            let sent_ns = self.give_up(self.first, lanes);
            let ending = unanswered(sent_ns.is_some());
            self.settle(self.first, Ended::unanswered(now_ns, sent_ns, ending));
        }
    }

    /// Ends every request that still waits for a connection: the trial is over.
    pub(super) fn drop_waiting(&mut self, now_ns: u64) {
        while let Some(serial) = self.next_waiting() {
            let ending = Ending::Unsent(Shortage::Target);
            self.settle(serial, Ended::unanswered(now_ns, None, ending));
        }
    }

    /// Ends every request: the run is over.
    pub(super) fn abandon_all(&mut self, now_ns: u64, lanes: &mut Lanes) {
        self.drop_waiting(now_ns);
        for serial in self.first..self.first + usize_to_u64(self.slots.len()) {
            let sent_ns = self.give_up(serial, lanes);
            let ending = Ending::Broken(Break::Abandoned);
            self.settle(serial, Ended::unanswered(now_ns, sent_ns, ending));
        }
    }

    /// Closes the connection of a request, where it has one; says when its first byte was sent, if it was.
    fn give_up(&mut self, serial: u64, lanes: &mut Lanes) -> Option<u64> {
        match self.slot(serial)?.state {
            State::Ended | State::Waiting => None,
            State::Active(lane) => lanes.abort(lane),
        }
    }

    fn slot(&mut self, serial: u64) -> Option<&mut Slot> {
        let position = u64_to_usize(serial.checked_sub(self.first)?);
        self.slots.get_mut(position)
    }
}
