//! A keyed bijection of the document counter, and its inverse.
//!
//! Names carry its output instead of the counter itself: neighbours look unrelated, as in a real file
//! share, and two documents can only share a name if they are the same document.

use crate::seed::Seed;

const ROUNDS: usize = 4;

/// A bijection of `0..2^bits`.
#[derive(Debug, Clone)]
pub struct Permutation {
    bits: u32,
    rounds: [Round; ROUNDS],
}

#[derive(Debug, Clone, Copy)]
struct Round {
    factor: u64,
    inverse: u64,
    addend: u64,
}

impl Permutation {
    /// The bijection of `bits` bits, 2 to 48, that `seed` picks.
    #[must_use]
    pub fn new(bits: u32, seed: Seed) -> Self {
        let mask = (1 << bits) - 1;
        let round = |number: u64| {
            let factor = (seed.bits_at(2 * number) & mask) | 1;
            let addend = seed.bits_at(2 * number + 1) & mask;
            Round { factor, inverse: inverse_of(factor), addend }
        };
        Self { bits, rounds: [round(0), round(1), round(2), round(3)] }
    }

    /// Numbers below this are permuted.
    #[must_use]
    pub const fn numbers(&self) -> u64 {
        1 << self.bits
    }

    const fn mask(&self) -> u64 {
        self.numbers() - 1
    }

    /// A shift of at least half the bits makes `x ^ (x >> shift)` its own inverse.
    const fn shift(&self) -> u32 {
        self.bits.div_ceil(2)
    }

    /// The token of a number, both below [`Self::numbers`].
    #[must_use]
    pub fn token(&self, number: u64) -> u64 {
        self.rounds.iter().fold(number & self.mask(), |bits, round| {
            let mixed = bits ^ (bits >> self.shift());
            mixed.wrapping_mul(round.factor).wrapping_add(round.addend) & self.mask()
        })
    }

    /// The number of a token.
    #[must_use]
    pub fn number(&self, token: u64) -> u64 {
        self.rounds.iter().rev().fold(token & self.mask(), |bits, round| {
            let mixed = bits.wrapping_sub(round.addend).wrapping_mul(round.inverse) & self.mask();
            mixed ^ (mixed >> self.shift())
        })
    }
}

/// The inverse of an odd factor modulo 2^64, by Newton's iteration: each step doubles the right bits.
const fn inverse_of(factor: u64) -> u64 {
    let mut inverse = factor;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(factor.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::u64_to_usize;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_back_from_its_token(bits in 2..49_u32, seed: u64, number: u64) {
            let permutation = Permutation::new(bits, Seed(seed));
            let number = number % permutation.numbers();
            let token = permutation.token(number);
            prop_assert!(token < permutation.numbers());
            prop_assert_eq!(permutation.number(token), number);
        }
    }

    #[test]
    fn neighbours_spread_evenly_over_the_domain() {
        let permutation = Permutation::new(30, Seed(42));
        let mut buckets = [0_u32; 1024];
        for number in 0..1_024_000 {
            buckets[u64_to_usize(permutation.token(number) >> 20)] += 1;
        }
        let squares: f64 =
            buckets.iter().map(|count| (f64::from(*count) - 1000.0).powi(2) / 1000.0).sum();
        assert!(squares < 1168.0, "chi-square {squares} is beyond the 0.1 % point of 1023 degrees");
    }
}
