//! Trials in earnest: sockets, the system's clock, one thread.
//!
//! One current-thread runtime does everything, so that nothing on the way of a request needs a lock. A
//! timerfd wakes the sender for what is due; each request is a task of its own, bound to one connection;
//! its instants are stamped where its bytes pass, not where its task happens to be scheduled.

pub mod clock;
mod dispatch;
mod exchange;
mod fleet;
mod host;
pub mod inquirer;
mod lane;
mod runner;
pub mod self_test;
mod sink;
mod stamped;
mod stream;
pub mod vitals;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use hyper::header::HeaderValue;

use crate::corpus::Numbers;
use crate::profile::Profile;
use crate::schedule::Part;
use crate::trial::outcome::{Ending, Outcome};
use crate::trial::recovery::RecoveryWatch;
use crate::trial::result::{Recovery, StreamResult, TrialResult, Vitals};
use crate::trial::{Measurer, RecoverPlan, StopCause, TrialError, TrialPlan, Watch, Workload};
use crate::units::{OffsetNs, ms_to_ns, round_to_u64};
use clock::{Alarm, now_ns};
use dispatch::Dispatch;
use fleet::Fleet;
use host::HostMeter;
use stream::BodySource;
use vitals::CpuMeter;

/// Where requests go, and within which bounds.
#[derive(Debug, Clone)]
pub struct Address {
    /// The socket to connect to.
    pub socket: SocketAddr,
    /// The `Host` header.
    pub host: String,
}

/// Runs trials against a real target.
pub struct LiveMeasurer<P: Profile, N: Numbers> {
    address: Address,
    profile: Rc<P>,
    numbers: N,
    index: Rc<RefCell<Fleet>>,
    dashboard: Rc<RefCell<Fleet>>,
    /// Asked now and then; false once the target is known to be gone.
    target_lives: Box<dyn FnMut() -> bool>,
    began_ns: u64,
    alarm: Alarm,
}

impl Address {
    /// The value of the `Host` header.
    fn host_header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.host).unwrap_or(HeaderValue::from_static("localhost"))
    }
}

impl<P: Profile, N: Numbers> std::fmt::Debug for LiveMeasurer<P, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveMeasurer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<P: Profile + 'static, N: Numbers> LiveMeasurer<P, N> {
    /// A measurer of the target at `address`, with at most `lanes_max` connections per stream.
    ///
    /// `target_lives` is asked twice a second; a target that the tool has started itself can so be
    /// known to be gone before a connect fails.
    ///
    /// # Errors
    /// When the system gives no timer.
    pub fn new(
        address: Address,
        profile: Rc<P>,
        numbers: N,
        lanes_max: u32,
        target_lives: Box<dyn FnMut() -> bool>,
    ) -> Result<Self, TrialError> {
        Ok(Self {
            index: Rc::new(RefCell::new(Fleet::new(lanes_max))),
            dashboard: Rc::new(RefCell::new(Fleet::new(lanes_max))),
            address,
            profile,
            numbers,
            target_lives,
            began_ns: now_ns(),
            alarm: Alarm::new().map_err(|error| TrialError::Generator(error.to_string()))?,
        })
    }

    fn fleet(&self, workload: Workload) -> Rc<RefCell<Fleet>> {
        match workload {
            Workload::Index => Rc::clone(&self.index),
            Workload::Dashboard => Rc::clone(&self.dashboard),
        }
    }

    fn bodies(&mut self, workload: Workload, count: u64) -> Result<BodySource<P>, TrialError> {
        let numbers = match workload {
            Workload::Index => self
                .numbers
                .reserve(count)
                .map_err(|error| TrialError::Numbers(error.to_string()))?,
            Workload::Dashboard => 0..0,
        };
        Ok(BodySource::new(Rc::clone(&self.profile), workload, numbers))
    }

    async fn probe(&mut self, timeout_ms: u64, start_ns: u64) -> Result<Outcome, TrialError> {
        let body = self.bodies(Workload::Index, 1)?.take();
        let route = self.profile.route(Workload::Index);
        let body_bytes_max = self.profile.body_bytes_max(Workload::Index);
        let due = OffsetNs(now_ns() - start_ns);
        let call = exchange::Call {
            address: &self.address,
            fleet: &self.index,
            alarm: &mut self.alarm,
            timeout_ns: ms_to_ns(timeout_ms),
            body_bytes_max,
        };
        let reply = call.run(&route, body).await;
        let offset = |at_ns: u64| OffsetNs(at_ns.saturating_sub(start_ns)).max(due);
        let (status, ending) = match reply.answer {
            Ok(answer) => {
                let ending = self.profile.classify(Workload::Index, answer.status, &answer.body);
                (Some(answer.status), ending)
            }
            Err(ending) => (None, ending),
        };
        Ok(Outcome {
            due,
            taken: due,
            sent: reply.sent_ns.map(offset),
            ended: offset(reply.ended_ns),
            status,
            ending,
            part: Part::Measured,
        })
    }
}

