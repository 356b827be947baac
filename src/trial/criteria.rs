//! When is a rate sustained? The judge looks at a running trial twice a second and at its end.
//!
//! Four things can break a rate: a backlog that grows, a queue whose waiting time alone breaks the
//! limit, too many slow responses, too many errors. A rate is sustained only when growth of the backlog
//! is *ruled out* and the shares hold; no alarm is no evidence. A trial ends as soon as either is clear.
//! Figures and sources: docs/method.md.

use super::result::TrialResult;
use super::tally::Tally;
use super::verdict::{Proof, Reason, Verdict, VoidReason};
use super::{Flow, StopCause, StreamView, TICK_S, Tick, TrialPlan, Workload};
use crate::stats::growth::Growth;
use crate::stats::interval::share_is_at_most;
use crate::units::Rps;

/// Share of responses that a 99th percentile allows above its limit.
const SLOW_RATIO: f64 = 0.01;
/// Growth is shown above this many standard deviations: no false alarm up to 98 % of the capacity.
const ALARM_SIGMAS: f64 = 4.0;
/// Growth is ruled out with this margin; 1 lets through errors of 5.8 % on exponential service.
const EQUIVALENCE_SIGMAS: f64 = 2.0;
/// No growth is shown before this many measured seconds.
const ALARM_AFTER_S: f64 = 2.0;
/// A share is shown to be too high above this many standard deviations ...
const SHARE_SIGMAS: f64 = 3.7;
/// ... and with at least this many cases: one stray error only makes a trial longer.
const SHARE_CASES: u64 = 3;
/// One-sided confidence of a soak's bounds.
const SOAK_CONFIDENCE: f64 = 0.90;
/// Lateness beyond these voids a trial; the tail's limit is at least this, or 1 % of `P99_MS`.
const LATENESS_P50_MS: f64 = 0.5;
const LATENESS_P99_MS: f64 = 2.0;
/// A generator that uses more than this share of its core cannot be believed to be on time.
const CPU_RATIO: f64 = 0.9;

/// What "sustained" means for indexing.
#[derive(Debug, Clone, Copy)]
pub struct Objective {
    /// Limit of the response time's 99th percentile.
    pub p99_ms: u64,
    /// Share of requests that may end in another way than accepted.
    pub error_ratio: f64,
    /// Median service time of a target at rest, where it is known.
    pub base_ms: Option<f64>,
}

/// How a trial is judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Not judged while it runs; its end is judged by its measured values.
    Measure,
    /// Proposes a bound: growth of more than `resolution_ratio` of the rate must be ruled out.
    Propose {
        /// Growth to rule out, as a share of the rate.
        resolution_ratio: f64,
        /// It runs at least this long before it can be sustained.
        least_s: f64,
    },
    /// Confirms: as `Propose`, and the shares need upper bounds within the objective.
    Confirm {
        /// Growth to rule out, as a share of the rate.
        resolution_ratio: f64,
        /// It runs at least this long before it can be sustained.
        least_s: f64,
    },
}

/// Judges one trial.
#[derive(Debug)]
pub struct Judge {
    rule: Rule,
    objective: Objective,
    offered_rps: f64,
    warmup_s: f64,
    planned: u64,
    growth: Growth,
    elapsed_s: f64,
    decided: Option<Verdict>,
}

/// Slow responses and errors among the requests whose fate is clear.
#[derive(Debug, Clone, Copy)]
struct Shares {
    clear: u64,
    slow: u64,
    failed: u64,
}

impl Judge {
    /// A judge of `plan` under `objective`; the indexing stream is what is judged.
    #[must_use]
    pub fn new(plan: &TrialPlan, objective: Objective) -> Self {
        let offered = plan.stream(Workload::Index).map(|stream| stream.offered);
        let offered_rps = offered.map_or(0.0, Rps::get);
        Self {
            rule: plan.rule,
            objective,
            offered_rps,
            warmup_s: plan.warmup_s,
            planned: offered.map_or(0, |offered| offered.count_in(plan.measure_s)),
            growth: Growth::new(offered_rps * TICK_S),
            elapsed_s: 0.0,
            decided: None,
        }
    }

