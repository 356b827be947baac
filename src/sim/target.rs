//! A simulated service at work: requests come in, answers go out, all by arithmetic.

use std::collections::VecDeque;

use super::pace::{ServiceTimes, Standstills};
use super::plan::{Answers, Autoscaler, Bucket, TargetPlan};
use crate::seed::Seed;
use crate::units::{round_to_u64, u64_to_usize, usize_to_u64};

/// What the target does with a request; instants are nanoseconds of the campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The answer is there at this instant, right or not.
    Answered {
        /// When.
        at_ns: u64,
        /// Its status.
        status: u16,
        /// Whether the body is what it should be.
        right: bool,
    },
    /// The connection is refused.
    Unreachable,
    /// No answer ever comes.
    Silent,
}

#[derive(Debug, Clone, Copy, Default)]
struct Worker {
    free_ns: u64,
    served: u64,
}

/// The state of a simulated target. Requests that the client gave up are served all the same, as a
/// server does that has already read them.
#[derive(Debug, Clone)]
pub struct Target {
    plan: TargetPlan,
    times: ServiceTimes,
    standstills: Option<Standstills>,
    workers: Vec<Worker>,
    /// When each waiting request will begin to be served; first come, first served.
    begins_ns: VecDeque<u64>,
    tokens: f64,
    tokens_at_ns: u64,
    served: u64,
    /// Time of workers used since the autoscaler last looked, and when it looks next.
    used_ns: u64,
    looks_at_ns: u64,
}

impl Target {
    /// An idle target.
    #[must_use]
    pub fn new(plan: TargetPlan, seed: Seed) -> Self {
        Self {
            times: ServiceTimes::new(&plan, seed),
            standstills: plan.pauses.map(|pauses| Standstills::new(pauses, seed)),
            workers: vec![Worker::default(); u64_to_usize(u64::from(plan.workers))],
            begins_ns: VecDeque::new(),
            tokens: plan.bucket.map_or(0.0, |bucket| bucket.burst),
            tokens_at_ns: 0,
            served: 0,
            used_ns: 0,
            looks_at_ns: plan.autoscaler.map_or(u64::MAX, |plan| round_to_u64(plan.every_s * 1e9)),
            plan,
        }
    }

    /// A request arrives at `now_ns`, which must never decrease from call to call.
    pub fn arrive(&mut self, now_ns: u64) -> Reply {
        match self.plan.answers {
            Answers::Right => {}
            Answers::Dead => return Reply::Unreachable,
            Answers::Hanging => return Reply::Silent,
            Answers::WrongStatus => {
                return Reply::Answered { at_ns: now_ns, status: 500, right: false };
            }
            Answers::Garbage => {
                return Reply::Answered { at_ns: now_ns, status: 200, right: false };
            }
        }
        if let Some(bucket) = self.plan.bucket
            && !self.takes_token(bucket, now_ns)
        {
            return Reply::Answered { at_ns: now_ns, status: 429, right: false };
        }
        while self.begins_ns.front().is_some_and(|begins_ns| *begins_ns <= now_ns) {
            self.begins_ns.pop_front();
        }
        if self.plan.queue.is_some_and(|queue| usize_to_u64(self.begins_ns.len()) >= queue) {
            return Reply::Answered { at_ns: now_ns, status: 503, right: false };
        }
        while now_ns >= self.looks_at_ns {
            self.scale();
        }
        let done_ns = self.serve(now_ns);
        let at_ns = match self.plan.acknowledged_ms {
            Some(acknowledged_ms) => now_ns + round_to_u64(acknowledged_ms * 1e6),
            None => done_ns,
        };
        Reply::Answered { at_ns, status: 200, right: true }
    }

    fn takes_token(&mut self, bucket: Bucket, now_ns: u64) -> bool {
        let passed_s = (now_ns - self.tokens_at_ns) as f64 / 1e9;
        self.tokens = (self.tokens + passed_s * bucket.rate_rps).min(bucket.burst);
        self.tokens_at_ns = now_ns;
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }

