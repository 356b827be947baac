//! Agents, coordinators and the bus itself that are gone in the middle of a run.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::site::{Site, books_balance, finish, sponge, wait_for};
use crate::support::bus::Agent;
use crate::support::tool::{journal, latest, plimsoll};
use crate::tools;

fn capacity(result: &Value) -> f64 {
    result["capacity"]["rps"]
        .as_f64()
        .unwrap_or_else(|| panic!("no capacity: {}", result["capacity"]))
}

const SLEEPY: [&str; 6] =
    ["capacity", "WORKERS=2", "SERVICE_MS=10", "PRESET=quick", "LEVELS=none", "SEED=5"];

/// One machine finds it with nobody's help; three agents find the same, although one of them is killed in the middle of a
/// trial, the bus starts anew between two others, and the clock of a third one is wrong.
#[test]
fn three_agents_find_what_one_machine_finds_whatever_happens_to_one_of_them() {
    let Some(mut site) = Site::new() else { return };
    // Both at once: two targets that sleep leave the machine time enough.
    let own_folder = tempfile::tempdir().unwrap();
    let own = plimsoll(own_folder.path(), &SLEEPY).spawn().unwrap();
    let mut crew = site.agents(&["a1", "a2"]);
    let words = ["agent", "ALLOW_TARGET=127.0.0.1:*", "NAME=ahead", "CLOCK_AHEAD_MS=50"];
    crew.push(Agent::of(site.command(&words)));
    let child = site.command(&[&SLEEPY[..], &["AGENTS=3"]].concat()).spawn().unwrap();
    // In the middle of a trial: the next one is under way as soon as a recovery is in the journal.
    wait_for("the third trial", 60.0, || {
        let lines = journal(site.folder());
        site.trials() >= 3 && lines.last().is_some_and(|line| line["kind"] == "recovery")
    });
    thread::sleep(Duration::from_millis(1200));
    crew[0].kill_9();
    let before = site.trials();
    wait_for("two more trials", 60.0, || site.trials() >= before + 2);
    site.bus.restart();
    let (code, said) = finish(child, 200.0);
    assert!(code.is_some_and(|code| code <= 1), "code {code:?}: {said}");
    let (own_code, own_said) = finish(own, 100.0);
    assert!(own_code.is_some_and(|code| code <= 1), "code {own_code:?}: {own_said}");

    let result = latest(site.folder());
    let (found, wanted) = (capacity(&result), capacity(&latest(own_folder.path())));
    tools::say(&format!("three agents, one of them killed: {found:.1}/s; alone: {wanted:.1}/s"));
    assert!((found / wanted - 1.0).abs() < 0.03, "{found} with agents, {wanted} without");
    let agents: Vec<&Value> = result["agents"].as_array().unwrap().iter().collect();
    let of = |name: &str| *agents.iter().find(|agent| agent["name"] == name).expect(name);
    let losses = of("a1")["lost"].as_array().unwrap();
    assert!(!losses.is_empty(), "a1 was lost: {}", of("a1"));
    let void =
        result["trials"].as_array().unwrap().iter().find(|trial| trial["id"] == losses[0]["trial"]);
    assert_eq!(void.expect("the trial is there")["verdict"], "void", "which voids its trial");
    let left: f64 =
        ["a2", "ahead"].iter().map(|name| of(name)["share_ratio"].as_f64().unwrap()).sum();
    assert!((left - 1.0).abs() < 1e-9, "the slots were dealt anew: {left}");
    let ahead_ms = of("ahead")["clock_ahead_ms"].as_f64().unwrap();
    assert!((ahead_ms - 50.0).abs() < 1.0, "its clock is 50 ms ahead, not {ahead_ms}");
    books_balance(&result);
}

/// A run of two agents that has just finished its first trial.
const BEGUN: [&str; 4] = ["capacity", "CEILING_RPS=60", "GOAL_RPS=50", "AGENTS=2"];

#[test]
fn a_run_whose_agents_are_all_killed_ends_with_code_4_within_ten_seconds() {
    let Some(site) = Site::new() else { return };
    let mut crew = site.agents(&["a1", "a2"]);
    let (target, _names) = sponge();
    let child = site.command(&[&BEGUN[..], &[&target, "PRESET=quick"]].concat()).spawn().unwrap();
    wait_for("the first trial", 60.0, || site.trials() >= 1);
    crew.iter_mut().for_each(Agent::kill_9);
    let (code, said) = finish(child, 10.0);
    assert_eq!(code, Some(4), "{said}");
    let result = latest(site.folder());
    assert_eq!(result["capacity"]["finding"], "agents_lost", "it says what happened");
    assert!(result["capacity"]["rps"].is_null(), "and invents no number");
}

#[test]
fn a_run_that_is_to_be_signed_off_ends_with_the_first_agent_that_is_lost() {
    let Some(site) = Site::new() else { return };
    let mut crew = site.agents(&["a1", "a2"]);
    let (target, _names) = sponge();
    let child = site.command(&[&BEGUN[..], &[&target, "PRESET=signoff"]].concat()).spawn().unwrap();
    wait_for("the first trial", 60.0, || site.trials() >= 1);
    crew[1].kill_9();
    let (code, said) = finish(child, 20.0);
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(latest(site.folder())["capacity"]["finding"], "agent_lost");
}

#[test]
fn agents_whose_coordinator_is_killed_stop_sending_within_two_seconds() {
    let Some(site) = Site::new() else { return };
    let _crew = site.agents(&["a1", "a2"]);
    let (target, names) = sponge();
    let words = ["capacity", &target, "CEILING_RPS=400", "FLOOR_RPS=200", "GOAL_RPS=300"];
    let mut child =
        site.command(&[&words[..], &["PRESET=quick", "AGENTS=2"]].concat()).spawn().unwrap();
    let sent = || names.lock().unwrap().len();
    // Well into a trial of the search.
    wait_for("a trial of the search", 60.0, || site.trials() >= 3);
    let before = sent();
    wait_for("load", 20.0, || sent() > before + 100);
    child.kill().unwrap();
    child.wait().unwrap();
    thread::sleep(Duration::from_secs(2));
    let after = sent();
    thread::sleep(Duration::from_secs(1));
    assert_eq!(sent(), after, "nothing is sent any more");
}

#[test]
fn who_stops_a_run_while_the_bus_is_away_does_not_wait_for_it() {
    let Some(mut site) = Site::new() else { return };
    let _crew = site.agents(&["a1"]);
    let (target, _names) = sponge();
    let words = ["capacity", &target, "CEILING_RPS=60", "GOAL_RPS=50", "PRESET=quick", "AGENTS=1"];
    let child = site.command(&words).spawn().unwrap();
    wait_for("the first trial", 60.0, || site.trials() >= 1);
    site.bus.stop();
    // Whatever trial was on is over by then, and the next one waits for the bus.
    thread::sleep(Duration::from_secs(3));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).unwrap();
    let (code, said) = finish(child, 10.0);
    assert_eq!(code, Some(130), "{said}");
}
