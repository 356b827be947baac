//! What an answer is worth: each kind of service of known capacity once, and the laws of the search.
//!
//! The long series, 200 searches of each kind, is `just prove`.

use std::collections::BTreeMap;

use crate::support::search::{found, plain, plan, search, truth_of};
use plimsoll::app::past::PastRun;
use plimsoll::campaign::plan::{CampaignPlan, DashboardPlan};
use plimsoll::campaign::presets::Preset;
use plimsoll::campaign::{Campaign, Step};
use plimsoll::files::journal::Journal;
use plimsoll::files::run_dir::RunDir;
use plimsoll::report::record::{JournalLine, RunHeader};
use plimsoll::report::schema::SCHEMA_VERSION;
use plimsoll::schedule::ArrivalLaw;
use plimsoll::search::finding::{Finding, Flag};
use plimsoll::seed::Seed;
use plimsoll::sim::faults::Faults;
use plimsoll::sim::plan::ServiceLaw;
use plimsoll::sim::zoo::{self, Specimen};
use plimsoll::trial::verdict::Verdict;
use plimsoll::trial::{Purpose, TrialId};
use plimsoll::units::Rps;
use proptest::prelude::*;

/// One run may be far out; of three, the middle one must not be.
fn middle_error(specimen: &Specimen, seeds: [u64; 3]) -> f64 {
    let truth_rps = truth_of(specimen);
    let mut errors =
        seeds.map(|seed| found(&search(plan(Preset::Standard, seed), specimen)) / truth_rps - 1.0);
    errors.sort_by(f64::total_cmp);
    errors[1]
}

#[test]
fn every_well_behaved_service_is_answered_within_four_percent() {
    for capacity_rps in [230.0, 2000.0] {
        for specimen in zoo::well_behaved(capacity_rps) {
            let error = middle_error(&specimen, [1, 2, 3]);
            assert!(error.abs() <= 0.04, "{} at {capacity_rps}/s: {error}", specimen.name);
        }
    }
}

#[test]
fn services_that_were_never_tuned_on_are_answered_too() {
    for specimen in zoo::held_out(Seed(41)) {
        let error = middle_error(&specimen, [4, 5, 6]);
        assert!(error.abs() <= 0.06, "{}: {error}", specimen.name);
    }
}

#[test]
fn a_heavy_tail_is_said() {
    let specimen = zoo::hard(230.0)[0];
    let run = search(plan(Preset::Standard, 1), &specimen);
    assert!(run.outcome.capacity.flags.contains(&Flag::HeavyTail), "{}", specimen.name);
}

#[test]
fn hopeless_services_get_no_number() {
    for capacity_rps in [230.0, 2000.0] {
        for specimen in zoo::hopeless(capacity_rps) {
            let run = search(plan(Preset::Standard, 3), &specimen);
            assert_eq!(run.outcome.capacity.rps, None, "{} at {capacity_rps}/s", specimen.name);
        }
    }
}

#[test]
fn a_slow_client_is_blamed_and_nothing_else_is() {
    let run = search(plan(Preset::Standard, 1), &zoo::slow_client(230.0));
    assert_eq!(run.outcome.capacity.finding, Finding::GeneratorLimited, "its own fault");
    for specimen in zoo::well_behaved(230.0).into_iter().chain(zoo::others(230.0)) {
        let run = search(plan(Preset::Quick, 1), &specimen);
        let finding = run.outcome.capacity.finding;
        assert_ne!(finding, Finding::GeneratorLimited, "{}", specimen.name);
    }
}

#[test]
fn a_service_that_is_faster_than_the_generator_gets_no_number_but_a_bound() {
    let generator = Rps::new(300.0);
    let bound = CampaignPlan { generator, ..plan(Preset::Quick, 1) };
    let run = search(bound, &plain(4, 10.0, ServiceLaw::Constant));
    let capacity = &run.outcome.capacity;
    assert_eq!(capacity.finding, Finding::GeneratorLimited, "400/s is beyond its reach");
    assert_eq!((capacity.rps, capacity.low, capacity.high), (None, generator, None), "at least");
}

