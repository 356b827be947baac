//! How large files are: laws of sizes, made ready to draw from without floating point.

use super::normal::quantile;
use crate::units::{bits_to_unit, round_to_u64, u64_to_usize, usize_to_u64};

/// Largest file, 2^40 bytes: above the largest one published.
const LARGEST_BYTES: f64 = 1_099_511_627_776.0;
/// Cells of a table; within one, sizes are interpolated.
const CELLS: u64 = 1024;
/// So many cells at either end are too wide for that: there the law itself is asked.
const OUTER: u64 = 4;

/// How the sizes of one kind of file are distributed.
#[derive(Debug, Clone, PartialEq)]
pub enum SizeLaw {
    /// Lognormal: median in bytes, and the standard deviation of the natural logarithm.
    LogNormal {
        /// The median in bytes.
        median_bytes: f64,
        /// The spread of the logarithm.
        sigma: f64,
    },
    /// Equally likely stretches between these sizes, in ascending order.
    Quantiles(Vec<u64>),
    /// A lognormal body, and beyond it a Pareto tail that is cut at the largest size.
    BodyAndTail {
        /// The median of the body in bytes.
        median_bytes: f64,
        /// The spread of its logarithm.
        sigma: f64,
        /// Share of files in the tail.
        tail_ratio: f64,
        /// Its shape.
        shape: f64,
        /// Its least size in bytes.
        base_bytes: f64,
    },
}

impl SizeLaw {
    /// The size that a share of all files, 0 to 1, does not exceed.
    #[must_use]
    pub fn quantile_bytes(&self, share: f64) -> f64 {
        let lognormal = |median_bytes: f64, sigma: f64, share: f64| {
            libm::exp(libm::log(median_bytes) + sigma * quantile(share))
        };
        let bytes = match self {
            Self::LogNormal { median_bytes, sigma } => lognormal(*median_bytes, *sigma, share),
            Self::Quantiles(sizes) => between(sizes, share),
            Self::BodyAndTail { median_bytes, sigma, tail_ratio, shape, base_bytes } => {
                let body = 1.0 - tail_ratio;
                if share < body {
                    lognormal(*median_bytes, *sigma, share / body)
                } else {
                    let beyond = (share - body) / tail_ratio;
                    let cut = libm::pow(base_bytes / LARGEST_BYTES, *shape);
                    base_bytes * libm::pow(1.0 - beyond * (1.0 - cut), -1.0 / shape)
                }
            }
        };
        bytes.clamp(0.0, LARGEST_BYTES)
    }
}

/// Interpolates between the given quantiles.
fn between(sizes: &[u64], share: f64) -> f64 {
    let position = share * usize_to_u64(sizes.len().saturating_sub(1)) as f64;
    let below = position.floor();
    let at = |position: f64| sizes.get(u64_to_usize(round_to_u64(position))).copied();
    let low = at(below).or(sizes.last().copied()).unwrap_or_default() as f64;
    let high = at(below + 1.0).map_or(low, |high| high as f64);
    low + (high - low) * (position - below)
}

/// A law, and its quantiles at the borders of equal cells.
#[derive(Debug, Clone)]
pub(super) struct Sizes {
    law: SizeLaw,
    borders: Vec<u64>,
}

impl Sizes {
    pub(super) fn new(law: SizeLaw) -> Self {
        let share = |border: u64| (border as f64 / CELLS as f64).clamp(1e-9, 1.0 - 1e-9);
        let borders = (0..=CELLS).map(|border| floor(law.quantile_bytes(share(border))));
        Self { borders: borders.collect(), law }
    }

    /// The size that 64 random bits draw, in bytes.
    pub(super) fn draw(&self, bits: u64) -> u64 {
        let cell = bits >> 54;
        if !(OUTER..CELLS - OUTER).contains(&cell) {
            let share = bits_to_unit(bits).clamp(1e-12, 1.0 - 1e-12);
            return floor(self.law.quantile_bytes(share));
        }
        let border = |cell: u64| self.borders.get(u64_to_usize(cell)).copied().unwrap_or_default();
        let (low, high) = (border(cell), border(cell + 1));
        // The 24 bits below those of the cell say where within it.
        let within = (bits >> 30) & 0xff_ffff;
        let span = (u128::from(high.saturating_sub(low)) * u128::from(within)) >> 24;
        low + u64::try_from(span).unwrap_or_default()
    }
}

fn floor(bytes: f64) -> u64 {
    round_to_u64(bytes.floor())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    fn distance(law: &SizeLaw, inverse: impl Fn(f64) -> f64) -> f64 {
        let sizes = Sizes::new(law.clone());
        let mut drawn: Vec<u64> = (0..200_000).map(|n| sizes.draw(Seed(3).bits_at(n))).collect();
        drawn.sort_unstable();
        (1..1000)
            .map(|rank| {
                let share = f64::from(rank) / 1000.0;
                let bytes = inverse(share).floor();
                let below = drawn.partition_point(|size| (*size as f64) <= bytes);
                (below as f64 / 200_000.0 - share).abs()
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn drawn_sizes_follow_their_law() {
        // The limit that a distance of 200,000 samples stays below at 0.1 %.
        let limit = 1.95 / 200_000_f64.sqrt();
        for (median_bytes, sigma) in [(600e3, 2.04), (160.0, 0.4), (410e6, 1.46), (1.2e3, 1.95)] {
            let law = SizeLaw::LogNormal { median_bytes, sigma };
            let far = distance(&law, |share| law.quantile_bytes(share));
            // Small sizes come in whole bytes: several quantiles share one.
            let grain = if median_bytes < 1e3 { 0.01 } else { 0.0 };
            assert!(far < limit + grain, "{median_bytes} {sigma}: {far}");
        }
        let law = SizeLaw::Quantiles(vec![0, 100, 1000, 10_000, 1_000_000]);
        let far = distance(&law, |share| law.quantile_bytes(share));
        assert!(far < limit + 0.005, "{far}");
    }

    #[test]
    fn a_tail_is_cut_at_the_largest_size() {
        let law = SizeLaw::BodyAndTail {
            median_bytes: 13_095.0,
            sigma: 2.456,
            tail_ratio: 6e-5,
            shape: 0.91,
            base_bytes: 536_870_912.0,
        };
        assert!(law.quantile_bytes(1.0 - 5e-5) > 536_870_912.0, "beyond the base");
        assert!(law.quantile_bytes(1.0) <= LARGEST_BYTES, "and not beyond the largest");
        let body = law.quantile_bytes(0.5);
        assert!((body / 13_095.0 - 1.0).abs() < 0.01, "the body is where it was: {body}");
    }
}
