//! Exact intervals of a share and of a quantile, both from the binomial distribution.

use statrs::distribution::{Beta, ContinuousCDF};

/// The share of confidence at each end of a quantile's interval.
pub const QUANTILE_CONFIDENCE: f64 = 0.95;
/// Samples from which a p99 has an upper end by [`quantile_ranks`].
pub const P99_SAMPLES: u64 = 299;

/// Whether `count` of `total` shows, with the one-sided `confidence`, that the true share is at most
/// `limit`.
///
/// `false` without data: no data is not a pass. With `count` 0 and a limit of 0.001 it takes 2,302
/// requests at a confidence of 0.90.
/// Source: Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26 (1934).
#[must_use]
pub fn share_is_at_most(count: u64, total: u64, limit: f64, confidence: f64) -> bool {
    total > 0 && binomial_cdf(count, total, limit) <= 1.0 - confidence
}

/// The ranks, counted from 1, of the sorted samples that bound the `quantile` (0..1) of `samples`
/// independent values, each end one-sided with [`QUANTILE_CONFIDENCE`]; `None` where the samples do not
/// give that end.
///
/// The p99 has an upper end from [`P99_SAMPLES`] on.
/// Source: David and Nagaraja, "Order Statistics", 3rd ed., section 7.1.
#[must_use]
pub fn quantile_ranks(samples: u64, quantile: f64) -> (Option<u64>, Option<u64>) {
    // X(rank) lies above the quantile exactly when fewer than `rank` samples lie below it.
    let above = |rank: u64| binomial_cdf(rank - 1, samples, quantile);
    let high = first_rank(samples, |rank| above(rank) >= QUANTILE_CONFIDENCE);
    let low = first_rank(samples, |rank| above(rank) > 1.0 - QUANTILE_CONFIDENCE)
        .map_or(samples, |rank| rank - 1);
    ((low >= 1).then_some(low), high)
}

/// The least rank in 1..=samples for which `holds`, which must stay true once it is.
fn first_rank(samples: u64, holds: impl Fn(u64) -> bool) -> Option<u64> {
    if samples == 0 || !holds(samples) {
        return None;
    }
    let (mut no, mut yes) = (0, samples);
    while yes - no > 1 {
        let middle = no + (yes - no) / 2;
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    Some(yes)
}

/// Probability of at most `count` successes in `total` trials of probability `share`.
fn binomial_cdf(count: u64, total: u64, share: f64) -> f64 {
    if count >= total || share <= 0.0 {
        return 1.0;
    }
    if share >= 1.0 {
        return 0.0;
    }
    Beta::new((total - count) as f64, count as f64 + 1.0)
        .map_or(f64::NAN, |beta| beta.cdf(1.0 - share))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_errors_show_a_tenth_of_a_percent_from_2302_requests_on() {
        assert!(!share_is_at_most(0, 2301, 0.001, 0.9), "one too few");
        assert!(share_is_at_most(0, 2302, 0.001, 0.9), "enough");
        assert!(!share_is_at_most(0, 0, 0.001, 0.9), "no data is not a pass");
    }

    #[test]
    fn the_p99_has_an_upper_end_from_299_samples_on() {
        assert_eq!(quantile_ranks(298, 0.99).1, None, "298 are too few");
        assert_eq!(quantile_ranks(299, 0.99).1, Some(299), "299 give the greatest sample");
        assert_eq!(quantile_ranks(0, 0.99), (None, None), "no samples, no ends");
    }

    #[test]
    fn the_interval_of_the_median_of_a_hundred_is_that_of_the_tables() {
        // David and Nagaraja, table of binomial order-statistic intervals: ranks 42 and 59 at 95 % a side.
        assert_eq!(quantile_ranks(100, 0.5), (Some(42), Some(59)));
    }

    proptest! {
        #[test]
        fn the_ends_enclose_the_point(samples in 1..5000_u64, quantile in 0.05..0.999_f64) {
            let point = samples as f64 * quantile;
            let (low, high) = quantile_ranks(samples, quantile);
            if let Some(low) = low { prop_assert!(low as f64 <= point + 1.0); }
            if let Some(high) = high { prop_assert!(high as f64 >= point); }
        }
    }
}
