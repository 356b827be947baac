//! Trials in earnest: sockets, the system's clock, a thread for each sender.
//!
//! Whoever measures is the coordinator of its agents; the usual one is in the same process.
//!
//! A sender does everything itself, without a runtime, a lock or a task: it wakes for what is due, sends it, and hears
//! what has come since. A request costs one write and one read; when its answer came is stamped by the kernel, so
//! that it need not be heard at once ([why](../../docs/decisions/015-a-client-of-our-own.md)).

pub mod agent;
pub mod answer;
mod around;
mod carry;
mod chunked;
pub mod clock;
mod counter;
mod dispatch;
mod exchange;
mod fleet;
mod host;
mod in_process;
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

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use crate::agents::coordinate::{Gathered, coordinate};
use crate::agents::{Assignment, Crew};
use crate::corpus::Numbers;
use crate::corpus::number_set::NumberSet;
use crate::profile::Profile;
use crate::schedule::Part;
use crate::schedule::deal::{DealtNumbers, Share};
use crate::trial::outcome::{Documents, Ending, Outcome};
use crate::trial::recovery::RecoveryWatch;
use crate::trial::result::{Recovery, StreamResult, TrialResult};
use crate::trial::{Measurer, RecoverPlan, StopCause, TrialError, TrialPlan, Watch, Workload};
use crate::units::{OffsetNs, ms_to_ns, round_to_u64};
use agent::Agent;
use around::{Elsewhere, Surroundings};
use clock::{now_ns, sleep_until};
use counter::{Counter, changes};
use exchange::RawAnswer;
use in_process::in_process;
use source::{Deal, RequestSource};
use tls::TlsClient;
pub use tuning::{Pacing, Reuse, Tuning};
use vitals::EffortMeter;

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
    counter: Counter,
    /// Sends everything itself, and probes, unless there are agents elsewhere: then it probes.
    agent: Agent,
    /// Agents elsewhere.
    crew: Option<Elsewhere>,
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
        let agent = Agent::new(address.clone(), Arc::clone(&profile), tuning)?;
        let counter = Counter::silent(address.clone(), Arc::clone(&profile));
        Ok(Self {
            counter,
            agent,
            crew: None,
            accepted: NumberSet::default(),
            address,
            profile,
            numbers,
            target_lives,
            began_ns: now_ns(),
        })
    }

    /// From now on deals its trials to agents elsewhere; with `is_all_or_none` one that is lost ends the run.
    pub fn deal_to(&mut self, crew: Box<dyn Crew>, is_all_or_none: bool) {
        self.crew = Some(Elsewhere::new(crew, is_all_or_none));
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

    /// The trial as each of its agents gets it.
    fn assignments(&mut self, plan: &TrialPlan) -> Result<Vec<Assignment>, TrialError> {
        let shares = match &mut self.crew {
            Some(elsewhere) => elsewhere.shares()?,
            None => vec![Share::WHOLE],
        };
        let numbers = match plan.documents_max() {
            0 => 0..0,
            documents => self.reserve(documents)?,
        };
        let assignment = |share| Assignment { plan: plan.clone(), share, numbers: numbers.clone() };
        Ok(shares.into_iter().map(assignment).collect())
    }

    fn reserve(&mut self, documents: u64) -> Result<std::ops::Range<u64>, TrialError> {
        self.numbers.reserve(documents).map_err(|error| TrialError::Numbers(error.to_string()))
    }

    fn probe(
        &mut self,
        timeout_ms: u64,
        batch: u64,
        start_ns: u64,
        is_interrupted: &dyn Fn() -> bool,
    ) -> Result<Outcome, TrialError> {
        let first = self.reserve(batch)?.start;
        let deal = Deal { first, batch, arrivals: DealtNumbers::all(1) };
        let profile = Arc::clone(&self.profile);
        let mut source = RequestSource::new(profile, &self.address, Workload::Index, deal);
        let Some(lanes) = self.agent.lanes.first_mut() else {
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

impl<N: Numbers> LiveMeasurer<N> {
    fn run_assigned(&mut self, assignments: Vec<Assignment>, watch: &mut impl Watch) -> Gathered {
        let is_over = AtomicBool::new(false);
        let counter = Some(&self.counter).filter(|counter| counter.counts);
        let (agent, target_lives) = (&mut self.agent, &mut self.target_lives);
        thread::scope(|scope| {
            let mut starts = |start_ns: u64| {
                let (counts, seen) = channel();
                if let Some(counter) = counter {
                    let is_over = &is_over;
                    scope.spawn(move || counter.watch(start_ns, is_over, &counts));
                }
                seen
            };
            let mut beside = Surroundings::new(&mut starts, target_lives);
            let gathered = if let Some(elsewhere) = &mut self.crew {
                coordinate(assignments, &mut *elsewhere.crew, watch, &mut beside)
            } else {
                let (mut crew, post) = in_process();
                scope.spawn(move || post.serve(agent));
                coordinate(assignments, &mut crew, watch, &mut beside)
            };
            is_over.store(true, Ordering::Relaxed);
            gathered
        })
    }
}

impl<N: Numbers> Measurer for LiveMeasurer<N> {
    fn run(&mut self, plan: &TrialPlan, watch: &mut impl Watch) -> Result<TrialResult, TrialError> {
        let assignments = self.assignments(plan)?;
        let started_s = self.elapsed_s();
        let before = self.counter.figures();
        let meter = EffortMeter::start();
        let mut gathered = self.run_assigned(assignments, watch);
        self.accepted = std::mem::take(&mut self.accepted).merged(gathered.accepted);
        let effort = meter.spent();
        gathered.vitals.cpu_s += effort.cpu_s;
        gathered.vitals.sleeps += effort.sleeps;
        gathered.vitals.preemptions += effort.preemptions;
        let streams = plan.streams.iter().cloned().zip(gathered.tallies);
        Ok(TrialResult {
            plan: plan.clone(),
            streams: streams.map(|(plan, tally)| StreamResult { plan, tally }).collect(),
            stopped: gathered.stopped,
            started_s,
            vitals: gathered.vitals,
            visible: gathered.visible,
            server: changes(&before, self.counter.figures()),
            // The only agent of a run on one machine is the run itself.
            agents: if self.crew.is_some() { gathered.agents } else { Vec::new() },
            lapses: gathered.lapses,
            merged_after_s: gathered.merged_after_s,
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
