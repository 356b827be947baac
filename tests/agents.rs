//! Several machines as one: real agents on a real bus, and what happens when one of them is lost.
#![allow(
    clippy::disallowed_methods,
    reason = "the limits of the contract are held against the clock of the test"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code fails loudly"
)]

mod support;
#[path = "../example-api/tests/common/tools.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    clippy::missing_panics_doc,
    reason = "helpers of another package's tests, of which this one uses a part"
)]
mod tools;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::bus::{Agent, Bus, nats_server, slow_way};
use support::hosts::Hosts;
use support::tool::{journal, latest, plimsoll, run, stderr};
use support::web::serve;

/// Runs are measurements: not two of them at once.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn server() -> Option<PathBuf> {
    tools::need("runs with agents", nats_server(tools::install))
}

/// Waits until `ready`, at most `limit_s` seconds.
fn wait_for(what: &str, limit_s: f64, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed().as_secs_f64() < limit_s, "{what} took longer than {limit_s} s");
        thread::sleep(Duration::from_millis(50));
    }
}

/// How it ended, and what it said.
fn finish(mut child: Child, limit_s: f64) -> (Option<i32>, String) {
    let mut pipe = child.stderr.take().unwrap();
    let said = thread::spawn(move || {
        let mut said = String::new();
        drop(pipe.read_to_string(&mut said));
        said
    });
    let mut status = None;
    wait_for("the end of the run", limit_s, || {
        status = child.try_wait().expect("a child");
        status.is_some()
    });
    (status.and_then(|status| status.code()), said.join().unwrap())
}

fn agents(folder: &Path, bus: &Bus, names: &[&str]) -> Vec<Agent> {
    // All at once: each asks itself for some seconds what it can do.
    let url = bus.url();
    let starting: Vec<_> = names
        .iter()
        .map(|name| {
            let (folder, url, name) = (folder.to_owned(), url.clone(), (*name).to_owned());
            thread::spawn(move || Agent::start(&folder, &url, &name))
        })
        .collect();
    starting.into_iter().map(|agent| agent.join().unwrap()).collect()
}

/// A target that accepts everything at once; the names of the documents that it was sent, in their order.
fn sponge() -> (String, Arc<Mutex<Vec<String>>>) {
    let names: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&names);
    let address = serve(move |request| {
        if request.method == "POST" {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            kept.lock().unwrap().push(body["name"].to_string());
        }
        let answer = if request.method == "GET" { "{}" } else { "\"OK\"" };
        (200, answer.to_owned())
    });
    (format!("TARGET=http://{address}"), names)
}

/// The last trial in the journal that has begun to be followed by another one.
fn trials(folder: &Path) -> usize {
    journal(folder).iter().filter(|line| line["kind"] == "trial").count()
}

fn capacity(result: &Value) -> f64 {
    result["capacity"]["rps"]
        .as_f64()
        .unwrap_or_else(|| panic!("no capacity: {}", result["capacity"]))
}

const SLEEPY: [&str; 6] =
    ["capacity", "WORKERS=2", "SERVICE_MS=10", "PRESET=quick", "LEVELS=none", "SEED=5"];

