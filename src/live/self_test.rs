//! How much can the generator offer on this machine? Asked of a server that does nothing.

use std::sync::Arc;

use super::sink::Sink;
use super::{Address, LiveMeasurer, Tuning};
use crate::corpus::{Numbers, NumbersError};
use crate::profile::Profile;
use crate::report::record::cpu_us_per_request;
use crate::report::schema::CalibrationRecord;
use crate::report::times::LatenessRecord;
use crate::schedule::ArrivalLaw;
use crate::seed::Seed;
use crate::trial::criteria::Judge;
use crate::trial::objective::{Objective, Rule};
use crate::trial::result::{StreamResult, TrialResult};
use crate::trial::verdict::Verdict;
use crate::trial::{
    Flow, Measurer, Purpose, StopCause, StreamPlan, Tick, TrialError, TrialId, TrialPlan, Watch,
    Workload,
};
use crate::units::Rps;

/// The first rate that is offered; it doubles until the generator cannot follow.
pub const FIRST_RPS: f64 = 1000.0;
/// Rates that are offered at the most, the last one 128,000/s.
const STEPS_MOST: u32 = 8;
/// Seconds of each.
const STEP_S: f64 = 0.4;
/// Connections are opened in this part before.
const SETTLE_S: f64 = 0.1;
/// A busy neighbour must not look like a limit: a step that fails is tried again.
const TRIES: u32 = 3;
/// A step holds when this share of what was offered is accepted in time.
const ACCEPTED_RATIO: f64 = 0.99;

/// Numbers of documents that nobody keeps.
struct Scratch(u64);

impl Numbers for Scratch {
    fn reserve(&mut self, count: u64) -> Result<std::ops::Range<u64>, NumbersError> {
        let first = self.0;
        self.0 += count;
        Ok(first..self.0)
    }
}

/// Lets every step run to its end, unless the user wants to stop.
struct Patience<'a>(&'a dyn Fn() -> bool);

impl Watch for Patience<'_> {
    fn tick(&mut self, _tick: &Tick<'_>) -> Flow {
        if self.interrupted() { Flow::Stop(StopCause::Interrupted) } else { Flow::Continue }
    }

    fn interrupted(&self) -> bool {
        (self.0)()
    }
}

/// What the generator reaches, and at which cost, against a server that does nothing but accept each request of
/// `batch` documents.
///
/// Takes about three seconds. The server's own work is on another thread, but on this machine: the true
/// limit is rather higher.
///
/// # Errors
/// When the server or the generator cannot be started.
///
/// `None` when the user wanted to stop before anything was asked.
pub fn calibrate(
    profile: &Arc<dyn Profile>,
    batch: u64,
    tuning: Tuning,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<Option<CalibrationRecord>, TrialError> {
    let (status, answer) = profile.accepted_answer(batch);
    let sink = Sink::start(status, answer).map_err(TrialError::generator)?;
    let address = Address::plain(sink.address);
    let mut measurer =
        LiveMeasurer::new(address, Arc::clone(profile), Scratch(0), tuning, Box::new(|| true))?;
    let mut watch = Patience(is_interrupted);
    let mut calibration = None;
    for step in 0..STEPS_MOST {
        let Some(offered) = Rps::new(FIRST_RPS * f64::from(2_u32.pow(step))) else { break };
        let mut held = false;
        for _ in 0..TRIES {
            if held || watch.interrupted() {
                break;
            }
            let result = measurer.run(&plan(offered, batch, step), &mut watch)?;
            held = holds(offered, &result);
            if step == 0 {
                // The last try counts: one that a neighbour spoilt says nothing of the machine.
                calibration = Some(figures(offered, &result));
            }
        }
        match &mut calibration {
            Some(calibration) if held => calibration.ceiling_rps = Some(offered.get()),
            _ => break,
        }
    }
    Ok(calibration)
}

/// What a trial at `offered` tells of the generator.
fn figures(offered: Rps, result: &TrialResult) -> CalibrationRecord {
    let lateness = result.stream(Workload::Index).map(|stream| &stream.tally.lateness);
    CalibrationRecord {
        at_rps: offered.get(),
        lateness_ms: lateness.map(LatenessRecord::from_log).unwrap_or_default(),
        cpu_us_per_request: cpu_us_per_request(result.vitals.cpu_s, result.requests()),
        ceiling_rps: None,
    }
}

fn plan(offered: Rps, batch: u64, step: u32) -> TrialPlan {
    TrialPlan {
        id: TrialId(step),
        purpose: Purpose::Load,
        repeat: None,
        streams: vec![StreamPlan {
            workload: Workload::Index,
            offered,
            batch,
            arrivals: ArrivalLaw::Stratified,
            timeout_ms: 1000,
            slow_ms: None,
            outstanding_max: None,
        }],
        warmup_s: SETTLE_S,
        measure_s: STEP_S,
        rule: Rule::Measure,
        sustained_before: None,
        seed: Seed(u64::from(step)).named("self test"),
    }
}

fn holds(offered: Rps, result: &TrialResult) -> bool {
    let objective =
        Objective { p99_ms: 1000, error_ratio: 0.001, dashboard_error_ratio: None, base_ms: None };
    let index = result.stream(Workload::Index);
    let accepted_rps = index.and_then(StreamResult::accepted_rps);
    let offered_rps = index.map_or(offered.get(), |stream| stream.plan.documents_rps());
    let is_void = matches!(Judge::new(&result.plan, objective).verdict(result), Verdict::Void(_));
    !is_void && accepted_rps.is_some_and(|rps| rps >= ACCEPTED_RATIO * offered_rps)
}
