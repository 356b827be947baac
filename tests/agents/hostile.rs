//! What an agent makes of a coordinator that lies, and of anybody in its place.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt;
use plimsoll::agents::Assignment;
use plimsoll::agents::frames::Assembly;
use plimsoll::agents::wire::{Prepare, Reply, Request, Told, written};
use plimsoll::schedule::deal::Share;
use plimsoll::trial::{TrialId, Workload};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::site::Site;
use crate::support::bus::Agent;
use crate::support::trials::{GENTLE, Load, plan};
use crate::support::{Manner, Server};
use crate::talk::{Talk, now_ns, with};

fn enlist(run: &str, target: &str, settings: &Value) -> Value {
    json!({"enlist": {"run": run, "target": target, "settings": settings, "data_profile": null}})
}

/// The whole of a short trial, for run `run`.
fn prepare(run: &str) -> Value {
    let plan = plan(&Load { rps: 100.0, ..GENTLE }, &[Workload::Index]);
    let numbers = 0..plan.documents_max();
    let assignment = Assignment { plan, share: Share::WHOLE, numbers };
    serde_json::to_value(Request::Prepare(Prepare::new(run, &assignment))).unwrap()
}

fn go(run: &str, start_ns: u64) -> Value {
    json!({"go": {"run": run, "trial": 1, "start_ns": start_ns}})
}

/// What nobody may ask of an agent that serves nobody, and what it says to that.
fn nonsense(target: &str) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let mut table: Vec<(&str, Vec<u8>, &str)> = vec![
        ("nothing", Vec::new(), "none of this tool"),
        ("bytes", vec![0xff, 0x00, 0x1b, b'[', b'2', b'J'], "none of this tool"),
        ("much", vec![b'['; 700_000], "a message of 700000 bytes"),
        ("a deep hole", vec![b'['; 100_000], "none of this tool"),
        ("a key with an escape", b"{\"\\u001b[2J\":{}}".to_vec(), "none of this tool"),
    ];
    let none = json!({});
    let known = |settings: Value| enlist("run", target, &settings);
    let header = json!({"index": {"method": "POST", "path": "/", "headers": {"Authorization": "x"}},
        "dashboard": {"method": "GET", "path": "/"}});
    let split = json!({"index": {"method": "POST", "path": "/", "headers": {"x": "1\r\nhost: evil"}},
        "dashboard": {"method": "GET", "path": "/"}});
    let http = |section: &Value| known(json!({"PROFILE": "http", "HTTP": section.to_string()}));
    let file = || with(known(none.clone()), "/enlist/data_profile", json!("/etc/passwd"));
    let orders = [
        ("an unknown order", json!({"shell": {"command": "id"}}), "none of this tool"),
        ("an unknown key", json!({"release": {"run": "run", "more": 1}}), "none of this tool"),
        ("a run that is a subject", enlist("a.>", target, &none), "no proper name"),
        (
            "the metadata of a cloud",
            enlist("run", "http://169.254.169.254", &none),
            "may not send to",
        ),
        ("another port", enlist("run", "http://127.0.0.1:1", &none), "may not send to"),
        (
            "the target by another name",
            enlist("run", &target.replace("127.0.0.1", "127.1"), &none),
            "may not send to",
        ),
        (
            "a user in front of it",
            enlist("run", "http://127.0.0.1:1@evil.example", &none),
            "user or a password",
        ),
        ("a file", enlist("run", "file:///etc/passwd", &none), "TARGET must be"),
        ("a server of its own", enlist("run", "embedded", &none), "no URL"),
        ("a container", enlist("run", "docker", &none), "no URL"),
        ("a command", known(json!({"LAUNCH": "sh -c id {port}"})), "may not set LAUNCH"),
        ("another list", known(json!({"ALLOW_TARGET": "evil:80"})), "may not set ALLOW_TARGET"),
        ("no check of certificates", known(json!({"INSECURE": "true"})), "may not set INSECURE"),
        ("a folder", known(json!({"OUT": "/tmp/evil"})), "may not set OUT"),
        ("an escape for a setting", known(json!({"\u{1b}[2J": "x"})), "may not set"),
        (
            "a file of kinds",
            known(json!({"PROFILE_DATA": "/etc/passwd"})),
            "no profile that is built in",
        ),
        ("kinds that are none", file(), "it is no profile"),
        ("threads without end", known(json!({"THREADS": "100000"})), "THREADS"),
        ("connections without end", known(json!({"LANES_MAX": "4000000000"})), "LANES_MAX"),
        ("principals without end", known(json!({"PRINCIPALS": "4000000000"})), "PRINCIPALS"),
        ("a header that holds a secret", http(&header), "Authorization"),
        ("a header that holds two", http(&split), "http.index"),
        ("a trial of nobody", prepare("run"), "not enlisted"),
        ("a start of nobody", go("run", now_ns() + 1_000_000_000), "not enlisted"),
        (
            "a stop of nobody",
            json!({"stop": {"run": "run", "trial": 1, "cause": "decided"}}),
            "not enlisted",
        ),
        ("a release of nobody", json!({"release": {"run": "run"}}), "not enlisted"),
    ];
    let orders = orders.into_iter().map(|(what, order, why)| (what, written(&order), why));
    table.extend(orders);
    table
}

