//! What a trial moves: the bracket while rates are proposed, then hand-over to the soaks.

use super::attempts::Attempt;
use super::drift::{Baseline, baseline_for};
use super::finding::Finding;
use super::{Confirmed, Phase, Search};
use crate::trial::Purpose;
use crate::trial::criteria::Rule;
use crate::trial::evidence::Observation;
use crate::trial::verdict::{Proof, Reason};

/// The climb's factor: the overshoot is bounded and ends early.
const CLIMB_FACTOR: f64 = 2.0;
/// Without any pass the search goes down by this factor.
const DESCENT_FACTOR: f64 = 4.0;
/// The bracket is halved until it is so many precisions wide ...
const SETTLE_PRECISIONS: f64 = 4.0;
/// ... then the capacity is looked at until its deviation is so many precisions ...
const SETTLED_PRECISIONS: f64 = 0.4;
/// ... or so many looks have been taken.
const SETTLES_MOST: u32 = 1;

impl Search {
    pub(super) fn passed(&mut self, attempt: &Attempt, seen: &Observation, proof: Proof) {
        let offered = attempt.offered;
        let moves_up = matches!(attempt.purpose, Purpose::Search | Purpose::Retest);
        if let (true, Rule::Propose { resolution_ratio, .. }) = (moves_up, attempt.rule)
            && !matches!(self.phase, Phase::Retest { .. })
        {
            self.bracket.pass(offered, resolution_ratio);
        }
        self.phase = match self.phase {
            Phase::Soak { rate } => self.after_held_soak(rate, seen.id, proof),
            Phase::Prove { rate } => {
                self.confirmed = Some(Confirmed { rate, before: None, by: seen.id, proof });
                self.certify()
            }
            Phase::Drift { before } => self.after_drift(before, seen),
            Phase::Warm { before } => self.after_warm(before, seen),
            Phase::Retest { rate } => Phase::Tiebreak { rate },
            Phase::Tiebreak { .. } => self.start_over(),
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
            Phase::Expand { precisions } => Phase::Expand { precisions: precisions * 2.0 },
            _ => self.narrow(),
        };
    }

    pub(super) fn failed(&mut self, attempt: &Attempt, seen: &Observation, reasons: &[Reason]) {
        let offered = attempt.offered;
        self.reasons = reasons.iter().map(ToString::to_string).collect();
        self.phase = match self.phase {
            Phase::Soak { rate } => {
                self.soaks += 1;
                self.piled_up |= reasons.iter().any(Reason::is_backlog);
                self.rejected = Some(self.rejected.map_or(rate, |rejected| rejected.min(rate)));
                self.after_rejection(seen, reasons)
            }
            Phase::Prove { rate } if self.is_slower => {
                self.refuse(&format!("{rate} was confirmed and does not hold any more"))
            }
            Phase::Prove { rate } => {
                self.soaks += 1;
                self.rejected = Some(rate);
                self.after_rejection(seen, reasons)
            }
            Phase::Drift { before } => self.after_drift(before, seen),
            Phase::Warm { .. } => self.first_soak(),
            Phase::Retest { .. } | Phase::Tiebreak { .. } => self.check_drift(),
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

    /// The next step inside a bracket: halve it while it is wide, then look where the capacity is believed
    /// to lie until that is known well enough for a soak.
    pub(super) fn narrow(&mut self) -> Phase {
        let Some(width_ratio) = self.bracket.width_ratio() else {
            return Phase::Bracket { rate: self.low_or_floor() };
        };
        if width_ratio > SETTLE_PRECISIONS * self.plan.precision_ratio {
            return Phase::Bisect;
        }
        let known = SETTLED_PRECISIONS * self.plan.precision_ratio;
        let is_known = self.belief().is_some_and(|belief| belief.deviation_ratio() <= known);
        if is_known || self.settles >= SETTLES_MOST {
            let before = self.believed().and_then(|rate| baseline_for(&self.early, rate));
            return before.map_or_else(|| self.first_soak(), |before| Phase::Warm { before });
        }
        self.settles += 1;
        Phase::Settle
    }
}
