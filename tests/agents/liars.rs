//! What a coordinator makes of an agent that lies.

use std::thread;
use std::time::Duration;

use async_nats::Client;
use futures_util::StreamExt;
use plimsoll::agents::wire::{Enlisted, Reply, Request, written};
use plimsoll::trial::update::{Times, Told as Known};
use serde_json::{Value, json};

use crate::site::server;
use crate::support::bus::Bus;
use crate::support::tool::plimsoll;
use crate::talk::{Talk, now_ns, with};

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
        "has not begun",
    ),
];

#[test]
fn a_coordinator_is_not_led_astray_by_an_agent_that_tells_nonsense() {
    let Some(program) = server() else { return };
    let program = program.as_path();
    thread::scope(|scope| {
        for (what, lie, is_early, why) in LIES {
            scope.spawn(move || {
                let (folder, bus) = (tempfile::tempdir().unwrap(), Bus::start(program));
                let talk = Talk::on(&bus.url());
                let liar = talk.runtime.spawn(Liar { lie, is_early }.work(talk.client.clone()));
                let nats = format!("NATS={}", bus.url());
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
