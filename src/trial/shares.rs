//! Slow responses and errors among the requests whose fate is clear, and how they are spread in time.

use super::TICK_S;
use super::counts::DueBin;
use super::tally::Tally;
use crate::units::{round_to_usize, usize_to_u64};

/// Length of the blocks that overdispersion is taken from.
const BLOCK_S: f64 = 5.0;
/// Fewer blocks say nothing about it.
const BLOCKS_LEAST: usize = 5;
/// A soak is looked at in so many parts of equal length ...
pub(super) const WINDOWS: usize = 10;
/// ... of which at most so many may break the objective.
pub(super) const WINDOWS_BROKEN_MOST: usize = 1;

/// A share is shown to be too high above this many standard deviations ...
const SHARE_SIGMAS: f64 = 3.7;
/// ... and with at least this many cases: one stray error only makes a trial longer.
const SHARE_CASES: u64 = 3;

/// How many requests were slow or failed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shares {
    /// Requests whose fate is clear.
    pub clear: u64,
    /// Of these: later than the limit.
    pub slow: u64,
    /// Of these: not accepted.
    pub failed: u64,
    /// Variance of the number of slow ones in a block over its mean; at least 1, and 1 before 25 s.
    pub slow_overdispersion: f64,
    /// The same for failed ones.
    pub failed_overdispersion: f64,
}

impl Shares {
    /// Of a trial that has been measured for `elapsed_s` seconds.
    ///
    /// A request counts as slow as soon as its age passes `limit_s`; its answer is not waited for.
    pub(super) fn so_far(tally: &Tally, elapsed_s: f64, limit_s: f64) -> Self {
        Self::of(&clear_bins(tally, elapsed_s, limit_s))
    }

    /// Of a finished trial: the fate of every request is clear.
    pub(super) fn at_end(tally: &Tally) -> Self {
        Self::of(&tally.bins)
    }

    fn of(bins: &[DueBin]) -> Self {
        let sum = |count: fn(&DueBin) -> u64| bins.iter().map(count).sum();
        Self {
            clear: sum(|bin| bin.ended),
            slow: sum(|bin| bin.slow),
            failed: sum(|bin| bin.failed),
            slow_overdispersion: overdispersion(bins, |bin| bin.slow),
            failed_overdispersion: overdispersion(bins, |bin| bin.failed),
        }
    }
}

/// The number of windows, out of [`WINDOWS`], in which either share is certainly over its limit.
pub(super) fn broken_windows(
    bins: &[DueBin],
    is_too_many: impl Fn(u64, u64) -> bool,
    is_too_many_failed: impl Fn(u64, u64) -> bool,
) -> usize {
    let length = bins.len().div_ceil(WINDOWS).max(1);
    bins.chunks(length)
        .filter(|window| {
            let shares = Shares::of(window);
            is_too_many(shares.slow, shares.clear)
                || is_too_many_failed(shares.failed, shares.clear)
        })
        .count()
}

/// The bins of a running trial, with what is overdue counted as slow.
pub(super) fn clear_bins(tally: &Tally, elapsed_s: f64, limit_s: f64) -> Vec<DueBin> {
    let mut bin_end_s = 0.0;
    let bins = tally.bins.iter().map(|bin| {
        bin_end_s += TICK_S;
        let overdue = if bin_end_s + limit_s <= elapsed_s { bin.due - bin.ended } else { 0 };
        DueBin { ended: bin.ended + overdue, slow: bin.slow + overdue, ..*bin }
    });
    bins.collect()
}

/// Whether `count` of `clear` cannot come from a share of `limit`, however unevenly they are spread.
pub(super) fn is_certainly_over(count: u64, clear: u64, limit: f64, overdispersion: f64) -> bool {
    let expected = limit * clear as f64;
    let deviation = (overdispersion * expected).sqrt();
    count >= SHARE_CASES && count as f64 > expected + SHARE_SIGMAS * deviation
}

fn overdispersion(bins: &[DueBin], count: fn(&DueBin) -> u64) -> f64 {
    let length = round_to_usize(BLOCK_S / TICK_S);
    let blocks: Vec<f64> = bins
        .chunks_exact(length)
        .map(|block| block.iter().map(count).sum::<u64>() as f64)
        .collect();
    if blocks.len() < BLOCKS_LEAST {
        return 1.0;
    }
    let number = usize_to_u64(blocks.len()) as f64;
    let mean = blocks.iter().sum::<f64>() / number;
    if mean <= 0.0 {
        return 1.0;
    }
    let squares: f64 = blocks.iter().map(|block| (block - mean).powi(2)).sum();
    (squares / (number - 1.0) / mean).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(slow: impl IntoIterator<Item = u64>) -> Vec<DueBin> {
        let bin = |slow| DueBin { due: 100, ended: 100, slow, failed: 0 };
        slow.into_iter().map(bin).collect()
    }

    #[test]
    fn a_burst_is_overdispersed_and_a_steady_trickle_is_not() {
        let burst = Shares::of(&bins((0..100).map(|tick| if tick < 10 { 50 } else { 0 })));
        assert!(burst.slow_overdispersion > 100.0, "{burst:?}");
        let trickle = Shares::of(&bins((0..100).map(|tick| tick % 2)));
        assert!(trickle.slow_overdispersion < 1.01, "{trickle:?}");
        let short = Shares::of(&bins((0..40).map(|tick| if tick < 10 { 50 } else { 0 })));
        assert!(short.slow_overdispersion < 1.01, "20 s say nothing about it: {short:?}");
    }

    #[test]
    fn a_window_breaks_by_itself_whatever_the_others_do() {
        let over = |count: u64, clear: u64| count * 100 > clear;
        let one = bins((0..100).map(|tick| if tick < 10 { 50 } else { 0 }));
        assert_eq!(broken_windows(&one, over, over), 1, "only the first");
        assert_eq!(broken_windows(&bins([]), over, over), 0, "nothing, nothing broken");
    }
}
