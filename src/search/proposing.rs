//! What a trial moves: the bracket while rates are proposed, then hand-over to the soaks.

use super::attempts::Attempt;
use super::drift::{Baseline, baseline_for};
use super::finding::Finding;
use super::refer::{Doubted, Reference};
use super::soaking::EXPANSION_PRECISIONS;
use super::{Confirmed, Phase, Search, Suspicion};
use crate::trial::Purpose;
use crate::trial::evidence::Observation;
use crate::trial::verdict::{Proof, Reason};
use crate::units::Rps;

/// The climb's factor: the overshoot is bounded and ends early.
const CLIMB_FACTOR: f64 = 2.0;
/// Without any pass the search goes down by this factor.
const DESCENT_FACTOR: f64 = 4.0;
/// A look is so far above where the saturation is believed to lie ...
const LOOK_ABOVE: f64 = 1.07;
/// ... and the last one when that is known with a deviation of so many precisions ...
const KNOWN_PRECISIONS: f64 = 0.45;
/// ... or after so many.
const LOOKS_MOST: u32 = 2;

impl Search {
    pub(super) fn passed(&mut self, attempt: &Attempt, seen: &Observation, proof: Proof) {
        let offered = attempt.offered;
        let moves_up = matches!(attempt.purpose, Purpose::Search | Purpose::Retest);
        if moves_up && !matches!(self.phase, Phase::Retest { .. }) {
            self.bracket.pass(offered);
        }
        self.phase = match self.phase {
            Phase::Soak { rate } => self.after_held_soak(rate, seen.id, proof),
            Phase::Prove { rate } => {
                self.confirmed = Some(Confirmed { rate, before: None, by: seen.id, proof });
                self.certify()
            }
            Phase::Drift { before } => self.after_drift(before, seen),
            Phase::Refer(reference) => self.after_reference(reference, seen),
            Phase::Rebase { before } => self.rebase(before, seen.evidence.median),
            Phase::Retest { rate } if proof == Proof::Bound => Phase::Tiebreak { rate },
            Phase::Retest { rate } | Phase::Tiebreak { rate } => self.after_contradiction(rate),
            _ if offered >= self.plan.ceiling && self.plan.is_generator_bound => {
                self.reasons = vec![format!(
                    "the service holds {offered}, and the generator is not trusted above: it reaches twice that against a server that does nothing"
                )];
                Phase::Done(Finding::GeneratorLimited)
            }
            _ if offered >= self.plan.ceiling => Phase::Soak { rate: self.plan.ceiling },
            Phase::Bracket { rate } if self.bracket.high().is_none() => {
                self.early
                    .extend(seen.evidence.median.map(|median| Baseline { rate: offered, median }));
                Phase::Bracket { rate: rate.scaled(CLIMB_FACTOR).min(self.plan.ceiling) }
            }
            Phase::Higher { .. } => self.start_over(),
            Phase::Look { rate } => self.look_higher(rate),
            Phase::Expand { precisions } => Phase::Expand { precisions: precisions * 2.0 },
            _ => self.narrow(),
        };
    }

    pub(super) fn failed(&mut self, attempt: &Attempt, seen: &Observation, reasons: &[Reason]) {
        let offered = attempt.offered;
        self.reasons = reasons.iter().map(ToString::to_string).collect();
        self.phase = match self.phase {
            Phase::Soak { rate } => {
                let piled_up = reasons.iter().any(Reason::is_backlog);
                self.doubt_rejection(rate, piled_up)
            }
            Phase::Prove { rate } if self.suspicion != Some(Suspicion::FellBehind) => {
                self.refuse(&format!("{rate} was confirmed and does not hold any more"))
            }
            Phase::Prove { rate } => {
                self.soaks += 1;
                self.rejected = Some(rate);
                self.after_rejection()
            }
            Phase::Drift { before } => self.after_drift(before, seen),
            Phase::Refer(reference) => self.after_reference(reference, seen),
            Phase::Rebase { before } => self.rebase(before, None),
            Phase::Retest { .. } | Phase::Tiebreak { .. } => self.check_drift(),
            Phase::Higher { held } => {
                self.bracket.fail(offered);
                self.soak_above(held)
            }
            Phase::Floor => Phase::Done(Finding::BelowFloor),
            _ => {
                self.bracket.fail(offered);
                if self.bracket.low().is_some() {
                    self.narrow()
                } else if offered <= self.plan.floor {
                    Phase::Floor
                } else {
                    let lower = offered.scaled(1.0 / DESCENT_FACTOR).max(self.plan.floor);
                    Phase::Bracket { rate: lower }
                }
            }
        };
    }

    /// After a look that turned out to be no overload: what the service got done when more was offered was not
    /// all it can. Either it buckled, or it was not what it is now.
    fn look_higher(&mut self, rate: Rps) -> Phase {
        // A service that is still becoming faster is caught up with.
        let above = if self.looks_held > 0 { LOOK_ABOVE * LOOK_ABOVE } else { LOOK_ABOVE };
        self.looks_held += 1;
        let higher = rate.scaled(above).min(self.plan.ceiling);
        if self.bracket.high().is_none_or(|high| high <= higher) {
            return if self.restarts < self.plan.restarts_max {
                self.start_over()
            } else {
                self.first_soak()
            };
        }
        self.history.forget_fails_below(higher);
        Phase::Look { rate: higher }
    }

    /// The next step inside a bracket: look a little above where the saturation is believed to lie until that
    /// is known well enough for a soak; halve the bracket where the belief does not fit into it.
    pub(super) fn narrow(&mut self) -> Phase {
        let (Some(low), Some(high)) = (self.bracket.low(), self.bracket.high()) else {
            return Phase::Expand { precisions: EXPANSION_PRECISIONS };
        };
        let saturation = self.history.saturation();
        let is_known = saturation.as_ref().is_some_and(|saturation| {
            let known = KNOWN_PRECISIONS * self.plan.precision_ratio;
            // Of a service that sheds load only its soaks tell how far below it the capacity is.
            self.history.sheds() || saturation.deviation_ratio() <= known
        });
        let is_narrow = high.get() / low.get() - 1.0 <= self.plan.precision_ratio;
        if self.looks >= LOOKS_MOST || is_narrow || (self.looks > 0 && is_known) {
            let before = self.believed().and_then(|rate| baseline_for(&self.early, rate));
            return before.map_or_else(
                || self.first_soak(),
                |before| Phase::Refer(Reference::of(before, Doubted::Looks)),
            );
        }
        let above = saturation.and_then(|saturation| Rps::new(saturation.quantile_rps(0.5)));
        let most = low.scaled(CLIMB_FACTOR).min(self.plan.ceiling);
        match above.map(|rate| rate.scaled(LOOK_ABOVE).min(most)) {
            Some(rate) if rate > low && rate <= high.scaled(LOOK_ABOVE) => {
                self.looks += 1;
                Phase::Look { rate }
            }
            _ => Phase::Bisect,
        }
    }
}
