//! Several senders are one generator: the same requests, the same counts, one look, one end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code fails loudly"
)]

mod support;

use std::collections::BTreeSet;

use plimsoll::live::Tuning;
use plimsoll::trial::result::TrialResult;
use plimsoll::trial::{Flow, Measurer, StopCause, Tick, Watch, Workload};
use support::trials::{GENTLE, Load, TO_THE_END, Until, index, plan, tuned};
use support::{Manner, Server};

fn run(server: &Server, threads: u32, load: &Load, watch: &mut impl Watch) -> TrialResult {
    let tuning = Tuning { threads, ..Tuning::usual(load.lanes_max) };
    tuned(server.address, tuning).run(&plan(load, &[Workload::Index]), watch).unwrap()
}

#[test]
fn several_senders_send_exactly_what_one_sends() {
    let sent_by = |threads| {
        let server = Server::start(Manner::KeepAlive);
        let load = Load { rps: 500.0, ..GENTLE };
        let result = run(&server, threads, &load, &mut { TO_THE_END });
        let tally = &index(&result).tally;
        assert_eq!((tally.scheduled, tally.counts.accepted), (500, 500), "{threads} senders");
        let bodies = server.bodies.lock().unwrap().clone();
        assert_eq!(bodies.len(), 500, "each once with {threads} senders");
        let due: Vec<u64> = tally.bins.iter().map(|bin| bin.due).collect();
        (bodies.into_iter().collect::<BTreeSet<String>>(), due)
    };
    let alone = sent_by(1);
    assert_eq!(alone.0.len(), 500, "no document twice");
    for threads in [2, 3, 8] {
        assert_eq!(sent_by(threads), alone, "{threads} senders");
    }
}

#[test]
fn the_bound_on_outstanding_requests_is_one_for_all_senders() {
    let server = Server::start(Manner::Silent);
    // So slow that a sender which is held up for some milliseconds is hardly behind the others.
    let load =
        Load { rps: 200.0, measure_s: 5.0, timeout_ms: 2000, outstanding_max: Some(100), ..GENTLE };
    let result = run(&server, 3, &load, &mut { TO_THE_END });
    assert_eq!(result.stopped, Some(StopCause::Outstanding), "it ends early");
    let scheduled = index(&result).tally.scheduled;
    assert!((90..=130).contains(&scheduled), "{scheduled} were outstanding");
}

/// Keeps what it saw last.
struct Onlooker {
    looks: u32,
    scheduled: u64,
}

impl Watch for Onlooker {
    fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        self.looks += 1;
        self.scheduled = tick.streams.iter().map(|view| view.tally.scheduled).sum();
        Flow::Continue
    }

    fn interrupted(&self) -> bool {
        false
    }
}

#[test]
fn a_look_shows_all_senders_together() {
    let server = Server::start(Manner::KeepAlive);
    let mut onlooker = Onlooker { looks: 0, scheduled: 0 };
    run(&server, 3, &Load { measure_s: 2.0, ..GENTLE }, &mut onlooker);
    assert_eq!((onlooker.looks, onlooker.scheduled), (4, 400), "every half second, of all");
}

#[test]
fn an_order_to_stop_reaches_every_sender_at_once() {
    for cause in [StopCause::Decided, StopCause::Interrupted] {
        let server = Server::start(Manner::Slow(20));
        let load = Load { measure_s: 60.0, ..GENTLE };
        let result = run(&server, 3, &load, &mut Until { stop_s: 1.0, cause });
        assert_eq!(result.stopped, Some(cause), "that is why");
        assert!(result.vitals.wall_s < 3.0, "not at the end of the minute");
        let measured_s = index(&result).tally.measured_s();
        assert!((0.9..1.5).contains(&measured_s), "{measured_s} s were measured");
    }
}