/// `alone` finds it with nobody's help; three agents find the same, although one of them is killed in the middle of a
/// trial, the bus starts anew between two others, and the clock of a third one is wrong.
#[test]
fn three_agents_find_what_one_machine_finds_whatever_happens_to_one_of_them() {
    let Some(program) = server() else { return };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    // Both at once: two targets that sleep leave the machine time enough.
    let own_folder = tempfile::tempdir().unwrap();
    let own = plimsoll(own_folder.path(), &SLEEPY).spawn().unwrap();
    let mut bus = Bus::start(&program);
    let mut crew = agents(folder.path(), &bus, &["a1", "a2"]);
    let nats = format!("NATS={}", bus.url());
    let words = ["agent", &nats, "ALLOW_TARGET=127.0.0.1:*", "NAME=ahead", "CLOCK_AHEAD_MS=50"];
    crew.push(Agent::of(plimsoll(folder.path(), &words)));
    let arguments = [&SLEEPY[..], &["AGENTS=3", &nats]].concat();
    let child = plimsoll(folder.path(), &arguments).spawn().unwrap();
    // In the middle of a trial: the next one is under way as soon as a recovery is in the journal.
    wait_for("the third trial", 60.0, || {
        trials(folder.path()) >= 3
            && journal(folder.path()).last().is_some_and(|line| line["kind"] == "recovery")
    });
    thread::sleep(Duration::from_millis(1200));
    crew[0].kill_9();
    let before = trials(folder.path());
    wait_for("two more trials", 60.0, || trials(folder.path()) >= before + 2);
    bus.restart();
    let (code, said) = finish(child, 200.0);
    assert!(code.is_some_and(|code| code <= 1), "code {code:?}: {said}");

    let (own_code, own_said) = finish(own, 100.0);
    assert!(own_code.is_some_and(|code| code <= 1), "code {own_code:?}: {own_said}");
    let wanted = capacity(&latest(own_folder.path()));

    let result = latest(folder.path());
    let found = capacity(&result);
    assert!((found / wanted - 1.0).abs() < 0.03, "{found} with agents, {wanted} without");
    let lost: Vec<&Value> = result["agents"].as_array().unwrap().iter().collect();
    let of = |name: &str| *lost.iter().find(|agent| agent["name"] == name).expect(name);
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

/// What all agents counted is what the trials say, one by one.
fn books_balance(result: &Value) {
    for trial in result["trials"].as_array().unwrap() {
        let parts = trial["agents"].as_array().unwrap();
        let sum = |key: &str| parts.iter().map(|part| part[key].as_u64().unwrap()).sum::<u64>();
        let streams = trial["streams"].as_array().unwrap();
        let whole: u64 =
            streams.iter().map(|stream| stream["counts"]["scheduled"].as_u64().unwrap()).sum();
        assert_eq!(sum("offered"), whole, "{}", trial["id"]);
    }
}

#[test]
fn a_run_whose_agents_are_all_killed_ends_with_code_4_within_ten_seconds() {
    let Some(program) = server() else { return };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(&program);
    let mut crew = agents(folder.path(), &bus, &["a1", "a2"]);
    let (target, _names) = sponge();
    let nats = format!("NATS={}", bus.url());
    let arguments =
        ["capacity", &target, "CEILING_RPS=60", "GOAL_RPS=50", "PRESET=quick", "AGENTS=2", &nats];
    let child = plimsoll(folder.path(), &arguments).spawn().unwrap();
    wait_for("the first trial", 60.0, || trials(folder.path()) >= 1);
    crew.iter_mut().for_each(Agent::kill_9);
    let (code, said) = finish(child, 10.0);
    assert_eq!(code, Some(4), "{said}");
    let result = latest(folder.path());
    assert_eq!(result["capacity"]["finding"], "agents_lost", "it says what happened");
    assert!(result["capacity"]["rps"].is_null(), "and invents no number");
}

#[test]
fn a_run_that_is_to_be_signed_off_ends_with_the_first_agent_that_is_lost() {
    let Some(program) = server() else { return };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(&program);
    let mut crew = agents(folder.path(), &bus, &["a1", "a2"]);
    let (target, _names) = sponge();
    let nats = format!("NATS={}", bus.url());
    let arguments =
        ["capacity", &target, "CEILING_RPS=60", "GOAL_RPS=50", "PRESET=signoff", "AGENTS=2", &nats];
    let child = plimsoll(folder.path(), &arguments).spawn().unwrap();
    wait_for("the first trial", 60.0, || trials(folder.path()) >= 1);
    crew[1].kill_9();
    let (code, said) = finish(child, 20.0);
    assert_eq!(code, Some(3), "{said}");
    assert_eq!(latest(folder.path())["capacity"]["finding"], "agent_lost");
}

#[test]
fn agents_whose_coordinator_is_killed_stop_sending_within_two_seconds() {
    let Some(program) = server() else { return };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(&program);
    let _crew = agents(folder.path(), &bus, &["a1", "a2"]);
    let (target, names) = sponge();
    let nats = format!("NATS={}", bus.url());
    let arguments = [
        "capacity",
        &target,
        "CEILING_RPS=400",
        "FLOOR_RPS=200",
        "GOAL_RPS=300",
        "PRESET=quick",
        "AGENTS=2",
        &nats,
    ];
    let mut child = plimsoll(folder.path(), &arguments).spawn().unwrap();
    let sent = || names.lock().unwrap().len();
    // Well into a trial of the search.
    wait_for("a trial of the search", 60.0, || trials(folder.path()) >= 3);
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
fn a_clock_that_is_too_unsure_is_refused_before_any_load() {
    let Some(program) = server() else { return };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bus = Bus::start(&program);
    let far = slow_way(([127, 0, 0, 1], bus.port).into(), Duration::from_millis(20));
    let _near = Agent::start(folder.path(), &bus.url(), "near");
    let _far = Agent::start(folder.path(), &format!("nats://{far}"), "far");
    let (target, names) = sponge();
    let nats = format!("NATS={}", bus.url());
    let refused = run(folder.path(), &["capacity", &target, "AGENTS=2", &nats]);
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("clock of agent far") && said.contains("CLOCK_ERROR_MS"), "{said}");
    let sent = names.lock().unwrap().len();
    assert!(sent < 50, "only the coordinator asked whether it is ready, {sent} times");
}

#[test]
fn missing_agents_and_a_missing_bus_are_told_with_the_cure() {
    let Some(program) = server() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (target, _names) = sponge();
    let nowhere = run(folder.path(), &["capacity", &target, "AGENTS=1", "NATS=nats://127.0.0.1:9"]);
    assert_eq!(nowhere.status.code(), Some(4), "{}", stderr(&nowhere));
    assert!(stderr(&nowhere).contains("NATS=nats://127.0.0.1:9"), "{}", stderr(&nowhere));
    let nowhere =
        run(folder.path(), &["agent", "NATS=nats://127.0.0.1:9", "ALLOW_TARGET=127.0.0.1:*"]);
    assert_eq!(nowhere.status.code(), Some(4), "{}", stderr(&nowhere));

    let locked = Bus::with(&program, &["--auth", "hunter2"]);
    let nats = format!("NATS={}", locked.url());
    let refused = run(folder.path(), &["agent", &nats, "ALLOW_TARGET=127.0.0.1:*"]);
    assert_eq!(refused.status.code(), Some(4), "{}", stderr(&refused));
    let mut known = plimsoll(folder.path(), &["agent", &nats, "ALLOW_TARGET=127.0.0.1:*"]);
    known.env("NATS_TOKEN", "hunter2");
    drop(Agent::of(known));

    for (words, word) in [
        (&["capacity", "AGENTS=2"][..], "NATS"),
        (&["capacity", "NATS=nats://127.0.0.1:9"], "AGENTS"),
        (&["agent", "ALLOW_TARGET=127.0.0.1:*"], "NATS"),
        (&["agent", "NATS=nats://127.0.0.1:9"], "ALLOW_TARGET"),
        (&["agent", "NATS=nats://127.0.0.1:9", "ALLOW_TARGET=*"], "ALLOW_TARGET"),
        (&["agent", "NATS=nats://u:hunter2@127.0.0.1:9", "ALLOW_TARGET=127.0.0.1:*"], "NATS_TOKEN"),
    ] {
        let refused = run(folder.path(), words);
        let said = stderr(&refused);
        assert_eq!(refused.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(word) && said.trim().lines().count() == 1, "{words:?}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// Three hosts and a bus, each in a network of its own where the kernel lets us make some: every document is there, once.
#[test]
fn three_hosts_send_together_and_no_document_is_lost_or_sent_twice() {
    let Some(program) = server() else { return };
    let Some(net) = tools::need("agents on hosts of their own", Hosts::make(4)) else { return };
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let bus = net.serve(0, &program, &["-a", "0.0.0.0", "-p", "4222"]);
    let api = Path::new(env!("CARGO_BIN_EXE_plimsoll")).with_file_name("example-api");
    let target = net.serve(0, &api, &["--listen", "0.0.0.0:1234"]);
    let nats = format!("NATS=nats://{}:4222", Hosts::address(0));
    let url = format!("TARGET=http://{}:1234", Hosts::address(0));
    let allow = format!("ALLOW_TARGET={}:1234", Hosts::address(0));
    let starting: Vec<_> = (1..4)
        .map(|host| {
            let name = format!("NAME=host{host}");
            let agent = plimsoll(folder.path(), &["agent", &nats, &allow, &name]);
            let agent = net.inside(host, &agent);
            thread::spawn(move || Agent::of(agent))
        })
        .collect();
    let _crew: Vec<Agent> = starting.into_iter().map(|agent| agent.join().unwrap()).collect();
    let words = [
        "capacity",
        &url,
        "ALLOW_REMOTE=true",
        "CEILING_RPS=60",
        "GOAL_RPS=50",
        "PRESET=quick",
        "LEVELS=none",
        "AGENTS=3",
        &nats,
    ];
    let run = plimsoll(folder.path(), &words);
    let (code, said) = finish(net.inside(0, &run).spawn().unwrap(), 120.0);
    drop((bus, target));
    // A pressed machine voids trials, and must: what is sent and told is right all the same.
    assert!(matches!(code, Some(0 | 3)), "{said}");
    assert!(!said.contains("was lost"), "nobody and no message: {said}");
    let result = latest(folder.path());
    assert_eq!(result["agents"].as_array().unwrap().len(), 3, "three hosts sent");
    let verification = &result["verification"];
    assert_eq!(
        (&verification["lost"], &verification["doubled"]),
        (&0.into(), &0.into()),
        "each once"
    );
    assert_eq!(verification["found"], verification["accepted"], "and all of them");
    books_balance(&result);
}
