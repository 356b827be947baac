//! Simulated services of known capacity, well-behaved and not: what the search is judged by.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use super::faults::Faults;
use super::plan::{
    Answers, Autoscaler, Bucket, Congestion, Connections, Pace, Pauses, Recycling, ServiceLaw,
    TargetPlan,
};
use crate::seed::Seed;
use crate::units::{bits_to_unit, round_to_u64};

/// A simulated service with a name.
#[derive(Debug, Clone, Copy)]
pub struct Specimen {
    /// Its name in tables.
    pub name: &'static str,
    /// What it is made of.
    pub target: TargetPlan,
    /// What goes wrong around it.
    pub faults: Faults,
}

const fn specimen(name: &'static str, target: TargetPlan) -> Specimen {
    Specimen { name, target, faults: Faults::none() }
}

/// `workers` of `law` that could serve `capacity_rps` together.
fn plain(workers: u32, capacity_rps: f64, law: ServiceLaw) -> TargetPlan {
    TargetPlan::plain(workers, f64::from(workers) * 1000.0 / capacity_rps, law)
}

/// The services that an answer must be right for, each with about `capacity_rps`.
#[must_use]
pub fn well_behaved(capacity_rps: f64) -> Vec<Specimen> {
    let base = plain(4, capacity_rps, ServiceLaw::LogNormal(0.5));
    let roomy = plain(4, capacity_rps * 2.0, ServiceLaw::Constant);
    let bucket = Bucket { rate_rps: capacity_rps, burst: capacity_rps * 20.0 / 230.0 };
    let pauses = Pauses { length_ms: 300.0, every_ms: 10_000.0 };
    let metastable = Congestion::Metastable {
        above: round_to_u64(capacity_rps * 200.0 / 230.0),
        below: 5,
        factor: 1.5,
    };
    vec![
        specimen("deterministic", plain(4, capacity_rps, ServiceLaw::Constant)),
        specimen("exponential", plain(4, capacity_rps, ServiceLaw::Exponential)),
        specimen("log-normal 0.5", base),
        specimen("32 workers, exponential", plain(32, capacity_rps, ServiceLaw::Exponential)),
        specimen("pause 0.3 s in 10 s", TargetPlan { pauses: Some(pauses), ..base }),
        specimen(
            "warm-up from twice",
            TargetPlan { pace: Pace::Settling { first: 2.0, requests: 3000.0 }, ..base },
        ),
        specimen("metastable, recovers", TargetPlan { congestion: Some(metastable), ..base }),
        specimen("rate limit, 429", TargetPlan { bucket: Some(bucket), ..roomy }),
        specimen("queue of 50, 503", TargetPlan { queue: Some(50), ..base }),
    ]
}

/// Services that a single figure does not do justice to: the answer has to say so.
#[must_use]
pub fn hard(capacity_rps: f64) -> Vec<Specimen> {
    let base = plain(4, capacity_rps, ServiceLaw::LogNormal(0.5));
    vec![
        specimen("log-normal 2", plain(4, capacity_rps, ServiceLaw::LogNormal(2.0))),
        specimen(
            "noise 10 % a second",
            TargetPlan { pace: Pace::Noise { deviation: 0.1 }, ..base },
        ),
    ]
}

/// Other services that have a capacity.
#[must_use]
pub fn others(capacity_rps: f64) -> Vec<Specimen> {
    let base = plain(4, capacity_rps, ServiceLaw::LogNormal(0.5));
    let service_ms = base.service_ms;
    let wander = Pace::Wander { deviation: 0.1, correlation_s: 20.0 };
    let retrograde = Congestion::Retrograde { per_pair: 1e-5 * (230.0 / capacity_rps).powi(2) };
    let autoscaler = Autoscaler { every_s: 30.0, busy_ratio: 0.8, workers_max: 4 };
    let connect = |connect_ms, requests| Some(Connections { connect_ms, requests });
    vec![
        specimen("wandering speed, 20 s", TargetPlan { pace: wander, ..base }),
        specimen(
            "10 % slower after 90 s",
            TargetPlan {
                pace: Pace::Step { at_s: 90.0, until_s: f64::INFINITY, factor: 1.0 / 0.9 },
                ..base
            },
        ),
        specimen(
            "warm-down from half",
            TargetPlan { pace: Pace::Settling { first: 0.5, requests: 3000.0 }, ..base },
        ),
        specimen("retrograde", TargetPlan { congestion: Some(retrograde), ..base }),
        specimen(
            "closes each connection",
            TargetPlan { connections: connect(service_ms / 5.0, 1), ..base },
        ),
        specimen(
            "closes after 100 requests",
            TargetPlan { connections: connect(service_ms, 100), ..base },
        ),
        specimen(
            "workers replaced, 1 s",
            TargetPlan {
                recycling: Some(Recycling { requests: 2000, restart_ms: 1000.0 }),
                ..base
            },
        ),
        specimen(
            "autoscaler, 2 to 4",
            TargetPlan { workers: 2, autoscaler: Some(autoscaler), ..base },
        ),
        specimen(
            "acknowledges before working",
            TargetPlan {
                acknowledged_ms: Some(1.0),
                queue: Some(round_to_u64(5.0 * capacity_rps)),
                ..base
            },
        ),
    ]
}

