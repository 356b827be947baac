//! What a trial moves: the bracket while rates are proposed, then hand-over to the soaks.

use super::attempts::Attempt;
use super::drift::Baseline;
use super::finding::{Finding, Flag};
use super::{Confirmed, Phase, Search};
use crate::trial::Purpose;
use crate::trial::criteria::Rule;
use crate::trial::evidence::Observation;
use crate::trial::verdict::{Proof, Reason};
use crate::units::Rps;

/// The climb's factor: the overshoot is bounded and ends early.
const CLIMB_FACTOR: f64 = 2.0;
/// Without any pass the search goes down by this factor.
const DESCENT_FACTOR: f64 = 4.0;
/// A failing side that passes its re-test sends the search up by this many precisions first.
const EXPANSION_PRECISIONS: f64 = 3.0;

impl Search {
    pub(super) fn passed(&mut self, attempt: &Attempt, seen: &Observation, proof: Proof) {
        let offered = attempt.offered;
        let moves_up = matches!(attempt.purpose, Purpose::Search | Purpose::Retest);
        if let (true, Rule::Propose { resolution_ratio, .. }) = (moves_up, attempt.rule)
            && self.phase != Phase::Retest
        {
            self.bracket.pass(offered, resolution_ratio);
        }
        self.phase = match self.phase {
            Phase::Soak { rate } => {
                self.confirmed = Some(Confirmed { rate, by: seen.id, proof });
                self.after_soak()
            }
            Phase::Prove { rate } => {
                self.confirmed = Some(Confirmed { rate, by: seen.id, proof });
                self.certify()
            }
            Phase::Drift { before } => self.after_drift(before, seen),
            Phase::Retest => Phase::Tiebreak,
            Phase::Tiebreak | Phase::Beyond => {
                if self.phase == Phase::Beyond {
                    self.flag(Flag::Drift);
                    self.start_over();
                }
                self.history.forget_fails_up_to(offered);
                self.expansions += 1;
                Phase::Expand { precisions: EXPANSION_PRECISIONS }
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
            Phase::Retest | Phase::Tiebreak => self.after_retest_failed(),
            Phase::Beyond => self.check_drift(),
            _ => {
                self.bracket.fail(offered);
                if self.bracket.low().is_some() {
                    self.narrow()
                } else if offered <= self.plan.floor {
                    Phase::Retest
                } else {
                    let lower = offered.scaled(1.0 / DESCENT_FACTOR).max(self.plan.floor);
                    Phase::Bracket { rate: lower }
                }
            }
        };
    }

    /// The next step inside a bracket.
    pub(super) fn narrow(&mut self) -> Phase {
        let (Some(low), Some(width_ratio)) = (self.bracket.low(), self.bracket.width_ratio())
        else {
            return Phase::Bracket { rate: self.low_or_floor() };
        };
        let resolution_ratio = self.bracket.low_resolution_ratio().unwrap_or_default();
        if width_ratio > self.plan.precision_ratio {
            Phase::Bisect
        } else if resolution_ratio > self.plan.precision_ratio {
            Phase::Recheck
        } else if self.expansions < self.plan.expansions_max {
            Phase::Retest
        } else {
            self.flag(Flag::NonMonotone);
            self.soak_below(low)
        }
    }

    /// The first soak: as far below what spaced arrivals sustain as the soak's law is expected to cost.
    pub(super) fn soak_below(&mut self, rate: Rps) -> Phase {
        let rate =
            rate.scaled(1.0 - self.plan.law_cost(rate, self.dispersion)).max(self.plan.floor);
        self.proposed = Some(rate);
        Phase::Soak { rate }
    }

    pub(super) fn after_retest_failed(&mut self) -> Phase {
        match self.bracket.low() {
            Some(low) => self.soak_below(low),
            None => Phase::Done(Finding::BelowFloor),
        }
    }
}
