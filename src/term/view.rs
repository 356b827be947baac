//! What is known of a run while it goes on: the search, the trial, its streams, the time.

use std::collections::VecDeque;

use crate::report::recent::StreamNow;
use crate::search::Standing;
use crate::trial::{Purpose, StreamPlan, TrialId, TrialPlan, Workload};

/// Ticks of a sparkline: 40 seconds.
pub(super) const TICKS: usize = 80;

/// How long a run will take, in seconds (`None` where nobody knows), and in how many searches.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Expected {
    /// When all goes as usual.
    pub forecast_s: Option<f64>,
    /// At the most.
    pub budget_s: Option<f64>,
    /// Searches of the run; 0 where nothing is searched.
    pub repeats: u32,
}

/// What the run is doing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Doing {
    /// Nothing yet.
    Nothing,
    /// A trial.
    Trial {
        id: TrialId,
        purpose: Purpose,
        offered_rps: Option<f64>,
        warmup_s: f64,
        measure_s: f64,
        at_s: f64,
    },
    /// Waiting for the target.
    Recovery { after: TrialId },
}

/// Everything that the block shows; rates in documents.
#[derive(Debug)]
pub(super) struct View {
    pub(super) expected: Expected,
    pub(super) elapsed_s: f64,
    pub(super) doing: Doing,
    /// Where the search stands; `None` where there is none.
    pub(super) standing: Option<Standing>,
    /// Lowest and highest rate that the search has tried.
    pub(super) tried: Option<(f64, f64)>,
    pub(super) streams: Vec<StreamNow>,
    /// The times of each workload, the youngest last.
    pub(super) times: Vec<(Workload, VecDeque<Option<f64>>)>,
}

impl View {
    pub(super) const fn new(expected: Expected) -> Self {
        Self {
            expected,
            elapsed_s: 0.0,
            doing: Doing::Nothing,
            standing: None,
            tried: None,
            streams: Vec::new(),
            times: Vec::new(),
        }
    }

    /// Takes a trial that begins.
    pub(super) fn begins(&mut self, plan: &TrialPlan, standing: Option<Standing>) {
        let offered_rps = plan.stream(Workload::Index).map(StreamPlan::documents_rps);
        // The warm-up and the levels say nothing of where the capacity lies.
        if let (Some(rps), false) = (offered_rps, is_aside(plan.purpose)) {
            let (least, most) = self.tried.unwrap_or((rps, rps));
            self.tried = Some((least.min(rps), most.max(rps)));
        }
        let TrialPlan { id, purpose, warmup_s, measure_s, .. } = *plan;
        self.doing = Doing::Trial { id, purpose, offered_rps, warmup_s, measure_s, at_s: 0.0 };
        self.standing = standing.or(self.standing);
        self.streams.clear();
    }

    /// Takes a look at the running trial, `at_s` seconds into it.
    pub(super) fn looks(&mut self, now_s: f64, streams: Vec<StreamNow>) {
        if let Doing::Trial { at_s, .. } = &mut self.doing {
            *at_s = now_s;
        }
        for stream in &streams {
            let known = self.times.iter().position(|(workload, _)| *workload == stream.workload);
            if known.is_none() {
                self.times.push((stream.workload, VecDeque::new()));
            }
            let row = self.times.iter_mut().find(|(workload, _)| *workload == stream.workload);
            if let Some((_, times)) = row {
                times.push_back(stream.p99_ms);
                if times.len() > TICKS {
                    times.pop_front();
                }
            }
        }
        self.streams = streams;
    }
}

/// Whether a trial says nothing of where the capacity lies.
pub(super) const fn is_aside(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::WarmUp | Purpose::Level(_) | Purpose::Load)
}