#[test]
fn what_the_dashboard_costs_is_part_of_a_mixed_answer_and_said() {
    let mixed = |queries_rps, slow_ms| {
        let base = plan(Preset::Quick, 1);
        let offered = Rps::new(queries_rps).unwrap();
        let dashboard = DashboardPlan { offered, ..base.dashboard };
        let mixed = CampaignPlan { mix: Some(slow_ms), dashboard, ..base };
        search(mixed, &plain(4, 10.0, ServiceLaw::Constant))
    };
    let heavy = mixed(100.0, None);
    assert!((found(&heavy) / 300.0 - 1.0).abs() < 0.05, "{} beside 100/s", found(&heavy));
    assert!(heavy.outcome.capacity.flags.contains(&Flag::QueriesCost), "a third of it");
    let light = mixed(5.0, None);
    assert!(!light.outcome.capacity.flags.contains(&Flag::QueriesCost), "next to nothing");
    let strict = mixed(5.0, Some(15));
    assert!(found(&strict) < 0.97 * found(&light), "15 ms for a query that takes 10");
    let reasons = strict.log.trials.iter().flat_map(|(_, record)| &record.reasons);
    assert!(reasons.into_iter().any(|reason| reason.starts_with("dashboard slow")), "and why");
}

#[test]
fn sign_off_confirms_a_rate_by_two_soaks_on_a_drained_target() {
    let run = search(plan(Preset::Signoff, 1), &plain(4, 10.0, ServiceLaw::Constant));
    let by = &run.outcome.capacity.confirmed_by;
    assert_eq!(by.len(), 2, "two soaks");
    let soaks: Vec<_> = run.log.trials.iter().filter(|(plan, _)| by.contains(&plan.id)).collect();
    for (plan, record) in &soaks {
        assert_eq!(plan.purpose, Purpose::Soak, "each a soak");
        assert!((plan.streams[0].offered.get() / found(&run) - 1.0).abs() < 1e-12, "at the rate");
        assert!(record.measure_s >= 300.0, "of at least five minutes");
    }
    assert!((found(&run) / 400.0 - 1.0).abs() < 0.02, "{}", found(&run));
}

#[test]
fn one_slow_worker_gets_an_answer() {
    let run = search(plan(Preset::Standard, 2), &plain(1, 50.0, ServiceLaw::Constant));
    assert!((found(&run) / 17.7 - 1.0).abs() < 0.08, "{}", found(&run));
}

#[test]
fn every_trial_is_followed_by_a_measured_recovery_before_the_next() {
    let run = search(plan(Preset::Standard, 1), &zoo::well_behaved(230.0)[1]);
    let trials: Vec<TrialId> = run.log.trials.iter().map(|(plan, _)| plan.id).collect();
    assert_eq!(run.log.recovered, trials, "one each, in order");
    assert!(run.log.recoveries.iter().all(|recovery| recovery.probes >= 3), "by probes");
}

#[test]
fn a_capacity_stands_only_after_the_failing_side_has_failed_once_more() {
    for specimen in zoo::well_behaved(230.0) {
        let run = search(plan(Preset::Standard, 1), &specimen);
        let again = run.log.trials.iter().rev().find(|(plan, _)| plan.purpose == Purpose::Retest);
        let (retest, record) = again.unwrap_or_else(|| panic!("{} has no re-test", specimen.name));
        assert!(retest.streams[0].offered.get() > found(&run), "{}: above", specimen.name);
        assert_eq!(record.verdict, "overloaded", "{}", specimen.name);
    }
}

#[test]
fn proposing_trials_are_spaced_evenly_and_soaks_are_not() {
    let run = search(plan(Preset::Quick, 1), &plain(4, 10.0, ServiceLaw::Exponential));
    for (plan, _) in &run.log.trials {
        let soaks = plan.purpose == Purpose::Soak;
        let law = if soaks { ArrivalLaw::Poisson } else { ArrivalLaw::Stratified };
        assert_eq!(plan.streams[0].arrivals, law, "{} {}", plan.id, plan.purpose.name());
    }
}

