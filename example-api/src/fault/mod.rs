//! Faults on purpose, for tests of clients and for learning: what goes wrong, how often, and when.
//!
//! Nothing here is left to chance. Requests and documents are numbered as they come, and a hash of
//! the number decides, so that a run with the same requests in the same order meets the same
//! faults. Faults hit requests that ask a worker for something and have passed all checks; the
//! counters of `/metrics` and the description of the interface stay truthful, and what was hit is
//! counted there.
//!
//! `reset` and `error` come **before** the work: such a request takes no worker's time and stores
//! nothing, so every document that was answered 200 is stored, unless `lose` says otherwise.

pub(crate) mod answers;
mod bucket;
mod parse;
mod share;

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bucket::Bucket;
use share::{Lot, Share};

use crate::clock::{SECOND_NS, whole_ns};
use crate::stall::Stalls;

/// What goes wrong, as `FAULT` says it. By default nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Plan {
    /// Requests answered 500 instead of being worked on.
    error: Share,
    /// Requests whose connection is reset instead.
    reset: Share,
    /// Answers whose body comes slowly.
    slow_body: Share,
    /// How long such a body takes.
    slow_body_ns: u64,
    /// Documents that are answered and not stored.
    lose: Share,
    /// Documents that are stored twice.
    double: Share,
    /// Requests a second beyond which more are answered 429.
    reject_above_rps: Option<f64>,
    /// By how much each served request slows down all later ones.
    leak_ns: u64,
    /// How long services take longer after the start.
    warm_up_ns: u64,
    /// How many times as long they take at the start.
    warm_up_factor: f64,
    /// When all workers stand still.
    stalls: Stalls,
    /// When a worker pauses.
    recycle: Option<Recycle>,
}

/// A worker's pause after a number of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Recycle {
    requests: u64,
    pause_ns: u64,
}

impl Plan {
    /// How often document `number` is stored: once, unless it is lost (0) or doubled (2).
    pub(crate) fn copies(&self, number: u64) -> u64 {
        if self.lose.hits(number) {
            0
        } else if self.double.hits(number) {
            2
        } else {
            1
        }
    }

    /// How many times as long a service takes that begins at `begin_ns`.
    fn warm_up_factor(&self, begin_ns: u64) -> f64 {
        if begin_ns >= self.warm_up_ns {
            return 1.0;
        }
        let cold_ratio = 1.0 - begin_ns as f64 / self.warm_up_ns as f64;
        (self.warm_up_factor - 1.0).mul_add(cold_ratio, 1.0)
    }

    /// The service time that becomes of `own_ns`, begun at `begin_ns` after `served` requests.
    fn service_ns(&self, own_ns: u64, begin_ns: u64, served: u64) -> u64 {
        let factor = self.warm_up_factor(begin_ns);
        // Not by way of floating point where nothing is to be changed: the account is exact.
        let warming_ns = if factor > 1.0 { whole_ns(own_ns as f64 * (factor - 1.0)) } else { 0 };
        let leaked_ns = self.leak_ns.saturating_mul(served);
        own_ns.saturating_add(warming_ns).saturating_add(leaked_ns)
    }
}

/// What a request meets instead of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instead {
    /// 429; the next request is welcome after so many seconds.
    Reject {
        /// Whole seconds, at least one.
        retry_after_s: u64,
    },
    /// The connection is reset.
    Reset,
    /// 500.
    Error,
}

/// A plan under way: how many requests and documents there were, and how many were hit.
#[derive(Debug)]
pub(crate) struct Faults {
    plan: Plan,
    error: Lot,
    reset: Lot,
    slow_body: Lot,
    bucket: Option<Mutex<Bucket>>,
    rejected: AtomicU64,
    served: AtomicU64,
    documents: AtomicU64,
    lost: AtomicU64,
    doubled: AtomicU64,
}

