//! Do two small samples differ? Ranks instead of values: nothing is assumed of their distributions.
//!
//! Why the test of `statrs` is not used: docs/decisions/021-comparing-runs.md.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::units::{round_to_usize, usize_to_u64};

/// Up to so many values on each side the probability is counted, where no two values are equal.
const COUNTED_MOST: usize = 50;

/// What the Mann-Whitney test says of two samples; probabilities 0..1 under the hypothesis that they do not differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// Probability of so few pairs in which the first sample's value is the greater one: small where the first sample lies below the second.
    pub below_p: f64,
    /// Probability of so many such pairs: small where the first sample lies above the second.
    pub above_p: f64,
    /// Probability of either.
    pub either_p: f64,
}

/// Holds `first` against `second`; `None` where one of them is empty or a value is no number.
///
/// Without equal values and with up to 50 a side the probabilities are counted, otherwise taken from the normal
/// distribution, corrected for ties and continuity.
/// Source: Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the
/// other", Ann. Math. Stat. 18 (1947); ties as in Hollander, Wolfe, Chicken, "Nonparametric Statistical Methods",
/// 3rd ed., section 4.1.
#[must_use]
pub fn rank_test(first: &[f64], second: &[f64]) -> Option<RankTest> {
    let is_number = |value: &f64| value.is_finite();
    if first.is_empty() || second.is_empty() || !first.iter().chain(second).all(is_number) {
        return None;
    }
    let greater_pairs = greater_pairs(first, second);
    let ties = ties(first, second);
    let is_counted = ties.is_empty() && first.len().max(second.len()) <= COUNTED_MOST;
    let (below_p, above_p) = if is_counted {
        counted(first.len(), second.len(), greater_pairs)
    } else {
        approximated(first.len() as f64, second.len() as f64, &ties, greater_pairs)
    };
    Some(RankTest { below_p, above_p, either_p: (2.0 * below_p.min(above_p)).min(1.0) })
}

/// The smallest `either_p` that samples of these sizes can have: below it no difference can ever be shown.
///
/// 0.1 for 3 against 3, 0.029 for 4 against 4.
#[must_use]
pub fn attainable_p(first: usize, second: usize) -> f64 {
    // One of all ways to choose the first sample's ranks, at either end.
    let ways =
        (1..=first).fold(1.0, |ways: f64, chosen| ways * (second + chosen) as f64 / chosen as f64);
    (2.0 / ways).min(1.0)
}

/// The least number of values a side with which `alpha` can be reached; `None` where that is no small number.
#[must_use]
pub fn samples_needed(alpha: f64) -> Option<usize> {
    (1..=COUNTED_MOST).find(|samples| attainable_p(*samples, *samples) <= alpha)
}

/// Pairs in which the first sample's value is the greater one; equal ones count half.
fn greater_pairs(first: &[f64], second: &[f64]) -> f64 {
    let pairs = first.iter().flat_map(|left| second.iter().map(|right| pair(*left, *right)));
    pairs.fold(0.0, |sum, half| sum + half)
}

fn pair(left: f64, right: f64) -> f64 {
    match left.total_cmp(&right) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    }
}

/// How many values share each value that occurs more than once.
fn ties(first: &[f64], second: &[f64]) -> Vec<f64> {
    let mut all: Vec<f64> = first.iter().chain(second).copied().collect();
    all.sort_by(f64::total_cmp);
    all.chunk_by(|left, right| left.total_cmp(right).is_eq())
        .filter(|alike| alike.len() > 1)
        .map(|alike| alike.len() as f64)
        .collect()
}

/// Probabilities of at most and at least `greater_pairs`, a whole number, by counting all orders.
fn counted(first: usize, second: usize, greater_pairs: f64) -> (f64, f64) {
    let shares = distribution(first, second);
    let at = round_to_usize(greater_pairs);
    let sum = |shares: &mut dyn Iterator<Item = &f64>| shares.fold(0.0, |sum, share| sum + share);
    let below = sum(&mut shares.iter().take(at + 1));
    let above = sum(&mut shares.iter().skip(at));
    (below.min(1.0), above.min(1.0))
}

