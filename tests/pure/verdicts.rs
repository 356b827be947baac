//! Verdicts over single trials in virtual time, where the truth is known.

use plimsoll::schedule::ArrivalLaw;
use plimsoll::seed::Seed;
use plimsoll::sim::SimMeasurer;
use plimsoll::sim::faults::Faults;
use plimsoll::sim::plan::{ServiceLaw, TargetPlan};
use plimsoll::trial::criteria::Judge;
use plimsoll::trial::objective::{Objective, Rule};
use plimsoll::trial::result::TrialResult;
use plimsoll::trial::result::Vitals;
use plimsoll::trial::verdict::{Proof, Reason, Verdict, VoidReason};
use plimsoll::trial::{
    Flow, Measurer, Purpose, StopCause, StreamPlan, Tick, TrialId, TrialPlan, Watch, Workload,
    outstanding_max,
};
use plimsoll::units::Rps;

const OBJECTIVE: Objective = Objective {
    p99_ms: 1000,
    error_ratio: 0.001,
    dashboard_error_ratio: None,
    base_ms: Some(10.0),
};
const PROPOSE: Rule = Rule::Propose { resolution_ratio: 0.025, least_s: 3.0 };
const CONFIRM: Rule = Rule::Confirm { resolution_ratio: 0.025, least_s: 20.0 };

/// Lets the judge watch, and the user interrupt.
struct Watcher {
    judge: Judge,
    interrupt: bool,
}

impl Watch for Watcher {
    fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        if self.interrupt { Flow::Stop(StopCause::Interrupted) } else { self.judge.tick(tick) }
    }

    fn interrupted(&self) -> bool {
        self.interrupt
    }
}

fn plan(offered_rps: f64, rule: Rule, seed: u64) -> TrialPlan {
    let offered = Rps::new(offered_rps).unwrap();
    let arrivals = match rule {
        Rule::Propose { .. } => ArrivalLaw::Stratified,
        _ => ArrivalLaw::Poisson,
    };
    TrialPlan {
        id: TrialId(1),
        purpose: Purpose::Search,
        repeat: None,
        streams: vec![StreamPlan {
            workload: Workload::Index,
            offered,
            batch: 1,
            arrivals,
            timeout_ms: 5000,
            slow_ms: Some(1000),
            outstanding_max: Some(outstanding_max(offered, 1000)),
        }],
        warmup_s: 1.0,
        measure_s: 60.0,
        rule,
        sustained_before: None,
        seed: Seed(seed),
    }
}

fn server(queue: Option<u64>) -> TargetPlan {
    TargetPlan { queue, ..TargetPlan::plain(4, 10.0, ServiceLaw::Exponential) }
}

fn judge(
    plan: &TrialPlan,
    target: TargetPlan,
    faults: Faults,
    interrupt: bool,
) -> (Verdict, TrialResult) {
    let mut measurer = SimMeasurer::new(target, faults, plan.seed.named("target"));
    let mut watcher = Watcher { judge: Judge::new(plan, OBJECTIVE), interrupt };
    let result = measurer.run(plan, &mut watcher).unwrap();
    (watcher.judge.verdict(&result), result)
}

/// Share of 200 seeds on which a trial at `load` times the saturation is called sustained.
fn sustained_ratio(load: f64, rule: Rule) -> f64 {
    let sustained = (0..200).filter(|seed| {
        let plan = plan(400.0 * load, rule, *seed);
        let (verdict, _) = judge(&plan, server(None), Faults::none(), false);
        matches!(verdict, Verdict::Sustained(_))
    });
    sustained.count() as f64 / 200.0
}

#[test]
fn a_proposing_trial_passes_below_the_capacity_and_fails_above() {
    assert!(sustained_ratio(0.90, PROPOSE) >= 0.98, "at 90 %");
    assert!(sustained_ratio(0.95, PROPOSE) >= 0.90, "at 95 %");
    assert!(sustained_ratio(1.05, PROPOSE) <= 0.02, "at 105 %");
    assert!(sustained_ratio(1.10, PROPOSE) <= 0.01, "at 110 %");
}

#[test]
fn a_soak_rejects_what_is_over_the_capacity() {
    assert!(sustained_ratio(0.95, CONFIRM) >= 0.95, "at 95 %");
    assert!(sustained_ratio(1.05, CONFIRM) <= 0.01, "at 105 %");
}

