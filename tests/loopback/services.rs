//! What the search makes of services that a plain queue does not describe.

use crate::support::search::{Run, found, plan, search, truth_of};
use plimsoll::campaign::presets::Preset;
use plimsoll::search::finding::Flag;
use plimsoll::seed::Seed;
use plimsoll::sim::zoo::{self, Specimen};
use plimsoll::trial::Purpose;

fn named(specimens: Vec<Specimen>, name: &str) -> Specimen {
    specimens.into_iter().find(|specimen| specimen.name.starts_with(name)).unwrap()
}

fn count(run: &Run, purpose: Purpose) -> usize {
    run.log.trials.iter().filter(|(plan, _)| plan.purpose == purpose).count()
}

#[test]
fn a_service_that_buckles_under_a_backlog_stays_clear_of_it() {
    let metastable = named(zoo::well_behaved(230.0), "metastable");
    let sound = named(zoo::well_behaved(230.0), "log-normal");
    let truth_rps = truth_of(&metastable);
    for seed in 0..10 {
        let run = search(plan(Preset::Standard, seed), &metastable);
        let seen = run.log.trials.iter().find_map(|(_, record)| record.evidence.busy?.buckles_at);
        let outstanding = seen.expect("a look is long enough to see it");
        assert!((190..=300).contains(&outstanding), "at 200, not {outstanding}");
        assert!(found(&run) < 1.02 * truth_rps, "seed {seed}: {}", found(&run));
    }
    let run = search(plan(Preset::Standard, 1), &sound);
    let seen = run.log.trials.iter().find_map(|(_, record)| record.evidence.busy?.buckles_at);
    assert_eq!(seen, None, "one that does not buckle is not said to");
}

#[test]
fn a_service_that_sheds_load_is_answered_by_its_room_and_few_soaks() {
    for name in ["rate limit", "queue of 50"] {
        let specimen = named(zoo::well_behaved(230.0), name);
        let truth_rps = truth_of(&specimen);
        let runs: Vec<Run> =
            (0..10).map(|seed| search(plan(Preset::Standard, seed), &specimen)).collect();
        let near = runs.iter().filter(|run| (found(run) / truth_rps - 1.0).abs() < 0.035);
        assert!(near.count() >= 9, "{name}: {:?}", runs.iter().map(found).collect::<Vec<_>>());
        let soaks: usize = runs.iter().map(|run| count(run, Purpose::Soak)).sum();
        assert!(soaks <= 25, "{name}: {soaks} soaks in ten searches");
    }
}

#[test]
fn workers_that_were_added_meanwhile_are_found() {
    let specimen = named(zoo::others(230.0), "autoscaler");
    let truth_rps = truth_of(&specimen);
    for seed in 0..5 {
        let run = search(plan(Preset::Standard, seed), &specimen);
        assert!((found(&run) / truth_rps - 1.0).abs() < 0.04, "seed {seed}: {}", found(&run));
        assert!(run.outcome.capacity.flags.contains(&Flag::Drift), "and it is said");
    }
}

#[test]
fn a_speed_that_changes_every_second_is_said() {
    let specimen = named(zoo::hard(230.0), "noise");
    let flagged = (0..10).filter(|seed| {
        let run = search(plan(Preset::Standard, *seed), &specimen);
        run.outcome.capacity.flags.contains(&Flag::Noisy)
    });
    assert!(flagged.count() >= 9, "the interval is not calibrated for it");
}

#[test]
fn services_with_parameters_drawn_at_random_are_rarely_answered_too_high() {
    let mut too_high = 0;
    for seed in 50..52 {
        for specimen in zoo::held_out(Seed(seed)) {
            let run = search(plan(Preset::Standard, seed), &specimen);
            let truth_rps = truth_of(&specimen);
            too_high += usize::from(
                run.outcome.capacity.rps.is_some_and(|rps| rps.get() > 1.04 * truth_rps),
            );
        }
    }
    assert!(too_high <= 1, "{too_high} of 14");
}

#[test]
fn a_machine_that_is_pressed_for_a_minute_is_waited_for() {
    for specimen in zoo::disturbed(230.0) {
        let truth_rps = truth_of(&specimen);
        let runs: Vec<Run> =
            (0..5).map(|seed| search(plan(Preset::Standard, seed), &specimen)).collect();
        let answered = runs.iter().filter(|run| {
            let rps = run.outcome.capacity.rps;
            rps.is_some_and(|rps| (rps.get() / truth_rps - 1.0).abs() < 0.04)
        });
        assert!(answered.count() >= 4, "{}: not a quarter too low", specimen.name);
        let said = runs.iter().filter(|run| run.outcome.capacity.flags.contains(&Flag::Disturbed));
        assert!(said.count() >= 3, "{}: and it is said", specimen.name);
    }
}
