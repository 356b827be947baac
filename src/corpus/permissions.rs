//! Who may read what: principals, and the lists that directories have of them.

use super::alias::zipf;
use super::dealing::Dealer;
use super::words::{GROUPS, PEOPLE, words};
use crate::seed::Seed;
use crate::units::{bits_below, bits_to_unit, u64_to_usize, usize_to_u64};

/// Skew of principals.
const ZIPF: f64 = 0.8;
/// Share of entries that may write, after the owner's.
const WRITE_RATIO: f64 = 0.35;
/// Share of those lists with `everyone` in which everyone may only read.
const EVERYONE_READS_RATIO: f64 = 0.7;
/// Weights of 1, 2, 3 ... entries in a list; 3.9 on average.
const ENTRIES: [f64; 16] =
    [14.0, 22.0, 18.0, 15.0, 10.0, 7.0, 5.0, 3.0, 2.0, 1.5, 1.0, 0.8, 0.5, 0.3, 0.2, 0.2];

/// The shape of `permissions` in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionsShape {
    /// One object: `{"maya":"READ"}`.
    Object,
    /// A list of objects with one key each: `[{"maya":"READ"}]`.
    List,
    /// A list of objects whose keys are always the same: `[{"principal":"maya","access":"READ"}]`.
    Pairs,
}

impl PermissionsShape {
    /// The shape's name in settings and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::List => "list",
            Self::Pairs => "pairs",
        }
    }
}

/// Who, as a position among all principals, may do what; `None` is everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    principal: Option<usize>,
    may_write: bool,
}

/// A list of permissions, as documents hold it in each shape.
#[derive(Debug, Clone)]
pub(super) struct Permissions {
    object: Box<str>,
    list: Box<str>,
    pairs: Box<str>,
}

impl Permissions {
    /// Everything of a document from the end of its size on.
    pub(super) fn text(&self, shape: PermissionsShape) -> &str {
        match shape {
            PermissionsShape::Object => &self.object,
            PermissionsShape::List => &self.list,
            PermissionsShape::Pairs => &self.pairs,
        }
    }

    fn new(entries: &[Entry], names: &[String]) -> Self {
        let each = |write: fn(&str, &str) -> String| {
            let texts = entries.iter().map(|entry| {
                let right = if entry.may_write { "READ_WRITE" } else { "READ" };
                let name = entry.principal.and_then(|principal| names.get(principal));
                write(name.map_or("everyone", String::as_str), right)
            });
            texts.collect::<Vec<_>>().join(",")
        };
        let object = each(|name, right| format!("\"{name}\":\"{right}\""));
        let list = each(|name, right| format!("{{\"{name}\":\"{right}\"}}"));
        let pairs =
            each(|name, right| format!("{{\"principal\":\"{name}\",\"access\":\"{right}\"}}"));
        Self {
            object: format!(",\"permissions\":{{{object}}}}}").into(),
            list: format!(",\"permissions\":[{list}]}}").into(),
            pairs: format!(",\"permissions\":[{pairs}]}}").into(),
        }
    }
}

/// The users among the principals of a corpus, in no order of popularity.
pub(super) fn users(principals: usize) -> Vec<String> {
    (0..principals).filter(|number| !is_group(*number)).map(principal).collect()
}

/// What a list of permissions is for.
#[derive(Debug, Clone, Default)]
pub(super) struct Need {
    /// Whom its directories belong to, if to one user.
    pub(super) owner: Option<String>,
    /// Whether everyone is on it.
    pub(super) is_open: bool,
    /// The share of all documents that have it.
    pub(super) load: f64,
}

