//! A share of all requests: a hash of the request's number says whether it is one of them.
//!
//! Each kind of fault has a salt of its own, so that the requests which one hits say nothing about
//! those that another hits. A rule such as "every hundredth" would be simpler, but a client that
//! sends two kinds of requests in turn would meet the fault with one kind only.

use std::sync::atomic::{AtomicU64, Ordering};

/// A share of numbers, spread over them as if by chance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Share {
    ratio: f64,
    salt: u64,
}

impl Share {
    /// A share of `ratio`, from 0 (none) to 1 (all).
    pub(crate) fn new(ratio: f64, salt: u64) -> Self {
        Self { ratio, salt }
    }

    /// Whether `number` belongs to the share.
    pub(crate) fn hits(self, number: u64) -> bool {
        // 53 bits are what a float holds exactly, so the fraction is always below one.
        let fraction = (hash(number ^ hash(self.salt)) >> 11) as f64 / (1_u64 << 53) as f64;
        fraction < self.ratio
    }
}

/// The finishing step of `SplitMix64`: every bit of the number changes half of all bits.
fn hash(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A share under way: numbers are handed out in order.
#[derive(Debug)]
pub(crate) struct Lot {
    share: Share,
    drawn: AtomicU64,
    hits: AtomicU64,
}

impl Lot {
    /// A lot of which nothing is drawn yet.
    pub(crate) fn new(share: Share) -> Self {
        Self { share, drawn: AtomicU64::new(0), hits: AtomicU64::new(0) }
    }

    /// Whether the next number is hit.
    pub(crate) fn draw(&self) -> bool {
        let is_hit = self.share.hits(self.drawn.fetch_add(1, Ordering::Relaxed));
        if is_hit {
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        is_hit
    }

    /// Numbers that were hit so far.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NUMBERS: u64 = 20_000;

    fn count(start: u64, is_hit: impl Fn(u64) -> bool) -> f64 {
        (start..start + NUMBERS).filter(|number| is_hit(*number)).count() as f64
    }

    /// Six standard deviations of a count by chance: missed once in a thousand million.
    fn margin(ratio: f64) -> f64 {
        6.0 * (NUMBERS as f64 * ratio * (1.0 - ratio)).sqrt() + 6.0
    }

    #[test]
    fn a_lot_counts_what_it_hits() {
        let share = Share::new(0.25, 1);
        let lot = Lot::new(share);
        let drawn = (0..1000).filter(|_| lot.draw()).count() as u64;
        assert_eq!(lot.hits(), drawn, "counted as drawn");
        assert_eq!(
            drawn,
            (0..1000).filter(|number| share.hits(*number)).count() as u64,
            "in order"
        );
    }

    proptest! {
        #[test]
        fn the_share_that_was_asked_for_is_hit(
            ratio in 0.0_f64..=1.0, salt in 0_u64..100, start in 0_u64..1_000_000_000,
        ) {
            let hits = count(start, |number| Share::new(ratio, salt).hits(number));
            prop_assert!((hits - NUMBERS as f64 * ratio).abs() <= margin(ratio), "{hits} hits");
        }

        #[test]
        fn none_is_none_and_all_is_all(number in any::<u64>(), salt in any::<u64>()) {
            prop_assert!(!Share::new(0.0, salt).hits(number));
            prop_assert!(Share::new(1.0, salt).hits(number));
        }

        #[test]
        fn a_larger_share_hits_all_that_a_smaller_one_hits(
            number in any::<u64>(), small in 0.0_f64..=1.0, more in 0.0_f64..=1.0,
        ) {
            let large = small + more * (1.0 - small);
            prop_assert!(!Share::new(small, 3).hits(number) || Share::new(large, 3).hits(number));
        }

        #[test]
        fn two_kinds_hit_independently(one in 0_u64..100, apart in 1_u64..100, start in any::<u32>()) {
            let (first, second) = (Share::new(0.3, one), Share::new(0.5, one + apart));
            let both = count(start.into(), |number| first.hits(number) && second.hits(number));
            prop_assert!((both - NUMBERS as f64 * 0.15).abs() <= margin(0.15), "{both} hit twice");
        }
    }
}
