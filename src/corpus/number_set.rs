//! Which documents were accepted, one bit each: to show a lost one, one must know what was accepted.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::units::{u64_to_usize, usize_to_u64};

/// Numbers of one chunk.
const CHUNK: u64 = 1 << 16;
/// Words of one chunk.
const WORDS: usize = 1 << 10;

/// A set of document numbers; small where they lie close together, as those of a run do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NumberSet(BTreeMap<u64, Box<[u64]>>);

impl NumberSet {
    /// Adds every number of a range.
    pub fn insert(&mut self, numbers: Range<u64>) {
        for number in numbers {
            let chunk = self.0.entry(number / CHUNK);
            let words = chunk.or_insert_with(|| vec![0; WORDS].into_boxed_slice());
            if let Some(word) = words.get_mut(word_of(number)) {
                *word |= 1 << (number % 64);
            }
        }
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let words = self.0.get(&(number / CHUNK));
        words
            .and_then(|words| words.get(word_of(number)))
            .is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// How many numbers are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        let words = self.0.values().flat_map(|words| words.iter());
        words.map(|word| u64::from(word.count_ones())).sum()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of both.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        for (chunk, words) in other.0 {
            match self.0.get_mut(&chunk) {
                Some(own) => own.iter_mut().zip(&words).for_each(|(own, more)| *own |= more),
                None => drop(self.0.insert(chunk, words)),
            }
        }
        self
    }

    /// Bytes of one chunk.
    pub const CHUNK_BYTES: usize = WORDS * 8;

    /// The chunks with numbers in them: each chunk's number, and one bit for each of its numbers, least significant
    /// first.
    pub fn chunks(&self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.0.iter().map(|(chunk, words)| {
            (*chunk, words.iter().flat_map(|word| word.to_le_bytes()).collect())
        })
    }

    /// Puts a chunk in place of what there is of it; false when it is no chunk.
    pub fn put_chunk(&mut self, chunk: u64, bytes: &[u8]) -> bool {
        if bytes.len() != Self::CHUNK_BYTES || chunk > u64::MAX / CHUNK {
            return false;
        }
        let (words, _) = bytes.as_chunks::<8>();
        let words: Vec<u64> = words.iter().map(|word| u64::from_le_bytes(*word)).collect();
        self.0.insert(chunk, words.into_boxed_slice());
        true
    }

    /// Whether all its numbers lie in `range`.
    #[must_use]
    pub fn is_within(&self, range: &Range<u64>) -> bool {
        self.iter().all(|number| range.contains(&number))
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.iter().flat_map(|(chunk, words)| {
            (0..).zip(words.iter()).flat_map(move |(place, word): (usize, &u64)| {
                let first = chunk * CHUNK + usize_to_u64(place) * 64;
                (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| first + bit)
            })
        })
    }
}

fn word_of(number: u64) -> usize {
    u64_to_usize(number % CHUNK / 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_holds_what_a_plain_set_holds(
            ranges in prop::collection::vec((0..300_000_u64, 0..300_u64), 0..20),
            more in prop::collection::vec(0..300_000_u64, 0..20),
        ) {
            let (mut first, mut second, mut plain) = (NumberSet::default(), NumberSet::default(), BTreeSet::new());
            for (start, length) in ranges {
                first.insert(start..start + length);
                plain.extend(start..start + length);
            }
            for number in more {
                second.insert(number..number + 1);
                plain.insert(number);
            }
            let merged = first.merged(second);
            prop_assert_eq!(merged.iter().collect::<Vec<_>>(), plain.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(merged.len(), usize_to_u64(plain.len()));
            for number in (0..300_300).step_by(97) {
                prop_assert_eq!(merged.contains(number), plain.contains(&number));
            }
        }
    }
}
