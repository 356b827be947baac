//! Agents and their coordinator in virtual time: any number of agents is one agent, and what is lost is never made up.

use crate::support::crew::{Eyes, alone, assert_honest, assert_same, lost, run, sound, trial};
use plimsoll::agents::Crew;
use plimsoll::sim::crew::SimCrew;
use plimsoll::sim::crew::plan::{CrewPlan, Mishap, Nonsense};
use plimsoll::sim::plan::ServiceLaw;
use plimsoll::trial::StopCause;
use plimsoll::units::OffsetNs;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_number_of_agents_counts_what_one_would(
        seed: u64, rate in 40.0..300.0_f64, senders in 1..3_usize, mean_ms in 1.0..400.0_f64,
        law in prop::sample::select(vec![ServiceLaw::Constant, ServiceLaw::Exponential, ServiceLaw::LogNormal(1.5)]),
    ) {
        let trial = trial(1, rate, 1.6, seed);
        let one = alone(&trial, |plan| {
            plan.service.mean_ms = mean_ms;
            plan.service.law = law;
        });
        for agents in [2, 3, 7, 64] {
            let mut plan = sound(agents, seed);
            plan.senders = senders;
            plan.service.mean_ms = mean_ms;
            plan.service.law = law;
            let mut crew = SimCrew::new(plan);
            let together = run(&mut crew, &trial, &mut Eyes::open());
            prop_assert!(together.lapses.is_empty(), "{agents} agents: {:?}", together.lapses);
            assert_same(&together, &one, &format!("{agents} agents"));
            prop_assert_eq!(crew.target().doubled, 0, "no document comes twice");
        }
    }

    #[test]
    fn a_lost_or_doubled_frame_never_makes_a_result(
        seed: u64, agents in 1..6_usize, agent in 0..6_usize, serial in 0..5_u64, is_lost: bool,
    ) {
        let agent = agent % agents;
        let trial = trial(1, 80.0, 1.6, seed);
        let mut plan = sound(agents, seed);
        let mishap = if is_lost { Mishap::LosesFrame { serial } } else { Mishap::RepeatsFrame { serial } };
        plan.mishaps = vec![(agent, mishap)];
        let mut crew = SimCrew::new(plan);
        let together = run(&mut crew, &trial, &mut Eyes::open());
        let is_whole = together.lapses.is_empty();
        if is_whole {
            assert_same(&together, &alone(&trial, |_| {}), "nothing that was needed is missing");
        } else {
            let name = format!("sim-{}", agent + 1);
            prop_assert_eq!(lost(&together), vec![name], "and nobody else");
            prop_assert_eq!(together.stopped, Some(StopCause::AgentLost));
        }
        // Whatever follows a frame shows that it is missing. The last of all may come twice: it is known by then.
        prop_assert!(!is_whole || crew.hurt().is_empty() || !is_lost, "a loss is noticed");
        assert_honest(&crew, &together);
    }

    #[test]
    fn whatever_goes_wrong_the_trial_ends_and_is_void_or_right(
        seed: u64, agents in 1..9_usize, loss_ratio in prop::sample::select(vec![0.0, 0.01, 0.1]),
        jitter_ms in 0.0..80.0_f64,
        mishaps in prop::collection::vec((0..9_usize, mishap()), 0..4),
    ) {
        let trial = trial(1, 60.0, 1.2, seed);
        let mut plan = sound(agents, seed);
        plan.way.loss_ratio = loss_ratio;
        plan.way.jitter_ms = jitter_ms;
        plan.mishaps = mishaps;
        let mut crew = SimCrew::new(plan);
        let together = run(&mut crew, &trial, &mut Eyes::open());
        prop_assert!(crew.elapsed_s() < 40.0, "it took {} s", crew.elapsed_s());
        if together.lapses.is_empty() && together.stopped.is_none() {
            assert_same(&together, &alone(&trial, |_| {}), "a result is the right one");
        }
        assert_honest(&crew, &together);
    }
}

