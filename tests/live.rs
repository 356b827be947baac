//! Real sockets: what becomes of requests to servers of many manners, and that the books balance.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code fails loudly"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use plimsoll::live::{Pacing, Reuse, Tuning, self_test};
use plimsoll::profile::Profile;
use plimsoll::trial::criteria::Judge;
use plimsoll::trial::objective::Objective;
use plimsoll::trial::outcome::Break;
use plimsoll::trial::{Measurer, RecoverPlan, StopCause, TrialId, Workload};
use support::trials::{
    GENTLE, Load, PLAIN, Plain, TO_THE_END, Until, index, measurer, plan, run_at, tuned,
};
use support::{Manner, Server};

#[test]
fn a_server_that_keeps_connections_gets_every_request_once_on_few_connections() {
    let server = Server::start(Manner::KeepAlive);
    let result = run_at(server.address, &GENTLE, TO_THE_END);
    let tally = &index(&result).tally;
    assert_eq!((tally.scheduled, tally.counts.accepted), (200, 200), "all were accepted");
    assert_eq!(server.requests.load(Ordering::Relaxed), 200, "each was sent once");
    assert!(tally.connects <= 20, "connections are reused, not {} opened", tally.connects);
    assert_eq!(tally.statuses.get(&200), Some(&200), "all with status 200");
}

#[test]
fn a_server_that_closes_every_connection_works_as_well() {
    let server = Server::start(Manner::CloseEach);
    let result = run_at(server.address, &GENTLE, TO_THE_END);
    let tally = &index(&result).tally;
    assert_eq!((tally.counts.accepted, tally.connects), (200, 200), "one connection each");
    assert_eq!(server.connections.load(Ordering::Relaxed), 200, "and none beside them");
}

#[test]
fn a_request_on_a_connection_that_had_just_closed_is_sent_again_and_counted() {
    let server = Server::start(Manner::CloseAfter(3));
    let result = run_at(server.address, &GENTLE, TO_THE_END);
    let tally = &index(&result).tally;
    let lost = tally.broken.values().sum::<u64>();
    assert_eq!(tally.counts.accepted + lost, 200, "every request has an ending");
    let received = server.requests.load(Ordering::Relaxed);
    assert_eq!(received, tally.counts.accepted, "none was served twice");
}

#[test]
fn a_sender_that_never_sleeps_by_wish_is_not_void_for_it() {
    let server = Server::start(Manner::KeepAlive);
    let tuning = Tuning { pacing: Pacing::Spin, reuse: Reuse::LastUsed, ..Tuning::usual(64) };
    let mut watch = TO_THE_END;
    let result =
        tuned(server.address, tuning).run(&plan(&GENTLE, &[Workload::Index]), &mut watch).unwrap();
    assert!(result.vitals.spins, "it is known to spin");
    assert_eq!(index(&result).tally.counts.accepted, 200, "and sends");
    let objective =
        Objective { p99_ms: 1000, error_ratio: 0.001, dashboard_error_ratio: None, base_ms: None };
    let verdict = Judge::new(&plan(&GENTLE, &[Workload::Index]), objective).verdict(&result);
    let reasons = verdict.reasons();
    assert!(!reasons.iter().any(|reason| reason.starts_with("processor")), "{reasons:?}");
}

#[test]
fn both_streams_of_a_trial_are_sent_side_by_side() {
    let server = Server::start(Manner::KeepAlive);
    let plan = plan(&GENTLE, &[Workload::Index, Workload::Dashboard]);
    let mut watch = TO_THE_END;
    let result = measurer(server.address, 64).run(&plan, &mut watch).unwrap();
    for stream in &result.streams {
        assert_eq!(stream.tally.counts.accepted, 200, "{:?}", stream.plan.workload);
    }
}

