//! Where the next soak is: between the last confirmed and the lowest rejected rate, or further down.

use super::finding::Finding;
use super::{Phase, Search};
use crate::trial::evidence::Observation;
use crate::trial::verdict::Reason;
use crate::units::Rps;

/// A soak that sheds load says by what it accepts where to go on, when that is so far off.
const SHEDDING_RATIO: f64 = 0.9;
/// Growth of the share of errors with the logarithm of the rate, until it has been measured.
pub(super) const SHEDDING_SLOPE: f64 = 50.0;
/// Most that a soak goes down at once for errors, as a share of the rate.
const STEP_MOST: f64 = 0.15;

impl Search {
    /// After a confirmed soak: is it close enough to where the capacity must lie?
    pub(super) fn after_soak(&mut self) -> Phase {
        match (self.confirmed, self.rejected) {
            (Some(confirmed), Some(rejected))
                if self.crossing(rejected).get() / confirmed.rate.get() - 1.0
                    > self.plan.precision_ratio
                    && self.soaks < self.plan.soaks_max =>
            {
                Phase::Soak { rate: confirmed.rate.geometric_mean(self.crossing(rejected)) }
            }
            _ => self.certify(),
        }
    }

    /// Where the capacity lies at the most, given the lowest rejected rate: below it, when that was
    /// rejected for so many errors that their share has to fall a long way.
    pub(super) fn crossing(&self, rejected: Rps) -> Rps {
        match self.refused {
            Some((rate, share_ratio)) if share_ratio > self.plan.error_ratio => {
                let fall = (share_ratio / self.plan.error_ratio).ln() / self.shedding_slope;
                rejected.min(rate.scaled((-fall).exp()))
            }
            _ => rejected,
        }
    }

    /// After a rejected soak: further down, or back towards the confirmed rate.
    pub(super) fn after_rejection(&mut self, seen: &Observation, reasons: &[Reason]) -> Phase {
        let Some(rejected) = self.rejected else { return Phase::Done(Finding::Unconfirmed) };
        if self.confirmed.is_some() {
            return self.after_soak();
        }
        let stepped = rejected.scaled(1.0 / (1.0 + self.step_down(rejected, reasons)));
        let lower = seen
            .evidence
            .accepted_rps
            .and_then(Rps::new)
            .filter(|accepted| accepted.get() < SHEDDING_RATIO * rejected.get())
            .map_or(stepped, |accepted| stepped.min(accepted));
        if self.soaks >= self.plan.soaks_max || lower < self.plan.floor {
            return Phase::Done(self.settled(Finding::Unconfirmed));
        }
        Phase::Soak { rate: lower }
    }

    /// How far below a rejected rate the next soak is, as a share of it.
    pub(super) fn step_down(&mut self, rejected: Rps, reasons: &[Reason]) -> f64 {
        let half = self.plan.precision_ratio / 2.0;
        let errors = reasons.iter().find_map(|reason| match reason {
            Reason::Errors { share_ratio, .. } => Some(*share_ratio),
            _ => None,
        });
        if let Some(share_ratio) = errors {
            if let Some((rate, share)) = self.refused.replace((rejected, share_ratio)) {
                // Where a service sheds load, the share grows about exponentially with the rate.
                let slope = (share / share_ratio).ln() / (rate.get() / rejected.get()).ln();
                if slope.is_finite() {
                    self.shedding_slope = slope.clamp(0.7 * SHEDDING_SLOPE, 4.0 * SHEDDING_SLOPE);
                }
            }
            let wanted_ratio = self.plan.error_ratio / 2.0;
            return ((share_ratio / wanted_ratio).ln() / self.shedding_slope)
                .clamp(half, STEP_MOST);
        }
        self.refused = None;
        // Half a precision twice, because the proposal is rarely far off; then ever wider.
        match self.soaks {
            0..=2 => half,
            soaks => half * f64::from(2_u32.pow((soaks - 2).min(16))),
        }
    }

    /// A rate is confirmed; what is left is whether the service is still the same.
    pub(super) fn certify(&mut self) -> Phase {
        let can_be_faster = self.bracket.high().is_some_and(|high| high < self.plan.ceiling);
        if can_be_faster && !self.is_suspect && self.expansions < self.plan.expansions_max {
            Phase::Beyond
        } else {
            self.check_drift()
        }
    }

    /// Forgets the soaks: the service is another one now.
    pub(super) fn start_over(&mut self) {
        self.confirmed = None;
        self.rejected = None;
        self.refused = None;
        self.soaks = 0;
        self.piled_up = false;
    }
}
