//! Shares of a law, dealt out by weight, so that documents follow the law although few directories hold many of them.
//!
//! Drawn at random, a handful of heavy directories would decide which hosts and people are frequent. So the heaviest
//! are dealt first, each to somebody who still lacks that much of a share.

use crate::units::bits_to_unit;

/// What nobody may have any more is still given with this weight, where everybody has enough.
const ENOUGH: f64 = 1e-9;

/// How much everybody still lacks.
#[derive(Debug)]
pub(super) struct Dealer {
    lacking: Vec<f64>,
}

impl Dealer {
    /// Deals `all` in shares that are proportional to `law`.
    pub(super) fn new(law: &[f64], all: f64) -> Self {
        let total: f64 = law.iter().sum();
        Self { lacking: law.iter().map(|weight| weight / total * all).collect() }
    }

    /// Gives `load` to the one at `place`.
    pub(super) fn give(&mut self, place: usize, load: f64) {
        if let Some(lacking) = self.lacking.get_mut(place) {
            *lacking -= load;
        }
    }

    /// Gives `load` to the one who lacks most; who that is.
    pub(super) fn give_most(&mut self, load: f64) -> usize {
        let places = self.lacking.iter().enumerate();
        // The first of several.
        let most = places.rev().max_by(|one, other| one.1.total_cmp(other.1));
        let place = most.map_or(0, |(place, _)| place);
        self.give(place, load);
        place
    }

    /// Gives `load` to one of those who are free and lack it, at random by what they lack; who that is.
    pub(super) fn give_any(
        &mut self,
        load: f64,
        bits: u64,
        is_free: impl Fn(usize) -> bool,
    ) -> usize {
        let weight = |lacking: f64| if lacking >= load { lacking } else { ENOUGH };
        let free = || self.lacking.iter().enumerate().filter(|(place, _)| is_free(*place));
        let total: f64 = free().map(|(_, lacking)| weight(*lacking)).sum();
        let mut left = bits_to_unit(bits) * total;
        let found = free().find(|(_, lacking)| {
            left -= weight(**lacking);
            left < 0.0
        });
        // Rounding may leave nothing for the last one.
        let place = found.or_else(|| free().last()).map_or(0, |(place, _)| place);
        self.give(place, load);
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::alias::zipf;
    use crate::seed::Seed;
    use crate::units::usize_to_u64;

    /// Loads as uneven as those of directories.
    fn loads() -> Vec<f64> {
        (1..=2000).map(|rank| 1.0 / f64::from(rank)).collect()
    }

    #[test]
    fn everybody_ends_with_a_share_by_the_law_however_uneven_the_loads() {
        let (law, loads) = (zipf(32, 0.8), loads());
        let (all, total): (f64, f64) = (loads.iter().sum(), law.iter().sum());
        for by_chance in [false, true] {
            let mut dealer = Dealer::new(&law, all);
            let mut given = vec![0.0; law.len()];
            for (number, load) in loads.iter().enumerate() {
                let bits = Seed(1).bits_at(usize_to_u64(number));
                let place = if by_chance {
                    dealer.give_any(*load, bits, |_| true)
                } else {
                    dealer.give_most(*load)
                };
                given[place] += load;
            }
            for (given, weight) in given.iter().zip(&law) {
                let wanted = weight / total * all;
                assert!((given / wanted - 1.0).abs() < 0.05, "{given} instead of {wanted}");
            }
        }
    }

    #[test]
    fn nobody_who_is_not_free_is_given_anything() {
        let mut dealer = Dealer::new(&[5.0, 1.0, 1.0], 1.0);
        for number in 0..1000 {
            let place = dealer.give_any(0.5, Seed(2).bits_at(number), |place| place != 0);
            assert_ne!(place, 0, "that one was taken");
        }
    }
}
