//! Whole searches in virtual time: the finding is the truth, for every target, on every seed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "test code fails loudly")]

use std::fmt::Write as _;

use plimsoll::app::conduct::{Witness, conduct};
use plimsoll::campaign::plan::{CampaignPlan, DashboardPlan};
use plimsoll::campaign::presets::Preset;
use plimsoll::campaign::{Campaign, CampaignOutcome};
use plimsoll::schedule::ArrivalLaw;
use plimsoll::search::finding::Finding;
use plimsoll::seed::Seed;
use plimsoll::sim::SimMeasurer;
use plimsoll::sim::faults::Faults;
use plimsoll::sim::target::{ServiceLaw, TargetPlan};
use plimsoll::trial::criteria::Objective;
use plimsoll::trial::result::{Recovery, TrialResult};
use plimsoll::trial::verdict::Verdict;
use plimsoll::trial::{Measurer, Tick, TrialId, TrialPlan};
use plimsoll::units::{LoadPercent, Rps};

/// Writes everything down as text, so that two runs can be compared to the byte.
#[derive(Default)]
struct Notebook {
    text: String,
    trials: Vec<(TrialPlan, Verdict)>,
}

impl Witness for Notebook {
    fn begins(&mut self, _plan: &TrialPlan, _elapsed_s: f64) {}
    fn looks(&mut self, _plan: &TrialPlan, _tick: &Tick<'_>) {}
    fn recovers(&mut self, _after: TrialId, _elapsed_s: f64) {}

    fn trial(&mut self, result: &TrialResult, verdict: &Verdict) -> anyhow::Result<()> {
        for stream in &result.streams {
            let tally = &stream.tally;
            writeln!(
                self.text,
                "{} {} {} {:?} {:.1}s {:?} p99 {:?} {:?}",
                result.plan.id,
                result.plan.purpose.name(),
                stream.plan.offered,
                tally.counts,
                tally.measured_s(),
                result.stopped,
                tally.response.quantile_ms(0.99),
                verdict
            )?;
        }
        self.trials.push((result.plan.clone(), verdict.clone()));
        Ok(())
    }

    fn recovery(&mut self, recovery: &Recovery, after: TrialId) -> anyhow::Result<()> {
        writeln!(self.text, "{} after {after} {:?}", recovery.id, recovery.recovered_s)?;
        Ok(())
    }

    fn interrupted(&self) -> bool {
        false
    }
}

struct Rehearsal {
    outcome: CampaignOutcome,
    notebook: Notebook,
    elapsed_s: f64,
}

fn plan(preset: Preset, seed: u64) -> CampaignPlan {
    let effort = preset.effort();
    CampaignPlan {
        goal: Rps::new(200.0).unwrap(),
        floor: Rps::new(1.0).unwrap(),
        ceiling: Rps::new(100_000.0).unwrap(),
        objective: Objective { p99_ms: 1000, error_ratio: 0.001, base_ms: Some(10.0) },
        timeout_ms: 5000,
        arrivals: ArrivalLaw::Poisson,
        levels: Vec::new(),
        dashboard: DashboardPlan {
            offered: Rps::new(5.0).unwrap(),
            level_s: effort.level_s,
            timeout_ms: 30_000,
        },
        effort,
        budget_s: effort.budget_s,
        seed: Seed(seed),
    }
}

fn model(workers: u32, service_ms: f64) -> TargetPlan {
    TargetPlan { workers, service_ms, law: ServiceLaw::Constant, queue: Some(1000) }
}

fn rehearse(plan: CampaignPlan, target: TargetPlan, faults: Faults) -> Rehearsal {
    let seed = plan.seed;
    let mut measurer = SimMeasurer::new(target, faults, seed.named("target"));
    let mut notebook = Notebook::default();
    let objective = plan.objective;
    let mut campaign = Campaign::new(plan);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime
        .block_on(conduct(&mut campaign, objective, &mut measurer, &mut notebook))
        .expect("a simulated campaign runs to its end");
    Rehearsal { outcome: campaign.outcome(), notebook, elapsed_s: measurer.elapsed_s() }
}

#[test]
fn quick_finds_the_capacity_of_constant_servers_within_six_percent_on_every_seed() {
    let mut misses = String::new();
    for service_ms in [7.3, 11.0, 13.7] {
        for workers in [1, 2, 3, 8] {
            let truth_rps = model(workers, service_ms).saturation_rps();
            let mut errors = Vec::new();
            for seed in 0..50 {
                let run = rehearse(plan(Preset::Quick, seed), model(workers, service_ms), Faults::default());
                let capacity = &run.outcome.capacity;
                let error = capacity.rps.map(|rps| rps.get() / truth_rps - 1.0);
                errors.push(error.unwrap_or(f64::NAN) * 100.0);
                let right = error.is_some_and(|error| error.abs() <= 0.06)
                    && capacity.finding == Finding::Capacity;
                if !right {
                    writeln!(misses, "{workers} x {service_ms} ms, seed {seed}: {capacity:?} {error:?} in {:.0} s\n{}", run.elapsed_s, run.notebook.text).unwrap();
                }
            }
            errors.sort_by(f64::total_cmp);
            println!("{workers} x {service_ms}: {:.1} .. {:.1} .. {:.1} %", errors[0], errors[25], errors[49]);
        }
    }
    assert!(misses.is_empty(), "{}", &misses[..misses.len().min(60000)]);
}
