//! A whole campaign in virtual time, written down as a run is: journal, result file, summary.

use std::collections::BTreeMap;
use std::fs;

use plimsoll::app::conduct::{Witness, conduct};
use plimsoll::campaign::Campaign;
use plimsoll::campaign::plan::{CampaignPlan, DashboardPlan};
use plimsoll::campaign::presets::Preset;
use plimsoll::files::journal::{JOURNAL_FILE, Journal};
use plimsoll::files::manifest::{FileLimits, environment, tool};
use plimsoll::files::run_dir::RunDir;
use plimsoll::report::assemble::{RunInputs, RunSums, sent};
use plimsoll::report::caution::cautions;
use plimsoll::report::record::{JournalLine, RecoveryRecord, TrialRecord};
use plimsoll::report::schema::{Outcome, RunRecord, RunStamp, TargetRecord};
use plimsoll::report::signoff::Terms;
use plimsoll::report::summary::summary;
use plimsoll::schedule::ArrivalLaw;
use plimsoll::seed::Seed;
use plimsoll::sim::SimMeasurer;
use plimsoll::sim::faults::Faults;
use plimsoll::sim::plan::{ServiceLaw, TargetPlan};
use plimsoll::trial::evidence::Evidence;
use plimsoll::trial::objective::Objective;
use plimsoll::trial::result::{Recovery, TrialResult};
use plimsoll::trial::{Measurer, TrialId};
use plimsoll::units::{LoadPercent, Rps};

/// Keeps what a run keeps, and stops it after `stop_after` trials.
struct Clerk {
    journal: Journal,
    trials: Vec<TrialRecord>,
    recoveries: Vec<RecoveryRecord>,
    sums: RunSums,
    stop_after: usize,
}

impl Witness for Clerk {
    fn trial(&mut self, result: &TrialResult, evidence: &Evidence) -> anyhow::Result<()> {
        let record = TrialRecord::new(result, evidence);
        self.sums.add_trial(result);
        self.journal.append(&JournalLine::Trial(Box::new(record.clone())))?;
        self.trials.push(record);
        Ok(())
    }

    fn recovery(&mut self, recovery: &Recovery, after: TrialId) -> anyhow::Result<()> {
        let record = RecoveryRecord::new(recovery, Some(after));
        self.journal.append(&JournalLine::Recovery(record.clone()))?;
        self.recoveries.push(record);
        Ok(())
    }

    fn interrupted(&self) -> bool {
        self.trials.len() >= self.stop_after
    }
}

fn plan() -> CampaignPlan {
    let effort = Preset::Quick.effort();
    CampaignPlan {
        batch: 1,
        goal: Rps::new(200.0).unwrap(),
        floor: Rps::new(1.0).unwrap(),
        generator: None,
        mix: None,
        ceiling: Rps::new(100_000.0).unwrap(),
        objective: Objective {
            p99_ms: 1000,
            error_ratio: 0.001,
            dashboard_error_ratio: None,
            base_ms: Some(10.0),
        },
        timeout_ms: 5000,
        arrivals: ArrivalLaw::Poisson,
        levels: [0, 50, 100, 120].map(LoadPercent).to_vec(),
        dashboard: DashboardPlan {
            offered: Rps::new(5.0).unwrap(),
            level_s: effort.level_s,
            timeout_ms: 30_000,
        },
        effort,
        repeats: 1,
        budget_s: effort.budget_s,
        seed: Seed(11),
    }
}

