//! How sure is a ratio of two medians? Drawn again and again from what was measured.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use crate::seed::Seed;
use crate::units::{bits_below, round_to_usize, u64_to_usize, usize_to_u64};

/// So many drawings place the ends of an interval within a tenth of its width.
const DRAWINGS: usize = 4000;

/// The two ends between which a ratio lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioInterval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The median; between the two in the middle where there are two. `None` without values.
#[must_use]
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    middle(&mut sorted)
}

/// The median, of two in the middle the lower one, so that it is one of the values. `None` without values.
#[must_use]
pub fn lower_median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

fn middle(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some(f64::midpoint(*values.get(last / 2)?, *values.get(values.len() / 2)?))
}

/// The interval of the median of `above` divided by that of `below`, with the given `confidence` (0..1).
///
/// The ends are quantiles of the ratio over drawings with replacement from either sample, the percentile method. Its
/// corrected form (`BCa`) needs the jackknife, which is not consistent for a median. `None` where a sample has fewer
/// than two values, the median of `below` is not above zero, or the interval has no upper end.
/// Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), sections 13.3 and 11.6.
#[must_use]
pub fn ratio_of_medians(
    above: &[f64],
    below: &[f64],
    confidence: f64,
    seed: Seed,
) -> Option<RatioInterval> {
    let ratio = ratio(median(above)?, median(below)?)?;
    if above.len() < 2 || below.len() < 2 {
        return None;
    }
    let mut chance = Xoshiro256PlusPlus::seed_from_u64(seed.named("bootstrap").0);
    let (mut drawn_above, mut drawn_below) = (above.to_vec(), below.to_vec());
    let mut ratios = Vec::with_capacity(DRAWINGS);
    for _ in 0..DRAWINGS {
        draw(&mut drawn_above, above, &mut chance);
        draw(&mut drawn_below, below, &mut chance);
        let drawn = middle(&mut drawn_above).zip(middle(&mut drawn_below));
        let (above, below) = drawn?;
        // Where nothing but zeros was drawn below, the ratio is beyond all others.
        ratios.push(self::ratio(above, below).unwrap_or(f64::INFINITY));
    }
    ratios.sort_by(f64::total_cmp);
    let end = |share: f64| {
        let last = usize_to_u64(ratios.len().saturating_sub(1)) as f64;
        ratios.get(round_to_usize(share * last)).copied()
    };
    let tail = (1.0 - confidence) / 2.0;
    let (low, high) = (end(tail)?.min(ratio), end(1.0 - tail)?.max(ratio));
    high.is_finite().then_some(RatioInterval { low, high })
}

fn ratio(above: f64, below: f64) -> Option<f64> {
    (below > 0.0).then(|| above / below).filter(|ratio| ratio.is_finite())
}

fn draw(into: &mut [f64], from: &[f64], chance: &mut Xoshiro256PlusPlus) {
    for slot in into {
        let position = bits_below(chance.next_u64(), usize_to_u64(from.len()));
        *slot = from.get(u64_to_usize(position)).copied().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0), "of three");
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5), "of four");
        assert_eq!(median(&[]), None, "of none");
    }

    #[test]
    fn of_two_in_the_middle_the_lower_one_counts() {
        assert_eq!(lower_median(&[4.0, 1.0, 3.0, 2.0]), Some(2.0), "of 2 and 3");
        assert_eq!(lower_median(&[]), None, "no rates, no median");
    }

    #[test]
    fn a_single_value_has_no_interval_and_nothing_is_divided_by_zero() {
        assert_eq!(ratio_of_medians(&[1.0], &[1.0, 2.0], 0.95, Seed(1)), None, "one value");
        assert_eq!(ratio_of_medians(&[1.0, 2.0], &[0.0, 0.0], 0.95, Seed(1)), None, "by zero");
    }

    proptest! {
        #[test]
        fn the_lower_median_is_one_of_the_values_and_at_least_half_are_no_lower(
            values in prop::collection::vec(1.0..1e5_f64, 1..50),
        ) {
            let median = lower_median(&values).unwrap();
            prop_assert!(values.iter().any(|value| value.total_cmp(&median).is_eq()));
            let below = values.iter().filter(|value| **value < median).count();
            let above = values.iter().filter(|value| **value > median).count();
            prop_assert!(2 * below < values.len() && 2 * above <= values.len());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(12))]
        #[test]
        fn the_interval_holds_the_ratio_and_stays_within_what_was_measured(
            above in prop::collection::vec(1.0..1e3_f64, 2..20),
            below in prop::collection::vec(1.0..1e3_f64, 2..20),
            seed in 0..u64::MAX,
        ) {
            let found = ratio_of_medians(&above, &below, 0.95, Seed(seed)).unwrap();
            let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
            let ratio = median(&above).unwrap() / median(&below).unwrap();
            prop_assert!(found.low <= ratio && ratio <= found.high);
            prop_assert!(found.low >= least(&above) / most(&below) - 1e-12);
            prop_assert!(found.high <= most(&above) / least(&below) + 1e-12);
            prop_assert_eq!(ratio_of_medians(&above, &below, 0.95, Seed(seed)), Some(found));
        }

        #[test]
        fn scaling_one_side_scales_the_interval(
            above in prop::collection::vec(1.0..1e3_f64, 2..20),
            below in prop::collection::vec(1.0..1e3_f64, 2..20),
            factor in 0.1..10.0_f64,
        ) {
            let scaled: Vec<f64> = above.iter().map(|value| value * factor).collect();
            let before = ratio_of_medians(&above, &below, 0.95, Seed(5)).unwrap();
            let after = ratio_of_medians(&scaled, &below, 0.95, Seed(5)).unwrap();
            prop_assert!((after.low / (before.low * factor) - 1.0).abs() < 1e-9);
            prop_assert!((after.high / (before.high * factor) - 1.0).abs() < 1e-9);
        }
    }

    /// Of 100 pairs of samples that do not differ, 8 values each.
    #[test]
    fn the_interval_holds_the_truth_about_as_often_as_it_says() {
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(11);
        let mut sample = || -> Vec<f64> {
            let unit = |bits: u64| crate::units::bits_to_unit(bits);
            let one = |chance: &mut Xoshiro256PlusPlus| {
                // A sum of twelve is close to normal.
                let sum: f64 = (0..12).map(|_| unit(chance.next_u64())).sum();
                100.0 + 2.0 * (sum - 6.0)
            };
            (0..8).map(|_| one(&mut chance)).collect()
        };
        let held = (0..100)
            .filter(|number| {
                let (above, below) = (sample(), sample());
                let found = ratio_of_medians(&above, &below, 0.95, Seed(*number)).unwrap();
                found.low <= 1.0 && 1.0 <= found.high
            })
            .count();
        assert!((88..=100).contains(&held), "{held} of 100 at 95 %");
    }
}