#[test]
fn slower_by_a_factor_is_lower_by_that_factor() {
    for seed in 0..3 {
        let capacity = |factor: f64| {
            let base = plan(Preset::Standard, seed);
            let goal = base.goal.scaled(factor);
            found(&search(
                CampaignPlan { goal, ..base },
                &plain(4, 10.0 / factor, ServiceLaw::Constant),
            ))
        };
        let ratio = capacity(8.0) / capacity(1.0) / 8.0;
        assert!((ratio - 1.0).abs() < 0.03, "seed {seed}: {ratio}");
    }
}

#[test]
fn a_journal_that_is_read_back_leads_to_the_same_answer() {
    let specimens = zoo::well_behaved(230.0).into_iter().chain(zoo::hopeless(230.0));
    for specimen in specimens.filter(|specimen| specimen.name != "dead") {
        let run = search(plan(Preset::Quick, 9), &specimen);
        let parent = tempfile::tempdir().unwrap();
        let dir = RunDir::create(parent.path(), "run").unwrap();
        let mut journal = Journal::create(&dir).unwrap();
        journal
            .append(&JournalLine::Run(RunHeader {
                schema_version: SCHEMA_VERSION.to_owned(),
                id: dir.id().to_owned(),
                started_utc: dir.stamp().rfc3339(),
                seed: 9,
                generator_rps: None,
                calibration: None,
                slo: None,
                settings: BTreeMap::new(),
            }))
            .unwrap();
        for (number, (_, trial)) in run.log.trials.iter().enumerate() {
            journal.append(&JournalLine::Trial(Box::new(trial.clone()))).unwrap();
            if let Some(recovery) = run.log.recoveries.get(number) {
                journal.append(&JournalLine::Recovery(recovery.clone())).unwrap();
            }
        }
        let mut campaign = Campaign::new(plan(Preset::Quick, 9));
        PastRun::read(dir.path()).unwrap().replay(&mut campaign, |_, _, _| {}).unwrap();
        let next = campaign.next_step(run.elapsed_s);
        assert!(matches!(next, Step::Done), "{}: it asks for more", specimen.name);
        assert_eq!(campaign.outcome().capacity, run.outcome.capacity, "{}", specimen.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_run_that_is_stopped_at_any_moment_has_a_whole_result(stop_s in 0.0..110.0_f64, seed in 0..50_u64) {
        let specimen = zoo::well_behaved(230.0)[2];
        let whole = search(plan(Preset::Quick, seed), &specimen);
        let faults = Faults { interrupted_s: Some(stop_s), ..Faults::none() };
        let broken = search(plan(Preset::Quick, seed), &Specimen { faults, ..specimen });
        let capacity = &broken.outcome.capacity;
        prop_assert_eq!(capacity.rps.is_some(), !capacity.confirmed_by.is_empty(), "never unconfirmed");
        prop_assert!(
            capacity.finding == Finding::Interrupted || capacity.rps.is_some(),
            "{:?}",
            capacity.finding
        );
        prop_assert!(broken.log.trials.len() <= whole.log.trials.len(), "nothing is added");
        prop_assert!(broken.elapsed_s <= whole.elapsed_s + 61.0, "it stops by itself");
    }

    #[test]
    fn any_service_ends_within_its_budget(
        seed in any::<u64>(),
        budget_s in 60.0..300.0_f64,
        workers in 1..9_u32,
        service_ms in 1.0..60.0_f64,
    ) {
        let limited = CampaignPlan { budget_s, ..plan(Preset::Quick, seed) };
        let run = search(limited, &plain(workers, service_ms, ServiceLaw::Exponential));
        // The last recovery may take its own limit.
        prop_assert!(run.elapsed_s <= budget_s + 60.0, "{} of {budget_s} s", run.elapsed_s);
        let sustained = |id: &TrialId| {
            run.log.trials.iter().any(|(plan, record)| {
                plan.id == *id && matches!(record.evidence.verdict, Verdict::Sustained(_))
            })
        };
        prop_assert!(run.outcome.capacity.confirmed_by.iter().all(sustained), "only what held");
    }
}
