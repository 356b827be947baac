//! Documents: number n of a corpus is a pure function of (version, seed, n).
//!
//! There is no shared generator, no lock and no memory of what was sent: a document that failed can be
//! made again from its number, and two documents can only share a name if they are the same one. What a
//! real file share has and this gives up: repeated file names.

mod alias;
mod kinds;
mod names;
pub mod permutation;
mod tree;

use std::ops::Range;

use crate::seed::Seed;
use kinds::Kinds;
use names::{Stems, token_of, write_carrier, write_digits};
use permutation::{NUMBERS_MAX, Permutation};
pub use tree::PermissionsShape;
use tree::Tree;

/// Names the model; the same version, seed and number are the same bytes for ever.
pub const CORPUS_VERSION: &str = "corpus/0";

/// The tables behind the documents of one seed: about 4 MB, made in some milliseconds.
#[derive(Debug, Clone)]
pub struct Corpus {
    chance: Seed,
    permutation: Permutation,
    kinds: Kinds,
    stems: Stems,
    tree: Tree,
}

impl Corpus {
    /// The corpus of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let seed = Seed(seed).named(CORPUS_VERSION);
        Self {
            chance: seed.named("document"),
            permutation: Permutation::new(seed.named("permutation")),
            kinds: Kinds::new(),
            stems: Stems::new(),
            tree: Tree::new(seed.named("tree")),
        }
    }

    /// Appends document `number`, which must be below [`NUMBERS_MAX`], as JSON.
    ///
    /// # Panics
    /// Beyond that number: its name would be another document's.
    pub fn write_json(&self, number: u64, shape: PermissionsShape, out: &mut Vec<u8>) {
        assert!(number < NUMBERS_MAX, "document {number} lies beyond the corpus");
        let chance = self.chance.numbered(number);
        let (Some(kind), Some(directory)) =
            (self.kinds.draw(chance.bits_at(0)), self.tree.draw(chance.bits_at(1)))
        else {
            return;
        };
        out.extend_from_slice(b"{\"name\":\"");
        out.extend_from_slice(self.stems.draw(chance.bits_at(2)).as_bytes());
        write_carrier(kind.carrier, self.permutation.token(number), out);
        out.extend_from_slice(kind.suffix.as_bytes());
        out.extend_from_slice(directory.place.as_bytes());
        write_digits(kind.size_bytes(chance.bits_at(3)), 1, out);
        out.extend_from_slice(directory.permissions(shape).as_bytes());
    }

    /// The number of the document of this name; `None` for a name that is not of this corpus.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<u64> {
        let token = token_of(name).filter(|token| *token < NUMBERS_MAX)?;
        Some(self.permutation.number(token))
    }
}

/// Why no document numbers could be had.
#[derive(Debug, thiserror::Error)]
pub enum NumbersError {
    /// All are used.
    #[error(
        "the corpus has no documents left after number {next}: choose another CORPUS_SEED, or FIRST_INDEX=0 for an emptied target"
    )]
    Exhausted {
        /// The first number that is not used.
        next: u64,
    },
    /// What was used could not be read or written down.
    #[error("{0}")]
    State(String),
}

/// The port through which document numbers are reserved before the first of them is used.
pub trait Numbers {
    /// Reserves `count` numbers that nobody else gets, now or later.
    ///
    /// # Errors
    /// When none are left, or what is used cannot be written down.
    fn reserve(&mut self, count: u64) -> Result<Range<u64>, NumbersError>;
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    fn document(corpus: &Corpus, number: u64, shape: PermissionsShape) -> Value {
        let mut body = Vec::new();
        corpus.write_json(number, shape, &mut body);
        serde_json::from_slice(&body).unwrap_or_else(|error| {
            panic!("{error}: {}", String::from_utf8_lossy(&body));
        })
    }

    #[test]
    fn the_names_of_a_million_documents_lead_back_to_their_numbers() {
        let corpus = Corpus::new(1);
        let mut body = Vec::new();
        for number in (0..500_000).chain(NUMBERS_MAX - 500_000..NUMBERS_MAX) {
            body.clear();
            corpus.write_json(number, PermissionsShape::Object, &mut body);
            let text = std::str::from_utf8(&body).unwrap();
            let name = text.strip_prefix("{\"name\":\"").unwrap().split('"').next().unwrap();
            assert_eq!(corpus.number_of(name), Some(number), "{name}");
        }
    }

    #[test]
    fn a_body_has_the_documented_fields_in_both_shapes() {
        let corpus = Corpus::new(1);
        for number in 0..2000 {
            let object = document(&corpus, number, PermissionsShape::Object);
            let list = document(&corpus, number, PermissionsShape::List);
            assert!(object["name"].is_string() && object["directory"].is_string(), "{object}");
            assert!(object["host"].is_string() && object["file_size"].is_u64(), "{object}");
            let entries = object["permissions"].as_object().unwrap();
            assert!(!entries.is_empty(), "never without permissions");
            for (principal, right) in entries {
                assert!(!principal.contains('.'), "{principal} has no dot");
                assert!(right == "READ" || right == "READ_WRITE", "{right}");
            }
            let listed = list["permissions"].as_array().unwrap();
            assert!(listed.iter().all(|entry| entry.as_object().unwrap().len() == 1), "{list}");
            assert_eq!(listed.len(), entries.len(), "the same entries");
            assert_eq!(list["name"], object["name"], "the same document");
        }
    }

    #[test]
    fn hosts_directories_and_extensions_are_limited_and_skewed() {
        let corpus = Corpus::new(1);
        let mut hosts = BTreeMap::<String, u32>::new();
        let mut extensions = BTreeSet::new();
        let mut hosts_of_directory = BTreeMap::<String, BTreeSet<String>>::new();
        for number in 0..20_000 {
            let value = document(&corpus, number, PermissionsShape::Object);
            let text = |key: &str| value[key].as_str().unwrap().to_owned();
            *hosts.entry(text("host")).or_default() += 1;
            hosts_of_directory.entry(text("directory")).or_default().insert(text("host"));
            extensions.insert(text("name").rsplit_once('.').map(|(_, e)| e.to_owned()));
        }
        assert!(
            hosts.len() <= 32 && extensions.len() <= 41,
            "{} {}",
            hosts.len(),
            extensions.len()
        );
        assert!(
            *hosts.values().max().unwrap() > 3 * 20_000 / 32,
            "some hosts are busier: {hosts:?}"
        );
        assert!(hosts_of_directory.values().all(|hosts| hosts.len() == 1), "one host each");
    }

    #[test]
    fn another_seed_is_another_corpus_and_the_same_seed_the_same_bytes() {
        let body = |seed| {
            let mut body = Vec::new();
            Corpus::new(seed).write_json(12_345, PermissionsShape::Object, &mut body);
            body
        };
        assert_eq!(body(1), body(1), "the same");
        assert_ne!(body(1), body(2), "another");
    }

    #[test]
    fn the_first_hundred_thousand_bodies_are_what_they_always_were() {
        let corpus = Corpus::new(42);
        let mut body = Vec::new();
        let mut digest = Seed(0);
        for number in 0..100_000 {
            body.clear();
            corpus.write_json(number, PermissionsShape::Object, &mut body);
            digest = digest.named(std::str::from_utf8(&body).unwrap());
        }
        insta::assert_snapshot!(format!("{CORPUS_VERSION} {:016x}", digest.0), @"corpus/0 9f7b8ed43834b4dc");
    }
}
