//! Documents: number n of a corpus is a pure function of (version, plan, n).
//!
//! There is no shared generator, no lock and no memory of what was sent: a document that failed can be
//! made again from its number, and two documents can only share a name if they are the same one. What a
//! real file share has and this gives up: repeated file names.

mod alias;
mod calendar;
mod carriers;
mod dealing;
mod digits;
pub mod fit;
mod kinds;
mod normal;
pub mod number_set;
mod permissions;
pub mod permutation;
pub mod plan;
pub mod profiles;
pub mod sample;
pub mod sizes;
mod stems;
mod tree;
mod words;

use std::ops::Range;

use crate::seed::Seed;
use crate::units::bits_to_unit;
use carriers::{Carriers, Style};
use digits::write_digits;
use kinds::{Kinds, Row};
use permissions::Permissions;
pub use permissions::PermissionsShape;
use permutation::Permutation;
use plan::{CorpusPlan, Order, PlanError};
use stems::{Stems, write_addition};
use tree::{Directory, Tree};

/// Names the model; the same version, plan and number are the same bytes for ever.
pub const CORPUS_VERSION: &str = "corpus/1";

/// Share of files that lie in a directory of their own class.
const AT_HOME_RATIO: f64 = 0.75;
/// Share of documents with permissions of their own.
const OVERRIDE_RATIO: f64 = 0.01;
/// Documents of a crawler's block, and the share of them in the block's directory.
const BLOCK: u64 = 32;
const BLOCK_RATIO: f64 = 0.7;

/// The tables behind the documents of one plan: some megabytes, made in some milliseconds.
#[derive(Debug, Clone)]
pub struct Corpus {
    chance: Seed,
    blocks: Seed,
    order: Order,
    numbers: u64,
    permutation: Permutation,
    carriers: Carriers,
    kinds: Kinds,
    stems: Stems,
    tree: Tree,
}

/// What the text of a document begins with.
const NAME_KEY: &[u8] = b"{\"name\":\"";

/// What a document is made of.
struct Drawn<'a> {
    kind: &'a Row,
    directory: Directory,
    stem: &'a str,
    style: Style,
    token: u64,
    suffix: &'a str,
    size_bytes: u64,
    permissions: &'a Permissions,
    /// For what is added to the stem, and for what a machine name has beyond its token.
    spare: u64,
}

impl Corpus {
    /// The corpus of `plan`.
    ///
    /// # Errors
    /// When there is no such corpus.
    pub fn new(plan: &CorpusPlan) -> Result<Self, PlanError> {
        plan.check()?;
        let seed = Seed(plan.seed).named(CORPUS_VERSION);
        let bits = plan.domain_bits;
        let carriers =
            Carriers::new(bits, seed.named("carriers")).ok_or(PlanError::Domain { bits })?;
        let count = |count: u32| crate::units::u64_to_usize(u64::from(count));
        let kinds = Kinds::new(&plan.profile);
        let tree = Tree::new(
            count(plan.hosts),
            count(plan.dirs),
            count(plan.principals),
            &kinds.class_shares(),
            seed.named("tree"),
        );
        Ok(Self {
            chance: seed.named("document"),
            blocks: seed.named("block"),
            order: plan.order,
            numbers: plan.numbers(),
            permutation: Permutation::new(bits, seed.named("permutation")),
            carriers,
            stems: Stems::new(seed.named("stems")),
            tree,
            kinds,
        })
    }

    /// Numbers below this are documents.
    #[must_use]
    pub const fn numbers(&self) -> u64 {
        self.numbers
    }

