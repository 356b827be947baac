//! Where the next soak is: between the last confirmed and the lowest rejected rate, or further down.

use super::drift::baseline_for;
use super::finding::{Finding, Flag};
use super::refer::{Doubted, Reference};
use super::{Confirmed, Phase, Search};
use crate::trial::TrialId;
use crate::trial::verdict::Proof;
use crate::units::Rps;

/// A service that became faster is looked for so many precisions higher first.
pub(super) const EXPANSION_PRECISIONS: f64 = 3.0;
/// A confirmed rate is left for a higher one that is so many precisions above it, and a deviation ...
const UP_PRECISIONS: f64 = 0.5;
/// ... and for a lower one when the capacity lies below it with this probability.
const DOWN_SHARE: f64 = 0.9;
/// A soak is set where the capacity lies above with a probability of 1 minus this.
const CAREFUL_SHARE: f64 = 0.22;
/// The same for a service that sheds load, where errors show at once that a rate is too high.
const SHEDDING_SHARE: f64 = 0.4;
/// The failing side is tried again so many precisions above what is surely too high.
const RETEST_PRECISIONS: f64 = 1.5;
/// Of a service that has changed before, it is tried again so few precisions above the answer.
const CHANGED_PRECISIONS: f64 = 1.3;
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

    /// After a confirmed soak.
    pub(super) fn after_soak(&mut self) -> Phase {
        self.another_soak().unwrap_or_else(|| self.certify())
    }

    /// Another soak, where the confirmed rate is not close enough to where the capacity must lie, now that the
    /// soak itself has told of it.
    fn another_soak(&mut self) -> Option<Phase> {
        let (confirmed, belief) = (self.confirmed?, self.belief()?);
        let wanted = self.believed().filter(|_| self.soaks < self.plan.soaks_max)?;
        let half = 1.0 + (UP_PRECISIONS * self.plan.precision_ratio).max(belief.deviation_ratio());
        let below = self.rejected.unwrap_or(self.plan.ceiling).scaled(1.0 / half);
        let higher = wanted.min(below);
        if higher > confirmed.rate.scaled(half) {
            return Some(Phase::Soak { rate: higher });
        }
        if belief.quantile_rps(DOWN_SHARE) < confirmed.rate.get() {
            self.confirmed = None;
            self.soaks += 1;
            return Some(Phase::Soak { rate: wanted.max(self.plan.floor) });
        }
        None
    }

    /// Where the capacity under the soak's law is believed to lie, on the careful side.
    pub(super) fn believed(&self) -> Option<Rps> {
        let share = if self.history.sheds() { SHEDDING_SHARE } else { CAREFUL_SHARE };
        self.belief().and_then(|belief| Rps::new(belief.quantile_rps(share)))
    }

    /// The first soak: where all trials together place the capacity under the soak's law.
    pub(super) fn first_soak(&mut self) -> Phase {
        let Some(rate) = self.believed() else { return Phase::Done(Finding::Unconfirmed) };
        let rate = rate.max(self.plan.floor).min(self.plan.ceiling);
        self.proposed = Some(rate);
        Phase::Soak { rate }
    }

    /// A soak was rejected; first of all, is the machine pressed just now?
    pub(super) fn doubt_rejection(&mut self, rate: Rps, piled_up: bool) -> Phase {
        match baseline_for(&self.early, rate) {
            Some(before) => Phase::Refer(Reference::of(before, Doubted::Soak { rate, piled_up })),
            None => self.reject(rate, piled_up),
        }
    }

    /// Takes the rejection of a soak: requests piled up, or it was too slow or in error.
    pub(super) fn reject(&mut self, rate: Rps, piled_up: bool) -> Phase {
        self.soaks += 1;
        self.piled_up |= piled_up;
        self.rejected = Some(self.rejected.map_or(rate, |rejected| rejected.min(rate)));
        self.after_rejection()
    }

    /// After a rejected soak: further down, or back towards the confirmed rate.
    pub(super) fn after_rejection(&mut self) -> Phase {
        let Some(rejected) = self.rejected else { return Phase::Done(Finding::Unconfirmed) };
        if self.confirmed.is_some() {
            return self.after_soak();
        }
        // Half a precision twice, because the proposal is rarely far off; then ever wider.
        let widening = if self.history.sheds() { 0 } else { self.soaks.saturating_sub(2).min(16) };
        let step = self.plan.precision_ratio / 2.0 * f64::from(2_u32.pow(widening));
        let stepped = rejected.scaled(1.0 / (1.0 + step));
        let lower = self.believed().map_or(stepped, |believed| believed.min(stepped));
        if self.soaks >= self.plan.soaks_max || lower < self.plan.floor {
            return Phase::Done(self.settled(Finding::Unconfirmed));
        }
        Phase::Soak { rate: lower }
    }

    /// A rate is confirmed; what is left is whether the service is still the same: the failing side first,
    /// so far up that a service which did not become faster fails within seconds.
    pub(super) fn certify(&mut self) -> Phase {
        let Some(confirmed) = self.confirmed else { return self.check_drift() };
        if self.suspicion.is_some() || confirmed.rate >= self.plan.ceiling {
            return self.check_drift();
        }
        if self.expansions >= self.plan.expansions_max {
            self.flag(Flag::NonMonotone);
            self.flag(Flag::Indeterminate);
            return self.check_drift();
        }
        if self.flags.contains(&Flag::Drift) {
            // It may have become faster during the soak, by less than would be sure otherwise.
            let spaced = confirmed.rate.scaled(1.0 / (1.0 - self.law_cost(confirmed.rate)));
            let above = 1.0 + CHANGED_PRECISIONS * self.plan.precision_ratio;
            return Phase::Retest { rate: spaced.scaled(above).min(self.plan.ceiling) };
        }
        let saturation = self.history.saturation();
        let surely =
            saturation.and_then(|saturation| Rps::new(saturation.quantile_rps(SURELY_SHARE)));
        let rate = surely.map_or(confirmed.rate, |surely| surely.max(confirmed.rate));
        let above = 1.0 + RETEST_PRECISIONS * self.plan.precision_ratio;
        Phase::Retest { rate: rate.scaled(above).min(self.plan.ceiling) }
    }

    /// A rate above the answer has held where it surely should not: there is more, and perhaps far more.
    pub(super) fn after_contradiction(&mut self, held: Rps) -> Phase {
        self.bracket.pass(held);
        let saturation = self.history.saturation();
        let is_explained =
            saturation.is_some_and(|saturation| saturation.quantile_rps(SURELY_SHARE) > held.get());
        if !is_explained {
            self.flag(Flag::Drift);
        }
        self.history.forget_fails_below(held);
        self.expansions += 1;
        Phase::Higher { held }
    }

    /// A soak at as much as spaced arrivals of the rate `held` say of the soak's law, where that is more than
    /// what is confirmed.
    pub(super) fn soak_above(&mut self, held: Rps) -> Phase {
        let Some(confirmed) = self.confirmed else { return self.first_soak() };
        let half = 1.0 + UP_PRECISIONS * self.plan.precision_ratio;
        let under_law = held.scaled(1.0 - self.law_cost(held));
        if !self.history.sheds() && under_law > confirmed.rate.scaled(half) {
            self.rejected = None;
            return Phase::Soak { rate: under_law.min(self.plan.ceiling) };
        }
        self.another_soak().unwrap_or_else(|| self.check_drift())
    }

    /// The service became faster: what was learned of it is forgotten but for what it sustained.
    pub(super) fn start_over(&mut self) -> Phase {
        self.flag(Flag::Drift);
        self.forget_looks();
        self.restarts += 1;
        match baseline_for(&self.early, self.low_or_floor()) {
            Some(before) => Phase::Rebase { before },
            None => Phase::Expand { precisions: EXPANSION_PRECISIONS },
        }
    }

    /// Forgets what was learned of the service but for what it sustained.
    pub(super) fn forget_looks(&mut self) {
        self.history.start_over();
        self.confirmed = None;
        self.held_once = None;
        self.rejected = None;
        self.soaks = 0;
        self.looks = 0;
        self.looks_held = 0;
        self.piled_up = false;
    }
}
