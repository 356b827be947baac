//! The only agent of a run on one machine: in the coordinator's own process, on a thread of its own.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::agent::{Agent, Line};
use super::clock::now_ns;
use crate::agents::{Crew, Heard, Member, Order, Report, TickReport};
use crate::trial::{StopCause, TrialId};

/// From the order to go, on which the senders prepare their first requests, to the start of the schedule.
const LEAD_NS: u64 = 4_000_000;

/// The coordinator's end.
#[derive(Debug)]
pub(super) struct InProcess {
    members: [Member; 1],
    orders: Sender<Order>,
    reports: Receiver<Report>,
    is_gone: bool,
}

/// The agent's end.
#[derive(Debug)]
pub(super) struct Post {
    orders: Receiver<Order>,
    reports: Sender<Report>,
}

/// Both ends.
pub(super) fn in_process() -> (InProcess, Post) {
    let ((orders, taken), (reports, heard)) = (channel(), channel());
    let member = Member { name: "local".to_owned(), cores: None, weight: 1.0, clock: None };
    let crew = InProcess { members: [member], orders, reports: heard, is_gone: false };
    (crew, Post { orders: taken, reports })
}

impl Crew for InProcess {
    fn members(&self) -> &[Member] {
        &self.members
    }

    fn muster(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn now_ns(&self) -> u64 {
        now_ns()
    }

    fn lead_ns(&self) -> u64 {
        LEAD_NS
    }

    fn silence_ns(&self) -> Option<u64> {
        None
    }

    fn tell(&mut self, _member: usize, order: &Order) {
        // An agent that has ended needs no more orders.
        drop(self.orders.send(order.clone()));
    }

    fn hear(&mut self, wait_ns: u64) -> Option<Heard> {
        match self.reports.recv_timeout(Duration::from_nanos(wait_ns)) {
            Ok(report) => Some(Heard::From(0, report)),
            Err(RecvTimeoutError::Disconnected) if !self.is_gone => {
                self.is_gone = true;
                Some(Heard::Lost(0, "its thread has ended".to_owned()))
            }
            Err(_) => None,
        }
    }
}

impl Post {
    /// Does what it is told, for one trial.
    pub(super) fn serve(self, agent: &mut Agent) {
        let mut ready = None;
        // The coordinator hangs up when the trial is over, or never starts.
        while let Ok(order) = self.orders.recv() {
            match order {
                Order::Prepare(assignment) => {
                    let trial = assignment.plan.id;
                    ready = Some(assignment);
                    drop(self.reports.send(Report::Ready { trial }));
                }
                Order::Go { trial, start_ns } => {
                    let Some(assignment) = ready.take().filter(|it| it.plan.id == trial) else {
                        continue;
                    };
                    let mut line = Thread { post: &self, trial };
                    let done = agent.run(&assignment, start_ns, &mut line);
                    drop(self.reports.send(Report::Done(done)));
                    return;
                }
                Order::Stop { .. } => return,
            }
        }
    }
}

struct Thread<'a> {
    post: &'a Post,
    trial: TrialId,
}

impl Line for Thread<'_> {
    fn stopped(&mut self) -> Option<StopCause> {
        let causes = self.post.orders.try_iter().filter_map(|order| match order {
            Order::Stop { cause, .. } => Some(cause),
            _ => None,
        });
        causes.max()
    }

    fn tick(&mut self, report: TickReport) {
        drop(self.post.reports.send(Report::Tick(report)));
    }

    fn stops(&mut self, cause: StopCause) {
        drop(self.post.reports.send(Report::Stopped { trial: self.trial, cause }));
    }
}
