//! A request on its way: which connection takes it, what that comes to, and what then.

use super::clock::{RealTime, now_ns};
use super::dispatch::Dispatch;
use super::lane::Step;
use super::lanes::{Claim, LaneId, Load};
use super::stream::{Ended, Stream};
use crate::trial::outcome::{Break, Ending};

impl Dispatch<'_> {
    /// Starts a request; false where every connection that may be open is busy.
    pub(super) fn start(&mut self, position: usize, serial: u64) -> bool {
        let Some(stream) = self.streams.get_mut(position) else { return true };
        let workload = stream.plan.workload;
        let body_bytes_max = self.profile.body_bytes_max(workload);
        match self.lanes.claim(workload, (position, serial), body_bytes_max) {
            Claim::Idle(lane) => {
                stream.activate(serial, lane);
                let step = self.lanes.begin(lane, stream.request_of(serial));
                self.follow((position, serial), lane, step);
            }
            Claim::Opened(lane) => {
                stream.tally.connects += 1;
                stream.activate(serial, lane);
            }
            Claim::Busy => {
                self.lanes_exhausted = true;
                return false;
            }
            Claim::Failed(ending) => {
                stream.settle(serial, Ended::unanswered(now_ns(), None, ending));
            }
        }
        true
    }

    /// Draws the consequence of what a connection has come to with its request.
    fn follow(&mut self, (position, serial): Load, lane: LaneId, step: Step) {
        let Some(stream) = self.streams.get_mut(position) else { return };
        let workload = stream.plan.workload;
        match step {
            Step::Pending => {}
            Step::Answered => {
                if let Some(answered) = self.lanes.lane(lane) {
                    let status = answered.reader.status();
                    let body = answered.reader.body();
                    let documents = stream.plan.batch;
                    let reading = self.profile.classify(workload, status, body, documents);
                    let ended = Ended {
                        at_ns: answered.last_read_ns(),
                        sent_ns: answered.sent_ns(),
                        status: Some(status),
                        reading,
                    };
                    if let Some(connect_ns) = answered.connect_ns() {
                        stream.tally.connect.record_ns(connect_ns);
                    }
                    self.lanes.rest(lane, stream.request_of(serial));
                    stream.settle(serial, ended);
                }
            }
            Step::Failed(ending) => {
                let sent_ns = self.lanes.lane(lane).and_then(|lane| lane.sent_ns());
                self.lanes.close(lane);
                stream.settle(serial, Ended::unanswered(now_ns(), sent_ns, ending));
            }
            Step::Untouched => {
                self.lanes.close(lane);
                self.send_again(position, serial);
            }
        }
    }

    /// The one case in which a request is sent again: its connection had closed under our hands and nothing of
    /// it was taken. Its due time stays. A second time is the target's doing.
    fn send_again(&mut self, position: usize, serial: u64) {
        let Some(stream) = self.streams.get_mut(position) else { return };
        let workload = stream.plan.workload;
        let claim = if stream.may_resend(serial) {
            let body_bytes_max = self.profile.body_bytes_max(workload);
            self.lanes.open(workload, (position, serial), body_bytes_max)
        } else {
            Claim::Failed(Ending::Broken(Break::ClosedEarly))
        };
        match claim {
            Claim::Opened(lane) => {
                stream.tally.connects += 1;
                stream.activate(serial, lane);
            }
            Claim::Failed(ending) => {
                stream.settle(serial, Ended::unanswered(now_ns(), None, ending));
            }
            Claim::Idle(_) | Claim::Busy => stream.wait_first(serial),
        }
    }

    /// Hears out every connection that has something to say.
    pub(super) fn hear(&mut self) {
        let ready = self.lanes.take_ready();
        if !ready.is_empty() {
            let time = RealTime::now();
            for lane in ready.iter().copied() {
                if let Some((position, serial)) = self.lanes.load_of(lane, time)
                    && let Some(stream) = self.streams.get(position)
                {
                    let step = self.lanes.advance(lane, stream.request_of(serial), time);
                    self.follow((position, serial), lane, step);
                }
            }
        }
        self.lanes.give_back(ready);
    }

    /// Sends requests that have waited, as far as connections go.
    pub(super) fn start_waiting(&mut self, position: usize) {
        while let Some(serial) = self.streams.get_mut(position).and_then(Stream::next_waiting) {
            if !self.start(position, serial) {
                if let Some(stream) = self.streams.get_mut(position) {
                    stream.wait_first(serial);
                }
                return;
            }
        }
    }
}