fn mishap() -> impl Strategy<Value = Mishap> {
    let at_s = 0.0..3.0_f64;
    prop_oneof![
        at_s.clone().prop_map(|at_s| Mishap::Dies { at_s }),
        at_s.clone().prop_map(|at_s| Mishap::FallsSilent { at_s }),
        at_s.clone().prop_map(|at_s| Mishap::FallsDeaf { at_s }),
        at_s.clone().prop_map(|at_s| Mishap::ReportsNothing { at_s }),
        at_s.prop_map(|at_s| Mishap::IsStopped { at_s }),
        (0..4_u64).prop_map(|serial| Mishap::LosesFrame { serial }),
        (0..4_u64).prop_map(|serial| Mishap::RepeatsFrame { serial }),
        Just(Mishap::Refuses),
        Just(Mishap::NeverReady),
        nonsense().prop_map(Mishap::Tells),
    ]
}

const NONSENSE: [Nonsense; 9] = [
    Nonsense::EarlyDone,
    Nonsense::EarlyStop,
    Nonsense::EarlyTick,
    Nonsense::NoTime,
    Nonsense::Senders,
    Nonsense::Streams,
    Nonsense::Documents,
    Nonsense::Totals,
    Nonsense::Bytes,
];

fn nonsense() -> impl Strategy<Value = Nonsense> {
    prop::sample::select([&NONSENSE[..], &[Nonsense::TickAfterDone]].concat())
}

/// A trial of 2 s of 3 agents, the second of which meets this.
fn with(mishap: Mishap) -> (SimCrew, plimsoll::agents::coordinate::Gathered, Eyes) {
    let mut plan = sound(3, 5);
    plan.mishaps = vec![(1, mishap)];
    let (mut crew, mut eyes) = (SimCrew::new(plan), Eyes::open());
    let together = run(&mut crew, &trial(1, 120.0, 1.8, 5), &mut eyes);
    assert_honest(&crew, &together);
    (crew, together, eyes)
}

#[test]
fn one_agent_counts_what_the_schedule_says_without_any_agent() {
    let trial = trial(1, 150.0, 2.3, 11);
    let one = alone(&trial, |_| {});
    crate::support::crew::assert_is_schedule(&one, &trial, &CrewPlan::sound(1, trial.seed).service);
}

#[test]
fn an_agent_that_dies_is_missed_within_a_second_and_the_others_stop() {
    let (crew, together, eyes) = with(Mishap::Dies { at_s: 0.8 });
    assert_eq!(lost(&together), ["sim-2"], "the one that died");
    assert_eq!(together.stopped, Some(StopCause::AgentLost), "and the others are stopped");
    // Silent from its last sign of life on, a look of 20 ms, a message, a look of the agent.
    let stopped_s = OffsetNs(crew.target().last_ns - Eyes::BIRTH_NS).as_s();
    assert!((1.5..1.9).contains(&stopped_s), "nothing is sent after {stopped_s} s");
    assert_eq!(together.agents.len(), 2, "the books of the others are whole");
    let unknown: u64 = together.tallies.iter().map(|tally| tally.unknown).sum();
    assert!(unknown > 50, "its share is not known: {unknown}");
    assert_eq!(eyes.ticks.len(), 1, "it was looked at until then: {:?}", eyes.ticks);
}

#[test]
fn whoever_is_silent_or_deaf_or_stands_still_is_lost() {
    for (mishap, until_s) in [
        (Mishap::FallsSilent { at_s: 0.7 }, 14.0),
        (Mishap::FallsDeaf { at_s: 0.3 }, 6.0),
        (Mishap::ReportsNothing { at_s: 0.7 }, 16.0),
        (Mishap::LosesFrame { serial: 1 }, 6.0),
        (Mishap::Refuses, 0.2),
        (Mishap::NeverReady, 10.2),
    ] {
        let (crew, together, _) = with(mishap);
        assert_eq!(lost(&together), ["sim-2"], "{mishap:?}");
        assert!(crew.elapsed_s() < until_s, "{mishap:?} took {} s", crew.elapsed_s());
    }
}