impl<P: Profile + 'static, N: Numbers> Measurer for LiveMeasurer<P, N> {
    async fn run(
        &mut self,
        plan: &TrialPlan,
        watch: &mut impl Watch,
    ) -> Result<TrialResult, TrialError> {
        let mut streams = Vec::new();
        for stream in &plan.streams {
            let bodies = self.bodies(stream.workload, plan.documents_max())?;
            streams.push((stream.clone(), bodies, self.fleet(stream.workload)));
        }
        let started_s = self.elapsed_s();
        let (meter, host) = (CpuMeter::start(), HostMeter::start());
        let dispatch = Dispatch::new(plan, &self.address, &self.profile, streams);
        let finished = dispatch.run(&mut self.alarm, watch, &mut self.target_lives).await;
        let vitals = Vitals {
            cpu_s: meter.spent_s(),
            wall_s: finished.wall_s,
            lanes_exhausted: finished.lanes_exhausted,
            lanes_max: finished.lanes_max,
            longest_gap_s: finished.longest_gap_s,
            host: host.load(finished.wall_s),
            is_shared: self.address.socket.ip().is_loopback(),
        };
        let streams = plan.streams.iter().cloned().zip(finished.tallies);
        Ok(TrialResult {
            plan: plan.clone(),
            streams: streams.map(|(plan, tally)| StreamResult { plan, tally }).collect(),
            stopped: finished.stopped,
            started_s,
            vitals,
        })
    }

    async fn recover(
        &mut self,
        plan: &RecoverPlan,
        watch: &mut impl Watch,
    ) -> Result<Recovery, TrialError> {
        let start_ns = now_ns();
        let since_start = || OffsetNs(now_ns() - start_ns);
        let mut recovery = RecoveryWatch::new(plan.clone());
        while !recovery.is_over(since_start().as_s()) {
            if watch.interrupted() {
                recovery.stop(StopCause::Interrupted);
                break;
            }
            if !(self.target_lives)() {
                recovery.stop(StopCause::TargetLost);
                break;
            }
            let rest_s = plan.cap_s - since_start().as_s();
            let timeout_ms = plan.timeout_ms.min(round_to_u64(rest_s * 1000.0).max(1));
            let probe = self.probe(timeout_ms, start_ns).await?;
            let pause_s = recovery.observe(&probe);
            if pause_s > 0.0 {
                self.alarm.wait_until(now_ns() + OffsetNs::from_s(pause_s).0).await;
            }
        }
        Ok(recovery.finish(since_start().as_s()))
    }

    fn elapsed_s(&self) -> f64 {
        OffsetNs(now_ns() - self.began_ns).as_s()
    }
}

/// What a request that got no answer is counted as.
const fn unanswered(sent: bool) -> Ending {
    if sent { Ending::TimedOut } else { Ending::Unsent(crate::trial::outcome::Shortage::Target) }
}
