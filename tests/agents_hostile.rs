//! Whoever reaches the bus can write anything on it: what an agent makes of a coordinator that lies, and a coordinator of an
//! agent that does.
#![cfg(feature = "nats")]
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

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::{Client, Subscriber};
use futures_util::StreamExt;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use plimsoll::agents::Assignment;
use plimsoll::agents::frames::Assembly;
use plimsoll::agents::wire::{Enlisted, Prepare, Reply, Request, Told, written};
use plimsoll::schedule::deal::Share;
use plimsoll::trial::update::{Times, Told as Known};
use plimsoll::trial::{TrialId, Workload};
use serde_json::{Value, json};
use support::tool::plimsoll;
use support::trials::{GENTLE, Load, plan};
use support::{Manner, Server};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// A program of the test; it is ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.0.id()) {
            let _gone = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        for _ in 0..60 {
            if matches!(self.0.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A bus, and what speaks on it as it likes.
struct Bus {
    url: String,
    runtime: Runtime,
    client: Client,
    _server: Process,
}

impl Bus {
    fn start(program: &str) -> Self {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &port.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Process(command.spawn().unwrap());
        wait_for("the bus", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        let url = format!("nats://127.0.0.1:{port}");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async_nats::connect(&url)).unwrap();
        Self { url, runtime, client, _server: server }
    }

    fn subscribe(&self, subject: &str) -> Subscriber {
        let subscriber = self.runtime.block_on(self.client.subscribe(subject.to_owned())).unwrap();
        self.runtime.block_on(self.client.flush()).unwrap();
        subscriber
    }

    fn publish(&self, subject: &str, payload: Vec<u8>) {
        let sent = self.client.publish(subject.to_owned(), payload.into());
        self.runtime.block_on(sent).unwrap();
    }

    /// The answer of the agent `id`.
    fn ask(&self, id: &str, payload: Vec<u8>) -> Reply {
        let subject = format!("plimsoll.agent.{id}");
        let asked = async {
            timeout(Duration::from_secs(10), self.client.request(subject, payload.into())).await
        };
        let answer = self.runtime.block_on(asked).expect("an answer in time").expect("an answer");
        serde_json::from_slice(&answer.payload).expect("a reply")
    }

    /// The only agent on the bus, once it is there.
    fn found(&self) -> String {
        let inbox = self.client.new_inbox();
        let mut answers = self.subscribe(&inbox);
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < Duration::from_secs(30), "an agent is there in time");
            let asked = self.client.publish_with_reply(
                "$SRV.PING.plimsoll-agent",
                inbox.clone(),
                Vec::new().into(),
            );
            self.runtime.block_on(asked).unwrap();
            let heard = async { timeout(Duration::from_millis(200), answers.next()).await };
            if let Ok(Some(message)) = self.runtime.block_on(heard) {
                // While nobody is there, the bus itself says so, without a word.
                if let Ok(pong) = serde_json::from_slice::<Value>(&message.payload) {
                    return pong["id"].as_str().unwrap().to_owned();
                }
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} is there in time");
        thread::sleep(Duration::from_millis(20));
    }
}

fn nats_server() -> Option<&'static str> {
    let find = || {
        ["nats-server", "/usr/sbin/nats-server"].into_iter().find(|program| {
            Command::new(program).arg("--version").output().is_ok_and(|it| it.status.success())
        })
    };
    if find().is_none() {
        tools::install("nats-server");
    }
    tools::need("nats-server is needed", find().ok_or_else(|| "there is none".to_owned()))
}

/// An agent, and what it says on its terminal.
fn agent(folder: &Path, bus: &Bus, target: &str) -> (Process, Arc<Mutex<String>>) {
    let words = [format!("NATS={}", bus.url), format!("ALLOW_TARGET={target}")];
    let mut child =
        plimsoll(folder, &["agent", &words[0], &words[1], "NAME=honest"]).spawn().unwrap();
    let (said, pipe) = (Arc::new(Mutex::new(String::new())), child.stderr.take().unwrap());
    let heard = Arc::clone(&said);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            heard.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    (Process(child), said)
}

fn now_ns() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

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

/// `message` with another value at `pointer`.
fn with(mut message: Value, pointer: &str, value: Value) -> Value {
    *message.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
    message
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
    let Some(program) = nats_server() else { return };
    let (folder, bus) = (tempfile::tempdir().unwrap(), Bus::start(program));
    let server = Server::start(Manner::KeepAlive);
    let (mut agent, said) = agent(folder.path(), &bus, &server.address.to_string());
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
    assert!(agent.0.try_wait().unwrap().is_none(), "it is still there");
    honest(&bus, &id);
    let sent = server.requests.load(Ordering::Relaxed);
    assert_eq!(sent, 100, "an honest coordinator is served, and exactly so");
    let said = said.lock().unwrap();
    assert!(!said.contains(|letter: char| letter.is_control() && letter != '\n'), "{said:?}");
    assert!(!said.contains("panic"), "{said}");
}

