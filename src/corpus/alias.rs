//! Drawing from a fixed set of weights with one multiplication: integer alias tables.
//!
//! Source: Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE
//! Transactions on Software Engineering 17 (1991).

use crate::units::{round_to_u64, u64_to_usize, usize_to_u64};

/// A table of weights to draw from; eight bytes each.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    cells: Vec<Cell>,
}

/// A cell keeps its own position below the threshold, and gives its alias's above.
#[derive(Debug, Clone, Copy)]
struct Cell {
    threshold: u32,
    alias: u32,
}

impl Alias {
    /// A table for weights of zero or more, at least one of them above; fewer than 2^32.
    pub(super) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let scaled: Vec<f64> =
            weights.iter().map(|weight| weight / total * weights.len() as f64).collect();
        let own = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        let mut cells: Vec<Cell> = (0..weights.len())
            .map(|position| Cell { threshold: u32::MAX, alias: own(position) })
            .collect();
        let (mut small, mut large): (Vec<_>, Vec<_>) =
            scaled.iter().copied().enumerate().partition(|(_, share)| *share < 1.0);
        while let (Some((poor, share)), Some((rich, plenty))) = (small.pop(), large.pop()) {
            if let Some(cell) = cells.get_mut(poor) {
                let threshold = round_to_u64(share * 2.0_f64.powi(32));
                let threshold = u32::try_from(threshold).unwrap_or(u32::MAX);
                *cell = Cell { threshold, alias: own(rich) };
            }
            let left = plenty + share - 1.0;
            if left < 1.0 { &mut small } else { &mut large }.push((rich, left));
        }
        Self { cells }
    }

    /// The position that 64 random bits draw: the upper half finds a cell, the lower half decides within it.
    pub(super) fn draw(&self, bits: u64) -> usize {
        let own = ((bits >> 32) * usize_to_u64(self.cells.len())) >> 32;
        let within = bits & u64::from(u32::MAX);
        match self.cells.get(u64_to_usize(own)) {
            Some(cell) if within >= u64::from(cell.threshold) => {
                u64_to_usize(u64::from(cell.alias))
            }
            _ => u64_to_usize(own),
        }
    }
}

/// Zipf weights of `count` ranks.
pub(super) fn zipf(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count).map(|rank| libm::pow(rank as f64, -exponent)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn draws_follow_the_weights() {
        let table = Alias::new(&[5.0, 3.0, 0.0, 1.0, 1.0]);
        let mut counts = [0_u32; 5];
        for number in 0..100_000 {
            counts[table.draw(Seed(9).bits_at(number))] += 1;
        }
        assert_eq!(counts[2], 0, "what has no weight is never drawn");
        let expected = [50_000.0, 30_000.0, 1.0, 10_000.0, 10_000.0_f64];
        for (count, expected) in counts.iter().zip(expected).filter(|(count, _)| **count > 0) {
            let deviation = (f64::from(*count) - expected).abs() / expected.sqrt();
            assert!(deviation < 4.0, "{counts:?}");
        }
    }
}