/// Services whose machine is pressed for a minute: at the first looks, at the first soak, at the end.
#[must_use]
pub fn disturbed(capacity_rps: f64) -> Vec<Specimen> {
    let base = plain(4, capacity_rps, ServiceLaw::LogNormal(0.5));
    let slower =
        |at_s, until_s| TargetPlan { pace: Pace::Step { at_s, until_s, factor: 1.3 }, ..base };
    vec![
        specimen("30 % slower, 30 to 90 s", slower(30.0, 90.0)),
        specimen("30 % slower, 60 to 120 s", slower(60.0, 120.0)),
        specimen("30 % slower, 130 to 190 s", slower(130.0, 190.0)),
    ]
}

/// Services that must never get a number.
#[must_use]
pub fn hopeless(capacity_rps: f64) -> Vec<Specimen> {
    let base = plain(4, capacity_rps, ServiceLaw::LogNormal(0.5));
    let pauses = Pauses { length_ms: 2000.0, every_ms: 30_000.0 };
    let stuck =
        Congestion::Metastable { above: round_to_u64(capacity_rps / 2.0), below: 0, factor: 6.0 };
    // A leak of 0.5 % per 1,000 requests at 230/s: what counts is how much it takes in a minute.
    let leak = Pace::Leak { per_request: 5e-6 * 230.0 / capacity_rps };
    let answering = |answers| TargetPlan { answers, ..base };
    vec![
        specimen("pause 2 s in 30 s", TargetPlan { pauses: Some(pauses), ..base }),
        specimen("leak", TargetPlan { pace: leak, ..base }),
        specimen("dead", answering(Answers::Dead)),
        specimen("hanging", answering(Answers::Hanging)),
        specimen("wrong status", answering(Answers::WrongStatus)),
        specimen("garbage", answering(Answers::Garbage)),
        specimen("never recovers", TargetPlan { congestion: Some(stuck), ..base }),
    ]
}

/// A service that is right with a generator that is not.
#[must_use]
pub fn slow_client(capacity_rps: f64) -> Specimen {
    Specimen {
        name: "slow client",
        target: plain(4, capacity_rps, ServiceLaw::LogNormal(0.5)),
        faults: Faults { lateness_ms: 3.0, ..Faults::none() },
    }
}

/// Low rates: a single worker with `capacity_rps`.
#[must_use]
pub fn single_worker(capacity_rps: f64) -> Vec<Specimen> {
    vec![
        specimen("one worker, deterministic", plain(1, capacity_rps, ServiceLaw::Constant)),
        specimen("one worker, exponential", plain(1, capacity_rps, ServiceLaw::Exponential)),
    ]
}

/// Services that no constant of the search was chosen by; every seed draws their parameters afresh.
#[must_use]
pub fn held_out(seed: Seed) -> Vec<Specimen> {
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed.named("held out").0);
    // Evenly over the logarithm of the range.
    let mut draw = |low: f64, high: f64| low * (high / low).powf(bits_to_unit(chance.next_u64()));
    let capacity_rps = draw(150.0, 3000.0);
    let spread = plain(8, capacity_rps, ServiceLaw::LogNormal(draw(0.3, 1.2)));
    let exponential = plain(6, capacity_rps, ServiceLaw::Exponential);
    let constant = plain(3, capacity_rps, ServiceLaw::Constant);
    let every_ms = draw(4000.0, 15_000.0);
    let pauses = Pauses { length_ms: every_ms * draw(0.01, 0.05), every_ms };
    let bucket = Bucket { rate_rps: capacity_rps, burst: capacity_rps * draw(0.05, 0.3) };
    let cold = Pace::Settling { first: draw(1.5, 3.0), requests: draw(2000.0, 8000.0) };
    let congestion = Congestion::Metastable {
        above: round_to_u64(capacity_rps * draw(0.3, 1.0)),
        below: 5,
        factor: draw(1.3, 2.0),
    };
    let connections = Connections {
        connect_ms: spread.service_ms * draw(0.1, 1.0),
        requests: round_to_u64(draw(1.0, 100.0)),
    };
    let queue = Some(round_to_u64(draw(20.0, 200.0)));
    vec![
        specimen("any spread", spread),
        specimen("any pause", TargetPlan { pauses: Some(pauses), ..constant }),
        specimen(
            "any rate limit",
            TargetPlan {
                bucket: Some(bucket),
                ..plain(8, 2.0 * capacity_rps, ServiceLaw::Constant)
            },
        ),
        specimen("any cold start", TargetPlan { pace: cold, ..constant }),
        specimen("any metastable", TargetPlan { congestion: Some(congestion), ..exponential }),
        specimen("any connection limit", TargetPlan { connections: Some(connections), ..spread }),
        specimen("any queue limit", TargetPlan { queue, ..exponential }),
    ]
}
