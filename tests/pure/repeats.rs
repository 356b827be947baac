//! Several whole searches in one run, in virtual time: what they come to, and what ends them.

use std::collections::BTreeMap;

use crate::support::search::{Log, Run, plain, plan, search};
use plimsoll::app::conduct::conduct;
use plimsoll::app::past::PastRun;
use plimsoll::campaign::budget::forecast;
use plimsoll::campaign::plan::CampaignPlan;
use plimsoll::campaign::presets::Preset;
use plimsoll::campaign::{Campaign, Step};
use plimsoll::files::journal::Journal;
use plimsoll::files::run_dir::RunDir;
use plimsoll::report::record::{JournalLine, RunHeader};
use plimsoll::report::schema::SCHEMA_VERSION;
use plimsoll::search::finding::Finding;
use plimsoll::seed::Seed;
use plimsoll::sim::SimMeasurer;
use plimsoll::sim::faults::Faults;
use plimsoll::sim::plan::ServiceLaw;
use plimsoll::sim::zoo::Specimen;
use plimsoll::trial::{TrialId, TrialPlan};
use plimsoll::units::{LoadPercent, Rps};

fn repeated(repeats: u32, seed: u64) -> CampaignPlan {
    let budget_s = Preset::Quick.effort().budget_of_s(repeats);
    CampaignPlan { repeats, budget_s, ..plan(Preset::Quick, seed) }
}

fn service() -> Specimen {
    plain(4, 10.0, ServiceLaw::Constant)
}

fn rates(run: &Run) -> Vec<f64> {
    run.outcome.repeats.iter().filter_map(|one| one.rps).map(Rps::get).collect()
}

fn count(run: &Run, purpose: &str) -> usize {
    run.log.trials.iter().filter(|(_, trial)| trial.purpose == purpose).count()
}

#[test]
fn the_answer_of_several_searches_is_their_lower_median_between_their_outermost_ends() {
    let levels = [0, 100].map(LoadPercent).to_vec();
    let run = search(CampaignPlan { levels, ..repeated(4, 3) }, &service());
    let (capacity, repeats) = (&run.outcome.capacity, &run.outcome.repeats);
    assert_eq!((capacity.finding, repeats.len()), (Finding::Capacity, 4), "{capacity:?}");
    let mut sorted = rates(&run);
    sorted.sort_by(f64::total_cmp);
    assert_eq!(capacity.rps.map(Rps::get), Some(sorted[1]), "the lower of the two in the middle");
    for one in repeats {
        assert!(capacity.low <= one.low && capacity.high >= one.high, "{one:?}");
        assert!(one.confirmed_by.iter().all(|id| capacity.confirmed_by.contains(id)), "{one:?}");
    }
    assert!(sorted[0] < sorted[3], "each search begins at a rate of its own");
    assert_eq!(run.outcome.levels.len(), 2, "the levels come once, after all searches");
    let level = run.log.trials.iter().find(|(_, trial)| trial.purpose == "level_100").unwrap();
    assert_eq!(level.1.offered_rps, Some(sorted[1]), "at the rate that they came to");
    assert_eq!(count(&run, "warm_up"), 2, "and the warm-up, of two alike blocks, before them");
}

#[test]
fn every_trial_of_a_search_says_which_one_it_was() {
    let run = search(repeated(3, 3), &service());
    let mut last = 0;
    for (_, trial) in &run.log.trials {
        let is_search = trial.purpose != "warm_up";
        assert_eq!(trial.repeat.is_some(), is_search, "{} {}", trial.id, trial.purpose);
        assert!((last..=last + 1).contains(&trial.repeat.unwrap_or(0)), "{}: in order", trial.id);
        last = trial.repeat.unwrap_or(0);
    }
    assert_eq!(last, 3, "all three");
    for (number, repeat) in (1..).zip(&run.outcome.repeats) {
        let by = repeat.confirmed_by[0].to_string();
        let soak = run.log.trials.iter().find(|(_, trial)| trial.id == by).unwrap();
        assert_eq!(soak.1.repeat, Some(number), "each was confirmed by a soak of its own");
    }
}

#[test]
fn the_first_of_several_searches_is_that_of_a_run_with_one() {
    let (one, three) = (search(repeated(1, 5), &service()), search(repeated(3, 5), &service()));
    assert_eq!(one.outcome.repeats, three.outcome.repeats[..1], "to the last bit");
    assert_eq!(one.outcome.repeats, [one.outcome.capacity], "one search is a repeat too");
}

