//! Whole searches in virtual time: the finding is the truth, for every target, on every seed.

use std::fmt::Write as _;

use crate::support::search::plan;
use plimsoll::app::conduct::{Witness, conduct};
use plimsoll::campaign::plan::CampaignPlan;
use plimsoll::campaign::presets::Preset;
use plimsoll::campaign::{Campaign, CampaignOutcome};
use plimsoll::schedule::ArrivalLaw;
use plimsoll::search::finding::Finding;
use plimsoll::sim::SimMeasurer;
use plimsoll::sim::faults::Faults;
use plimsoll::sim::plan::{ServiceLaw, TargetPlan};
use plimsoll::sim::truth::{Effort, sustained_rps};
use plimsoll::trial::evidence::Evidence;
use plimsoll::trial::result::{Recovery, TrialResult};
use plimsoll::trial::verdict::Verdict;
use plimsoll::trial::{Measurer, Purpose, TrialId, TrialPlan, Workload};
use plimsoll::units::{LoadPercent, Rps};

/// Writes everything down as text, so that two runs can be compared to the byte.
#[derive(Default)]
struct Notebook {
    text: String,
    trials: Vec<(TrialPlan, Verdict)>,
}

impl Witness for Notebook {
    fn trial(&mut self, result: &TrialResult, evidence: &Evidence) -> anyhow::Result<()> {
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
                evidence.verdict
            )?;
        }
        self.trials.push((result.plan.clone(), evidence.verdict.clone()));
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

fn model(workers: u32, service_ms: f64) -> TargetPlan {
    TargetPlan { queue: Some(1000), ..TargetPlan::plain(workers, service_ms, ServiceLaw::Constant) }
}

fn rehearse(mut plan: CampaignPlan, target: TargetPlan, faults: Faults) -> Rehearsal {
    plan.objective.base_ms = Some(target.service_ms);
    let seed = plan.seed;
    let mut measurer = SimMeasurer::new(target, faults, seed.named("target"));
    let mut notebook = Notebook::default();
    let objective = plan.objective;
    let mut campaign = Campaign::new(plan);
    conduct(&mut campaign, objective, &mut measurer, &mut notebook)
        .expect("a simulated campaign runs to its end");
    Rehearsal { outcome: campaign.outcome(), notebook, elapsed_s: measurer.elapsed_s() }
}

/// The error of a run's capacity against `truth_rps`, where it has one.
fn error_ratio(run: &Rehearsal, truth_rps: f64) -> Option<f64> {
    run.outcome.capacity.rps.map(|rps| rps.get() / truth_rps - 1.0)
}

/// Every rate in a finding was itself confirmed by a soak under the law that users get.
fn assert_confirmed(run: &Rehearsal) {
    let capacity = &run.outcome.capacity;
    let Some(rps) = capacity.rps else {
        assert!(capacity.confirmed_by.is_empty(), "nothing is confirmed without a rate");
        return;
    };
    let by = capacity.confirmed_by.first().expect("a rate is confirmed by a trial");
    let confirmed = run.notebook.trials.iter().find(|(plan, _)| plan.id == *by).unwrap();
    assert_eq!(confirmed.0.purpose, Purpose::Soak, "by a soak");
    assert!(matches!(confirmed.1, Verdict::Sustained(_)), "that was sustained");
    let index = confirmed.0.stream(Workload::Index).unwrap();
    assert_eq!(index.offered, rps, "at this very rate");
    assert_eq!(index.arrivals, ArrivalLaw::Poisson, "under the users' law");
}

#[test]
fn quick_finds_the_capacity_of_constant_servers_within_six_percent_on_every_seed() {
    for service_ms in [7.3, 11.0, 13.7] {
        for workers in [1, 2, 3, 8] {
            let target = model(workers, service_ms);
            let plan_of = |seed| plan(Preset::Quick, seed);
            let effort = Effort { runs: 8, run_s: 360.0 };
            let truth_rps = sustained_rps(&target, plan_of(0).objective, 5000, effort).unwrap();
            for seed in 0..50 {
                let run = rehearse(plan_of(seed), target, Faults::none());
                let error = error_ratio(&run, truth_rps);
                assert_eq!(run.outcome.capacity.finding, Finding::Capacity, "seed {seed}");
                assert!(
                    error.is_some_and(|error| error.abs() <= 0.06),
                    "{workers} x {service_ms} ms, seed {seed}: {error:?}\n{}",
                    run.notebook.text
                );
                assert!(run.elapsed_s < 220.0, "within the search's share of the budget");
                assert_confirmed(&run);
            }
        }
    }
}