impl Faults {
    /// Begins to carry out `plan`.
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            error: Lot::new(plan.error),
            reset: Lot::new(plan.reset),
            slow_body: Lot::new(plan.slow_body),
            bucket: plan.reject_above_rps.map(|rps| Mutex::new(Bucket::new(rps))),
            rejected: AtomicU64::new(0),
            served: AtomicU64::new(0),
            documents: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            doubled: AtomicU64::new(0),
        }
    }

    /// What the next request meets instead of a worker, if anything.
    pub(crate) fn instead_of_work(&self, now_ns: u64) -> Option<Instead> {
        if let Some(bucket) = &self.bucket {
            let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(wait_ns) = bucket.take(now_ns) {
                self.rejected.fetch_add(1, Ordering::Relaxed);
                let retry_after_s = wait_ns.div_ceil(SECOND_NS).max(1);
                return Some(Instead::Reject { retry_after_s });
            }
        }
        if self.reset.draw() {
            return Some(Instead::Reset);
        }
        self.error.draw().then_some(Instead::Error)
    }

    /// How long the body of the next answer takes, if it is to come slowly.
    fn slow_body_ns(&self) -> Option<u64> {
        self.slow_body.draw().then_some(self.plan.slow_body_ns)
    }

    /// The service time of the next request: `own_ns` and what is added to it.
    pub(crate) fn service_ns(&self, own_ns: u64, begin_ns: u64) -> u64 {
        let served = self.served.fetch_add(1, Ordering::Relaxed);
        self.plan.service_ns(own_ns, begin_ns, served)
    }

    /// The pause that a worker makes after its `requests` requests, if one is due.
    pub(crate) fn pause_ns(&self, requests: u64) -> Option<u64> {
        let recycle = self.plan.recycle.filter(|recycle| requests >= recycle.requests)?;
        Some(recycle.pause_ns)
    }

    /// How often the next document is stored.
    pub(crate) fn copies(&self) -> u64 {
        let copies = self.plan.copies(self.documents.fetch_add(1, Ordering::Relaxed));
        match copies {
            0 => self.lost.fetch_add(1, Ordering::Relaxed),
            1 => 0,
            _ => self.doubled.fetch_add(1, Ordering::Relaxed),
        };
        copies
    }

    /// What was hit so far, as Prometheus text.
    pub(crate) fn render(&self) -> String {
        let name = "example_api_faults_total";
        let mut page = format!(
            "# HELP {name} Requests and documents that FAULT hit, by kind.\n# TYPE {name} counter\n"
        );
        for (kind, hits) in [
            ("error", self.error.hits()),
            ("reset", self.reset.hits()),
            ("slow_body", self.slow_body.hits()),
            ("reject_above", self.rejected.load(Ordering::Relaxed)),
            ("lose", self.lost.load(Ordering::Relaxed)),
            ("double", self.doubled.load(Ordering::Relaxed)),
        ] {
            // Writing to a string cannot fail.
            let _ = writeln!(page, "{name}{{kind=\"{kind}\"}} {hits}");
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(text: &str) -> Plan {
        Plan::parse(text).expect(text)
    }

    #[test]
    fn without_a_plan_nothing_goes_wrong() {
        let faults = Faults::new(Plan::default());
        for number in 0..1000 {
            assert_eq!(faults.instead_of_work(number), None, "worked on");
            assert_eq!(faults.slow_body_ns(), None, "answered in one piece");
            assert_eq!(faults.copies(), 1, "stored once");
            assert_eq!(faults.service_ns(7, number), 7, "in its own time");
            assert_eq!(faults.pause_ns(number), None, "without a pause");
        }
    }

    #[test]
    fn warming_up_falls_linearly_to_nothing() {
        let plan = plan("warm_up:2/5");
        let at = |begin_ns| plan.service_ns(1000, begin_ns, 0);
        assert_eq!(at(0), 5000, "five times as long at the start");
        assert_eq!(at(SECOND_NS), 3000, "three times half-way");
        assert_eq!(at(2 * SECOND_NS), 1000, "its own time at the end");
        assert_eq!(at(u64::MAX), 1000, "and for ever");
    }

    #[test]
    fn every_served_request_makes_each_later_one_slower() {
        let faults = Faults::new(plan("leak:3"));
        let times: Vec<u64> = (0..3).map(|_| faults.service_ns(10_000, 0)).collect();
        assert_eq!(times, [10_000, 13_000, 16_000], "three microseconds more each time");
    }

    #[test]
    fn a_worker_pauses_once_its_requests_are_done() {
        let faults = Faults::new(plan("recycle:3/250"));
        assert_eq!((faults.pause_ns(2), faults.pause_ns(3)), (None, Some(250_000_000)), "at three");
    }

    #[test]
    fn what_is_lost_is_not_doubled() {
        let faults = Faults::new(plan("lose:1,double:1"));
        assert_eq!(faults.copies(), 0, "lost");
        assert!(faults.render().contains("{kind=\"lose\"} 1\n"), "{}", faults.render());
        assert!(faults.render().contains("{kind=\"double\"} 0\n"), "{}", faults.render());
    }

    #[test]
    fn a_rejected_request_is_told_when_to_come_back() {
        let faults = Faults::new(plan("reject_above:0.2"));
        assert_eq!(faults.instead_of_work(0), None, "the first");
        let reject = Some(Instead::Reject { retry_after_s: 5 });
        assert_eq!(faults.instead_of_work(SECOND_NS / 10), reject, "the second, far too early");
    }

    proptest! {
        #[test]
        fn a_fault_never_makes_a_service_shorter(
            own_ns in any::<u64>(), begin_ns in any::<u64>(), served in any::<u64>(),
        ) {
            let plan = plan("leak:5,warm_up:3/10");
            prop_assert!(plan.service_ns(own_ns, begin_ns, served) >= own_ns);
        }

        #[test]
        fn the_same_number_meets_the_same_fault(number in any::<u64>()) {
            let plan = plan("lose:0.3,double:0.4");
            prop_assert_eq!(plan.copies(number), plan.copies(number));
            prop_assert!(plan.copies(number) <= 2);
        }
    }
}