/// Probability of each number of greater pairs when `first` and `second` values are in random order.
///
/// The greatest value of all belongs to the first sample with probability m / (m + n), and then is greater than all n of
/// the second: so the distribution of (m, n) is made of those of (m - 1, n), moved by n, and (m, n - 1).
fn distribution(first: usize, second: usize) -> Vec<f64> {
    // Row by row over the first sample's size, each row over the second's.
    let mut row: Vec<Vec<f64>> = vec![vec![1.0]; second + 1];
    for taken in 1..=first {
        let mut next: Vec<Vec<f64>> = Vec::with_capacity(second + 1);
        for (others, without) in row.iter().enumerate() {
            let share = taken as f64 / (taken + others) as f64;
            let mut shares = vec![0.0; taken * others + 1];
            for (to, from) in shares.iter_mut().skip(others).zip(without) {
                *to += share * from;
            }
            for (to, from) in shares.iter_mut().zip(next.last().map_or(&[][..], Vec::as_slice)) {
                *to += (1.0 - share) * from;
            }
            next.push(shares);
        }
        row = next;
    }
    row.pop().unwrap_or_default()
}

fn approximated(first: f64, second: f64, ties: &[f64], greater_pairs: f64) -> (f64, f64) {
    let all = first + second;
    let surplus = ties.iter().fold(0.0, |sum, alike| sum + alike * (alike * alike - 1.0));
    let variance = first * second / 12.0 * ((all + 1.0) - surplus / (all * (all - 1.0)));
    let Some(normal) = Normal::new(0.0, variance.sqrt()).ok().filter(|_| variance > 0.0) else {
        // All values are equal.
        return (1.0, 1.0);
    };
    let off = greater_pairs - first * second / 2.0;
    (normal.cdf(off + 0.5), normal.cdf(0.5 - off))
}