#[test]
fn standard_is_within_four_percent_on_constant_and_well_behaved_servers() {
    for (law, limit) in [
        (ServiceLaw::Constant, 0.04),
        (ServiceLaw::Exponential, 0.07),
        (ServiceLaw::LogNormal(0.5), 0.05),
    ] {
        let target = TargetPlan::plain(4, 10.0, law);
        for seed in 0..20 {
            let run = rehearse(plan(Preset::Standard, seed), target, Faults::none());
            let error = error_ratio(&run, target.saturation_rps());
            assert!(
                error.is_some_and(|error| error.abs() <= limit),
                "{law:?}, seed {seed}: {error:?}\n{}",
                run.notebook.text
            );
            assert_confirmed(&run);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_search_to_the_byte_and_another_seed_another() {
    let run = |seed| rehearse(plan(Preset::Quick, seed), model(4, 10.0), Faults::none());
    assert_eq!(run(7).notebook.text, run(7).notebook.text, "the same");
    assert_ne!(run(7).notebook.text, run(8).notebook.text, "another start, other arrivals");
}

#[test]
fn more_workers_never_lower_the_capacity() {
    for seed in 0..5 {
        let found = [1, 2, 4, 8].map(|workers| {
            let run = rehearse(plan(Preset::Quick, seed), model(workers, 10.0), Faults::none());
            run.outcome.capacity.rps.unwrap().get()
        });
        assert!(found.is_sorted(), "seed {seed}: {found:?}");
    }
}

#[test]
fn the_ceiling_is_an_answer_of_its_own() {
    let ceiling = Rps::new(150.0).unwrap();
    let limited = CampaignPlan { ceiling, ..plan(Preset::Quick, 1) };
    let run = rehearse(limited, model(4, 10.0), Faults::none());
    let capacity = &run.outcome.capacity;
    assert_eq!((capacity.finding, capacity.rps), (Finding::AtCeiling, Some(ceiling)), "confirmed");
    assert_eq!(capacity.high, None, "nothing failed above it");
}

#[test]
fn a_target_below_the_floor_gets_no_number() {
    let floored = CampaignPlan { floor: Rps::new(20.0).unwrap(), ..plan(Preset::Quick, 1) };
    let run = rehearse(floored, model(1, 100.0), Faults::none());
    assert_eq!(run.outcome.capacity.finding, Finding::BelowFloor, "10/s is below 20/s");
    assert_eq!(run.outcome.capacity.rps, None, "and no number is printed");
}

#[test]
fn a_late_generator_is_blamed_and_not_the_target() {
    let weak = Faults { lateness_ms: 3.0, ..Faults::none() };
    let run = rehearse(plan(Preset::Quick, 1), model(4, 10.0), weak);
    assert_eq!(run.outcome.capacity.finding, Finding::GeneratorLimited, "3 ms late is too late");
    assert_eq!(run.outcome.capacity.rps, None, "and no number is printed");
}

#[test]
fn a_target_that_goes_away_is_lost_within_seconds_at_any_moment() {
    for gone_s in [1.0, 4.5, 20.0, 45.0, 60.0] {
        let faults = Faults { target_gone_s: Some(gone_s), ..Faults::none() };
        let run = rehearse(plan(Preset::Quick, 1), model(4, 10.0), faults);
        assert_eq!(run.outcome.capacity.finding, Finding::TargetLost, "gone at {gone_s} s");
        assert!(run.elapsed_s < gone_s + 8.0, "noticed at {} s", run.elapsed_s);
    }
}

#[test]
fn a_target_that_falls_silent_ends_as_metastable_after_the_drains_limit() {
    let faults = Faults { target_silent_s: Some(20.0), ..Faults::none() };
    let run = rehearse(plan(Preset::Quick, 1), model(4, 10.0), faults);
    assert_eq!(run.outcome.capacity.finding, Finding::Metastable, "no hang, no number");
    assert!(run.elapsed_s < 120.0, "after {} s", run.elapsed_s);
}

#[test]
fn a_capacity_that_is_certified_stays_when_the_target_is_lost_in_a_level() {
    let with_levels = |seed| CampaignPlan {
        levels: [0, 50, 100, 120].map(LoadPercent).to_vec(),
        ..plan(Preset::Quick, seed)
    };
    let whole = rehearse(with_levels(1), model(4, 10.0), Faults::none());
    assert_eq!(whole.outcome.levels.len(), 4, "all levels");
    assert!(whole.outcome.levels.iter().all(|level| level.recovery_s.is_some()), "all recovered");
    assert!(whole.elapsed_s < 300.0, "within the quick budget: {} s", whole.elapsed_s);
    let faults = Faults { target_gone_s: Some(whole.elapsed_s - 30.0), ..Faults::none() };
    let broken = rehearse(with_levels(1), model(4, 10.0), faults);
    assert_eq!(broken.outcome.capacity, whole.outcome.capacity, "the finding stays");
    assert!(broken.outcome.levels.len() < 4, "what was not measured to its end is left out");
    assert!(broken.outcome.levels_missing.is_some(), "and it is said");
}

#[test]
fn a_search_never_offers_more_than_twice_the_highest_pass_and_ends_within_its_budget() {
    for seed in 0..20 {
        let run = rehearse(plan(Preset::Quick, seed), model(4, 10.0), Faults::none());
        let mut highest_pass = 55.0_f64;
        for (plan, verdict) in &run.notebook.trials {
            let offered = plan.streams[0].offered.get();
            assert!(
                offered <= 2.0 * highest_pass + 1e-9,
                "seed {seed}: {offered} after {highest_pass}"
            );
            if matches!(verdict, Verdict::Sustained(_)) {
                highest_pass = highest_pass.max(offered);
            }
        }
    }
    let short = CampaignPlan { budget_s: 45.0, ..plan(Preset::Quick, 1) };
    let run = rehearse(short, model(4, 10.0), Faults::none());
    assert_eq!(run.outcome.capacity.finding, Finding::OutOfBudget, "no answer in 45 s");
    assert!(run.elapsed_s <= 45.0, "and it ends in time: {} s", run.elapsed_s);
}