#[test]
fn a_target_that_is_lost_in_a_later_search_leaves_no_answer_but_what_was_found() {
    let whole = search(repeated(3, 3), &service());
    let faults = Faults { target_gone_s: Some(whole.elapsed_s * 0.5), ..Faults::none() };
    let lost = search(repeated(3, 3), &Specimen { faults, ..service() });
    let capacity = &lost.outcome.capacity;
    assert_eq!((capacity.finding, capacity.rps), (Finding::TargetLost, None), "{capacity:?}");
    assert_eq!(lost.outcome.ended_by, Some(Finding::TargetLost), "everything ends at once");
    assert_eq!(lost.outcome.repeats[0], whole.outcome.repeats[0], "the first search stays");
    assert_eq!(lost.outcome.repeats.len(), 2, "and no third is begun");
    assert!(capacity.reasons[0].starts_with("search 2 of 3 ended"), "{:?}", capacity.reasons);
}

#[test]
fn an_interrupt_after_the_first_of_two_searches_leaves_no_answer() {
    let whole = search(repeated(2, 3), &service());
    let is_second = |plan: &TrialPlan| plan.repeat == Some(2);
    let second = whole.log.trials.iter().position(|(plan, _)| is_second(plan)).unwrap();
    let last = &whole.log.trials[second - 1].1;
    let ends_s = last.started_s + last.warmup_s + last.measure_s;
    // At the very end of the first search, and where the second has begun.
    for (interrupted_s, searches) in [(ends_s, 1), (whole.log.trials[second].1.started_s, 2)] {
        let faults = Faults { interrupted_s: Some(interrupted_s), ..Faults::none() };
        let broken = search(repeated(2, 3), &Specimen { faults, ..service() });
        let capacity = &broken.outcome.capacity;
        assert_eq!(capacity.finding, Finding::Interrupted, "one of two is no answer");
        assert_eq!(capacity.rps, None, "and no number is printed");
        assert_eq!(broken.outcome.repeats.len(), searches, "the searches that there were");
        assert_eq!(rates(&broken), rates(&whole)[..1], "what was found stays");
    }
}

#[test]
fn a_search_without_a_capacity_ends_all_of_them() {
    let ceiling = Rps::new(150.0).unwrap();
    let run = search(CampaignPlan { ceiling, ..repeated(3, 1) }, &service());
    let capacity = &run.outcome.capacity;
    assert_eq!((capacity.finding, capacity.rps), (Finding::AtCeiling, None), "{capacity:?}");
    assert_eq!(rates(&run), [150.0], "the ceiling was confirmed, once");
}

#[test]
fn several_searches_share_their_budget() {
    for (seed, budget_s) in [(1, 260.0), (2, 320.0), (3, 400.0), (4, 900.0)] {
        let run = search(CampaignPlan { budget_s, ..repeated(4, seed) }, &service());
        let finding = run.outcome.capacity.finding;
        // The last recovery may take its own limit.
        assert!(run.elapsed_s <= budget_s + 60.0, "{} of {budget_s} s", run.elapsed_s);
        assert!(
            finding == Finding::Capacity || finding == Finding::OutOfBudget,
            "seed {seed}: {finding:?}"
        );
        if finding == Finding::OutOfBudget {
            assert_eq!(run.outcome.capacity.rps, None, "seed {seed}: no number is printed");
        }
        assert!(budget_s < 900.0 || rates(&run).len() == 4, "there is time for all four");
    }
}

/// The service holds whatever it is offered, so that no trial has to be made twice.
#[test]
fn the_least_budget_that_is_accepted_brings_an_ideal_service_its_answer() {
    for preset in [Preset::Quick, Preset::Standard, Preset::Signoff] {
        // High rates, so that the shortest soak has requests enough.
        let [goal, ceiling] = [8000.0, 1500.0].map(|rps| Rps::new(rps).unwrap());
        let whole = CampaignPlan { goal, ceiling, ..plan(preset, 1) };
        let budget_s = forecast(&whole).least_s;
        let fast = plain(4, 2.0, ServiceLaw::Constant);
        let run = search(CampaignPlan { budget_s, ..whole }, &fast);
        let capacity = &run.outcome.capacity;
        let found = (capacity.finding, capacity.rps);
        let what = format!("{} in {budget_s} s: {capacity:?}", preset.name());
        assert_eq!(found, (Finding::AtCeiling, Some(ceiling)), "{what}");
    }
}

/// A journal with its first line.
fn begin_writing(folder: &RunDir) {
    let mut journal = Journal::create(folder).unwrap();
    let header = RunHeader {
        schema_version: SCHEMA_VERSION.to_owned(),
        id: folder.id().to_owned(),
        started_utc: folder.stamp().rfc3339(),
        seed: 9,
        generator_rps: None,
        calibration: None,
        slo: None,
        settings: BTreeMap::new(),
    };
    journal.append(&JournalLine::Run(header)).unwrap();
}