    /// Gives the request to the worker that is free first; returns when its work is done.
    fn serve(&mut self, now_ns: u64) -> u64 {
        let in_system = self.plan.congestion.map_or(0, |_| self.in_system(now_ns));
        let Some(worker) = self.workers.iter_mut().min_by_key(|worker| worker.free_ns) else {
            return now_ns;
        };
        let begins_ns = now_ns.max(worker.free_ns);
        let mut service_ms = self.plan.service_ms * self.times.next_factor(begins_ns, in_system);
        if let Some(connections) = self.plan.connections
            && self.served.is_multiple_of(connections.requests)
        {
            service_ms += connections.connect_ms;
        }
        let work_ns = round_to_u64(service_ms * 1e6);
        let done_ns = self
            .standstills
            .map_or(begins_ns + work_ns, |stills| stills.end_ns(begins_ns, work_ns));
        self.served += 1;
        worker.served += 1;
        worker.free_ns = done_ns;
        if let Some(recycling) = self.plan.recycling
            && worker.served.is_multiple_of(recycling.requests)
        {
            worker.free_ns += round_to_u64(recycling.restart_ms * 1e6);
        }
        self.used_ns += work_ns;
        if begins_ns > now_ns {
            self.begins_ns.push_back(begins_ns);
        }
        done_ns
    }

    /// Requests that wait or are served.
    fn in_system(&self, now_ns: u64) -> u64 {
        let busy = self.workers.iter().filter(|worker| worker.free_ns > now_ns).count();
        usize_to_u64(self.begins_ns.len() + busy)
    }

