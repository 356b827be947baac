//! Between the highest rate that passed and the lowest that failed lies the capacity.

use crate::units::Rps;

/// The standing passes and the lowest standing fail; every pass lies below it.
#[derive(Debug, Clone, Default)]
pub struct Bracket {
    passes: Vec<Rps>,
    high: Option<Rps>,
}

impl Bracket {
    /// The highest rate that passed.
    #[must_use]
    pub fn low(&self) -> Option<Rps> {
        self.passes.last().copied()
    }

    /// The lowest rate that failed.
    #[must_use]
    pub const fn high(&self) -> Option<Rps> {
        self.high
    }

    /// Takes a pass; a fail at or below it no longer stands.
    pub fn pass(&mut self, rate: Rps) {
        if self.high.is_some_and(|high| high <= rate) {
            self.high = None;
        }
        self.passes.retain(|standing| *standing < rate);
        self.passes.push(rate);
    }

    /// Takes a fail; passes at or above it no longer stand.
    pub fn fail(&mut self, rate: Rps) {
        self.passes.retain(|standing| *standing < rate);
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
                    bracket.pass(rate(offered));
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
        bracket.pass(rate(100.0));
        bracket.pass(rate(200.0));
        bracket.fail(rate(190.0));
        assert_eq!(bracket.low(), Some(rate(100.0)), "the earlier one");
    }
}
