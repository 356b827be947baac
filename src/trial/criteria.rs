//! When is a rate sustained? The judge looks at a running trial twice a second and at its end.
//!
//! Four things can break a rate: a backlog that grows, a queue whose waiting time alone breaks the
//! limit, too many slow responses, too many errors. A rate is sustained only when growth of the backlog
//! is *ruled out* and the shares hold; no alarm is no evidence. A trial ends as soon as either is clear.
//! Figures and sources: docs/method.md.

use super::beside::Beside;
use super::busy::{BusyWatch, Seen};
use super::counts::DueBin;
use super::evidence::Evidence;
use super::hidden::HiddenGrowth;
use super::objective::{Objective, Rule, SLOW_RATIO};
use super::result::{StreamResult, TrialResult};
use super::shares::{
    Shares, WINDOWS, WINDOWS_BROKEN_MOST, broken_windows, clear_bins, is_certainly_over,
};
use super::tally::Tally;
use super::verdict::{Proof, Reason, Verdict};
use super::void::void_reasons;
use super::{Flow, StopCause, StreamPlan, StreamView, TICK_S, Tick, TrialPlan, Workload};
use crate::schedule::ArrivalLaw;
use crate::stats::growth::Growth;
use crate::stats::interval::share_is_at_most;
use crate::units::{Rps, round_to_u64, round_to_usize, usize_to_u64};

/// Growth is shown above this many standard deviations: no false alarm up to 98 % of the capacity.
const ALARM_SIGMAS: f64 = 4.0;
/// Growth is ruled out with this margin; 1 lets through errors of 5.8 % on exponential service.
const EQUIVALENCE_SIGMAS: f64 = 2.0;
/// No growth is shown before this many measured seconds.
const ALARM_AFTER_S: f64 = 2.0;
/// Overdispersion that a soak reckons with from its first second.
const STRETCH: f64 = 30.0;
/// Errors come in bursts of at least about so many.
const BURST: f64 = 6.0;
/// A soak with at least this share of errors is given up at once, any other after so many seconds ...
const FLOOD_RATIO: f64 = 0.1;
/// See `FLOOD_RATIO`.
const HOPE_S: f64 = 15.0;
/// ... when they are so many deviations more than allowed, or more at all after twice the time that a
/// soak needs.
const HOPE_SIGMAS: f64 = 2.0;
/// One-sided confidence of a soak's bounds.
const SOAK_CONFIDENCE: f64 = 0.90;
/// A collapse is looked for in the last so many seconds ...
const COLLAPSE_S: f64 = 5.0;
/// ... and is there when fewer than this share of what was sustained before is accepted.
const COLLAPSE_RATIO: f64 = 0.5;

/// Judges one trial.
#[derive(Debug)]
pub struct Judge {
    rule: Rule,
    objective: Objective,
    offered_rps: f64,
    warmup_s: f64,
    planned: u64,
    sustained_before_rps: Option<f64>,
    growth: Growth,
    busy: BusyWatch,
    /// Rate in documents, as hidden backlogs are counted.
    documents_rps: f64,
    hidden: Option<HiddenGrowth>,
    elapsed_s: f64,
    decided: Option<Verdict>,
    /// Of a look into an overload: what would have ended any other trial.
    alarmed: Vec<Reason>,
}

impl Judge {
    /// A judge of `plan` under `objective`; the indexing stream is what is judged.
    #[must_use]
    pub fn new(plan: &TrialPlan, objective: Objective) -> Self {
        let offered = plan.stream(Workload::Index).map(|stream| stream.offered);
        let arrivals = plan.stream(Workload::Index).map(|stream| stream.arrivals);
        let offered_rps = offered.map_or(0.0, Rps::get);
        Self {
            rule: plan.rule,
            objective,
            offered_rps,
            warmup_s: plan.warmup_s,
            planned: offered.map_or(0, |offered| offered.count_in(plan.measure_s)),
            sustained_before_rps: plan.sustained_before.map(Rps::get),
            growth: Growth::new(offered_rps * TICK_S, arrivals.map_or(0.0, ArrivalLaw::dispersion)),
            busy: BusyWatch::new(offered_rps, objective.base_ms.unwrap_or_default()),
            documents_rps: plan.stream(Workload::Index).map_or(0.0, StreamPlan::documents_rps),
            hidden: None,
            elapsed_s: 0.0,
            decided: None,
            alarmed: Vec::new(),
        }
    }

