//! Servers that break every promise: each request ends as it should within its time-out, and nothing is kept.

use std::sync::Arc;

use crate::support::trials::{
    Counter, GENTLE, Load, PLAIN, Plain, TO_THE_END, index, plan, run_at,
};
use crate::support::{Manner, Server};
use plimsoll::live::{Address, LiveMeasurer, Tuning};
use plimsoll::trial::outcome::Break;
use plimsoll::trial::result::TrialResult;
use plimsoll::trial::tally::Tally;
use plimsoll::trial::{Measurer, Workload};

const FEW: Load =
    Load { rps: 20.0, measure_s: 1.0, timeout_ms: 1000, lanes_max: 64, outstanding_max: None };

fn broken(tally: &Tally, kind: Break) -> u64 {
    tally.broken.get(&kind).copied().unwrap_or_default()
}

/// Sends 4 MB with each request: more than the kernel takes at once.
fn run_bulky(server: &Server) -> TrialResult {
    let address = Address::plain(server.address);
    let (profile, tuning) = (Arc::new(Plain { padded_bytes: 4 << 20, ..PLAIN }), Tuning::usual(16));
    let mut measurer =
        LiveMeasurer::new(address, profile, Counter(0), tuning, Box::new(|| true)).unwrap();
    let load = Load { rps: 8.0, ..FEW };
    measurer.run(&plan(&load, &[Workload::Index]), &mut { TO_THE_END }).unwrap()
}

#[test]
fn a_reset_in_the_middle_of_an_answer_is_a_reset() {
    let server = Server::start(Manner::Reset);
    let result = run_at(server.address, &FEW, TO_THE_END);
    let tally = &index(&result).tally;
    assert_eq!(broken(tally, Break::Reset), 20, "{:?}", tally.broken);
    assert_eq!(tally.unknown, 20, "their documents may have been stored");
}

#[test]
fn a_body_of_a_gigabyte_is_refused_at_its_announcement() {
    let server = Server::start(Manner::Gigabyte);
    let result = run_at(server.address, &FEW, TO_THE_END);
    let tally = &index(&result).tally;
    assert_eq!(broken(tally, Break::TooLarge), 20, "{:?}", tally.broken);
    assert!(result.vitals.wall_s < 1.5, "nobody waits for it: {} s", result.vitals.wall_s);
}

#[test]
fn an_answer_before_the_request_is_whole_counts() {
    let result = run_bulky(&Server::start(Manner::Early));
    let tally = &index(&result).tally;
    let refused = tally.statuses.get(&413).copied().unwrap_or_default();
    // A reset that follows the answer may overtake it.
    assert_eq!(refused + broken(tally, Break::Reset), 8, "{:?}", tally.broken);
    assert!(refused > 0, "an answer that came is heard");
}

#[test]
fn a_server_that_hangs_up_while_we_write_breaks_the_request_and_is_not_asked_twice() {
    let server = Server::start(Manner::HangUp);
    let result = run_bulky(&server);
    let tally = &index(&result).tally;
    let closed = broken(tally, Break::Reset) + broken(tally, Break::ClosedEarly);
    assert_eq!((closed, tally.resent), (8, 0), "{:?}", tally.broken);
}

#[test]
fn a_server_that_closes_leaves_no_port_held_on_our_side() {
    let server = Server::start(Manner::CloseEach);
    let result = run_at(server.address, &GENTLE, TO_THE_END);
    assert_eq!(index(&result).tally.connects, 200, "one connection each");
    let held = result.vitals.sockets.ports_held;
    assert!(held <= 2, "{held} ports are held for a minute");
    assert!(result.vitals.sockets.ports > 1000, "{:?}", result.vitals.sockets);
}

#[test]
fn a_connection_that_the_server_was_to_close_is_closed_after_a_second() {
    let server = Server::start(Manner::CloseNever);
    let load = Load { rps: 50.0, measure_s: 2.5, ..FEW };
    let result = run_at(server.address, &load, TO_THE_END);
    assert_eq!(index(&result).tally.counts.accepted, 125, "each has its answer");
    let held = result.vitals.sockets.ports_held;
    assert!((40..=100).contains(&held), "those of the first one and a half seconds, not {held}");
}