/// Probabilities of several tests, each corrected for there being so many, in the same order.
///
/// Whoever believes each corrected probability up to a level is wrong about any of them with at most that probability.
/// Source: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6 (1979).
#[must_use]
pub fn step_down(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    let of = |position: usize| probabilities.get(position).copied().unwrap_or(1.0);
    order.sort_by(|left, right| of(*left).total_cmp(&of(*right)));
    let mut corrected = vec![1.0; probabilities.len()];
    let mut least = 0.0_f64;
    for (rank, position) in order.iter().enumerate() {
        let left = usize_to_u64(probabilities.len() - rank) as f64;
        least = least.max(left * of(*position)).min(1.0);
        if let Some(slot) = corrected.get_mut(*position) {
            *slot = least;
        }
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9 * right.abs().max(1e-3)
    }

    #[test]
    fn three_against_three_can_never_show_a_difference_at_five_percent() {
        assert!(near(attainable_p(3, 3), 0.1), "{}", attainable_p(3, 3));
        assert!(near(attainable_p(4, 4), 2.0 / 70.0), "{}", attainable_p(4, 4));
        assert!(near(attainable_p(1, 1), 1.0), "{}", attainable_p(1, 1));
        assert!(near(attainable_p(0, 5), 1.0), "no sample at all");
        assert_eq!(samples_needed(0.05), Some(4), "four a side can");
    }

    #[test]
    fn the_probabilities_of_the_correction_are_those_of_the_paper() {
        let corrected = step_down(&[0.01, 0.04, 0.03, 0.005]);
        for (found, wanted) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!(near(*found, wanted), "{corrected:?}");
        }
        assert!(step_down(&[]).is_empty(), "nothing to correct");
    }

    #[test]
    fn equal_samples_show_nothing() {
        let test = rank_test(&[2.0; 5], &[2.0; 4]).unwrap();
        assert!(near(test.below_p, 1.0) && near(test.above_p, 1.0), "{test:?}");
        assert_eq!(rank_test(&[], &[1.0]), None, "no values, no test");
        assert_eq!(rank_test(&[f64::NAN], &[1.0]), None, "no number, no test");
    }

    /// Two samples, then the pairs and the three probabilities that scipy 1.17 finds for them: the example of its
    /// documentation first, then with ties, apart, and alike.
    type Golden = (&'static [f64], &'static [f64], [f64; 4]);

    #[test]
    #[rustfmt::skip]
    fn the_probabilities_are_those_that_scipy_finds() {
        let cases: [Golden; 5] = [
            (&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0],
             [17.0, 0.968_253_968_253_968_3, 0.055_555_555_555_555_55, 0.111_111_111_111_111_1]),
            (&[1.83, 0.5, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.3], &[0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.15, 1.29],
             [58.0, 0.944_204_400_289_712_8, 0.066_459_729_092_659_46, 0.132_919_458_185_318_92]),
            (&[101.0, 99.0, 98.0, 103.0, 97.0, 104.0, 96.0, 105.0], &[90.0, 91.0, 89.0, 92.0, 88.0, 95.0, 93.0, 94.0],
             [64.0, 1.0, 7.770_007_770_007_77e-5, 0.000_155_400_155_400_155_4]),
            (&[100.0, 101.0, 102.0, 99.0, 98.5, 97.0, 103.0, 100.5], &[99.5, 100.2, 101.7, 98.2, 102.5, 96.0, 97.7, 104.0],
             [34.0, 0.600_777_000_777_000_8, 0.439_238_539_238_539_17, 0.878_477_078_477_078_3]),
            (&[5.0, 5.0, 6.0, 7.0, 7.0, 7.0, 8.0], &[4.0, 5.0, 5.0, 6.0, 6.0, 9.0, 9.0, 10.0],
             [28.0, 0.523_472_603_569_195_8, 0.523_472_603_569_195_8, 1.0]),
        ];
        for (first, second, wanted) in cases {
            let test = rank_test(first, second).unwrap();
            let found = [greater_pairs(first, second), test.below_p, test.above_p, test.either_p];
            assert!(found.iter().zip(wanted).all(|(found, wanted)| near(*found, wanted)), "{found:?}");
        }
    }

    fn distinct(most: usize) -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-1e3..1e3_f64, 1..most)
    }

    proptest! {
        #[test]
        fn counting_is_a_distribution_that_is_the_same_from_either_end(first in 0..14_usize, second in 0..14_usize) {
            let shares = distribution(first, second);
            prop_assert_eq!(shares.len(), first * second + 1);
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for (from_below, from_above) in shares.iter().zip(shares.iter().rev()) {
                prop_assert!((from_below - from_above).abs() < 1e-12);
            }
        }

        #[test]
        fn the_extreme_order_is_the_attainable_one(first in 1..9_usize, second in 1..9_usize) {
            let low: Vec<f64> = (0..first).map(|n| n as f64).collect();
            let high: Vec<f64> = (0..second).map(|n| 100.0 + n as f64).collect();
            let test = rank_test(&low, &high).unwrap();
            prop_assert!((test.either_p - attainable_p(first, second)).abs() < 1e-12);
            prop_assert!(test.below_p <= test.above_p);
        }

        #[test]
        fn what_is_below_from_here_is_above_from_there(first in distinct(30), second in distinct(30)) {
            let here = rank_test(&first, &second).unwrap();
            let there = rank_test(&second, &first).unwrap();
            prop_assert!((here.below_p - there.above_p).abs() < 1e-9);
            prop_assert!((here.either_p - there.either_p).abs() < 1e-9);
            prop_assert!(here.below_p + here.above_p >= 1.0 - 1e-9);
        }

        #[test]
        fn stretching_all_values_changes_nothing(first in distinct(20), second in distinct(20), factor in 0.1..10.0_f64) {
            let scaled = |values: &[f64]| values.iter().map(|value| value * factor).collect::<Vec<_>>();
            let (before, after) = (rank_test(&first, &second), rank_test(&scaled(&first), &scaled(&second)));
            prop_assert!((before.unwrap().below_p - after.unwrap().below_p).abs() < 1e-9);
        }

        #[test]
        fn correcting_never_makes_a_probability_smaller_or_changes_their_order(
            probabilities in prop::collection::vec(0.0..1.0_f64, 1..20),
        ) {
            let corrected = step_down(&probabilities);
            for (position, (before, after)) in probabilities.iter().zip(&corrected).enumerate() {
                prop_assert!(after >= before && *after <= 1.0);
                for (other_before, other_after) in probabilities.iter().zip(&corrected).skip(position) {
                    prop_assert!(before > other_before || after <= other_after);
                }
            }
        }
    }
}
