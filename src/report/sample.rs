//! Made-up results for the tests of the report.

use std::collections::BTreeMap;

use super::assemble::{RunInputs, RunSums, sent};
use super::environment::{EnvironmentRecord, ToolRecord};
use super::record::TrialRecord;
use super::schema::{
    CriterionRecord, Outcome as Judged, RunRecord, RunStamp, SettingRecord, TargetRecord,
};
use super::signoff::again::evidence as evidence_of;
use super::signoff::{Terms, sign_off};
use crate::campaign::{CampaignOutcome, LevelOutcome};
use crate::schedule::{ArrivalLaw, Part};
use crate::search::finding::{Capacity, Ends, Finding};
use crate::seed::Seed;
use crate::trial::evidence::Evidence;
use crate::trial::objective::Rule;
use crate::trial::outcome::{Documents, Ending, Outcome};
use crate::trial::result::{StreamResult, TrialResult, Vitals};
use crate::trial::tally::Tally;
use crate::trial::verdict::{Proof, Verdict};
use crate::trial::{Purpose, StreamPlan, TrialId, TrialPlan, Workload};
use crate::units::{LoadPercent, OffsetNs, Rps, usize_to_u64};

/// `count` evenly due requests, answered after 20 to 119 ms; the last `timed_out` of them never.
pub(crate) fn stream_result(
    workload: Workload,
    offered_rps: f64,
    count: u32,
    timed_out: u32,
) -> StreamResult {
    let measure_s = f64::from(count) / offered_rps;
    let plan = StreamPlan {
        workload,
        offered: Rps::new(offered_rps).unwrap(),
        batch: 1,
        arrivals: ArrivalLaw::Poisson,
        timeout_ms: 5000,
        slow_ms: Some(1000),
        outstanding_max: None,
    };
    let mut outcomes: Vec<Outcome> = (0..count)
        .map(|number| {
            let due_s = f64::from(number) / offered_rps;
            let lost = number + timed_out >= count;
            let took_s = if lost { 5.0 } else { 0.02 + f64::from(number * 37 % 100) / 1000.0 };
            Outcome {
                due: OffsetNs::from_s(due_s),
                taken: OffsetNs::from_s(due_s + 0.000_05),
                sent: Some(OffsetNs::from_s(due_s + 0.000_1)),
                ended: OffsetNs::from_s(due_s + took_s),
                status: (!lost).then_some(200),
                ending: if lost { Ending::TimedOut } else { Ending::Accepted },
                documents: Documents::ONE,
                part: Part::Measured,
            }
        })
        .collect();
    outcomes.sort_by_key(|outcome| outcome.ended);
    let mut tally = Tally::new(0.0, measure_s, 5_000_000_000, Some(1_000_000_000));
    for outcome in &outcomes {
        tally.arrive(outcome.due, outcome.part);
    }
    for outcome in &outcomes {
        tally.record(outcome);
    }
    tally.connects = 8;
    tally.close();
    StreamResult { plan, tally }
}

pub(crate) fn trial_result(id: u32, purpose: Purpose, streams: Vec<StreamResult>) -> TrialResult {
    let measure_s = streams.first().map_or(0.0, |stream| stream.tally.measured_s());
    let plan = TrialPlan {
        id: TrialId(id),
        purpose,
        repeat: None,
        streams: streams.iter().map(|stream| stream.plan.clone()).collect(),
        warmup_s: 0.0,
        measure_s,
        rule: Rule::Measure,
        sustained_before: None,
        seed: Seed(7),
    };
    let vitals = Vitals {
        cpu_s: 0.1,
        busiest_cpu_s: 0.1,
        wall_s: 10.0,
        lanes_max: 4096,
        ..Vitals::default()
    };
    TrialResult {
        plan,
        streams,
        stopped: None,
        started_s: 3.5,
        vitals,
        visible: Vec::new(),
        server: BTreeMap::new(),
        agents: Vec::new(),
        lapses: Vec::new(),
        merged_after_s: None,
    }
}

/// The evidence of a trial that shows nothing but its verdict.
pub(crate) fn evidence(verdict: Verdict) -> Evidence {
    Evidence { verdict, ..Evidence::nothing_yet() }
}