/// One trial as it should be, to its last report; a stranger's words in the middle of it change nothing.
fn honest(bus: &Bus, id: &str) {
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

/// What an agent tells, as bytes; told the number of the trial.
type Lie = fn(u32) -> Vec<Vec<u8>>;

/// An agent of the test: it does everything right until it tells of its trial.
struct Liar {
    lie: Lie,
    /// Whether it does not wait for the order to go.
    is_early: bool,
}

impl Liar {
    async fn work(self, client: Client) {
        let mut calls = client.subscribe("$SRV.PING.plimsoll-agent").await.unwrap();
        let mut orders = client.subscribe("plimsoll.agent.LIAR").await.unwrap();
        let (mut run, mut ticks) = (None, tokio::time::interval(Duration::from_millis(100)));
        loop {
            tokio::select! {
                Some(call) = calls.next() => {
                    let pong = json!({"type": "io.nats.micro.v1.ping_response", "name": "plimsoll-agent",
                        "id": "LIAR", "version": env!("CARGO_PKG_VERSION"), "metadata": {}});
                    drop(client.publish(call.reply.unwrap(), written(&pong).into()).await);
                }
                Some(order) = orders.next() => {
                    let Ok(request) = serde_json::from_slice::<Request>(&order.payload) else { continue };
                    let (reply, trial) = self.answer(request, &mut run);
                    if let Some(to) = order.reply {
                        drop(client.publish(to, written(&reply).into()).await);
                    }
                    for frame in trial.map(self.lie).into_iter().flatten() {
                        let run = run.clone().unwrap_or_default();
                        let subject = format!("plimsoll.run.{run}.report.LIAR");
                        drop(client.publish(subject, frame.into()).await);
                    }
                }
                _ = ticks.tick() => if let Some(run) = &run {
                    let subject = format!("plimsoll.run.{run}.alive.LIAR");
                    drop(client.publish(subject, Vec::new().into()).await);
                }
            }
        }
    }

    /// What it answers, and of which trial it tells then.
    fn answer(&self, request: Request, run: &mut Option<String>) -> (Reply, Option<u32>) {
        match request {
            Request::Clock {} => {
                (Reply::Clock { received_ns: now_ns(), answered_ns: now_ns() }, None)
            }
            Request::Enlist(enlist) => {
                *run = Some(enlist.run);
                let about = Enlisted {
                    name: "liar".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    cores: u32::MAX,
                    lanes_max: u32::MAX,
                    calibrated_rps: Some(1e9),
                    cpu_us_per_request: Some(0.0),
                };
                (Reply::Enlisted(about), None)
            }
            Request::Prepare(prepare) => {
                let trial = serde_json::to_value(&prepare).unwrap()["trial"].as_u64().unwrap();
                (Reply::Yes {}, self.is_early.then(|| u32::try_from(trial).unwrap()))
            }
            Request::Go { trial, .. } => (Reply::Yes {}, Some(trial).filter(|_| !self.is_early)),
            _ => (Reply::Yes {}, None),
        }
    }
}

fn frame(trial: u32, body: &[u8]) -> Vec<Vec<u8>> {
    let head = json!({"trial": trial, "serial": 0, "part": 0, "parts": 1});
    vec![[head.to_string().as_bytes(), b"\n", body].concat()]
}

/// The report of a trial in which nothing was due, with another value at `pointer`.
fn done(trial: u32, pointer: &str, value: Value) -> Vec<Vec<u8>> {
    let timeout_ns = 1_000_000_000;
    let tally = plimsoll::trial::tally::Tally::new(0.0, 0.0, timeout_ns, None);
    let sender = json!([[Known::default().update(&tally), Times::of(&tally)]]);
    let vitals = plimsoll::trial::result::Vitals::default();
    let report = json!({"done": {"trial": trial, "senders": [sender], "accepted": {}, "stopped": null,
        "vitals": vitals}});
    frame(trial, with(report, pointer, value).to_string().as_bytes())
}

/// What is told, whether before the order to go, and what is made of it.
const LIES: [(&str, Lie, bool, &str); 6] = [
    ("bytes", |_| vec![b"\xff\x1b[2J".to_vec()], false, "none of this tool"),
    (
        "a key with an escape",
        |trial| frame(trial, b"{\"\\u001b[2J\":1}"),
        false,
        "none of this tool",
    ),
    (
        "words with an escape",
        |trial| frame(trial, b"{\"refused\":{\"why\":\"\\u001b[2Jgone\"}}"),
        false,
        "[2Jgone",
    ),
    (
        "more requests than numbers go",
        |trial| done(trial, "/done/senders/0/0/0/totals/scheduled", json!(u64::MAX)),
        false,
        "counts that cannot be",
    ),
    (
        "documents that are none",
        |trial| done(trial, "/done/accepted", json!({"7": "AA=="})),
        false,
        "none of this tool",
    ),
    (
        "an end before the start",
        |trial| done(trial, "/done/stopped", Value::Null),
        true,
        "does not run",
    ),
];

#[test]
fn a_coordinator_is_not_led_astray_by_an_agent_that_tells_nonsense() {
    let Some(program) = nats_server() else { return };
    thread::scope(|scope| {
        for (what, lie, is_early, why) in LIES {
            scope.spawn(move || {
                let (folder, bus) = (tempfile::tempdir().unwrap(), Bus::start(program));
                let liar = bus.runtime.spawn(Liar { lie, is_early }.work(bus.client.clone()));
                let nats = format!("NATS={}", bus.url);
                let arguments = [
                    "capacity",
                    &nats,
                    "AGENTS=1",
                    "PRESET=quick",
                    "BUDGET_S=139",
                    "CLOCK_ERROR_MS=500",
                ];
                let output = plimsoll(folder.path(), &arguments).output().unwrap();
                let told = String::from_utf8_lossy(&output.stderr).into_owned();
                liar.abort();
                assert!(matches!(output.status.code(), Some(3 | 4)), "{what}: {told}");
                let line = told.lines().find(|line| line.contains("agent liar was lost"));
                assert!(line.is_some_and(|line| line.contains(why)), "{what}: {told}");
                assert!(!told.contains('\u{1b}') && !told.contains("panic"), "{what}: {told:?}");
            });
        }
    });
}