#[test]
fn an_agent_that_is_believed_lost_is_told_to_stop_all_the_same() {
    for agents in [1, 2] {
        let mut plan = sound(agents, 3);
        plan.mishaps = vec![(0, Mishap::LosesFrame { serial: 0 })];
        let mut crew = SimCrew::new(plan);
        let together = run(&mut crew, &trial(1, 50.0, 9.8, 3), &mut Eyes::open());
        assert_eq!(lost(&together), ["sim-1"], "its first report is missing");
        while crew.elapsed_s() < 10.0 {
            drop(crew.hear(100_000_000));
        }
        let stopped_s = OffsetNs(crew.target().last_ns - Eyes::BIRTH_NS).as_s();
        assert!(stopped_s < 1.4, "{agents} agents: it still sends at {stopped_s} s");
    }
}

#[test]
fn nonsense_voids_the_trial_and_is_told_whose_it_is() {
    for nonsense in NONSENSE {
        let (crew, together, _) = with(Mishap::Tells(nonsense));
        assert_eq!(lost(&together), ["sim-2"], "{nonsense:?}");
        assert!(crew.elapsed_s() < 6.0, "{nonsense:?} took {} s", crew.elapsed_s());
    }
}

#[test]
fn what_is_told_after_everything_was_told_changes_nothing() {
    let (_, together, _) = with(Mishap::Tells(Nonsense::TickAfterDone));
    assert!(together.lapses.is_empty(), "{:?}", together.lapses);
    assert_same(&together, &alone(&trial(1, 120.0, 1.8, 5), |_| {}), "it is whole");
}

#[test]
fn an_agent_whose_owner_stops_it_is_lost_and_does_not_interrupt_the_run() {
    let (_, together, _) = with(Mishap::IsStopped { at_s: 0.8 });
    assert_eq!(lost(&together), ["sim-2"], "it did not send what it should");
    assert_eq!(together.stopped, Some(StopCause::AgentLost), "the user did not stop the run");
    assert_eq!(together.agents.len(), 3, "and what it counted is known");
    // Mute for 1.5 s: it stops of itself.
    let (_, together, _) = with(Mishap::FallsDeaf { at_s: 0.1 });
    assert_eq!(together.stopped, Some(StopCause::AgentLost), "nor did whoever cannot hear");
}

#[test]
fn when_all_die_the_trial_ends() {
    let mut plan = sound(5, 9);
    plan.mishaps = (0..5).map(|agent| (agent, Mishap::Dies { at_s: 0.9 })).collect();
    let mut crew = SimCrew::new(plan);
    let together = run(&mut crew, &trial(1, 100.0, 60.0, 9), &mut Eyes::open());
    assert_eq!(lost(&together).len(), 5, "all of them");
    assert!(crew.elapsed_s() < 2.3, "at once: {} s", crew.elapsed_s());
    assert_eq!(crew.muster().len(), 5, "nobody is there");
    assert!(crew.members().is_empty(), "and nobody is a member");
    assert_honest(&crew, &together);
}

#[test]
fn an_interrupt_before_the_start_sends_nothing() {
    let mut crew = SimCrew::new(sound(3, 2));
    let together = run(&mut crew, &trial(1, 100.0, 5.0, 2), &mut Eyes::interrupting(0));
    while crew.elapsed_s() < 7.0 {
        drop(crew.hear(100_000_000));
    }
    assert_eq!(crew.target().requests, 0, "not one request");
    assert_eq!(together.stopped, Some(StopCause::Interrupted), "as the user wanted");
    assert!(together.accepted.is_empty() && together.lapses.is_empty(), "and nothing is amiss");
}

