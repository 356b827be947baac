//! The proof that no document comes twice, in full: every number of the usual domain, and 100 million whole documents.
//!
//! Run with `just prove`; it takes some minutes and 130 MB.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench prints, and stops at a broken assumption"
)]

use plimsoll::corpus::permutation::Permutation;
use plimsoll::corpus::plan::CorpusPlan;
use plimsoll::corpus::{Corpus, PermissionsShape};
use plimsoll::seed::Seed;
use plimsoll::units::u64_to_usize;

const DOCUMENTS: u64 = 100_000_000;

fn main() {
    let permutation = Permutation::new(30, Seed(1));
    let mut seen = vec![0_u64; u64_to_usize(permutation.numbers() >> 6)];
    for number in 0..permutation.numbers() {
        let token = permutation.token(number);
        let (word, bit) = (u64_to_usize(token >> 6), 1 << (token & 63));
        assert!(seen[word] & bit == 0, "{token} comes twice");
        seen[word] |= bit;
    }
    println!("{} numbers, {} tokens, none twice", permutation.numbers(), permutation.numbers());
    let corpus = Corpus::new(&CorpusPlan::usual(1)).expect("the usual corpus");
    let mut body = Vec::new();
    for number in 0..DOCUMENTS {
        body.clear();
        corpus.write_json(number, PermissionsShape::Object, &mut body);
        let text = std::str::from_utf8(&body).expect("UTF-8");
        let name = text.split('"').nth(3).expect("a name");
        assert_eq!(corpus.number_of(name), Some(number), "{name}");
    }
    println!("{DOCUMENTS} documents, each leads back to its number");
}
