//! Hosts of their own, as network namespaces.

use std::path::Path;
use std::thread;

use crate::site::{books_balance, finish, server};
use crate::support::bus::Agent;
use crate::support::hosts::Hosts;
use crate::support::tool::{latest, plimsoll};
use crate::tools;

/// Three hosts and a bus, each in a network of its own where the kernel lets us make some: every document is there, once.
#[test]
fn three_hosts_send_together_and_no_document_is_lost_or_sent_twice() {
    let Some(program) = server() else { return };
    let Some(net) = tools::need("agents on hosts of their own", Hosts::make(4)) else { return };
    if !net.is_late {
        tools::say("hosts without delay and loss: this kernel has no netem");
    }
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
        "CEILING_RPS=240",
        "GOAL_RPS=100",
        "PRESET=quick",
        "BUDGET_S=139",
        "LEVELS=none",
        "AGENTS=3",
        &nats,
    ];
    let run = plimsoll(folder.path(), &words);
    let (code, said) = finish(net.inside(0, &run).spawn().unwrap(), 200.0);
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
