//! One search in virtual time, and many of them on all cores.

use std::fmt::Write;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use plimsoll::app::conduct::{Witness, conduct};
use plimsoll::campaign::Campaign;
use plimsoll::campaign::plan::{CampaignPlan, DashboardPlan};
use plimsoll::campaign::presets::Preset;
use plimsoll::schedule::ArrivalLaw;
use plimsoll::search::finding::{Capacity, Finding};
use plimsoll::seed::Seed;
use plimsoll::sim::SimMeasurer;
use plimsoll::sim::truth::{Effort, sustained_rps};
use plimsoll::sim::zoo::Specimen;
use plimsoll::trial::evidence::Evidence;
use plimsoll::trial::objective::Objective;
use plimsoll::trial::result::{Recovery, TrialResult};
use plimsoll::trial::{Measurer, TrialId};
use plimsoll::units::Rps;

const OBJECTIVE: Objective =
    Objective { p99_ms: 1000, error_ratio: 0.001, dashboard_error_ratio: None, base_ms: None };
const TIMEOUT_MS: u64 = 5000;

/// A service, what it really sustains, and how carefully it is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) specimen: Specimen,
    pub(crate) truth_rps: Option<f64>,
    pub(crate) preset: Preset,
}

/// What came of a search.
pub(crate) struct Answer {
    pub(crate) truth_rps: Option<f64>,
    pub(crate) capacity: Capacity,
    pub(crate) load_s: f64,
    pub(crate) requests: u64,
    /// Its trials, a line each.
    pub(crate) trials: String,
}

impl Answer {
    pub(crate) fn error_ratio(&self) -> Option<f64> {
        Some(self.capacity.rps?.get() / self.truth_rps? - 1.0)
    }

    pub(crate) fn is_generator_limited(&self) -> bool {
        self.capacity.finding == Finding::GeneratorLimited
    }
}

impl Scene {
    pub(crate) fn truth_of(specimen: &Specimen, effort: Effort) -> Option<f64> {
        sustained_rps(&specimen.target, OBJECTIVE, TIMEOUT_MS, effort)
    }

    pub(crate) fn play(&self, seed: Seed) -> Answer {
        let (campaign, elapsed_s, counter) = played(&self.specimen, self.preset, seed, 1);
        assert!(elapsed_s <= self.preset.effort().budget_s + 200.0, "the budget holds");
        Answer {
            truth_rps: self.truth_rps,
            capacity: campaign.outcome().capacity,
            load_s: counter.load_s,
            requests: counter.requests,
            trials: counter.trials,
        }
    }
}

/// The rates that `repeats` searches of one run came to; fewer where one came to none.
pub(crate) fn repeated(specimen: &Specimen, preset: Preset, seed: Seed, repeats: u32) -> Vec<f64> {
    let (campaign, _, _) = played(specimen, preset, seed, repeats);
    let searches = campaign.outcome().repeats;
    searches.iter().filter_map(|search| search.rps).map(Rps::get).collect()
}

/// A whole campaign of `repeats` searches, and how long it took.
fn played(
    specimen: &Specimen,
    preset: Preset,
    seed: Seed,
    repeats: u32,
) -> (Campaign, f64, Counter) {
    let plan = plan(specimen, preset, seed, repeats);
    let objective = plan.objective;
    let mut campaign = Campaign::new(plan);
    let mut measurer = SimMeasurer::new(specimen.target, specimen.faults, seed.named("target"));
    let mut counter = Counter::default();
    conduct(&mut campaign, objective, &mut measurer, &mut counter)
        .expect("a simulated campaign runs to its end");
    let elapsed_s = measurer.elapsed_s();
    (campaign, elapsed_s, counter)
}

fn plan(specimen: &Specimen, preset: Preset, seed: Seed, repeats: u32) -> CampaignPlan {
    let effort = preset.effort();
    CampaignPlan {
        batch: 1,
        goal: Rps::new(200.0).unwrap(),
        floor: Rps::new(1.0).unwrap(),
        ceiling: Rps::new(100_000.0).unwrap(),
        generator: None,
        mix: None,
        objective: Objective { base_ms: Some(specimen.target.service_ms), ..OBJECTIVE },
        timeout_ms: TIMEOUT_MS,
        arrivals: ArrivalLaw::Poisson,
        levels: Vec::new(),
        dashboard: DashboardPlan {
            offered: Rps::new(5.0).unwrap(),
            level_s: effort.level_s,
            timeout_ms: 30_000,
        },
        effort,
        repeats,
        budget_s: effort.budget_of_s(repeats),
        seed,
    }
}

/// Adds up what a search costs.
#[derive(Default)]
struct Counter {
    load_s: f64,
    requests: u64,
    trials: String,
}

impl Witness for Counter {
    fn trial(&mut self, result: &TrialResult, evidence: &Evidence) -> anyhow::Result<()> {
        self.load_s += result.plan.warmup_s + evidence.measured_s;
        self.requests += result.requests();
        let offered = result.plan.streams.first().map_or(0.0, |stream| stream.offered.get());
        writeln!(
            self.trials,
            "    {:<4}{:<8}{offered:>9.2}/s {:>6.1} s {:<10} growth {:>7.4} failed {:>7.5} busy {:>8.2}/s {:>5.2}  {}",
            result.plan.id.to_string(),
            result.plan.purpose.name(),
            evidence.measured_s,
            evidence.verdict.name(),
            evidence.growth_ratio,
            evidence.failed_ratio(),
            evidence.busy.map_or(0.0, |busy| busy.rps),
            evidence.busy.and_then(|busy| busy.dispersion).unwrap_or_default(),
            evidence.verdict.reasons().join("; ")
        )?;
        Ok(())
    }

    fn recovery(&mut self, _recovery: &Recovery, _after: TrialId) -> anyhow::Result<()> {
        Ok(())
    }

    fn interrupted(&self) -> bool {
        false
    }
}

/// Results of `work` for every number below `count`, in their order, made on all cores.
pub(crate) fn in_parallel<T: Send>(count: u64, work: impl Fn(u64) -> T + Sync) -> Vec<T> {
    side_by_side(thread::available_parallelism().map_or(1, NonZero::get), count, work)
}

/// The same, `at_once` of them at the same time.
pub(crate) fn side_by_side<T: Send>(
    at_once: usize,
    count: u64,
    work: impl Fn(u64) -> T + Sync,
) -> Vec<T> {
    let next = AtomicU64::new(0);
    let mut results: Vec<(u64, T)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once)
            .map(|_| {
                scope.spawn(|| {
                    let mut own = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return own;
                        }
                        own.push((number, work(number)));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a search panicked")).collect()
    });
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}
