//! Whole searches in virtual time, for tests of their answers.

use plimsoll::app::conduct::{Witness, conduct};
use plimsoll::campaign::plan::{CampaignPlan, DashboardPlan};
use plimsoll::campaign::presets::Preset;
use plimsoll::campaign::{Campaign, CampaignOutcome};
use plimsoll::report::record::{RecoveryRecord, TrialRecord};
use plimsoll::schedule::ArrivalLaw;
use plimsoll::seed::Seed;
use plimsoll::sim::SimMeasurer;
use plimsoll::sim::faults::Faults;
use plimsoll::sim::plan::{ServiceLaw, TargetPlan};
use plimsoll::sim::truth::{Effort, sustained_rps};
use plimsoll::sim::zoo::Specimen;
use plimsoll::trial::evidence::Evidence;
use plimsoll::trial::objective::Objective;
use plimsoll::trial::result::{Recovery, TrialResult};
use plimsoll::trial::{Measurer, TrialId, TrialPlan};
use plimsoll::units::Rps;

pub(crate) const OBJECTIVE: Objective =
    Objective { p99_ms: 1000, error_ratio: 0.001, dashboard_error_ratio: None, base_ms: None };
pub(crate) const EFFORT: Effort = Effort { runs: 8, run_s: 360.0 };

#[derive(Default)]
pub(crate) struct Log {
    pub(crate) trials: Vec<(TrialPlan, TrialRecord)>,
    /// The trial before each recovery.
    pub(crate) recovered: Vec<TrialId>,
    pub(crate) recoveries: Vec<RecoveryRecord>,
}

impl Witness for Log {
    fn trial(&mut self, result: &TrialResult, evidence: &Evidence) -> anyhow::Result<()> {
        self.trials.push((result.plan.clone(), TrialRecord::new(result, evidence)));
        Ok(())
    }

    fn recovery(&mut self, recovery: &Recovery, after: TrialId) -> anyhow::Result<()> {
        self.recovered.push(after);
        self.recoveries.push(RecoveryRecord::new(recovery, Some(after)));
        Ok(())
    }

    fn interrupted(&self) -> bool {
        false
    }
}

pub(crate) struct Run {
    pub(crate) outcome: CampaignOutcome,
    pub(crate) log: Log,
    pub(crate) elapsed_s: f64,
}

pub(crate) fn plan(preset: Preset, seed: u64) -> CampaignPlan {
    let effort = preset.effort();
    CampaignPlan {
        batch: 1,
        goal: Rps::new(200.0).unwrap(),
        floor: Rps::new(1.0).unwrap(),
        ceiling: Rps::new(100_000.0).unwrap(),
        generator: None,
        mix: None,
        objective: OBJECTIVE,
        timeout_ms: 5000,
        arrivals: ArrivalLaw::Poisson,
        levels: Vec::new(),
        dashboard: DashboardPlan {
            offered: Rps::new(5.0).unwrap(),
            level_s: effort.level_s,
            timeout_ms: 30_000,
        },
        effort,
        repeats: 1,
        budget_s: effort.budget_s,
        seed: Seed(seed),
    }
}

pub(crate) fn search(plan: CampaignPlan, specimen: &Specimen) -> Run {
    let objective = Objective { base_ms: Some(specimen.target.service_ms), ..plan.objective };
    let plan = CampaignPlan { objective, ..plan };
    let mut measurer =
        SimMeasurer::new(specimen.target, specimen.faults, plan.seed.named("target"));
    let mut log = Log::default();
    let mut campaign = Campaign::new(plan);
    conduct(&mut campaign, objective, &mut measurer, &mut log)
        .expect("a simulated campaign runs to its end");
    Run { outcome: campaign.outcome(), log, elapsed_s: measurer.elapsed_s() }
}

pub(crate) fn plain(workers: u32, service_ms: f64, law: ServiceLaw) -> Specimen {
    let target = TargetPlan::plain(workers, service_ms, law);
    Specimen { name: "plain", target, faults: Faults::none() }
}

pub(crate) fn found(run: &Run) -> f64 {
    run.outcome.capacity.rps.unwrap_or_else(|| panic!("{:?}", run.outcome.capacity)).get()
}

/// What the service of `specimen` really sustains.
pub(crate) fn truth_of(specimen: &Specimen) -> f64 {
    sustained_rps(&specimen.target, OBJECTIVE, 5000, EFFORT).expect("a capacity")
}
