//! Where the next soak is: between the last confirmed and the lowest rejected rate, or further down.

use super::finding::{Finding, Flag};
use super::{Confirmed, Phase, Search};
use crate::trial::TrialId;
use crate::trial::evidence::Observation;
use crate::trial::verdict::{Proof, Reason};
use crate::units::Rps;

/// A soak that sheds load says by what it accepts where to go on, when that is so far off.
const SHEDDING_RATIO: f64 = 0.9;
/// Growth of the share of errors with the logarithm of the rate, until it has been measured.
const SHEDDING_SLOPE: f64 = 50.0;
/// Bursts can make the slope look flatter than it ever is.
const SHEDDING_SLOPE_LEAST: f64 = 30.0;
/// Most that a soak goes down at once for errors, as a share of the rate.
const STEP_MOST: f64 = 0.15;
/// Of a service that has changed once the failing side is asked so few precisions above the answer.
const CHANGED_PRECISIONS: f64 = 1.5;
/// A service that became faster is looked for so many precisions higher first.
const EXPANSION_PRECISIONS: f64 = 3.0;
/// Errors come in bursts of about so many.
const BURST: f64 = 8.0;
/// The next soak is set where this share of the allowed errors is expected.
const WANTED: f64 = 0.6;
/// A soak is set where the capacity lies above with a probability of 1 minus this.
const CAREFUL_SHARE: f64 = 0.2;
/// The capacity is surely below a rate with this probability.
const SURELY_SHARE: f64 = 0.975;

impl Search {
    /// After a soak that held: as many as the plan wants confirm a rate, each on a drained target.
    pub(super) fn after_held_soak(&mut self, rate: Rps, by: TrialId, proof: Proof) -> Phase {
        let before = self.held_once.take().filter(|(held, _)| *held == rate).map(|(_, by)| by);
        if self.plan.is_soaked_twice && before.is_none() {
            self.held_once = Some((rate, by));
            return Phase::Soak { rate };
        }
        self.confirmed = Some(Confirmed { rate, before, by, proof });
        self.after_soak()
    }

    /// After a confirmed soak: is it close enough to where the capacity must lie?
    pub(super) fn after_soak(&mut self) -> Phase {
        match (self.confirmed, self.rejected) {
            (Some(confirmed), Some(rejected))
                if self.crossing(rejected).get() / confirmed.rate.get() - 1.0
                    > 0.7 * self.plan.precision_ratio
                    && self.soaks < self.plan.soaks_max =>
            {
                Phase::Soak { rate: confirmed.rate.geometric_mean(self.crossing(rejected)) }
            }
            _ => self.certify(),
        }
    }

    /// Where the capacity lies at the most, given the lowest rejected rate: below it, when that was
    /// rejected for so many errors that their share has to fall a long way at the slope that was seen.
    fn crossing(&self, rejected: Rps) -> Rps {
        match (self.refused, self.shedding_slope) {
            (Some((rate, share_ratio)), Some(slope)) if share_ratio > self.plan.error_ratio => {
                let fall = (share_ratio / self.plan.error_ratio).ln() / slope;
                rejected.min(rate.scaled((-fall).exp()))
            }
            _ => rejected,
        }
    }

    /// Where the capacity under the soak's law is believed to lie, on the careful side.
    pub(super) fn believed(&self) -> Option<Rps> {
        self.belief().and_then(|belief| Rps::new(belief.quantile_rps(CAREFUL_SHARE)))
    }

    /// The first soak: where all trials together place the capacity under the soak's law.
    pub(super) fn first_soak(&mut self) -> Phase {
        let Some(rate) = self.believed() else { return Phase::Done(Finding::Unconfirmed) };
        let rate = rate.max(self.plan.floor).min(self.plan.ceiling);
        self.proposed = Some(rate);
        Phase::Soak { rate }
    }

