//! An agent in earnest: it has the connections to the target, and sends its part of a trial.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::clock::make_waits_precise;
use super::host::HostMeter;
use super::lanes::Lanes;
use super::ports::ports;
use super::senders::{Lookout, Senders, part_of};
use super::source::{Deal, RequestSource};
use super::vitals::{EffortMeter, descriptor_limits, open_descriptors};
use super::{Address, Pacing, Tuning};
use crate::agents::{Assignment, DoneReport, TickReport};
use crate::profile::Profile;
use crate::schedule::deal::Sender;
use crate::trial::result::{SocketUse, Vitals};
use crate::trial::{StopCause, TrialError};
use crate::units::u64_to_usize;

/// Orders are looked for this often.
const LOOK: Duration = Duration::from_millis(20);

/// What connects an agent with its coordinator while it sends.
pub trait Line {
    /// The order to stop, once there is one.
    fn stopped(&mut self) -> Option<StopCause>;
    /// Tells what was counted.
    fn tick(&mut self, report: TickReport);
    /// Tells that it stopped of itself.
    fn stops(&mut self, cause: StopCause);
}

/// One agent.
#[derive(Debug)]
pub struct Agent {
    address: Address,
    profile: Arc<dyn Profile>,
    tuning: Tuning,
    /// The connections of each sender.
    pub(super) lanes: Vec<Lanes>,
}

impl Agent {
    /// An agent that sends to `address`.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub fn new(
        address: Address,
        profile: Arc<dyn Profile>,
        tuning: Tuning,
    ) -> Result<Self, TrialError> {
        make_waits_precise();
        let threads = u64_to_usize(u64::from(tuning.threads));
        let lanes = (0..threads).map(|number| {
            let lanes_max = part_of(u64::from(tuning.lanes_max), number, threads);
            let lanes_max = u32::try_from(lanes_max).unwrap_or(u32::MAX).max(1);
            Lanes::new(address.clone(), Tuning { lanes_max, ..tuning })
        });
        let lanes = lanes.collect::<io::Result<_>>().map_err(TrialError::generator)?;
        Ok(Self { address, profile, tuning, lanes })
    }

    /// Sends its part of a trial from `start_ns` of the monotonic clock on, until nothing of it is under way.
    pub fn run(
        &mut self,
        assignment: &Assignment,
        start_ns: u64,
        line: &mut dyn Line,
    ) -> Box<DoneReport> {
        let sources = self.sources(assignment);
        let (meter, host) = (EffortMeter::start(), HostMeter::start());
        let plan = &assignment.plan;
        let senders = Senders {
            plan,
            share: assignment.share,
            profile: &*self.profile,
            lanes: &mut self.lanes,
            sources,
            start_ns,
        };
        let mut lookout = Lookout::new(plan.id, senders.lanes.len());
        let (glances, seen) = channel();
        let finished = senders.run(glances, |orders| {
            let mut is_told = false;
            loop {
                match seen.recv_timeout(LOOK) {
                    Ok(glance) => {
                        if let Some(report) = lookout.take(glance) {
                            line.tick(report);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
                if let Some(cause) = line.stopped() {
                    orders.stop(cause);
                } else if let Some(cause) = orders.stopped().filter(|_| !is_told) {
                    is_told = true;
                    line.stops(cause);
                }
            }
        });
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
        Box::new(DoneReport {
            trial: plan.id.0,
            senders: finished.senders,
            accepted: finished.accepted,
            stopped: finished.stopped,
            vitals,
        })
    }

    /// The requests of each sender, stream by stream: each makes those of its own arrivals.
    fn sources(&self, assignment: &Assignment) -> Vec<Vec<RequestSource>> {
        let Assignment { plan, share, numbers } = assignment;
        let of = self.lanes.len();
        let senders = (0..of).map(|number| {
            let sender = Sender { share: *share, number, of };
            let streams = plan.streams.iter().enumerate().map(|(position, stream)| {
                let (_, arrivals) = plan.course(position, stream).dealt(sender);
                let deal = Deal { first: numbers.start, batch: stream.batch, arrivals };
                RequestSource::new(Arc::clone(&self.profile), &self.address, stream.workload, deal)
            });
            streams.collect()
        });
        senders.collect()
    }

    pub(super) fn sockets(&mut self) -> SocketUse {
        SocketUse {
            ports_held: self.lanes.iter_mut().map(Lanes::ports_held).sum(),
            ports: ports(),
            descriptors: open_descriptors(),
            descriptors_max: descriptor_limits().0,
        }
    }
}