    /// Looks at the running trial; stops it when the verdict is clear.
    pub fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        let index = tick.streams.iter().find(|view| view.plan.workload == Workload::Index);
        let Some(view) = index else { return Flow::Continue };
        let is_measured = tick.at_s >= self.warmup_s - TICK_S / 4.0;
        self.busy.look(Seen::of(tick.at_s, view), is_measured);
        if !is_measured {
            return Flow::Continue;
        }
        self.growth.look(view.outstanding);
        self.hidden = HiddenGrowth::of(tick.visible, self.warmup_s);
        self.elapsed_s = tick.at_s - self.warmup_s;
        if self.rule == Rule::Measure || self.decided.is_some() {
            return Flow::Continue;
        }
        let beside = tick.streams.iter().find(|view| view.plan.workload == Workload::Dashboard);
        let beside = beside.map(|view| Beside::so_far(view, self.elapsed_s, &self.objective));
        self.decided = self.decide(view, beside);
        if self.decided.is_some() { Flow::Stop(StopCause::Decided) } else { Flow::Continue }
    }

    /// The verdict over the finished trial, and what else it tells.
    #[must_use]
    pub fn evidence(&self, result: &TrialResult) -> Evidence {
        let offered = self.offered_rps * self.elapsed_s;
        let growth_ratio = if offered > 0.0 { self.growth.total() / offered } else { 0.0 };
        let busy = (self.busy.finish(), self.busy.taken());
        Evidence::new(result, self.verdict(result), growth_ratio, busy)
    }

    /// The verdict over the finished trial.
    #[must_use]
    pub fn verdict(&self, result: &TrialResult) -> Verdict {
        let void = void_reasons(result, &self.objective);
        if !void.is_empty() {
            return Verdict::Void(void);
        }
        match result.stopped {
            Some(StopCause::Interrupted | StopCause::TargetLost | StopCause::AgentLost) => {
                return Verdict::Undecided;
            }
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
        if !self.alarmed.is_empty() {
            return Verdict::Overloaded(self.alarmed.clone());
        }
        match result.stream(Workload::Index) {
            Some(index) => self.verdict_at_end(&index.tally, result.stream(Workload::Dashboard)),
            None => Verdict::Undecided,
        }
    }

    fn decide(&mut self, view: &StreamView<'_>, beside: Option<Beside>) -> Option<Verdict> {
        let shares = Shares::so_far(view.tally, self.elapsed_s, self.limit_s());
        let mut reasons = self.alarms(view, shares);
        reasons.extend(beside.map(Beside::alarms).unwrap_or_default());
        if let (Rule::Look { known_ratio, .. }, false) = (self.rule, reasons.is_empty()) {
            let is_enough = self.busy.is_enough(known_ratio, self.limit_s() * self.offered_rps);
            self.alarmed.clone_from(&reasons);
            return is_enough.then_some(Verdict::Overloaded(reasons));
        }
        self.alarmed.clear();
        if !reasons.is_empty() {
            return Some(Verdict::Overloaded(reasons));
        }
        let (resolution_ratio, least_s) = self.resolution()?;
        let ruled_out = self.growth.is_below(EQUIVALENCE_SIGMAS, self.margin(resolution_ratio));
        let holds = self.elapsed_s >= least_s - TICK_S / 4.0
            && ruled_out
            && self.hidden_grows().is_none()
            && self.shares_hold(shares)
            && beside.is_none_or(|beside| beside.broken().is_empty())
            && self
                .windows_broken(&clear_bins(view.tally, self.elapsed_s, self.limit_s()))
                .is_none();
        holds.then_some(Verdict::Sustained(Proof::Bound))
    }

    fn resolution(&self) -> Option<(f64, f64)> {
        match self.rule {
            Rule::Measure => None,
            Rule::Propose { resolution_ratio, least_s }
            | Rule::Look { resolution_ratio, least_s, .. }
            | Rule::Confirm { resolution_ratio, least_s } => Some((resolution_ratio, least_s)),
        }
    }

    /// Growth of the backlog that would still be called none, in requests.
    fn margin(&self, resolution_ratio: f64) -> f64 {
        resolution_ratio * self.offered_rps * self.elapsed_s
    }

    /// A backlog that only searches see, where its growth is not ruled out.
    fn hidden_grows(&self) -> Option<Reason> {
        self.hidden?.not_ruled_out(self.documents_rps, self.resolution()?.0)
    }

    fn limit_s(&self) -> f64 {
        self.objective.p99_ms as f64 / 1000.0
    }

    fn alarms(&self, view: &StreamView<'_>, shares: Shares) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let least = 5.0 + 0.1 * self.limit_s() * self.offered_rps;
        if self.elapsed_s >= ALARM_AFTER_S && self.growth.is_above(ALARM_SIGMAS, least) {
            reasons.push(Reason::Backlog { growth_rps: self.growth.total() / self.elapsed_s });
        }
        let queue_s = view.outstanding as f64 / self.offered_rps;
        let limit_s = 2.0 * self.limit_s();
        if queue_s > limit_s {
            reasons.push(Reason::Queue { queue_s, limit_s });
        }
        reasons.extend(self.hidden.and_then(|hidden| hidden.alarm(self.documents_rps)));
        if self.is_too_many(shares.slow, shares.clear, SLOW_RATIO, shares.slow_overdispersion) {
            reasons.push(self.slow_reason(shares));
        }
        if self.are_too_many_failed(shares) {
            reasons.push(self.errors_reason(shares));
        }
        reasons.extend(self.collapse(view.tally));
        reasons
    }

    /// Whether `count` of `clear` cannot come from a share of `limit`.
    ///
    /// A soak is not stopped by a bad stretch: it is its length that makes its answer. It ends when its
    /// share is sure to be over the limit at its end, or beyond what the worst of stretches explains.
    fn is_too_many(&self, count: u64, clear: u64, limit: f64, overdispersion: f64) -> bool {
        match self.rule {
            Rule::Confirm { .. } => {
                count as f64 > limit * self.planned as f64
                    || is_certainly_over(count, clear, limit, overdispersion.max(STRETCH))
            }
            _ => is_certainly_over(count, clear, limit, overdispersion),
        }
    }

    /// Whether errors are certainly too many.
    ///
    /// A soak that sheds load tells by its errors how far below it the capacity is, and they come in short
    /// bursts: it goes on for some seconds, and then as long as there is hope.
    fn are_too_many_failed(&self, shares: Shares) -> bool {
        let Shares { failed, clear, failed_overdispersion, .. } = shares;
        let limit = self.objective.error_ratio;
        let is_over = self.is_too_many(failed, clear, limit, failed_overdispersion);
        let Rule::Confirm { least_s, .. } = self.rule else { return is_over };
        if self.elapsed_s < HOPE_S {
            return is_over && failed as f64 > FLOOD_RATIO * clear as f64;
        }
        let allowed = limit * clear as f64;
        let bursts = failed_overdispersion.max(BURST);
        let sigmas = if self.elapsed_s > 2.0 * least_s { 0.0 } else { HOPE_SIGMAS };
        is_over || failed as f64 > allowed + sigmas * (bursts * allowed).sqrt()
    }

    /// Far fewer answers than at a lower rate: more load means less work done.
    fn collapse(&self, tally: &Tally) -> Option<Reason> {
        let sustained_rps = self.sustained_before_rps.filter(|rps| *rps < self.offered_rps)?;
        // The last second is still open, and so is the first one's pipeline.
        if self.elapsed_s < COLLAPSE_S + 2.0 {
            return None;
        }
        let last = round_to_usize(self.elapsed_s.floor());
        let first = last - round_to_usize(COLLAPSE_S);
        let accepted: u64 =
            tally.seconds.get(first..last)?.iter().map(|second| second.accepted).sum();
        let accepted_rps = accepted as f64 / COLLAPSE_S;
        (accepted_rps < COLLAPSE_RATIO * sustained_rps)
            .then_some(Reason::Collapse { accepted_rps, sustained_rps })
    }

    /// Of a soak: the parts that break the objective, where they are too many.
    fn windows_broken(&self, bins: &[DueBin]) -> Option<Reason> {
        if !matches!(self.rule, Rule::Confirm { .. }) {
            return None;
        }
        let error_ratio = self.objective.error_ratio;
        let broken = broken_windows(
            bins,
            |slow, clear| is_certainly_over(slow, clear, SLOW_RATIO, 1.0),
            |failed, clear| is_certainly_over(failed, clear, error_ratio, 1.0),
        );
        (broken > WINDOWS_BROKEN_MOST)
            .then(|| Reason::Windows { broken: usize_to_u64(broken), of: usize_to_u64(WINDOWS) })
    }

    fn shares_hold(&self, shares: Shares) -> bool {
        let Shares { clear, slow, failed, .. } = shares;
        let error_ratio = self.objective.error_ratio;
        if matches!(self.rule, Rule::Confirm { .. }) {
            return is_shown(slow, clear, SLOW_RATIO, shares.slow_overdispersion)
                && is_shown(failed, clear, error_ratio, 1.0);
        }
        let within = |count: u64, limit: f64| count as f64 <= limit * clear as f64;
        clear > 0 && within(slow, SLOW_RATIO) && within(failed, error_ratio)
    }

    fn verdict_at_end(&self, tally: &Tally, beside: Option<&StreamResult>) -> Verdict {
        let shares = Shares::at_end(tally);
        if shares.clear == 0 {
            return Verdict::Undecided;
        }
        let share = |count: u64| count as f64 / shares.clear as f64;
        let beside = beside.map(|stream| Beside::at_end(stream, &self.objective));
        let mut reasons = beside.map(Beside::broken).unwrap_or_default();
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
        reasons.extend(self.hidden_grows());
        reasons.extend(self.windows_broken(&tally.bins));
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
}

/// Whether `count` of `clear` shows a share of at most `limit`; uneven ones count as fewer samples.
fn is_shown(count: u64, clear: u64, limit: f64, overdispersion: f64) -> bool {
    let effective = |count: u64| round_to_u64(count as f64 / overdispersion);
    share_is_at_most(effective(count), effective(clear), limit, SOAK_CONFIDENCE)
}
