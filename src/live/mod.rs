//! Trials in earnest: sockets, the system's clock, a thread for each sender.
//!
//! A sender does everything itself, without a runtime, a lock or a task: it wakes for what is due, sends it, and hears
//! what has come since. A request costs one write and one read; when its answer came is stamped by the kernel, so
//! that it need not be heard at once ([why](../../docs/decisions/015-a-client-of-our-own.md)).

pub mod answer;
mod carry;
mod chunked;
pub mod clock;
mod dispatch;
mod exchange;
mod fleet;
mod host;
pub mod inquirer;
mod lane;
mod lanes;
mod poll;
mod ports;
pub mod raw;
pub mod request;
pub mod self_test;
mod senders;
mod sink;
mod socket;
mod stream;
pub mod tls;
pub mod vitals;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::corpus::Numbers;
use crate::profile::Profile;
use crate::schedule::Part;
use crate::trial::outcome::{Ending, Outcome};
use crate::trial::recovery::RecoveryWatch;
use crate::trial::result::{Recovery, SocketUse, StreamResult, TrialResult, Vitals};
use crate::trial::{Measurer, RecoverPlan, StopCause, TrialError, TrialPlan, Watch, Workload};
use crate::units::{OffsetNs, ms_to_ns, round_to_u64, u64_to_usize, usize_to_u64};
use clock::{make_waits_precise, now_ns, sleep_until};
use host::HostMeter;
use lanes::Lanes;
use ports::ports;
use senders::{Senders, part_of};
use stream::RequestSource;
use tls::TlsClient;
use vitals::{EffortMeter, descriptor_limits, open_descriptors};

/// Where requests go, and as whose.
#[derive(Debug, Clone)]
pub struct Address {
    /// The socket to connect to.
    pub socket: SocketAddr,
    /// The `Host` header.
    pub host: String,
    /// How connections are encrypted; `None` for plain ones.
    pub tls: Option<TlsClient>,
    /// The `Authorization` header.
    pub authorization: Option<Secret>,
}

impl Address {
    /// Plain connections to `socket`, as nobody.
    #[must_use]
    pub fn plain(socket: SocketAddr) -> Self {
        Self { socket, host: socket.to_string(), tls: None, authorization: None }
    }
}

/// A text that is sent to the target and shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// How the sender waits for what is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pacing {
    /// It sleeps, and wakes at most once in a quantum.
    Timer,
    /// It never sleeps: more exact, and takes a whole core.
    Spin,
}

/// Which idle connection is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// The one that has been idle longest: the load spreads over all processes behind one address.
    Spread,
    /// The one that was used last: few connections stay warm.
    LastUsed,
}

/// What the user may choose of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tuning {
    /// Threads that send; the schedule is dealt among them.
    pub threads: u32,
    /// The most connections of a stream, of all threads together.
    pub lanes_max: u32,
    /// How the sender waits.
    pub pacing: Pacing,
    /// Which idle connection is taken.
    pub reuse: Reuse,
}

impl Tuning {
    /// The usual client, with at most `lanes_max` connections of a stream.
    #[must_use]
    pub const fn usual(lanes_max: u32) -> Self {
        Self { threads: 1, lanes_max, pacing: Pacing::Timer, reuse: Reuse::Spread }
    }
}

/// Runs trials against a real target.
pub struct LiveMeasurer<P: Profile, N: Numbers> {
    address: Address,
    profile: Arc<P>,
    numbers: N,
    tuning: Tuning,
    /// The connections of each sender.
    lanes: Vec<Lanes>,
    /// Asked now and then; false once the target is known to be gone.
    target_lives: Box<dyn FnMut() -> bool>,
    began_ns: u64,
}