/// What the coordinator of run `own` may not ask either, nor anybody in its place.
fn lies() -> Vec<(&'static str, Value, &'static str)> {
    let own = || prepare("own");
    let stream = own()["prepare"]["streams"][0].clone();
    let third = json!([stream.clone(), stream]);
    vec![
        ("a stranger's trial", prepare("other"), "not enlisted by this run"),
        (
            "a stranger's run",
            enlist("other", "http://127.0.0.1:1", &json!({})),
            "works for another run",
        ),
        ("a start without a trial", go("own", now_ns() + 1_000_000_000), "not ready"),
        (
            "numbers that do not fit",
            with(own(), "/prepare/end_number", json!(5)),
            "out of its bounds",
        ),
        (
            "numbers without end",
            with(own(), "/prepare/end_number", json!(u64::MAX)),
            "out of its bounds",
        ),
        ("a year", with(own(), "/prepare/measure_s", json!(3.2e7)), "out of its bounds"),
        ("less than nothing", with(own(), "/prepare/warmup_s", json!(-1.0)), "out of its bounds"),
        ("slots that are none", with(own(), "/prepare/slots", json!(65)), "out of its bounds"),
        (
            "more slots than there are",
            with(own(), "/prepare/end_slot", json!(65)),
            "out of its bounds",
        ),
        ("no rate", with(own(), "/prepare/streams/0/offered_rps", json!(0.0)), "out of its bounds"),
        ("no streams", with(own(), "/prepare/streams", json!([])), "out of its bounds"),
        ("the same stream twice", with(own(), "/prepare/streams", third), "out of its bounds"),
        (
            "a load of another kind",
            with(own(), "/prepare/streams/0/workload", json!("shell")),
            "out of its bounds",
        ),
        (
            "another batch",
            {
                let order = with(own(), "/prepare/streams/0/batch", json!(7));
                let most = order["prepare"]["end_number"].as_u64().unwrap();
                with(order, "/prepare/end_number", json!(7 * most))
            },
            "another BATCH",
        ),
    ]
}