fn run(folder: &RunDir, stop_after: usize) -> RunRecord {
    let target =
        TargetPlan { queue: Some(1000), ..TargetPlan::plain(4, 10.0, ServiceLaw::Constant) };
    let (plan, journal) = (plan(), Journal::create(folder).unwrap());
    let mut measurer = SimMeasurer::new(target, Faults::none(), plan.seed.named("target"));
    let mut clerk = Clerk {
        journal,
        trials: Vec::new(),
        recoveries: Vec::new(),
        sums: RunSums::default(),
        stop_after,
    };
    let (objective, levels) = (plan.objective, plan.levels.iter().map(|level| level.0).collect());
    let mut campaign = Campaign::new(plan);
    conduct(&mut campaign, objective, &mut measurer, &mut clerk).unwrap();
    let outcome = campaign.outcome();
    RunRecord::assemble(RunInputs {
        batch: 1,
        verification: sent(&clerk.sums, &clerk.trials, &clerk.recoveries),
        corpus: None,
        tool: tool(),
        stamp: RunStamp {
            id: folder.id().to_owned(),
            started_utc: folder.stamp().rfc3339(),
            wall_s: measurer.elapsed_s(),
            seed: 11,
            interrupted: stop_after != usize::MAX,
        },
        environment: environment(FileLimits::default()),
        target: TargetRecord {
            profile: "example-api".to_owned(),
            url: "http://127.0.0.1:1".to_owned(),
            command: None,
            workers: Some(4),
            server: None,
            permissions: "object".to_owned(),
            base_ms: Some(10.0),
        },
        settings: BTreeMap::new(),
        outcome: &outcome,
        trials: clerk.trials,
        recoveries: clerk.recoveries,
        sums: &clerk.sums,
        terms: Terms { goal_rps: 200.0, levels, ..Terms::default() },
    })
}

#[test]
fn a_finished_campaign_comes_back_from_its_files() {
    let parent = tempfile::tempdir().unwrap();
    let folder = RunDir::create(parent.path(), "capacity").unwrap();
    let run = run(&folder, usize::MAX);
    folder.write_atomic("result.json", &serde_json::to_vec(&run).unwrap()).unwrap();
    let text = summary(&run, &cautions(&run), &folder.path().display().to_string());
    assert_eq!(run.outcome, Outcome::Pass, "{text}");
    assert_eq!(run.levels.len(), 4, "{text}");
    assert!(text.contains("capacity   3") || text.contains("capacity   4"), "{text}");
    assert!(text.contains("100 queries a level are too few"), "quick cannot judge a p99: {text}");
    let confirming = run.trials.iter().find(|trial| trial.id == run.capacity.confirmed_by[0]);
    assert_eq!(confirming.unwrap().offered_rps, run.capacity.rps, "the rate was itself confirmed");
    let latest = parent.path().join("latest/result.json");
    let back: RunRecord = serde_json::from_slice(&fs::read(latest).unwrap()).unwrap();
    assert_eq!(back.trials.len(), run.trials.len(), "all trials come back");
    let journal = fs::read_to_string(folder.path().join(JOURNAL_FILE)).unwrap();
    let lines = journal.lines().map(|line| serde_json::from_str::<JournalLine>(line).unwrap());
    assert_eq!(lines.count(), run.trials.len() + run.recoveries.len(), "one line for each");
}

#[test]
fn a_campaign_that_is_stopped_has_all_keys_and_is_invalid() {
    let parent = tempfile::tempdir().unwrap();
    for stop_after in [0, 1, 4] {
        let folder = RunDir::create(parent.path(), "capacity").unwrap();
        let run = run(&folder, stop_after);
        assert_eq!(run.capacity.finding, "interrupted", "after {stop_after} trials");
        assert_eq!(run.outcome, Outcome::Invalid, "after {stop_after} trials");
        let text = summary(&run, &cautions(&run), "here");
        assert!(text.contains("none found: interrupted"), "{text}");
    }
}

#[test]
fn a_campaign_that_is_stopped_in_its_levels_keeps_its_capacity_and_says_what_is_missing() {
    let parent = tempfile::tempdir().unwrap();
    let whole = run(&RunDir::create(parent.path(), "whole").unwrap(), usize::MAX);
    let run = run(&RunDir::create(parent.path(), "capacity").unwrap(), whole.trials.len() - 2);
    assert_eq!(run.capacity, whole.capacity, "the capacity stays");
    assert_eq!(run.outcome, Outcome::Invalid, "but the levels are missing");
    let text = summary(&run, &cautions(&run), "here");
    assert!(text.contains("100 %, 120 % not measured: the run was interrupted"), "{text}");
    assert_eq!(run.overload.goodput_ratio, None, "no overload was measured");
}