    /// After a rejected soak: further down, or back towards the confirmed rate.
    pub(super) fn after_rejection(&mut self, seen: &Observation, reasons: &[Reason]) -> Phase {
        let Some(rejected) = self.rejected else { return Phase::Done(Finding::Unconfirmed) };
        if self.confirmed.is_some() {
            return self.after_soak();
        }
        let stepped = rejected
            .scaled(1.0 / (1.0 + self.step_down(rejected, seen.evidence.requests, reasons)));
        let shedding = seen
            .evidence
            .accepted_rps
            .and_then(Rps::new)
            .filter(|accepted| accepted.get() < SHEDDING_RATIO * rejected.get());
        let believed = self.believed().filter(|_| reasons.iter().any(Reason::is_backlog));
        let lower = [shedding, believed].into_iter().flatten().fold(stepped, Rps::min);
        if self.soaks >= self.plan.soaks_max || lower < self.plan.floor {
            return Phase::Done(self.settled(Finding::Unconfirmed));
        }
        Phase::Soak { rate: lower }
    }

    /// How far below a rejected rate the next soak is, as a share of it.
    fn step_down(&mut self, rejected: Rps, requests: u64, reasons: &[Reason]) -> f64 {
        let half = self.plan.precision_ratio / 2.0;
        let errors = reasons.iter().find_map(|reason| match reason {
            Reason::Errors { share_ratio, .. } => Some(*share_ratio),
            _ => None,
        });
        let Some(share_ratio) = errors else {
            self.refused = None;
            // Half a precision twice, because the proposal is rarely far off; then ever wider.
            return match self.soaks {
                0..=2 => half,
                soaks => half * f64::from(2_u32.pow((soaks - 2).min(16))),
            };
        };
        // A soak that ended at its first burst of errors exaggerates: only what is sure counts.
        let errors = share_ratio * requests as f64;
        let sure = (errors - (BURST * errors).sqrt()).max(0.0) / requests.max(1) as f64;
        let sure_ratio = sure.max(2.0 * self.plan.error_ratio).min(share_ratio);
        if let Some((rate, share)) = self.refused.replace((rejected, sure_ratio)) {
            // Where a service sheds load, the share grows about exponentially with the rate.
            let slope = (share / sure_ratio).ln() / (rate.get() / rejected.get()).ln();
            self.shedding_slope = (slope > 0.0).then(|| slope.max(SHEDDING_SLOPE_LEAST));
        }
        let slope = self.shedding_slope.unwrap_or(SHEDDING_SLOPE);
        ((sure_ratio / (WANTED * self.plan.error_ratio)).ln() / slope).clamp(half, STEP_MOST)
    }

    /// A rate is confirmed; what is left is whether the service is still the same: the failing side first,
    /// so far up that a service which did not become faster fails within seconds.
    pub(super) fn certify(&mut self) -> Phase {
        let high = self.bracket.high().filter(|high| *high < self.plan.ceiling);
        let (Some(high), false) = (high, self.is_suspect) else { return self.check_drift() };
        if self.expansions >= self.plan.expansions_max {
            self.flag(Flag::NonMonotone);
            return self.check_drift();
        }
        let Some(confirmed) = self.confirmed else { return self.check_drift() };
        if self.flags.contains(&Flag::Drift) {
            let higher =
                confirmed.rate.scaled(1.0 + CHANGED_PRECISIONS * self.plan.precision_ratio);
            return Phase::Retest { rate: higher.min(high) };
        }
        let surely = self
            .belief()
            .and_then(|belief| Rps::new(belief.quantile_rps(SURELY_SHARE)))
            .map(|surely| self.under_spaced_arrivals(surely));
        let above = 1.0 + self.plan.precision_ratio;
        // What only a soak rejected, spaced arrivals may well pass: then only what they failed counts.
        let rate = match (surely, self.rejected) {
            (Some(surely), None) => surely.min(high),
            (Some(surely), Some(_)) => surely.max(high),
            (None, _) => high,
        };
        let rate = rate.scaled(above);
        Phase::Retest { rate: rate.max(confirmed.rate.scaled(above)).min(self.plan.ceiling) }
    }

    /// The service became faster: what was learned of it is forgotten but for what it sustained.
    pub(super) fn start_over(&mut self) -> Phase {
        self.flag(Flag::Drift);
        self.history.forget_fails();
        self.confirmed = None;
        self.held_once = None;
        self.rejected = None;
        self.refused = None;
        self.shedding_slope = None;
        self.soaks = 0;
        self.settles = 0;
        self.piled_up = false;
        self.expansions += 1;
        Phase::Expand { precisions: EXPANSION_PRECISIONS }
    }
}