    /// Appends document `number`, which must be below [`Self::numbers`], as JSON.
    ///
    /// # Panics
    /// Beyond that number: its name would be another document's.
    pub fn write_json(&self, number: u64, shape: PermissionsShape, out: &mut Vec<u8>) {
        let Some(drawn) = self.draw(number) else { return };
        out.extend_from_slice(NAME_KEY);
        if drawn.style != Style::Machine {
            out.extend_from_slice(drawn.stem.as_bytes());
            write_addition(drawn.kind.class, drawn.spare, out);
        }
        self.carriers.write(drawn.style, drawn.token, drawn.spare, out);
        out.extend_from_slice(drawn.suffix.as_bytes());
        out.extend_from_slice(self.tree.place_of(drawn.directory).as_bytes());
        write_digits(drawn.size_bytes, 1, out);
        out.extend_from_slice(drawn.permissions.text(shape).as_bytes());
    }

    /// Everything that document `number` is made of.
    fn draw(&self, number: u64) -> Option<Drawn<'_>> {
        assert!(number < self.numbers, "document {number} lies beyond the corpus");
        let chance = self.chance.numbered(number);
        let coins = chance.bits_at(1);
        let kind = self.kinds.draw(chance.bits_at(0))?;
        let directory = self.directory(number, kind.class, chance, coin(coins, 3))?;
        let has_own = bits_to_unit(coin(coins, 2)) < OVERRIDE_RATIO;
        Some(Drawn {
            kind,
            directory,
            stem: self.stems.draw(kind.class, chance.bits_at(3), chance.bits_at(4)),
            style: self.kinds.style(kind, chance.bits_at(6)),
            token: self.permutation.token(number),
            suffix: kind.suffix(coin(coins, 0)),
            size_bytes: self.kinds.size_bytes(kind, coin(coins, 1), chance.bits_at(7)),
            permissions: if has_own {
                self.tree.any_permissions(chance.bits_at(8))?
            } else {
                self.tree.permissions_of(directory)?
            },
            spare: chance.bits_at(5),
        })
    }

    /// Where a document lies: most lie among files of their class, and a crawler finds most of a block in one place.
    fn directory(&self, number: u64, class: usize, chance: Seed, coin: u64) -> Option<Directory> {
        if self.order == Order::Crawl {
            let block = self.blocks.numbered(number / BLOCK);
            if bits_to_unit(chance.bits_at(9)) < BLOCK_RATIO {
                return self.tree.draw(block.bits_at(0));
            }
        }
        if bits_to_unit(coin) < AT_HOME_RATIO {
            self.tree.draw_at_home(class, chance.bits_at(2))
        } else {
            self.tree.draw(chance.bits_at(2))
        }
    }

    /// The name of document `number`, which must be below [`Self::numbers`].
    #[must_use]
    pub fn name_of(&self, number: u64) -> String {
        let mut text = Vec::new();
        self.write_json(number, PermissionsShape::Object, &mut text);
        String::from_utf8_lossy(name_in(&text)).into_owned()
    }

    /// The number of the document of this name; `None` for a name that is not of this corpus.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<u64> {
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        Some(self.permutation.number(self.carriers.token(stem)?))
    }
}

/// The name in the text of a document: it comes first, and no name has a character that JSON escapes.
fn name_in(document: &[u8]) -> &[u8] {
    let name = document.strip_prefix(NAME_KEY).unwrap_or_default();
    name.split(|byte| *byte == b'"').next().unwrap_or_default()
}

/// Where the extension stands in the text of a document: what is behind the last dot of its name, empty without one.
#[must_use]
pub fn extension_in(document: &[u8]) -> Range<usize> {
    let name = name_in(document);
    let end = NAME_KEY.len() + name.len();
    let dot = name.iter().rposition(|byte| *byte == b'.');
    dot.map_or(end..end, |dot| NAME_KEY.len() + dot + 1..end)
}

/// One of four decisions that 64 bits are enough for, as bits of its own.
const fn coin(coins: u64, place: u32) -> u64 {
    coins << (16 * place)
}

/// Why no document numbers could be had.
#[derive(Debug, thiserror::Error)]
pub enum NumbersError {
    /// All are used.
    #[error(
        "the corpus has no documents left after number {next}: choose another CORPUS_SEED, a larger DOMAIN, or FIRST_INDEX=0 for an emptied target"
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
