//! A keyed bijection of the document counter, and its inverse.
//!
//! Names carry its output instead of the counter itself: neighbours look unrelated, as in a real file
//! share, and two documents can only share a name if they are the same document.

use crate::seed::Seed;

/// Bits of the counter: 1,073,741,824 documents, 62 days at 200 a second.
pub const DOMAIN_BITS: u32 = 30;
/// Numbers below this are documents.
pub const NUMBERS_MAX: u64 = 1 << DOMAIN_BITS;

const MASK: u64 = NUMBERS_MAX - 1;
/// A shift of half the bits makes `x ^ (x >> SHIFT)` its own inverse.
const SHIFT: u32 = DOMAIN_BITS / 2;
const ROUNDS: usize = 4;

/// A bijection of `0..NUMBERS_MAX`.
#[derive(Debug, Clone)]
pub struct Permutation {
    rounds: [Round; ROUNDS],
}

#[derive(Debug, Clone, Copy)]
struct Round {
    factor: u64,
    inverse: u64,
    addend: u64,
}

impl Permutation {
    /// The bijection that `seed` picks.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let round = |number: u64| {
            let bits = seed.bits_at(number);
            let factor = (bits & MASK) | 1;
            Round { factor, inverse: inverse_of(factor), addend: (bits >> 32) & MASK }
        };
        Self { rounds: [round(0), round(1), round(2), round(3)] }
    }

    /// The token of a number, both below [`NUMBERS_MAX`].
    #[must_use]
    pub fn token(&self, number: u64) -> u64 {
        self.rounds.iter().fold(number & MASK, |bits, round| {
            let mixed = bits ^ (bits >> SHIFT);
            mixed.wrapping_mul(round.factor).wrapping_add(round.addend) & MASK
        })
    }

    /// The number of a token.
    #[must_use]
    pub fn number(&self, token: u64) -> u64 {
        self.rounds.iter().rev().fold(token & MASK, |bits, round| {
            let mixed = bits.wrapping_sub(round.addend).wrapping_mul(round.inverse) & MASK;
            mixed ^ (mixed >> SHIFT)
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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_number_comes_back_from_its_token(seed: u64, number in 0..NUMBERS_MAX) {
            let permutation = Permutation::new(Seed(seed));
            let token = permutation.token(number);
            prop_assert!(token < NUMBERS_MAX);
            prop_assert_eq!(permutation.number(token), number);
        }
    }

    #[test]
    fn neighbours_spread_evenly_over_the_domain() {
        let permutation = Permutation::new(Seed(42));
        let mut buckets = [0_u32; 64];
        for number in 0..64_000 {
            buckets[crate::units::u64_to_usize(permutation.token(number) >> (DOMAIN_BITS - 6))] +=
                1;
        }
        let squares: f64 =
            buckets.iter().map(|count| (f64::from(*count) - 1000.0).powi(2) / 1000.0).sum();
        assert!(squares < 103.4, "chi-square {squares} is beyond the 0.1 % point of 63 degrees");
    }
}
