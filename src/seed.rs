//! One run seed, from which every use of chance gets a named stream of its own.
//!
//! Naming the streams keeps them independent of each other's length: a search that asks for one more
//! trial does not move the arrivals of the trials that follow.

/// The seed of a run, or of one named part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of the part called `name`.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        let tag = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self(mix(self.0 ^ mix(tag)))
    }

    /// The seed of the `number`th part of its kind.
    #[must_use]
    pub fn numbered(self, number: u64) -> Self {
        Self(mix(self.0.wrapping_add(mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15)))))
    }

    /// The `index`th 64 random bits of this stream, without making those before it.
    #[must_use]
    pub const fn bits_at(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}

/// The finalizer of `SplitMix64`: a bijection on 64 bits whose output bits all depend on all input bits.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[must_use]
pub const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_different_names_and_numbers_differ() {
        let run = Seed(7);
        assert_ne!(run.named("arrivals"), run.named("search"), "names separate");
        assert_ne!(run.numbered(1), run.numbered(2), "numbers separate");
        assert_eq!(
            run.named("search"),
            Seed(7).named("search"),
            "the same name is the same stream"
        );
    }
}