#[test]
fn every_manner_of_failing_has_its_own_ending() {
    for (manner, kind) in [
        (Manner::Html, Break::WrongBody),
        (Manner::Garbage, Break::Garbage),
        (Manner::Truncate, Break::ClosedEarly),
    ] {
        let server = Server::start(manner);
        let result = run_at(server.address, &Load { measure_s: 0.2, ..GENTLE }, TO_THE_END);
        let tally = &index(&result).tally;
        assert_eq!(tally.broken.get(&kind), Some(&40), "{manner:?}: {:?}", tally.broken);
    }
    let server = Server::start(Manner::Status(503));
    let result = run_at(server.address, &Load { measure_s: 0.2, ..GENTLE }, TO_THE_END);
    assert_eq!(index(&result).tally.counts.refused, 40, "a refusal is a refusal");
    assert_eq!(index(&result).tally.statuses.get(&503), Some(&40), "with its status");
}

#[test]
fn answers_without_end_and_byte_by_byte_end_in_time_and_keep_nobody_waiting() {
    for (manner, kind) in
        [(Manner::Endless, None), (Manner::Interim, None), (Manner::BigHead, Some(Break::TooLarge))]
    {
        let server = Server::start(manner);
        let load = Load { rps: 10.0, timeout_ms: 500, ..GENTLE };
        let result = run_at(server.address, &load, TO_THE_END);
        let tally = &index(&result).tally;
        let broken = tally.broken.get(&Break::TooLarge).copied().unwrap_or_default();
        assert_eq!(broken + tally.counts.timed_out, 10, "{manner:?}: {:?}", tally.counts);
        assert!(kind.is_none() || broken == 10, "{manner:?}: {:?}", tally.broken);
        assert!(result.vitals.wall_s < 4.0, "{manner:?} took {} s", result.vitals.wall_s);
        let lateness_ms = tally.lateness.max_ms().unwrap();
        assert!(lateness_ms < 400.0, "{manner:?}: the others are sent, {lateness_ms} ms late");
    }
    let server = Server::start(Manner::Drip);
    let result = run_at(server.address, &Load { rps: 5.0, timeout_ms: 3000, ..GENTLE }, TO_THE_END);
    let tally = &index(&result).tally;
    assert_eq!(tally.counts.accepted, 5, "slow is not wrong: {:?}", tally.broken);
    let service_ms = tally.service.quantile_ms(0.5).unwrap();
    assert!(service_ms > 800.0, "it lasts to the last byte, not {service_ms} ms");
}

#[test]
fn a_server_that_closes_every_connection_unread_is_no_endless_loop() {
    let server = Server::start(Manner::Slam);
    let result = run_at(server.address, &Load { measure_s: 0.5, ..GENTLE }, TO_THE_END);
    let tally = &index(&result).tally;
    assert_eq!(tally.counts.broken, 100, "every request is broken: {:?}", tally.broken);
    let connections = server.connections.load(Ordering::Relaxed);
    assert!(connections <= 200, "each is sent again once at the most: {connections} connections");
}

#[test]
fn a_silent_server_times_every_request_out_at_its_deadline() {
    let server = Server::start(Manner::Silent);
    let load = Load { rps: 50.0, timeout_ms: 300, ..GENTLE };
    let result = run_at(server.address, &load, TO_THE_END);
    let tally = &index(&result).tally;
    assert_eq!((tally.counts.timed_out, tally.unknown), (50, 50), "sent and not answered");
    let p50_ms = tally.response.quantile_ms(0.5).unwrap();
    assert!((300.0..600.0).contains(&p50_ms), "the median is the time-out, not {p50_ms} ms");
    assert!(result.vitals.wall_s < 2.0, "nobody is waited for longer");
}

#[test]
fn beyond_the_most_connections_requests_wait_and_may_find_one_too_late() {
    let server = Server::start(Manner::Slow(200));
    let load = Load { rps: 100.0, lanes_max: 2, timeout_ms: 500, ..GENTLE };
    let result = run_at(server.address, &load, TO_THE_END);
    let tally = &index(&result).tally;
    assert!(server.connections.load(Ordering::Relaxed) <= 2 + tally.counts.timed_out, "bounded");
    assert!(tally.counts.accepted >= 4, "two in 200 ms were answered: {:?}", tally.counts);
    assert!(tally.counts.timed_out + tally.counts.unsent > 60, "most were not: {:?}", tally.counts);
    assert!(tally.waiting.max_ms().unwrap() > 300.0, "waiting is seen");
    assert!(tally.lateness.quantile_ms(0.5).unwrap() < 50.0, "and is no lateness of ours");
    assert!(result.vitals.lanes_exhausted, "and it is known why");
}

