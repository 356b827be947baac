//! Drawing from a fixed set of weights with one multiplication: integer alias tables.
//!
//! Source: Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE
//! Transactions on Software Engineering 17 (1991).

use crate::units::{bits_below, round_to_u64, u64_to_usize, usize_to_u64};

/// A table of weights to draw from.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    cells: Vec<Cell>,
}

/// A cell keeps its own position below the threshold, and gives its alias's above.
#[derive(Debug, Clone, Copy)]
struct Cell {
    threshold: u64,
    alias: usize,
}

impl Alias {
    /// A table for weights above zero; at least one.
    pub(super) fn new(weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let scaled: Vec<f64> =
            weights.iter().map(|weight| weight / total * weights.len() as f64).collect();
        let mut cells: Vec<Cell> =
            (0..weights.len()).map(|own| Cell { threshold: u64::MAX, alias: own }).collect();
        let (mut small, mut large): (Vec<_>, Vec<_>) =
            scaled.iter().copied().enumerate().partition(|(_, share)| *share < 1.0);
        while let (Some((poor, share)), Some((rich, plenty))) = (small.pop(), large.pop()) {
            if let Some(cell) = cells.get_mut(poor) {
                *cell = Cell { threshold: round_to_u64(share * 2.0_f64.powi(64)), alias: rich };
            }
            let left = plenty + share - 1.0;
            if left < 1.0 { &mut small } else { &mut large }.push((rich, left));
        }
        Self { cells }
    }

    /// The position that 64 random bits draw.
    pub(super) fn draw(&self, bits: u64) -> usize {
        let count = usize_to_u64(self.cells.len());
        let own = u64_to_usize(bits_below(bits, count));
        // What the multiplication leaves below the position is as random as the bits were.
        let rest = bits.wrapping_mul(count);
        match self.cells.get(own) {
            Some(cell) if rest >= cell.threshold => cell.alias,
            _ => own,
        }
    }
}

/// Zipf weights of `count` ranks.
pub(super) fn zipf(count: usize, exponent: f64) -> Vec<f64> {
    (1..=count).map(|rank| (rank as f64).powf(-exponent)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn draws_follow_the_weights() {
        let table = Alias::new(&[5.0, 3.0, 1.0, 1.0]);
        let mut counts = [0_u32; 4];
        for number in 0..100_000 {
            counts[table.draw(Seed(9).bits_at(number))] += 1;
        }
        for (count, expected) in counts.iter().zip([50_000.0, 30_000.0, 10_000.0, 10_000.0_f64]) {
            let deviation = (f64::from(*count) - expected).abs() / expected.sqrt();
            assert!(deviation < 4.0, "{counts:?}");
        }
    }
}
