//! How much can the generator offer on this machine? Asked of a server that does nothing.

use std::sync::Arc;

use super::sink::Sink;
use super::{Address, LiveMeasurer, Tuning};
use crate::corpus::{Numbers, NumbersError};
use crate::profile::Profile;
use crate::schedule::ArrivalLaw;
use crate::seed::Seed;
use crate::trial::criteria::Judge;
use crate::trial::latency::LatencyLog;
use crate::trial::objective::{Objective, Rule};
use crate::trial::result::{StreamResult, TrialResult};
use crate::trial::verdict::Verdict;
use crate::trial::{
    Flow, Measurer, Purpose, StopCause, StreamPlan, Tick, TrialError, TrialId, TrialPlan, Watch,
    Workload,
};
use crate::units::Rps;

/// The first rate that is offered; it doubles until the generator cannot follow.
const FIRST_RPS: f64 = 1000.0;
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

/// What the generator can do on this machine, against a server that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calibration {
    /// The highest rate that it offered in time, doubling from the first; `None` when not even the first.
    pub ceiling: Option<Rps>,
    /// The first rate, which the figures that follow are from; `None` when nothing was asked of it.
    pub at: Option<Rps>,
    /// Median lateness in milliseconds.
    pub lateness_p50_ms: Option<f64>,
    /// 99th percentile of the lateness in milliseconds.
    pub lateness_p99_ms: Option<f64>,
    /// The greatest lateness in milliseconds.
    pub lateness_max_ms: Option<f64>,
    /// Processor time per request in microseconds.
    pub cpu_us_per_request: Option<f64>,
}

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

/// What the generator reaches, and at which cost, against a server that does nothing but answer each request with
/// `answer`.
///
/// Takes about three seconds. The server's own work is on another thread, but on this machine: the true
/// limit is rather higher.
///
/// # Errors
/// When the server or the generator cannot be started.
pub fn calibrate<P: Profile>(
    profile: &Arc<P>,
    answer: &'static [u8],
    tuning: Tuning,
    is_interrupted: &dyn Fn() -> bool,
) -> Result<Calibration, TrialError> {
    let failed = |error: std::io::Error| TrialError::Generator(error.to_string());
    let sink = Sink::start(answer).map_err(failed)?;
    let address = Address::plain(sink.address);
    let mut measurer =
        LiveMeasurer::new(address, Arc::clone(profile), Scratch(0), tuning, Box::new(|| true))?;
    let mut watch = Patience(is_interrupted);
    let mut calibration = Calibration::default();
    for step in 0..STEPS_MOST {
        let Some(offered) = Rps::new(FIRST_RPS * f64::from(2_u32.pow(step))) else { break };
        let mut held = false;
        for _ in 0..TRIES {
            if held || watch.interrupted() {
                break;
            }
            let result = measurer.run(&plan(offered, step), &mut watch)?;
            held = holds(offered, &result);
            if step == 0 {
                // The last try counts: one that a neighbour spoilt says nothing of the machine.
                calibration = figures(offered, &result);
            }
        }
        if !held {
            break;
        }
        calibration.ceiling = Some(offered);
    }
    Ok(calibration)
}

/// What a trial at `offered` tells of the generator.
fn figures(offered: Rps, result: &TrialResult) -> Calibration {
    let lateness = result.stream(Workload::Index).map(|stream| &stream.tally.lateness);
    let requests = result.requests();
    Calibration {
        ceiling: None,
        at: Some(offered),
        lateness_p50_ms: lateness.and_then(|log| log.quantile_ms(0.5)),
        lateness_p99_ms: lateness.and_then(|log| log.quantile_ms(0.99)),
        lateness_max_ms: lateness.and_then(LatencyLog::max_ms),
        cpu_us_per_request: (requests > 0).then(|| result.vitals.cpu_s * 1e6 / requests as f64),
    }
}

fn plan(offered: Rps, step: u32) -> TrialPlan {
    TrialPlan {
        id: TrialId(step),
        purpose: Purpose::Load,
        streams: vec![StreamPlan {
            workload: Workload::Index,
            offered,
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
    let accepted_rps = result.stream(Workload::Index).and_then(StreamResult::accepted_rps);
    let is_void = matches!(Judge::new(&result.plan, objective).verdict(result), Verdict::Void(_));
    !is_void && accepted_rps.is_some_and(|rps| rps >= ACCEPTED_RATIO * offered.get())
}
