//! A bus, the agents on it, and a run that they send for.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::bus::{Agent, Bus, nats_server};
use crate::support::tool::{journal, plimsoll};
use crate::support::web::serve;
use crate::tools;

/// The program of the bus; `None`, and one line, where it cannot be had.
pub(crate) fn server() -> Option<PathBuf> {
    tools::need("nats-server is needed", nats_server(tools::install))
}

/// A bus with a folder for whatever its agents and runs leave behind.
pub(crate) struct Site {
    pub(crate) folder: TempDir,
    pub(crate) bus: Bus,
}

impl Site {
    pub(crate) fn new() -> Option<Self> {
        let program = server()?;
        Some(Self { folder: tempfile::tempdir().unwrap(), bus: Bus::start(&program) })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `plimsoll` with these arguments and the address of the bus.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let nats = format!("NATS={}", self.bus.url());
        plimsoll(self.folder(), &[arguments, &[&nats]].concat())
    }

    /// Agents of these names, started all at once: each asks itself for some seconds what it can do.
    pub(crate) fn agents(&self, names: &[&str]) -> Vec<Agent> {
        let url = self.bus.url();
        thread::scope(|scope| {
            let start = |name| Agent::start(self.folder(), &url, name);
            let starting: Vec<_> =
                names.iter().map(|name| scope.spawn(move || start(name))).collect();
            starting.into_iter().map(|agent| agent.join().unwrap()).collect()
        })
    }

    /// Whole trials in the journal of the newest run.
    pub(crate) fn trials(&self) -> usize {
        journal(self.folder()).iter().filter(|line| line["kind"] == "trial").count()
    }
}

/// Waits until `ready`, at most `limit_s` seconds.
pub(crate) fn wait_for(what: &str, limit_s: f64, mut ready: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !ready() {
        assert!(begun.elapsed().as_secs_f64() < limit_s, "{what} took longer than {limit_s} s");
        thread::sleep(Duration::from_millis(50));
    }
}

/// How it ended, and what it said.
pub(crate) fn finish(mut child: Child, limit_s: f64) -> (Option<i32>, String) {
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

/// A target that accepts everything at once, as a setting, and the names of the documents that it was sent, in their order.
pub(crate) fn sponge() -> (String, Arc<Mutex<Vec<String>>>) {
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

/// What all agents counted is what the trials say, one by one.
pub(crate) fn books_balance(result: &Value) {
    for trial in result["trials"].as_array().unwrap() {
        let parts = trial["agents"].as_array().unwrap();
        let sum = |key: &str| parts.iter().map(|part| part[key].as_u64().unwrap()).sum::<u64>();
        let streams = trial["streams"].as_array().unwrap();
        let whole: u64 =
            streams.iter().map(|stream| stream["counts"]["scheduled"].as_u64().unwrap()).sum();
        assert_eq!(sum("offered"), whole, "{}", trial["id"]);
    }
}
