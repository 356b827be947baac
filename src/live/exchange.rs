//! One request outside of any schedule: a probe, or a question before the campaign.

use super::clock::{RealTime, now_ns};
use super::lane::Step;
use super::lanes::{Claim, LaneId, Lanes};
use super::unanswered;
use crate::trial::Workload;
use crate::trial::outcome::{Break, Ending, Shortage};

/// While waiting for the answer, the user is asked this often whether to go on.
const ASK_NS: u64 = 50_000_000;

/// Everything that one request needs.
pub(super) struct Call<'a> {
    pub(super) lanes: &'a mut Lanes,
    /// Whose connections it uses.
    pub(super) workload: Workload,
    pub(super) timeout_ns: u64,
    pub(super) body_bytes_max: usize,
    pub(super) is_interrupted: &'a dyn Fn() -> bool,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct RawAnswer {
    pub(super) status: u16,
    pub(super) content_type: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What became of it.
pub(super) struct Reply {
    pub(super) sent_ns: Option<u64>,
    pub(super) ended_ns: u64,
    pub(super) answer: Result<RawAnswer, Ending>,
    /// What was wrong with the encryption, where that is why there is none.
    pub(super) problem: Option<Box<str>>,
}

impl Call<'_> {
    /// Sends the request, on an idle connection if there is one, and waits for its end.
    pub(super) fn run(mut self, request: &[u8]) -> Reply {
        let deadline_ns = now_ns() + self.timeout_ns;
        // Idle connections may have gone stale one after the other; a fresh one that closes is an answer.
        loop {
            let (lane, step) = match self.lanes.claim(self.workload, (0, 0), self.body_bytes_max) {
                Claim::Idle(lane) => (lane, self.lanes.begin(lane, request)),
                Claim::Opened(lane) => (lane, Step::Pending),
                Claim::Busy => return failed(None, Ending::Unsent(Shortage::Target)),
                Claim::Failed(ending) => return failed(None, ending),
            };
            if let Some(reply) = self.follow(lane, step, request, deadline_ns) {
                return reply;
            }
        }
    }

    /// Waits for the end of the request; `None` when its connection was stale and it may be sent again.
    fn follow(
        &mut self,
        lane: LaneId,
        first: Step,
        request: &[u8],
        deadline_ns: u64,
    ) -> Option<Reply> {
        let mut step = first;
        loop {
            match step {
                Step::Untouched => {
                    self.lanes.close(lane);
                    return None;
                }
                Step::Failed(ending) => {
                    let failed_lane = self.lanes.lane(lane);
                    let problem = failed_lane.as_ref().and_then(|lane| lane.problem());
                    let problem = problem.map(Box::from);
                    let (sent_ns, is_stale) = failed_lane.map_or((None, false), |lane| {
                        (lane.sent_ns(), !lane.is_fresh() && !lane.reader.has_begun())
                    });
                    self.lanes.close(lane);
                    let is_closed =
                        matches!(ending, Ending::Broken(Break::ClosedEarly | Break::Reset));
                    let reply = Reply { problem, ..failed(sent_ns, ending) };
                    return (!is_stale || !is_closed).then_some(reply);
                }
                Step::Answered => return Some(self.answered(lane, request)),
                Step::Pending => {}
            }
            let now = now_ns();
            if now >= deadline_ns || (self.is_interrupted)() {
                let sent_ns = self.lanes.abort(lane);
                let ending = if now >= deadline_ns {
                    unanswered(sent_ns.is_some())
                } else {
                    Ending::Broken(Break::Abandoned)
                };
                return Some(failed(sent_ns, ending));
            }
            self.lanes.wait(deadline_ns.min(now + ASK_NS));
            step = self.hear(lane, request);
        }
    }

    /// Hears out the connections; what the one of the request has come to.
    fn hear(&mut self, lane: LaneId, request: &[u8]) -> Step {
        let ready = self.lanes.take_ready();
        let time = RealTime::now();
        let mut step = Step::Pending;
        for id in ready.iter().copied() {
            let is_ours = self.lanes.load_of(id, time).is_some() && id == lane;
            if is_ours && step == Step::Pending {
                step = self.lanes.advance(id, request, time);
            }
        }
        self.lanes.give_back(ready);
        step
    }

    fn answered(&mut self, lane: LaneId, request: &[u8]) -> Reply {
        let reply = self.lanes.lane(lane).map(|lane| Reply {
            sent_ns: lane.sent_ns(),
            ended_ns: lane.last_read_ns(),
            answer: Ok(RawAnswer {
                status: lane.reader.status(),
                content_type: lane.reader.content_type().map(str::to_owned),
                body: lane.reader.body().to_vec(),
            }),
            problem: None,
        });
        self.lanes.rest(lane, request);
        reply.unwrap_or_else(|| failed(None, Ending::Broken(Break::Other)))
    }
}

fn failed(sent_ns: Option<u64>, ending: Ending) -> Reply {
    Reply { sent_ns, ended_ns: now_ns(), answer: Err(ending), problem: None }
}
