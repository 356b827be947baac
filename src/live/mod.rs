//! Trials in earnest: sockets, the system's clock, a thread for each sender.
//!
//! A sender does everything itself, without a runtime, a lock or a task: it wakes for what is due, sends it, and hears
//! what has come since. A request costs one write and one read; when its answer came is stamped by the kernel, so
//! that it need not be heard at once ([why](../../docs/decisions/015-a-client-of-our-own.md)).

pub mod answer;
mod carry;
mod chunked;
pub mod clock;
mod counter;
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
mod source;
mod stream;
pub mod tls;
mod tuning;
pub mod vitals;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::corpus::Numbers;
use crate::corpus::number_set::NumberSet;
use crate::profile::Profile;
use crate::schedule::Part;
use crate::trial::outcome::{Documents, Ending, Outcome};
use crate::trial::recovery::RecoveryWatch;
use crate::trial::result::{Recovery, SocketUse, StreamResult, TrialResult, Vitals};
use crate::trial::{Measurer, RecoverPlan, StopCause, TrialError, TrialPlan, Watch, Workload};
use crate::units::{OffsetNs, ms_to_ns, round_to_u64, u64_to_usize, usize_to_u64};
use clock::{make_waits_precise, now_ns, sleep_until};
use counter::{Counter, changes};
use exchange::RawAnswer;
use host::HostMeter;
use lanes::Lanes;
use ports::ports;
use senders::{Senders, part_of};
use source::{Deal, RequestSource};
use tls::TlsClient;
pub use tuning::{Pacing, Reuse, Tuning};
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

/// Runs trials against a real target.
pub struct LiveMeasurer<N: Numbers> {
    address: Address,
    profile: Arc<dyn Profile>,
    numbers: N,
    tuning: Tuning,
    counter: Counter,
    /// The connections of each sender.
    lanes: Vec<Lanes>,
    /// Documents that the target accepted in trials.
    accepted: NumberSet,
    /// Asked now and then; false once the target is known to be gone.
    target_lives: Box<dyn FnMut() -> bool>,
    began_ns: u64,
}

impl<N: Numbers> std::fmt::Debug for LiveMeasurer<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveMeasurer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl<N: Numbers> LiveMeasurer<N> {
    /// A measurer of the target at `address`.
    ///
    /// `target_lives` is asked twice a second; a target that the tool has started itself can so be
    /// known to be gone before a connect fails.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub fn new(
        address: Address,
        profile: Arc<dyn Profile>,
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
        let counter = Counter::silent(address.clone(), Arc::clone(&profile));
        Ok(Self {
            tuning,
            counter,
            lanes,
            accepted: NumberSet::default(),
            address,
            profile,
            numbers,
            target_lives,
            began_ns: now_ns(),
        })
    }

    /// Sources of `count` documents in all, dealt among so many senders: each takes the numbers of its own arrivals.
    fn requests(
        &mut self,
        workload: Workload,
        count: u64,
        batch: u64,
        senders: usize,
    ) -> Result<Vec<RequestSource>, TrialError> {
        let numbers = match workload {
            Workload::Index => self
                .numbers
                .reserve(count)
                .map_err(|error| TrialError::Numbers(error.to_string()))?,
            Workload::Dashboard => 0..0,
        };
        let senders = usize_to_u64(senders);
        let sources = (0..senders).map(|sender| {
            let first = (numbers.start + sender * batch).min(numbers.end);
            let deal = Deal { left: first..numbers.end, batch, senders };
            RequestSource::new(Arc::clone(&self.profile), &self.address, workload, deal)
        });
        Ok(sources.collect())
    }

    /// From now on asks the target beside each trial how many documents it `counts`, and what it `tells` of itself.
    pub const fn ask_beside(&mut self, counts: bool, tells: bool) {
        (self.counter.counts, self.counter.tells) = (counts, tells);
    }

    /// Where document numbers come from.
    pub const fn numbers(&self) -> &N {
        &self.numbers
    }

    /// Documents that the target accepted in trials and by probes so far.
    pub const fn accepted(&self) -> &NumberSet {
        &self.accepted
    }

    /// The same, to take some for documents that are sent by somebody else.
    pub const fn numbers_mut(&mut self) -> &mut N {
        &mut self.numbers
    }

    /// How the target is spoken to.
    pub const fn profile(&self) -> &Arc<dyn Profile> {
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
        batch: u64,
        start_ns: u64,
        is_interrupted: &dyn Fn() -> bool,
    ) -> Result<Outcome, TrialError> {
        let mut sources = self.requests(Workload::Index, batch, batch, 1)?;
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
        let reply = call.run(&request.bytes);
        let offset = |at_ns: u64| OffsetNs(at_ns.saturating_sub(start_ns)).max(due);
        let (status, reading) = match reply.answer {
            Ok(RawAnswer { status, body, .. }) => {
                (Some(status), self.profile.classify(Workload::Index, status, &body, batch))
            }
            Err(ending) => (None, ending.into()),
        };
        if reading.ending == Ending::Accepted {
            self.accepted.insert(request.first..request.first + batch);
        }
        Ok(Outcome {
            due,
            taken: due,
            sent: reply.sent_ns.map(offset),
            ended: offset(reply.ended_ns),
            status,
            ending: reading.ending,
            documents: Documents {
                carried: batch,
                accepted_in_part: reading.accepted_in_part,
                statuses: reading.statuses,
            },
            part: Part::Measured,
        })
    }
}

impl<N: Numbers> Measurer for LiveMeasurer<N> {
    fn run(&mut self, plan: &TrialPlan, watch: &mut impl Watch) -> Result<TrialResult, TrialError> {
        let threads = self.lanes.len();
        let mut sources: Vec<Vec<RequestSource>> = (0..threads).map(|_| Vec::new()).collect();
        for stream in &plan.streams {
            let documents = plan.documents_max();
            let shares = self.requests(stream.workload, documents, stream.batch, threads)?;
            for (sender, source) in sources.iter_mut().zip(shares) {
                sender.push(source);
            }
        }
        let started_s = self.elapsed_s();
        let before = self.counter.figures();
        let (meter, host) = (EffortMeter::start(), HostMeter::start());
        let senders = Senders {
            plan,
            profile: &*self.profile,
            lanes: &mut self.lanes,
            sources,
            counter: Some(&self.counter).filter(|counter| counter.counts),
        };
        let finished = senders.run(watch, &mut self.target_lives);
        self.accepted = std::mem::take(&mut self.accepted).merged(finished.accepted);
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
            visible: finished.visible,
            server: changes(&before, self.counter.figures()),
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
            let probe = self.probe(timeout_ms, plan.batch, start_ns, &|| watch.interrupted())?;
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
