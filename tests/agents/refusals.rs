//! What a run or an agent cannot begin with, told with the cure.

use std::time::Duration;

use crate::site::{Site, sponge};
use crate::support::bus::{Agent, slow_way};
use crate::support::tool::{run, stderr};

#[test]
fn a_clock_that_is_too_unsure_is_refused_before_any_load() {
    let Some(site) = Site::new() else { return };
    let far = slow_way(([127, 0, 0, 1], site.bus.port).into(), Duration::from_millis(20));
    let _near = site.agents(&["near"]);
    let _far = Agent::start(site.folder(), &format!("nats://{far}"), "far");
    let (target, names) = sponge();
    let refused = site.command(&["capacity", &target, "AGENTS=2"]).output().unwrap();
    let said = stderr(&refused);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("clock of agent far") && said.contains("CLOCK_ERROR_MS"), "{said}");
    let sent = names.lock().unwrap().len();
    assert!(sent < 50, "only the coordinator asked whether it is ready, {sent} times");
}

#[test]
fn a_bus_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (target, _names) = sponge();
    for words in [
        &["capacity", &target, "AGENTS=1", "NATS=nats://127.0.0.1:9"][..],
        &["agent", "NATS=nats://127.0.0.1:9", "ALLOW_TARGET=127.0.0.1:*"],
    ] {
        let nowhere = run(folder.path(), words);
        assert_eq!(nowhere.status.code(), Some(4), "{}", stderr(&nowhere));
        assert!(stderr(&nowhere).contains("NATS=nats://127.0.0.1:9"), "{}", stderr(&nowhere));
    }
}

#[test]
fn settings_that_do_not_fit_together_are_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
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