#[test]
fn an_agent_refuses_what_is_not_its_owners_will_and_works_for_the_next_coordinator() {
    let Some(site) = Site::new() else { return };
    let server = Server::start(Manner::KeepAlive);
    let allow = format!("ALLOW_TARGET={}", server.address);
    let mut agent = Agent::of(site.command(&["agent", &allow, "NAME=honest"]));
    let bus = Talk::on(&site.bus.url());
    let id = bus.found();
    let target = server.base_url();
    let is_refused = |what: &str, payload: Vec<u8>, why: &str| match bus.ask(&id, payload) {
        Reply::No { why: told } => assert!(told.contains(why), "{what}: {told}"),
        other => panic!("{what} is not refused: {other:?}"),
    };
    for (what, payload, why) in nonsense(&target) {
        is_refused(what, payload, why);
    }
    let yes = |what: &str, order: &Value| {
        let reply = bus.ask(&id, written(order));
        assert_eq!(reply, Reply::Yes {}, "{what}");
    };
    let enlisted = bus.ask(&id, written(&enlist("own", &target, &json!({}))));
    assert!(matches!(enlisted, Reply::Enlisted(_)), "{enlisted:?}");
    for (what, order, why) in lies() {
        is_refused(what, written(&order), why);
    }
    yes("a trial", &prepare("own"));
    is_refused("a stranger's trial", written(&prepare("other")), "not enlisted by this run");
    is_refused("a start far away", written(&go("own", u64::MAX)), "too far away");
    is_refused("a start in the past", written(&go("own", now_ns() - 1_000_000)), "over already");
    is_refused("a start once more", written(&go("own", now_ns() + 1_000_000_000)), "not ready");
    // Words on the other subjects: signs of life that are none, reports of others.
    for subject in
        ["plimsoll.run.own.beat", "plimsoll.run.own.report.x", "plimsoll.run.own.alive.x"]
    {
        for payload in
            [&b"\xff"[..], b"{\"stop\":[1]}", b"{\"stop\":null,\"more\":1}", &vec![b'['; 90_000]]
        {
            bus.publish(subject, payload.to_vec());
        }
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 0, "nothing was sent at all");
    assert!(agent.process.try_wait().unwrap().is_none(), "it is still there");
    honest(&bus, &id);
    let sent = server.requests.load(Ordering::Relaxed);
    assert_eq!(sent, 100, "an honest coordinator is served, and exactly so");
    let said = agent.said.lock().unwrap();
    assert!(!said.contains(|letter: char| letter.is_control() && letter != '\n'), "{said:?}");
    assert!(!said.contains("panic"), "{said}");
}

/// One trial as it should be, to its last report; a stranger's words in the middle of it change nothing.
fn honest(bus: &Talk, id: &str) {
    assert_eq!(bus.ask(id, written(&prepare("own"))), Reply::Yes {}, "it gets ready");
    let stranger = bus.ask(id, written(&prepare("other")));
    assert!(matches!(stranger, Reply::No { .. }), "{stranger:?}");
    let mut reports = bus.subscribe(&format!("plimsoll.run.own.report.{id}"));
    let client = bus.client.clone();
    let beats = bus.runtime.spawn(async move {
        loop {
            drop(client.publish("plimsoll.run.own.beat", b"{\"stop\":null}".to_vec().into()).await);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    });
    let start_ns = now_ns() + 200_000_000;
    assert_eq!(bus.ask(id, written(&go("own", start_ns))), Reply::Yes {}, "it starts");
    let busy = bus.ask(id, written(&enlist("own", "http://127.0.0.1:1", &json!({}))));
    assert!(matches!(busy, Reply::No { .. }), "{busy:?}");
    let stop = json!({"stop": {"run": "other", "trial": 1, "cause": "decided"}});
    let stranger = bus.ask(id, written(&stop));
    assert!(matches!(stranger, Reply::No { .. }), "{stranger:?}");
    let mut assembly = Assembly::new(TrialId(1));
    let done = loop {
        let next = async { timeout(Duration::from_secs(10), reports.next()).await };
        let frame = bus.runtime.block_on(next).expect("a report in time").unwrap();
        if let Some(Told::Done(done)) = assembly.take(&frame.payload).unwrap() {
            break done;
        }
    };
    beats.abort();
    assert_eq!(done.accepted.len(), 100, "every document once");
    assert_eq!(done.stopped, None, "to its end");
}