/// Makes a list for each need.
///
/// Who is on a list that many documents have is on many documents, and so is its length: both are dealt by weight.
pub(super) fn lists(needs: &[Need], principals: usize, seed: Seed) -> Vec<Permissions> {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    let load = |list: &usize| needs.get(*list).map_or(0.0, |need| need.load);
    order.sort_by(|one, other| load(other).total_cmp(&load(one)).then(one.cmp(other)));
    let all: f64 = needs.iter().map(|need| need.load).sum();
    let mut lengths = Dealer::new(&ENTRIES, all);
    let mut sizes = vec![1; needs.len()];
    for list in &order {
        if let Some(size) = sizes.get_mut(*list) {
            let bits = seed.named("length").bits_at(usize_to_u64(*list));
            *size = lengths.give_any(load(list), bits, |_| true) + 1;
        }
    }
    let mut people = People::new(needs, &sizes, principals);
    let mut made: Vec<Option<Permissions>> = vec![None; needs.len()];
    for list in order {
        let (Some(need), Some(size)) = (needs.get(list), sizes.get(list)) else { continue };
        let chance = seed.numbered(usize_to_u64(list));
        let entries = entries(need, *size, &mut people, chance);
        if let Some(place) = made.get_mut(list) {
            *place = Some(Permissions::new(&entries, &people.names));
        }
    }
    made.into_iter().flatten().collect()
}

/// The entries of one list, the owner first.
fn entries(need: &Need, size: usize, people: &mut People, chance: Seed) -> Vec<Entry> {
    let owner = need.owner.as_ref().and_then(|owner| people.position_of(owner));
    let owner = owner.map(|owner| Entry { principal: Some(owner), may_write: true });
    let mut entries: Vec<Entry> = owner.into_iter().collect();
    for place in usize_to_u64(entries.len())..usize_to_u64(size.min(people.names.len())) {
        let is_free = |one: usize| entries.iter().all(|entry| entry.principal != Some(one));
        let principal = people.dealer.give_any(need.load, chance.bits_at(2 * place), is_free);
        let may_write =
            entries.is_empty() || bits_to_unit(chance.bits_at(2 * place + 1)) < WRITE_RATIO;
        entries.push(Entry { principal: Some(principal), may_write });
    }
    if need.is_open {
        let may_write = bits_to_unit(chance.named("everyone").bits_at(0)) >= EVERYONE_READS_RATIO;
        entries.push(Entry { principal: None, may_write });
    }
    entries
}

/// All principals, and how much of its share each still lacks.
struct People {
    names: Vec<String>,
    dealer: Dealer,
}

impl People {
    fn new(needs: &[Need], sizes: &[usize], principals: usize) -> Self {
        let loads =
            needs.iter().zip(sizes).map(|(need, size)| need.load * usize_to_u64(*size) as f64);
        let mut people = Self {
            names: (0..principals).map(principal).collect(),
            dealer: Dealer::new(&zipf(principals, ZIPF), loads.sum()),
        };
        for need in needs {
            if let Some(owner) = need.owner.as_ref().and_then(|owner| people.position_of(owner)) {
                people.dealer.give(owner, need.load);
            }
        }
        people
    }

    fn position_of(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }
}

/// Puts `items` in a random order (Fisher and Yates).
pub(super) fn shuffle<T>(items: &mut [T], seed: Seed) {
    for last in (1..items.len()).rev() {
        items.swap(last, pick(seed.bits_at(usize_to_u64(last)), last + 1));
    }
}

/// A position below `count`.
pub(super) fn pick(bits: u64, count: usize) -> usize {
    u64_to_usize(bits_below(bits, usize_to_u64(count)))
}

const fn is_group(number: usize) -> bool {
    number % 4 == 3
}

/// A user or a group; never with a dot, which a search engine would take for a path.
fn principal(number: usize) -> String {
    let named = |names: &'static str, place: usize| {
        let names = words(names);
        let name = names.get(place % names.len()).copied().unwrap_or("user");
        (name, place / names.len())
    };
    if is_group(number) {
        let (name, round) = named(GROUPS, number / 4);
        let right = if (number / 4).is_multiple_of(3) { "ro" } else { "rw" };
        return if round == 0 {
            format!("grp-{name}-{right}")
        } else {
            format!("grp-{name}-{round}-{right}")
        };
    }
    let (name, round) = named(PEOPLE, number - number / 4);
    if round == 0 { name.to_owned() } else { format!("{name}{round}") }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_principal_has_a_name_of_its_own_that_no_engine_takes_for_a_path() {
        let names: BTreeSet<String> = (0..496).map(principal).collect();
        assert_eq!(names.len(), 496, "no name twice");
        for name in names {
            assert!(!name.is_empty() && name.is_ascii() && !name.contains(['.', '"']), "{name}");
            assert_ne!(name, "everyone", "that one is special");
        }
    }
}
