//! A server that accepts at once and makes searchable later: its backlog is seen although no request waits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code fails loudly"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use plimsoll::corpus::plan::CorpusPlan;
use plimsoll::corpus::{Corpus, PermissionsShape};
use plimsoll::live::clock::now_ns;
use plimsoll::live::{Address, LiveMeasurer, Tuning};
use plimsoll::profile::example_api::ExampleApi;
use plimsoll::schedule::ArrivalLaw;
use plimsoll::seed::Seed;
use plimsoll::trial::criteria::Judge;
use plimsoll::trial::objective::{Objective, Rule};
use plimsoll::trial::result::TrialResult;
use plimsoll::trial::verdict::{Reason, Verdict};
use plimsoll::trial::{
    Flow, Measurer, Purpose, StreamPlan, Tick, TrialId, TrialPlan, Watch, Workload,
};
use plimsoll::units::Rps;
use support::trials::Counter;
use support::web::serve;

const OFFERED_RPS: f64 = 100.0;

/// Starts a server that makes `shown_rps` of its documents searchable every second, whatever it accepts.
fn server(shown_rps: f64) -> SocketAddr {
    let (accepted, began_ns) = (AtomicU64::new(0), now_ns());
    serve(move |request| {
        if request.method == "POST" {
            accepted.fetch_add(1, Ordering::SeqCst);
            return (200, "\"OK\"".to_owned());
        }
        let elapsed_s = (now_ns() - began_ns) as f64 / 1e9;
        let shown = (shown_rps * elapsed_s).min(accepted.load(Ordering::SeqCst) as f64);
        (200, format!("{{\"documents\": {shown:.0}}}"))
    })
}

struct Judging(Judge);

impl Watch for Judging {
    fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        self.0.tick(tick)
    }

    fn interrupted(&self) -> bool {
        false
    }
}

fn soak(shown_rps: f64) -> (TrialResult, Verdict) {
    let profile = ExampleApi::new(
        Arc::new(Corpus::new(&CorpusPlan::usual(1)).unwrap()),
        PermissionsShape::Object,
    );
    let address = Address::plain(server(shown_rps));
    let mut measurer = LiveMeasurer::new(
        address,
        Arc::new(profile),
        Counter(0),
        Tuning::usual(64),
        Box::new(|| true),
    )
    .unwrap();
    measurer.ask_beside(true, false);
    let offered = Rps::new(OFFERED_RPS).unwrap();
    let plan = TrialPlan {
        id: TrialId(1),
        purpose: Purpose::Soak,
        repeat: None,
        streams: vec![StreamPlan {
            workload: Workload::Index,
            offered,
            batch: 1,
            arrivals: ArrivalLaw::Poisson,
            timeout_ms: 5000,
            slow_ms: Some(1000),
            outstanding_max: None,
        }],
        warmup_s: 1.0,
        measure_s: 16.0,
        rule: Rule::Confirm { resolution_ratio: 0.05, least_s: 16.0 },
        sustained_before: None,
        seed: Seed(1),
    };
    let objective = Objective {
        p99_ms: 1000,
        error_ratio: 0.01,
        dashboard_error_ratio: None,
        base_ms: Some(1.0),
    };
    let mut watch = Judging(Judge::new(&plan, objective));
    let result = measurer.run(&plan, &mut watch).unwrap();
    let verdict = watch.0.verdict(&result);
    (result, verdict)
}

#[test]
fn a_backlog_that_only_searches_see_overloads_and_a_server_that_shows_everything_is_sound() {
    let (behind, verdict) = soak(0.5 * OFFERED_RPS);
    let Verdict::Overloaded(reasons) = &verdict else {
        panic!("half of it stays behind: {verdict:?}")
    };
    assert!(
        matches!(reasons.as_slice(), [Reason::HiddenBacklog { .. }]),
        "and nothing else: {reasons:?}"
    );
    assert!(behind.visible.len() >= 9, "the series is in the result: {:?}", behind.visible);
    let (sound, verdict) = soak(10.0 * OFFERED_RPS);
    assert!(
        matches!(verdict, Verdict::Sustained(_) | Verdict::Void(_)),
        "everything is shown: {verdict:?}"
    );
    let last = sound.visible.last().unwrap();
    assert!(
        last.accepted.abs_diff(last.visible) < 100,
        "as many are found as were accepted: {last:?}"
    );
}
