//! A thousand agents in virtual time: together they are one, and of those that are lost each is named.

use std::collections::BTreeSet;

use crate::support::crew::{Eyes, alone, assert_honest, assert_same, lost, run, sound, trial};
use plimsoll::agents::Crew;
use plimsoll::sim::crew::SimCrew;
use plimsoll::sim::crew::plan::Mishap;
use plimsoll::trial::{StopCause, TrialPlan};

const AGENTS: usize = 1000;

/// A trial of documents alone: the books of a stream take half a megabyte at each end.
fn indexing(measure_s: f64, seed: u64) -> TrialPlan {
    let mut trial = trial(1, 1500.0, measure_s, seed);
    trial.streams.truncate(1);
    trial
}

#[test]
fn a_thousand_agents_count_what_one_would() {
    let trial = indexing(0.8, 17);
    let mut plan = sound(AGENTS, 17);
    // As long as a coordinator needs for a report.
    plan.handling_us = 300.0;
    let (mut crew, mut eyes) = (SimCrew::new(plan), Eyes::open());
    let together = run(&mut crew, &trial, &mut eyes);
    assert!(together.lapses.is_empty(), "{:?}", together.lapses);
    assert_eq!(together.agents.len(), AGENTS, "all of them have told what they counted");
    assert_same(&together, &alone(&trial, |_| {}), "a thousand agents");
    assert_eq!(crew.target().doubled, 0, "no document comes twice");
    assert!(!eyes.ticks.is_empty(), "they were looked at together");
}

#[test]
fn of_a_thousand_agents_exactly_those_are_named_that_were_lost() {
    let trial = indexing(2.8, 19);
    let mut plan = sound(AGENTS, 19);
    plan.way.loss_ratio = 0.01;
    plan.way.jitter_ms = 3.0;
    plan.ahead_most_s = 300.0;
    plan.handling_us = 300.0;
    let dead = [3, 500, 999];
    plan.mishaps = dead.map(|agent| (agent, Mishap::Dies { at_s: 0.4 })).to_vec();
    let mut crew = SimCrew::new(plan);
    let together = run(&mut crew, &trial, &mut Eyes::open());
    assert_eq!(together.stopped, Some(StopCause::AgentLost), "it is void");
    let wanted: BTreeSet<usize> = crew.hurt().iter().copied().chain(dead).collect();
    let mut wanted: Vec<String> = wanted.iter().map(|agent| format!("sim-{}", agent + 1)).collect();
    wanted.sort();
    assert!(wanted.len() > 10, "something was lost on the bus: {wanted:?}");
    assert_eq!(lost(&together), wanted, "whose reports were lost, who died, and nobody else");
    assert_honest(&crew, &together);
    assert_eq!(crew.muster().len(), dead.len(), "whoever only lost a message sends again");
    assert_eq!(crew.members().len(), AGENTS - dead.len(), "and all others too");
}