#[test]
fn a_watcher_that_stops_the_trial_stops_all() {
    let mut crew = SimCrew::new(sound(7, 4));
    let mut eyes = Eyes::stopping(1.0);
    let together = run(&mut crew, &trial(1, 200.0, 30.0, 4), &mut eyes);
    assert_eq!(together.stopped, Some(StopCause::Decided), "as it decided");
    assert!(together.lapses.is_empty(), "{:?}", together.lapses);
    assert_eq!(together.agents.len(), 7, "everybody tells what it has counted");
    let sent_s = OffsetNs(crew.target().last_ns - Eyes::BIRTH_NS).as_s();
    assert!(sent_s < 1.25, "the last request leaves at {sent_s} s");
    let measured_s = together.tallies[0].measured_s();
    assert!((0.7..0.9).contains(&measured_s), "{measured_s} s of the measured part");
    assert_honest(&crew, &together);
}

#[test]
fn a_lost_end_after_a_stop_is_not_waited_for_as_long_as_the_trial_would_have_run() {
    let mut plan = sound(4, 8);
    plan.mishaps = vec![(2, Mishap::LosesFrame { serial: 2 })];
    let mut crew = SimCrew::new(plan);
    let mut eyes = Eyes::stopping(1.0);
    let together = run(&mut crew, &trial(1, 60.0, 600.0, 8), &mut eyes);
    assert_eq!(lost(&together), ["sim-3"], "what it counted in the end is missing");
    assert!(crew.elapsed_s() < 15.0, "not after {} s", crew.elapsed_s());
}

#[test]
fn a_coordinator_that_was_held_up_does_not_say_that_others_were_silent() {
    for handling_us in [0.0, 30_000.0] {
        let mut plan = sound(40, 6);
        plan.handling_us = handling_us;
        plan.held_up = Some((0.8, 1.7)).filter(|_| handling_us < 1.0);
        let trial = trial(1, 100.0, 1.8, 6);
        let mut crew = SimCrew::new(plan);
        let together = run(&mut crew, &trial, &mut Eyes::open());
        assert!(together.lapses.is_empty(), "{handling_us} µs a report: {:?}", together.lapses);
        assert_same(&together, &alone(&trial, |_| {}), "it is whole");
    }
}

#[test]
fn clocks_that_differ_by_half_a_minute_start_within_their_bound() {
    let mut plan = sound(20, 13);
    plan.way.jitter_ms = 2.0;
    let mut crew = SimCrew::new(plan);
    assert!(crew.muster().is_empty(), "all are there");
    let truth = crew.ahead_ns();
    assert!(truth.iter().any(|ahead_ns| ahead_ns.abs() > 20_000_000_000), "{truth:?}");
    for (member, ahead_ns) in crew.members().iter().zip(truth) {
        let clock = member.clock.unwrap();
        let wrong_ns = clock.ahead_ns.abs_diff(ahead_ns);
        assert!(wrong_ns <= clock.error_ns, "{}: {wrong_ns} ns of {clock:?}", member.name);
        assert!(clock.error_ns < 5_000_000, "the fastest of 32: {clock:?}");
    }
}

#[test]
fn the_next_trial_is_whole_again_without_those_who_are_gone() {
    let mut plan = sound(5, 21);
    plan.mishaps = vec![(0, Mishap::Dies { at_s: 0.5 }), (3, Mishap::Dies { at_s: 0.9 })];
    let mut crew = SimCrew::new(plan);
    let first = run(&mut crew, &trial(1, 90.0, 1.8, 21), &mut Eyes::open());
    assert_eq!(lost(&first), ["sim-1", "sim-4"], "two are gone");
    let again = trial(2, 90.0, 1.8, 22);
    let second = run(&mut crew, &again, &mut Eyes::open());
    assert!(second.lapses.is_empty(), "{:?}", second.lapses);
    assert_eq!(second.agents.len(), 3, "the rest sends everything");
    assert_same(&second, &alone(&again, |plan| plan.seed = sound(1, 21).seed), "as one would");
}