#[test]
fn a_hopeless_trial_ends_within_seconds_and_says_why() {
    let at = |offered_rps| {
        let plan = plan(offered_rps, PROPOSE, 1);
        let (verdict, result) = judge(&plan, server(None), Faults::none(), false);
        let Verdict::Overloaded(reasons) = verdict else { panic!("{verdict:?}") };
        assert!(result.streams[0].tally.measured_s() <= 3.0, "{offered_rps}/s is clear at once");
        reasons
    };
    let above = at(520.0);
    assert!(
        matches!(above[..], [Reason::Backlog { growth_rps }] if (90.0..150.0).contains(&growth_rps)),
        "120 more outstanding every second: {above:?}"
    );
    let twice = at(800.0);
    assert!(
        matches!(twice[..], [Reason::Slow { share_ratio, .. }] if share_ratio > 0.5),
        "the limit is broken before growth is even looked at: {twice:?}"
    );
}

#[test]
fn refusals_are_errors_and_fast_refusals_are_not_slow() {
    let (verdict, result) =
        judge(&plan(600.0, CONFIRM, 1), server(Some(20)), Faults::none(), false);
    let Verdict::Overloaded(reasons) = verdict else { panic!("{verdict:?}") };
    assert!(matches!(reasons[..], [Reason::Errors { .. }]), "{reasons:?}");
    assert!(result.streams[0].tally.counts.refused > 0, "a full queue refuses");
}

#[test]
fn silence_is_overload_before_the_first_time_out() {
    let silent = Faults { target_silent_s: Some(0.0), ..Faults::none() };
    let (verdict, result) = judge(&plan(100.0, PROPOSE, 1), server(None), silent, false);
    assert!(matches!(verdict, Verdict::Overloaded(_)), "{verdict:?}");
    assert!(result.streams[0].tally.measured_s() <= 3.0, "an answer is not waited for");
    assert_eq!(result.streams[0].tally.counts.accepted, 0, "no time-out counts as success");
}

#[test]
fn a_late_generator_voids_whatever_the_target_did() {
    for (lateness_ms, offered_rps) in [(0.6, 200.0), (11.0, 200.0), (11.0, 800.0)] {
        let late = Faults { lateness_ms, ..Faults::none() };
        let (verdict, _) = judge(&plan(offered_rps, PROPOSE, 1), server(None), late, false);
        let Verdict::Void(reasons) = verdict else { panic!("{lateness_ms} ms: {verdict:?}") };
        assert!(matches!(reasons[..], [VoidReason::Lateness { .. }]), "{reasons:?}");
    }
}

#[test]
fn an_interrupted_trial_is_undecided() {
    let (verdict, _) = judge(&plan(100.0, PROPOSE, 1), server(None), Faults::none(), true);
    assert_eq!(verdict, Verdict::Undecided, "nothing is concluded from half a trial");
}

#[test]
fn a_soak_with_too_few_requests_for_its_bounds_says_so() {
    let slow = TargetPlan::plain(1, 20.0, ServiceLaw::Constant);
    let (verdict, _) = judge(&plan(20.0, CONFIRM, 1), slow, Faults::none(), false);
    assert_eq!(verdict, Verdict::Sustained(Proof::PointValue), "1,200 requests bound no 0.1 %");
    let (verdict, _) = judge(&plan(200.0, CONFIRM, 1), server(None), Faults::none(), false);
    assert_eq!(verdict, Verdict::Sustained(Proof::Bound), "12,000 do");
}

#[test]
fn a_pressed_machine_or_a_clock_that_stood_still_voids_unless_the_target_presses_it() {
    let plan = plan(200.0, PROPOSE, 1);
    let (sustained, result) = judge(&plan, server(None), Faults::none(), false);
    assert_eq!(sustained.name(), "sustained", "as such the trial is sound: {sustained:?}");
    let verdict_with = |change: fn(&mut Vitals)| {
        let mut result = result.clone();
        change(&mut result.vitals);
        Judge::new(&plan, OBJECTIVE).verdict(&result)
    };
    for change in [
        |vitals: &mut Vitals| vitals.longest_gap_s = 1.2,
        |vitals: &mut Vitals| vitals.busiest_cpu_s = 0.9 * vitals.wall_s,
        |vitals: &mut Vitals| vitals.host.stalled_ratio = Some(0.25),
        |vitals: &mut Vitals| vitals.host.stolen_ratio = Some(0.06),
    ] {
        let verdict = verdict_with(change);
        assert!(matches!(verdict, Verdict::Void(_)), "{verdict:?}");
    }
    for change in [
        |vitals: &mut Vitals| vitals.longest_gap_s = 0.9,
        |vitals: &mut Vitals| {
            vitals.busiest_cpu_s = vitals.wall_s;
            vitals.spins = true;
        },
        |vitals: &mut Vitals| vitals.host.stalled_ratio = Some(0.15),
        |vitals: &mut Vitals| {
            vitals.host.stalled_ratio = Some(0.9);
            vitals.is_shared = true;
        },
    ] {
        let verdict = verdict_with(change);
        assert!(!matches!(verdict, Verdict::Void(_)), "nothing is at fault: {verdict:?}");
    }
}