impl<P: Profile, N: Numbers> std::fmt::Debug for LiveMeasurer<P, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveMeasurer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<P: Profile, N: Numbers> LiveMeasurer<P, N> {
    /// A measurer of the target at `address`.
    ///
    /// `target_lives` is asked twice a second; a target that the tool has started itself can so be
    /// known to be gone before a connect fails.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub fn new(
        address: Address,
        profile: Arc<P>,
        numbers: N,
        tuning: Tuning,
        target_lives: Box<dyn FnMut() -> bool>,
    ) -> Result<Self, TrialError> {
        make_waits_precise();
        let threads = u64_to_usize(u64::from(tuning.threads));
        let lanes = (0..threads).map(|number| {
            let lanes_max = part_of(u64::from(tuning.lanes_max), number, threads);
            let lanes_max = u32::try_from(lanes_max).unwrap_or(u32::MAX).max(1);
            Lanes::new(address.clone(), Tuning { lanes_max, ..tuning })
        });
        let lanes = lanes.collect::<io::Result<_>>().map_err(TrialError::generator)?;
        Ok(Self { tuning, lanes, address, profile, numbers, target_lives, began_ns: now_ns() })
    }

    /// Sources of `count` requests in all, dealt among so many senders: each takes the numbers of its own arrivals.
    fn requests(
        &mut self,
        workload: Workload,
        count: u64,
        senders: usize,
    ) -> Result<Vec<RequestSource<P>>, TrialError> {
        let numbers = match workload {
            Workload::Index => self
                .numbers
                .reserve(count)
                .map_err(|error| TrialError::Numbers(error.to_string()))?,
            Workload::Dashboard => 0..0,
        };
        let sources = (0..usize_to_u64(senders)).map(|sender| {
            let own = (numbers.start + sender).min(numbers.end)..numbers.end;
            let profile = Arc::clone(&self.profile);
            RequestSource::new(profile, &self.address, workload, own.step_by(senders))
        });
        Ok(sources.collect())
    }

    /// Where document numbers come from.
    pub const fn numbers(&self) -> &N {
        &self.numbers
    }

    /// The same, to take some for documents that are sent by somebody else.
    pub const fn numbers_mut(&mut self) -> &mut N {
        &mut self.numbers
    }

    /// How the target is spoken to.
    pub fn profile(&self) -> &P {
        &self.profile
    }

    /// Where it is.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    fn sockets(&mut self) -> SocketUse {
        SocketUse {
            ports_held: self.lanes.iter_mut().map(Lanes::ports_held).sum(),
            ports: ports(),
            descriptors: open_descriptors(),
            descriptors_max: descriptor_limits().0,
        }
    }

    fn probe(
        &mut self,
        timeout_ms: u64,
        start_ns: u64,
        is_interrupted: &dyn Fn() -> bool,
    ) -> Result<Outcome, TrialError> {
        let mut sources = self.requests(Workload::Index, 1, 1)?;
        let (Some(source), Some(lanes)) = (sources.first_mut(), self.lanes.first_mut()) else {
            return Err(TrialError::Generator("there is no sender".to_owned()));
        };
        let request = source.take();
        let due = OffsetNs(now_ns() - start_ns);
        let call = exchange::Call {
            lanes,
            workload: Workload::Index,
            timeout_ns: ms_to_ns(timeout_ms),
            body_bytes_max: self.profile.body_bytes_max(Workload::Index),
            is_interrupted,
        };
        let reply = call.run(&request);
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

impl<P: Profile, N: Numbers> Measurer for LiveMeasurer<P, N> {
    fn run(&mut self, plan: &TrialPlan, watch: &mut impl Watch) -> Result<TrialResult, TrialError> {
        let threads = self.lanes.len();
        let mut sources: Vec<Vec<RequestSource<P>>> = (0..threads).map(|_| Vec::new()).collect();
        for stream in &plan.streams {
            let shares = self.requests(stream.workload, plan.documents_max(), threads)?;
            for (sender, source) in sources.iter_mut().zip(shares) {
                sender.push(source);
            }
        }
        let started_s = self.elapsed_s();
        let (meter, host) = (EffortMeter::start(), HostMeter::start());
        let senders = Senders { plan, profile: &*self.profile, lanes: &mut self.lanes, sources };
        let finished = senders.run(watch, &mut self.target_lives);
        let effort = finished.effort + meter.spent();
        let vitals = Vitals {
            cpu_s: effort.cpu_s,
            busiest_cpu_s: finished.busiest_cpu_s,
            wall_s: finished.wall_s,
            sleeps: effort.sleeps,
            preemptions: effort.preemptions,
            lanes_exhausted: finished.lanes_exhausted,
            lanes_max: self.tuning.lanes_max,
            spins: self.tuning.pacing == Pacing::Spin,
            longest_gap_s: finished.longest_gap_s,
            sockets: self.sockets(),
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

    fn recover(
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
            let probe = self.probe(timeout_ms, start_ns, &|| watch.interrupted())?;
            let pause_s = recovery.observe(&probe);
            if pause_s > 0.0 {
                sleep_until(now_ns() + OffsetNs::from_s(pause_s).0);
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
