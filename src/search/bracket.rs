//! Between the highest rate that passed and the lowest that failed lies the capacity.

use crate::units::Rps;

/// A rate that passed, and how sharply that was looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Pass {
    rate: Rps,
    /// Growth of the backlog that would have been called none, as a share of the rate.
    resolution_ratio: f64,
}

/// The standing passes and the lowest standing fail; every pass lies below it.
#[derive(Debug, Clone, Default)]
pub struct Bracket {
    passes: Vec<Pass>,
    high: Option<Rps>,
}

impl Bracket {
    /// The highest rate that passed.
    #[must_use]
    pub fn low(&self) -> Option<Rps> {
        self.passes.last().map(|pass| pass.rate)
    }

    /// Growth that would have been called none at the highest rate that passed, as a share of it.
    #[must_use]
    pub fn low_resolution_ratio(&self) -> Option<f64> {
        self.passes.last().map(|pass| pass.resolution_ratio)
    }

    /// The lowest rate that failed.
    #[must_use]
    pub const fn high(&self) -> Option<Rps> {
        self.high
    }

    /// Takes a pass that rules out growth of `resolution_ratio` of the rate; a fail at or below it no
    /// longer stands.
    pub fn pass(&mut self, rate: Rps, resolution_ratio: f64) {
        if self.high.is_some_and(|high| high <= rate) {
            self.high = None;
        }
        self.passes.retain(|standing| standing.rate < rate);
        self.passes.push(Pass { rate, resolution_ratio });
    }

    /// Takes a fail; passes at or above it no longer stand.
    pub fn fail(&mut self, rate: Rps) {
        self.passes.retain(|pass| pass.rate < rate);
        self.high = Some(rate);
    }

    /// How far the fail lies above the pass, as a share of the pass; `None` without both.
    #[must_use]
    pub fn width_ratio(&self) -> Option<f64> {
        Some(self.high?.get() / self.low()?.get() - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(per_second: f64) -> Rps {
        Rps::new(per_second).unwrap()
    }

    proptest! {
        #[test]
        fn the_pass_always_lies_below_the_fail(
            trials in prop::collection::vec((any::<bool>(), 1.0..1000.0_f64), 1..40),
        ) {
            let mut bracket = Bracket::default();
            for (passed, offered) in trials {
                if passed {
                    bracket.pass(rate(offered), 0.02);
                } else {
                    bracket.fail(rate(offered));
                }
                if let (Some(low), Some(high)) = (bracket.low(), bracket.high()) {
                    prop_assert!(low < high, "{low:?} below {high:?}");
                }
            }
        }
    }

    #[test]
    fn a_fail_below_a_pass_brings_the_earlier_pass_back() {
        let mut bracket = Bracket::default();
        bracket.pass(rate(100.0), 0.02);
        bracket.pass(rate(200.0), 0.02);
        bracket.fail(rate(190.0));
        assert_eq!(bracket.low(), Some(rate(100.0)), "the earlier one");
    }
}