#[test]
fn too_many_outstanding_requests_end_the_trial() {
    let server = Server::start(Manner::Silent);
    let load = Load { outstanding_max: Some(30), timeout_ms: 400, measure_s: 5.0, ..GENTLE };
    let result = run_at(server.address, &load, TO_THE_END);
    assert_eq!(result.stopped, Some(StopCause::Outstanding), "ended by the bound");
    assert_eq!(index(&result).tally.scheduled, 31, "right there");
}

#[test]
fn a_port_where_nothing_listens_is_a_lost_target_within_seconds() {
    let server = Server::start(Manner::KeepAlive);
    let address = server.address;
    drop(server);
    std::thread::sleep(std::time::Duration::from_millis(100));
    let result = run_at(address, &Load { measure_s: 20.0, ..GENTLE }, TO_THE_END);
    assert_eq!(result.stopped, Some(StopCause::TargetLost), "lost");
    assert!(result.vitals.wall_s < 6.0, "after {} s", result.vitals.wall_s);
    assert!(index(&result).tally.broken.contains_key(&Break::ConnectRefused), "by refusals");
}

#[test]
fn an_interrupt_abandons_what_is_under_way_at_once() {
    let server = Server::start(Manner::Silent);
    let load = Load { timeout_ms: 30_000, measure_s: 20.0, ..GENTLE };
    let watch = Until { stop_s: 0.9, cause: StopCause::Interrupted };
    let result = run_at(server.address, &load, watch);
    assert!(result.vitals.wall_s < 2.0, "no time-out is waited for");
    assert!(index(&result).tally.broken.contains_key(&Break::Abandoned), "and it is said");
}

#[test]
fn the_generator_knows_what_it_reaches_against_a_server_that_does_nothing() {
    let ask = |profile: Arc<dyn Profile>| {
        self_test::calibrate(&profile, 1, Tuning::usual(256), &|| false).unwrap()
    };
    let able = ask(Arc::new(PLAIN)).expect("nobody wanted to stop");
    let ceiling_rps = able.ceiling_rps.expect("at least the first rate");
    assert!(ceiling_rps >= 1000.0, "{ceiling_rps}");
    assert!(able.lateness_ms.p99.is_some() && able.cpu_us_per_request.is_some(), "{able:?}");
    let unable =
        ask(Arc::new(Plain { good_answer: b"what?", ..PLAIN })).expect("nobody wanted to stop");
    assert_eq!(unable.ceiling_rps, None, "wrong answers are no answers");
}

#[test]
fn a_healthy_server_recovers_at_once_and_a_silent_one_never() {
    let recover = |manner, cap_s| {
        let server = Server::start(manner);
        let plan = RecoverPlan {
            batch: 1,
            id: TrialId(2),
            after: TrialId(1),
            good_ms: 100.0,
            typical_ms: None,
            good_in_a_row: 3,
            timeout_ms: 300,
            cap_s,
        };
        let mut watch = TO_THE_END;
        measurer(server.address, 4).recover(&plan, &mut watch).unwrap()
    };
    let healthy = recover(Manner::KeepAlive, 5.0);
    assert!(healthy.recovered_s.is_some_and(|recovered_s| recovered_s < 1.0), "{healthy:?}");
    assert_eq!((healthy.probes, healthy.accepted), (3, 3), "three probes, three documents");
    let silent = recover(Manner::Silent, 1.0);
    assert_eq!((silent.recovered_s, silent.stopped), (None, None), "the cap came first");
    assert!(silent.wall_s < 2.0 && silent.unknown > 0, "{silent:?}");
}
