//! Trials in earnest for tests: a profile that any server can answer, and loads to run.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use plimsoll::corpus::{Numbers, NumbersError};
use plimsoll::live::{Address, LiveMeasurer, Tuning};
use plimsoll::profile::holdings::Holdings;
use plimsoll::profile::{Profile, Reading, Route, Verb};
use plimsoll::schedule::ArrivalLaw;
use plimsoll::seed::Seed;
use plimsoll::trial::objective::Rule;
use plimsoll::trial::outcome::{Break, Ending};
use plimsoll::trial::result::{StreamResult, TrialResult};
use plimsoll::trial::{
    Flow, Measurer, Purpose, StopCause, StreamPlan, Tick, TrialId, TrialPlan, Watch, Workload,
};
use plimsoll::units::Rps;

pub(crate) struct Counter(pub(crate) u64);

impl Numbers for Counter {
    fn reserve(&mut self, count: u64) -> Result<Range<u64>, NumbersError> {
        let first = self.0;
        self.0 += count;
        Ok(first..self.0)
    }
}

/// Accepts `"OK"` and any JSON object.
#[derive(Debug)]
pub(crate) struct Plain {
    /// Bodies are made at least so long.
    pub(crate) padded_bytes: usize,
    /// What it says that a good answer is.
    pub(crate) good_answer: &'static [u8],
}

pub(crate) const PLAIN: Plain = Plain { padded_bytes: 0, good_answer: b"\"OK\"" };

impl Holdings for Plain {}

impl Profile for Plain {
    fn name(&self) -> &'static str {
        "plain"
    }

    fn route(&self, workload: Workload) -> Route {
        match workload {
            Workload::Index => Route::json(Verb::Post),
            Workload::Dashboard => Route::get(),
        }
    }

    fn write_path(&self, workload: Workload, _numbers: &Range<u64>, out: &mut Vec<u8>) {
        out.extend_from_slice(match workload {
            Workload::Index => b"/api/index",
            Workload::Dashboard => b"/api/query/dashboard",
        });
    }

    fn write_body(&self, _workload: Workload, numbers: &Range<u64>, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{{\"name\":\"{}\"}}", numbers.start).as_bytes());
        out.resize(out.len().max(self.padded_bytes), b' ');
    }

    fn classify(&self, _workload: Workload, status: u16, body: &[u8], _documents: u64) -> Reading {
        match (status, body) {
            (200..=299, b"\"OK\"" | [b'{', ..]) => Ending::Accepted.into(),
            (200..=299, _) => Ending::Broken(Break::WrongBody).into(),
            _ => Ending::Refused.into(),
        }
    }

    fn body_bytes_max(&self, _workload: Workload) -> usize {
        65_536
    }

    fn expected(&self, _workload: Workload) -> String {
        "an answer".to_owned()
    }

    fn accepted_answer(&self, _documents: u64) -> (u16, Vec<u8>) {
        (200, self.good_answer.to_vec())
    }
}

/// Lets the trial run, or stops it at an instant.
pub(crate) struct Until {
    pub(crate) stop_s: f64,
    pub(crate) cause: StopCause,
}

pub(crate) const TO_THE_END: Until = Until { stop_s: f64::INFINITY, cause: StopCause::Decided };

impl Watch for Until {
    fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        if tick.at_s >= self.stop_s { Flow::Stop(self.cause) } else { Flow::Continue }
    }

    fn interrupted(&self) -> bool {
        false
    }
}

pub(crate) struct Load {
    pub(crate) rps: f64,
    pub(crate) measure_s: f64,
    pub(crate) timeout_ms: u64,
    pub(crate) lanes_max: u32,
    pub(crate) outstanding_max: Option<u64>,
}

pub(crate) const GENTLE: Load =
    Load { rps: 200.0, measure_s: 1.0, timeout_ms: 1000, lanes_max: 256, outstanding_max: None };

pub(crate) fn measurer(address: SocketAddr, lanes_max: u32) -> LiveMeasurer<Counter> {
    tuned(address, Tuning::usual(lanes_max))
}

pub(crate) fn tuned(address: SocketAddr, tuning: Tuning) -> LiveMeasurer<Counter> {
    let address = Address::plain(address);
    LiveMeasurer::new(address, Arc::new(PLAIN), Counter(0), tuning, Box::new(|| true)).unwrap()
}

pub(crate) fn plan(load: &Load, workloads: &[Workload]) -> TrialPlan {
    let streams = workloads.iter().map(|workload| StreamPlan {
        workload: *workload,
        offered: Rps::new(load.rps).unwrap(),
        batch: 1,
        arrivals: ArrivalLaw::Poisson,
        timeout_ms: load.timeout_ms,
        slow_ms: Some(500),
        outstanding_max: load.outstanding_max,
    });
    TrialPlan {
        id: TrialId(1),
        purpose: Purpose::Load,
        repeat: None,
        streams: streams.collect(),
        warmup_s: 0.0,
        measure_s: load.measure_s,
        rule: Rule::Measure,
        sustained_before: None,
        seed: Seed(1),
    }
}

pub(crate) fn run_at(address: SocketAddr, load: &Load, mut watch: Until) -> TrialResult {
    measurer(address, load.lanes_max).run(&plan(load, &[Workload::Index]), &mut watch).unwrap()
}

pub(crate) fn index(result: &TrialResult) -> &StreamResult {
    result.stream(Workload::Index).unwrap()
}