pub(crate) fn capacity(finding: Finding, rps: Option<f64>) -> Capacity {
    Capacity {
        finding,
        flags: Vec::new(),
        rps: rps.and_then(Rps::new),
        low: rps.and_then(Rps::new),
        high: rps.and_then(|rps| Rps::new(rps * 1.035)),
        ends: Ends::Bracket,
        stability: None,
        confirmed_by: rps.map(|_| TrialId(1)).into_iter().collect(),
        reasons: Vec::new(),
    }
}

pub(crate) fn terms() -> Terms {
    Terms {
        goal_rps: 200.0,
        headroom_ratio: 0.0,
        levels: vec![0, 50, 100, 120],
        ..Terms::default()
    }
}

/// A setting that nobody gave.
pub(crate) fn setting(value: &str) -> SettingRecord {
    SettingRecord { value: value.into(), origin: "default".to_owned() }
}

/// A run with a soak and, where there is a capacity, the four usual levels of `queries` each.
pub(crate) fn run(capacity: Capacity, terms: Terms, queries: u32) -> RunRecord {
    let mut sums = RunSums::default();
    let mut trials = Vec::new();
    let mut levels = Vec::new();
    let mut take = |result: &TrialResult, verdict: Verdict| {
        sums.add_trial(result);
        trials.push(TrialRecord::new(result, &evidence(verdict)));
    };
    let soak = stream_result(Workload::Index, 400.0, 4000, 0);
    take(&trial_result(1, Purpose::Soak, vec![soak]), Verdict::Sustained(Proof::Bound));
    if let Some(rps) = capacity.rps {
        for (position, percent) in [0_u32, 50, 100, 120].into_iter().enumerate() {
            let id = 2 + u32::try_from(position).unwrap();
            let index = LoadPercent(percent)
                .of(rps)
                .map(|rate| stream_result(Workload::Index, rate.get(), 4000, percent / 120 * 100));
            let dashboard = stream_result(Workload::Dashboard, 5.0, queries, 0);
            let streams = index.into_iter().chain([dashboard]).collect();
            let purpose = Purpose::Level(LoadPercent(percent));
            take(&trial_result(id, purpose, streams), Verdict::Sustained(Proof::PointValue));
            let recovery_s = Some(0.4 + f64::from(percent) / 50.0);
            let (percent, trial) = (LoadPercent(percent), TrialId(id));
            levels.push(LevelOutcome { percent, trial, recovery_s });
        }
    }
    let interrupted = capacity.finding == Finding::Interrupted;
    assemble(
        &CampaignOutcome {
            repeats: vec![capacity.clone()],
            capacity,
            levels,
            levels_missing: None,
            ended_by: None,
        },
        terms,
        trials,
        &sums,
        interrupted,
    )
}

/// The same run judged once more: measuring is made up once, for laws over many limits.
pub(crate) fn judged(run: &RunRecord, terms: &Terms) -> Vec<CriterionRecord> {
    sign_off(&evidence_of(run), terms).0
}

/// How the criterion `name` of `criteria` was judged.
pub(crate) fn outcome_of(criteria: &[CriterionRecord], name: &str) -> Option<Judged> {
    criteria.iter().find(|criterion| criterion.name == name).map(|criterion| criterion.outcome)
}

fn assemble(
    outcome: &CampaignOutcome,
    terms: Terms,
    trials: Vec<TrialRecord>,
    sums: &RunSums,
    interrupted: bool,
) -> RunRecord {
    let wall_s = 40.0 * usize_to_u64(trials.len()) as f64;
    RunRecord::assemble(RunInputs {
        tool: ToolRecord {
            name: "plimsoll".to_owned(),
            version: "0.1.0".to_owned(),
            git_commit: None,
            dirty: None,
            rustc: None,
            build: None,
        },
        stamp: RunStamp {
            id: "20261123T151500Z-capacity".to_owned(),
            started_utc: "2026-11-23T15:15:00Z".to_owned(),
            wall_s,
            seed: 42,
            interrupted,
        },
        environment: EnvironmentRecord::default(),
        target: TargetRecord {
            profile: "example-api".to_owned(),
            url: "http://127.0.0.1:1234".to_owned(),
            command: None,
            workers: Some(4),
            server: None,
            permissions: "object".to_owned(),
            base_ms: Some(10.0),
        },
        settings: BTreeMap::from([("LANES_MAX".to_owned(), setting("4096"))]),
        corpus: None,
        outcome,
        verification: sent(sums, &trials, &[]),
        trials,
        recoveries: Vec::new(),
        sums,
        terms,
        batch: 1,
    })
}