    fn scale(&mut self) {
        let Some(Autoscaler { every_s, busy_ratio, workers_max }) = self.plan.autoscaler else {
            self.looks_at_ns = u64::MAX;
            return;
        };
        let every_ns = every_s * 1e9;
        let used_ratio = self.used_ns as f64 / (every_ns * self.workers.len() as f64);
        if used_ratio > busy_ratio && usize_to_u64(self.workers.len()) < u64::from(workers_max) {
            self.workers.push(Worker { free_ns: self.looks_at_ns, served: 0 });
        }
        self.used_ns = 0;
        self.looks_at_ns += round_to_u64(every_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::plan::{Congestion, Connections, Pace, Pauses, Recycling, ServiceLaw};

    const REQUESTS: u64 = 200_000;

    fn plain(workers: u32, law: ServiceLaw) -> TargetPlan {
        TargetPlan::plain(workers, 10.0, law)
    }

    fn at_ns(reply: Reply) -> u64 {
        match reply {
            Reply::Answered { at_ns, .. } => at_ns,
            Reply::Unreachable | Reply::Silent => u64::MAX,
        }
    }

    /// Requests per second that the target gets done when it always has work.
    fn busy_rps(plan: TargetPlan) -> f64 {
        let mut target = Target::new(plan, Seed(3));
        let last_ns = (0..REQUESTS).map(|_| at_ns(target.arrive(0))).max().unwrap();
        REQUESTS as f64 / (last_ns as f64 / 1e9)
    }

    #[test]
    fn workers_serve_side_by_side_and_the_rest_waits_in_turn() {
        let mut target = Target::new(plain(2, ServiceLaw::Constant), Seed(1));
        let ends_ms: Vec<u64> = (0..5).map(|_| at_ns(target.arrive(0)) / 1_000_000).collect();
        assert_eq!(ends_ms, [10, 10, 20, 20, 30], "two at a time");
    }

    #[test]
    fn a_full_queue_refuses_at_once() {
        let limited = TargetPlan { queue: Some(2), ..plain(1, ServiceLaw::Constant) };
        let mut target = Target::new(limited, Seed(1));
        let replies: Vec<Reply> = (0..4).map(|_| target.arrive(0)).collect();
        let refused = Reply::Answered { at_ns: 0, status: 503, right: false };
        assert_eq!(replies.last(), Some(&refused), "one served, two wait");
        assert_eq!(at_ns(target.arrive(10_000_000)), 40_000_000, "room again");
    }

    #[test]
    fn every_law_keeps_the_mean() {
        for law in [ServiceLaw::Constant, ServiceLaw::Exponential, ServiceLaw::LogNormal(0.5)] {
            let rps = busy_rps(plain(1, law));
            assert!((rps / 100.0 - 1.0).abs() < 0.01, "{law:?}: {rps}/s of 100/s");
        }
    }

    #[test]
    fn what_disturbs_the_workers_costs_what_it_should() {
        let base = plain(4, ServiceLaw::Constant);
        let cases = [
            (
                TargetPlan {
                    pauses: Some(Pauses { length_ms: 300.0, every_ms: 10_000.0 }),
                    ..base
                },
                388.0,
            ),
            (
                TargetPlan {
                    connections: Some(Connections { connect_ms: 2.5, requests: 1 }),
                    ..base
                },
                320.0,
            ),
            (
                TargetPlan {
                    recycling: Some(Recycling { requests: 100, restart_ms: 250.0 }),
                    ..base
                },
                320.0,
            ),
            (
                TargetPlan {
                    pace: Pace::Step { at_s: 0.0, until_s: f64::INFINITY, factor: 2.0 },
                    ..base
                },
                200.0,
            ),
            (TargetPlan { pace: Pace::Settling { first: 2.0, requests: 3000.0 }, ..base }, 394.0),
        ];
        for (plan, expected_rps) in cases {
            let rps = busy_rps(plan);
            assert!(
                (rps / expected_rps - 1.0).abs() < 0.01,
                "{plan:?}: {rps}/s of {expected_rps}/s"
            );
        }
    }

    #[test]
    fn a_bucket_lets_its_burst_and_then_its_rate_through() {
        let bucket = Bucket { rate_rps: 100.0, burst: 20.0 };
        let plan = TargetPlan { bucket: Some(bucket), ..plain(4, ServiceLaw::Constant) };
        let mut target = Target::new(plan, Seed(1));
        let passed = |target: &mut Target, at_ns: u64, count: u32| {
            (0..count)
                .filter(|_| matches!(target.arrive(at_ns), Reply::Answered { right: true, .. }))
                .count()
        };
        assert_eq!(passed(&mut target, 0, 50), 20, "the burst");
        assert_eq!(passed(&mut target, 100_000_000, 50), 10, "a tenth of a second's tokens");
    }

    #[test]
    fn a_metastable_service_stays_slow_until_it_is_nearly_idle() {
        let congestion = Congestion::Metastable { above: 20, below: 5, factor: 2.0 };
        let plan = TargetPlan { congestion: Some(congestion), ..plain(1, ServiceLaw::Constant) };
        let mut target = Target::new(plan, Seed(1));
        let ends_ms: Vec<u64> = (0..30).map(|_| at_ns(target.arrive(0)) / 1_000_000).collect();
        assert_eq!(ends_ms[20], 210, "the 21st finds 20 others: not yet");
        assert_eq!(ends_ms[29] - ends_ms[28], 20, "twice as slow behind");
        let later_ns = ends_ms[29] * 1_000_000;
        assert_eq!(at_ns(target.arrive(later_ns)) - later_ns, 10_000_000, "idle again");
    }

    #[test]
    fn an_autoscaler_adds_workers_while_they_are_busy() {
        let autoscaler = Autoscaler { every_s: 1.0, busy_ratio: 0.8, workers_max: 4 };
        let plan = TargetPlan { autoscaler: Some(autoscaler), ..plain(2, ServiceLaw::Constant) };
        let mut target = Target::new(plan, Seed(1));
        for number in 0..2000 {
            target.arrive(number * 5_000_000);
        }
        assert_eq!(target.workers.len(), 3, "200/s keep two busy and three at two thirds");
    }

    #[test]
    fn an_acknowledgement_hides_the_queue() {
        let plan = TargetPlan { acknowledged_ms: Some(1.0), ..plain(1, ServiceLaw::Constant) };
        let mut target = Target::new(plan, Seed(1));
        let last = (0..100).map(|_| target.arrive(0)).last();
        assert_eq!(last.map(at_ns), Some(1_000_000), "a second of work behind it");
    }
}