    /// Looks at the running trial; stops it when the verdict is clear.
    pub fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        let index = tick.streams.iter().find(|view| view.plan.workload == Workload::Index);
        let (Some(view), true) = (index, tick.at_s >= self.warmup_s - TICK_S / 4.0) else {
            return Flow::Continue;
        };
        self.growth.look(view.outstanding);
        self.elapsed_s = tick.at_s - self.warmup_s;
        if self.rule == Rule::Measure || self.decided.is_some() {
            return Flow::Continue;
        }
        self.decided = self.decide(view);
        if self.decided.is_some() { Flow::Stop(StopCause::Decided) } else { Flow::Continue }
    }

    /// The verdict over the finished trial.
    #[must_use]
    pub fn verdict(&self, result: &TrialResult) -> Verdict {
        let void = self.void_reasons(result);
        if !void.is_empty() {
            return Verdict::Void(void);
        }
        match result.stopped {
            Some(StopCause::Interrupted | StopCause::TargetLost) => return Verdict::Undecided,
            Some(StopCause::Outstanding) => {
                let bound = result.plan.streams.iter().find_map(|stream| stream.outstanding_max);
                let bound = bound.unwrap_or_default();
                return Verdict::Overloaded(vec![Reason::Outstanding { bound }]);
            }
            Some(StopCause::Decided) | None => {}
        }
        if let Some(verdict) = &self.decided {
            return verdict.clone();
        }
        match result.stream(Workload::Index) {
            Some(index) => self.verdict_at_end(&index.tally),
            None => Verdict::Undecided,
        }
    }

    /// Variance of the backlog per request: what decides how long a soak must be.
    #[must_use]
    pub fn dispersion(&self) -> f64 {
        self.growth.dispersion(self.offered_rps * TICK_S)
    }

    fn decide(&self, view: &StreamView<'_>) -> Option<Verdict> {
        let shares = self.shares_so_far(view.tally);
        let reasons = self.alarms(view.outstanding, shares);
        if !reasons.is_empty() {
            return Some(Verdict::Overloaded(reasons));
        }
        let (resolution_ratio, least_s) = self.resolution()?;
        let ruled_out = self.growth.is_below(EQUIVALENCE_SIGMAS, self.margin(resolution_ratio));
        (self.elapsed_s >= least_s - TICK_S / 4.0 && ruled_out && self.shares_hold(shares))
            .then_some(Verdict::Sustained(Proof::Bound))
    }

    fn resolution(&self) -> Option<(f64, f64)> {
        match self.rule {
            Rule::Measure => None,
            Rule::Propose { resolution_ratio, least_s }
            | Rule::Confirm { resolution_ratio, least_s } => Some((resolution_ratio, least_s)),
        }
    }

    /// Growth of the backlog that would still be called none, in requests.
    fn margin(&self, resolution_ratio: f64) -> f64 {
        resolution_ratio * self.offered_rps * self.elapsed_s
    }

    fn limit_s(&self) -> f64 {
        self.objective.p99_ms as f64 / 1000.0
    }

    fn alarms(&self, outstanding: u64, shares: Shares) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let least = 5.0 + 0.1 * self.limit_s() * self.offered_rps;
        if self.elapsed_s >= ALARM_AFTER_S && self.growth.is_above(ALARM_SIGMAS, least) {
            reasons.push(Reason::Backlog { growth_rps: self.growth.total() / self.elapsed_s });
        }
        let queue_s = outstanding as f64 / self.offered_rps;
        let limit_s = 2.0 * self.limit_s();
        if queue_s > limit_s {
            reasons.push(Reason::Queue { queue_s, limit_s });
        }
        if self.is_too_many(shares.slow, shares.clear, SLOW_RATIO) {
            reasons.push(self.slow_reason(shares));
        }
        if self.is_too_many(shares.failed, shares.clear, self.objective.error_ratio) {
            reasons.push(self.errors_reason(shares));
        }
        reasons
    }

    /// Whether `count` of `clear` cannot come from a share of `limit`.
    ///
    /// A soak is not stopped by a bad stretch, only when the measured share at its end is sure to be
    /// over the limit: it is the soak's length that makes its answer.
    fn is_too_many(&self, count: u64, clear: u64, limit: f64) -> bool {
        let expected = limit * clear as f64;
        match self.rule {
            Rule::Confirm { .. } => count as f64 > limit * self.planned as f64,
            _ => count >= SHARE_CASES && count as f64 > expected + SHARE_SIGMAS * expected.sqrt(),
        }
    }

    fn shares_hold(&self, shares: Shares) -> bool {
        let within = |count: u64, limit: f64| count as f64 <= limit * shares.clear as f64;
        let shown =
            |count: u64, limit: f64| share_is_at_most(count, shares.clear, limit, SOAK_CONFIDENCE);
        match self.rule {
            Rule::Confirm { .. } => {
                shown(shares.slow, SLOW_RATIO) && shown(shares.failed, self.objective.error_ratio)
            }
            _ => {
                shares.clear > 0
                    && within(shares.slow, SLOW_RATIO)
                    && within(shares.failed, self.objective.error_ratio)
            }
        }
    }

    /// A request counts as slow as soon as its age passes the limit; its answer is not waited for.
    fn shares_so_far(&self, tally: &Tally) -> Shares {
        let mut shares = Shares { clear: 0, slow: 0, failed: tally.counts.failed() };
        let mut bin_end_s = 0.0;
        for bin in &tally.bins {
            bin_end_s += TICK_S;
            let overdue =
                if bin_end_s + self.limit_s() <= self.elapsed_s { bin.due - bin.ended } else { 0 };
            shares.clear += bin.ended + overdue;
            shares.slow += bin.slow + overdue;
        }
        shares
    }

    fn verdict_at_end(&self, tally: &Tally) -> Verdict {
        let shares = Shares {
            clear: tally.counts.total(),
            slow: tally.bins.iter().map(|bin| bin.slow).sum(),
            failed: tally.counts.failed(),
        };
        if shares.clear == 0 {
            return Verdict::Undecided;
        }
        let share = |count: u64| count as f64 / shares.clear as f64;
        let mut reasons = Vec::new();
        if share(shares.slow) > SLOW_RATIO {
            reasons.push(self.slow_reason(shares));
        }
        if share(shares.failed) > self.objective.error_ratio {
            reasons.push(self.errors_reason(shares));
        }
        let grew = self
            .resolution()
            .is_some_and(|(resolution, _)| self.growth.total() >= self.margin(resolution));
        if grew {
            reasons.push(Reason::Unresolved);
        }
        if reasons.is_empty() {
            Verdict::Sustained(Proof::PointValue)
        } else {
            Verdict::Overloaded(reasons)
        }
    }

    fn slow_reason(&self, shares: Shares) -> Reason {
        let share_ratio = shares.slow as f64 / shares.clear.max(1) as f64;
        Reason::Slow { share_ratio, limit_ms: self.objective.p99_ms }
    }

    fn errors_reason(&self, shares: Shares) -> Reason {
        let share_ratio = shares.failed as f64 / shares.clear.max(1) as f64;
        Reason::Errors { share_ratio, limit_ratio: self.objective.error_ratio }
    }

    fn void_reasons(&self, result: &TrialResult) -> Vec<VoidReason> {
        let mut reasons = Vec::new();
        let limit_ms = LATENESS_P99_MS.max(self.objective.p99_ms as f64 / 100.0);
        for stream in &result.streams {
            let lateness = &stream.tally.lateness;
            let (p50_ms, p99_ms) = (lateness.quantile_ms(0.5), lateness.quantile_ms(0.99));
            let late = p50_ms.is_some_and(|p50_ms| p50_ms > LATENESS_P50_MS)
                || p99_ms.is_some_and(|p99_ms| p99_ms > limit_ms);
            if late {
                let p50_ms = p50_ms.unwrap_or_default();
                let p99_ms = p99_ms.or(lateness.max_ms()).unwrap_or_default();
                reasons.push(VoidReason::Lateness { p50_ms, p99_ms, limit_ms });
            }
            if stream.tally.unsent_generator > 0 {
                reasons.push(VoidReason::Shortage { unsent: stream.tally.unsent_generator });
            }
        }
        if result.vitals.cpu_ratio() > CPU_RATIO {
            reasons.push(VoidReason::Processor { cpu_ratio: result.vitals.cpu_ratio() });
        }
        if self.lanes_were_short(result) {
            reasons.push(VoidReason::Lanes { lanes_max: result.vitals.lanes_max });
        }
        reasons
    }

    fn lanes_were_short(&self, result: &TrialResult) -> bool {
        let service_p50_ms =
            result.stream(Workload::Index).and_then(|stream| stream.tally.service.quantile_ms(0.5));
        match (service_p50_ms, self.objective.base_ms) {
            (Some(service_p50_ms), Some(base_ms)) => {
                result.vitals.lanes_exhausted && service_p50_ms <= 2.0 * base_ms
            }
            _ => false,
        }
    }
}