/// Appends what `log` has seen to the journal in `folder`.
fn go_on_writing(log: &Log, folder: &RunDir) {
    let mut journal = Journal::reopen(folder, 0).unwrap();
    let trials = log
        .trials
        .iter()
        .map(|(plan, trial)| (plan.id.to_string(), JournalLine::Trial(Box::new(trial.clone()))));
    let recoveries = log
        .recoveries
        .iter()
        .map(|recovery| (recovery.id.clone(), JournalLine::Recovery(recovery.clone())));
    let mut lines: Vec<(String, JournalLine)> = trials.chain(recoveries).collect();
    lines.sort_by_key(|(id, _)| id[1..].parse::<u32>().unwrap());
    for (_, line) in lines {
        journal.append(&line).unwrap();
    }
}

#[test]
fn a_run_that_is_broken_off_twice_gives_no_name_twice_and_loses_nothing() {
    let (plan, specimen) = (repeated(1, 9), service());
    let whole = search(repeated(1, 9), &specimen);
    let parent = tempfile::tempdir().unwrap();
    let folder = RunDir::create(parent.path(), "broken").unwrap();
    begin_writing(&folder);
    let mut ids = Vec::new();
    // The first two times it is interrupted within a trial of the search, the third time it ends.
    for interrupted_s in [Some(whole.elapsed_s * 0.3), Some(whole.elapsed_s * 0.2), None] {
        let past = PastRun::read(folder.path()).unwrap();
        let mut campaign = Campaign::new(plan.clone());
        past.replay(&mut campaign, |_, _, _| {}).unwrap();
        let faults = Faults { interrupted_s, ..Faults::none() };
        let mut measurer = SimMeasurer::new(specimen.target, faults, Seed(3));
        let mut log = Log::default();
        conduct(&mut campaign, plan.objective, &mut measurer, &mut log).unwrap();
        if interrupted_s.is_some() {
            let last = &log.trials.last().unwrap().1;
            assert_eq!(last.stopped.as_deref(), Some("interrupted"), "{}: in a trial", last.id);
        }
        ids.extend(log.trials.iter().map(|(plan, _)| plan.id));
        go_on_writing(&log, &folder);
    }
    let names = ids.len();
    ids.sort_unstable_by_key(|id| id.0);
    ids.dedup();
    assert_eq!(ids.len(), names, "each trial has a name of its own");
    let mut campaign = Campaign::new(plan);
    let mut told = 0;
    let past = PastRun::read(folder.path()).unwrap();
    let broken_off = past.replay(&mut campaign, |_, _, _| told += 1).unwrap();
    assert_eq!((broken_off, told), (None, names - 2), "all but the two that were broken off");
    assert!(matches!(campaign.next_step(whole.elapsed_s), Step::Done), "it is finished");
    assert_eq!(campaign.outcome().capacity.finding, Finding::Capacity, "with an answer");
    for recovery in past.recoveries() {
        let after = recovery.after.as_deref().unwrap();
        assert!(past.trials().any(|trial| trial.id == after), "{after} is a trial of the run");
    }
}

/// The journal of a run, up to and without the trial `end`.
fn written(run: &Run, folder: &RunDir, end: Option<TrialId>) {
    begin_writing(folder);
    let mut journal = Journal::reopen(folder, 0).unwrap();
    for (number, (plan, trial)) in run.log.trials.iter().enumerate() {
        if Some(plan.id) == end {
            return;
        }
        journal.append(&JournalLine::Trial(Box::new(trial.clone()))).unwrap();
        if let Some(recovery) = run.log.recoveries.get(number) {
            journal.append(&JournalLine::Recovery(recovery.clone())).unwrap();
        }
    }
}

#[test]
fn a_journal_with_several_searches_leads_to_where_they_stood() {
    let run = search(repeated(3, 9), &service());
    let parent = tempfile::tempdir().unwrap();
    let folder = RunDir::create(parent.path(), "whole").unwrap();
    written(&run, &folder, None);
    let mut campaign = Campaign::new(repeated(3, 9));
    let mut told = 0;
    let past = PastRun::read(folder.path()).unwrap();
    past.replay(&mut campaign, |trial, before, _| {
        let is_first = trial.repeat == Some(told + 1);
        told += u32::from(is_first);
        assert!(!is_first || before.low.is_none(), "{}: a search begins with nothing", trial.id);
    })
    .unwrap();
    assert_eq!(told, 3, "all searches are told");
    assert!(matches!(campaign.next_step(run.elapsed_s), Step::Done), "it asks for no more");
    assert_eq!(campaign.outcome().repeats, run.outcome.repeats, "the same answers");

    let second = run.log.trials.iter().find(|(plan, _)| plan.repeat == Some(2)).unwrap().0.id;
    let broken = RunDir::create(parent.path(), "broken").unwrap();
    written(&run, &broken, Some(second));
    let mut campaign = Campaign::new(repeated(3, 9));
    PastRun::read(broken.path()).unwrap().replay(&mut campaign, |_, _, _| {}).unwrap();
    let Step::Run(next) = campaign.next_step(100.0) else { panic!("it goes on") };
    assert_eq!((next.id, next.repeat), (second, Some(2)), "with the second search");
}
