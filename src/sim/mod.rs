//! A measurer without time: whole campaigns against a simulated target, thousands of times faster.
//!
//! The same plans, judges and journals as in earnest; only the target and the clock are imagined. Time
//! is a number that jumps from event to event, so that a search of minutes takes milliseconds and is the
//! same, byte for byte, for the same seed.

pub mod crew;
pub mod faults;
mod pace;
pub mod plan;
mod playback;
pub mod target;
pub mod truth;
pub mod zoo;

use std::collections::BTreeMap;

use crate::schedule::{Arrival, Part};
use crate::seed::Seed;
use crate::trial::outcome::{Break, Documents, Ending, Outcome};
use crate::trial::recovery::RecoveryWatch;
use crate::trial::result::{Recovery, TrialResult, Vitals};
use crate::trial::{Measurer, RecoverPlan, StopCause, TrialError, TrialPlan, Watch};
use crate::units::{OffsetNs, ms_to_ns};
use faults::{Faults, has_come};
use plan::TargetPlan;
use playback::Playback;
use target::{Reply, Target};

/// Processor time that the simulated generator spends on a request.
const CPU_S_PER_REQUEST: f64 = 30e-6;

/// Runs trials against a simulated target in virtual time.
#[derive(Debug)]
pub struct SimMeasurer {
    world: World,
    /// Virtual nanoseconds since the campaign began.
    now_ns: u64,
}

/// The target and what may go wrong with it and with the generator.
#[derive(Debug)]
struct World {
    target: Target,
    faults: Faults,
}

impl World {
    /// What becomes of an arrival of a schedule that starts at `start_ns` of the campaign.
    fn request(&mut self, arrival: Arrival, start_ns: u64, timeout_ns: u64) -> Outcome {
        let due = arrival.due;
        let taken = due.plus_ns(OffsetNs::from_s(self.faults.lateness_ms / 1000.0).0);
        let deadline = due.plus_ns(timeout_ns);
        let taken_s = OffsetNs(start_ns).plus_ns(taken.0).as_s();
        let mut outcome = Outcome {
            due,
            taken,
            sent: None,
            ended: taken,
            status: None,
            ending: Ending::Broken(Break::ConnectRefused),
            documents: Documents::ONE,
            part: arrival.part,
        };
        if has_come(self.faults.target_gone_s, taken_s) {
            return outcome;
        }
        let reply = self.target.arrive(start_ns + taken.0);
        if reply == Reply::Unreachable {
            return outcome;
        }
        outcome.sent = Some(taken);
        outcome.ended = deadline.max(taken);
        outcome.ending = Ending::TimedOut;
        if let Reply::Answered { at_ns, status, right } = reply {
            let done = OffsetNs(at_ns - start_ns);
            if done <= deadline && !has_come(self.faults.target_silent_s, taken_s) {
                outcome.ended = done;
                outcome.status = Some(status);
                outcome.ending = match (status, right) {
                    (200, true) => Ending::Accepted,
                    (200, false) => Ending::Broken(Break::WrongBody),
                    _ => Ending::Refused,
                };
            }
        }
        outcome
    }
}

impl SimMeasurer {
    /// A measurer of an idle target.
    #[must_use]
    pub fn new(plan: TargetPlan, faults: Faults, seed: Seed) -> Self {
        Self { world: World { target: Target::new(plan, seed), faults }, now_ns: 0 }
    }

    fn is_interrupted(&self, watch: &impl Watch) -> bool {
        watch.interrupted() || has_come(self.world.faults.interrupted_s, self.elapsed_s())
    }
}

impl Measurer for SimMeasurer {
    fn run(&mut self, plan: &TrialPlan, watch: &mut impl Watch) -> Result<TrialResult, TrialError> {
        let started_s = self.elapsed_s();
        let playback = Playback::new(plan, &mut self.world, self.now_ns);
        let (streams, mut stopped, wall) = playback.play(watch);
        self.now_ns += wall.0;
        if self.is_interrupted(watch) {
            stopped = Some(StopCause::Interrupted);
        }
        let requests: u64 = streams.iter().map(|stream| stream.tally.scheduled).sum();
        let cpu_s = requests as f64 * CPU_S_PER_REQUEST;
        let vitals = Vitals {
            cpu_s,
            busiest_cpu_s: cpu_s,
            wall_s: wall.as_s(),
            lanes_max: 4096,
            ..Vitals::default()
        };
        Ok(TrialResult {
            plan: plan.clone(),
            streams,
            stopped,
            started_s,
            vitals,
            visible: Vec::new(),
            server: BTreeMap::new(),
            agents: Vec::new(),
            lapses: Vec::new(),
            merged_after_s: None,
        })
    }

    fn recover(
        &mut self,
        plan: &RecoverPlan,
        watch: &mut impl Watch,
    ) -> Result<Recovery, TrialError> {
        let start_ns = self.now_ns;
        let since_start = |now_ns: u64| OffsetNs(now_ns - start_ns);
        let mut recovery = RecoveryWatch::new(plan.clone());
        while !recovery.is_over(since_start(self.now_ns).as_s()) {
            if self.is_interrupted(watch) {
                recovery.stop(StopCause::Interrupted);
                break;
            }
            let due = since_start(self.now_ns);
            let arrival = Arrival { number: 0, due, part: Part::Measured };
            let probe = self.world.request(arrival, start_ns, ms_to_ns(plan.timeout_ms));
            let pause_s = recovery.observe(&probe);
            self.now_ns = start_ns + probe.ended.plus_ns(OffsetNs::from_s(pause_s).0).0;
        }
        Ok(recovery.finish(since_start(self.now_ns).as_s()))
    }

    fn elapsed_s(&self) -> f64 {
        self.now_ns as f64 / 1e9
    }
}
