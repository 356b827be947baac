//! What names begin with: stems with their popularity, in several scripts, and what people add to them.

use super::alias::{Alias, zipf};
use super::permissions::{pick, shuffle};
use super::profiles::Class;
use super::words::{CODE_QUALIFIERS, DEPARTMENTS, QUALIFIERS, SCRIPTS, words};
use crate::seed::Seed;
use crate::units::{bits_to_unit, usize_to_u64};

/// Stems of each class.
const STEMS: usize = 4096;
/// Skew of their popularity.
const ZIPF: f64 = 0.9;
/// Shares of names in percent: plain ones, then those in each of [`SCRIPTS`].
const SCRIPT_SHARES: [f64; 7] = [92.0, 3.0, 2.0, 1.0, 1.0, 0.5, 0.5];
/// Share of an office file's names with a version.
const VERSION_RATIO: f64 = 0.25;
/// Each further version is so much rarer.
const NEXT_VERSION_RATIO: f64 = 0.45;
/// What else people add, each in so many of a thousand office files, and of ten thousand others.
const ADDITIONS: [(&str, f64); 5] =
    [(" - Copy", 20.0), (" final", 25.0), ("_signed", 15.0), (" (2)", 12.0), ("_old", 8.0)];

/// How many of them have any.
const ADDITIONS_SUM: f64 = 80.0;

/// Stems of one kind, one after the other in a single text.
#[derive(Debug, Clone)]
struct Set {
    popularity: Alias,
    text: String,
    ends: Vec<u32>,
}

impl Set {
    fn new(stems: &[String]) -> Self {
        let mut text = String::new();
        let mut ends = vec![0];
        for stem in stems {
            text.push_str(stem);
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Self { popularity: Alias::new(&zipf(stems.len(), ZIPF)), text, ends }
    }

    fn draw(&self, bits: u64) -> &str {
        let position = self.popularity.draw(bits);
        let at = |position: usize| {
            self.ends.get(position).map_or(0, |end| crate::units::u64_to_usize(u64::from(*end)))
        };
        self.text.get(at(position)..at(position + 1)).unwrap_or("file")
    }
}

/// All stems.
#[derive(Debug, Clone)]
pub(super) struct Stems {
    scripts: Alias,
    by_class: Vec<Set>,
    by_script: Vec<Set>,
}

impl Stems {
    pub(super) fn new(seed: Seed) -> Self {
        let classes = (0..).zip(Class::ALL).map(|(number, class)| {
            let chance = seed.named("class").numbered(number);
            Set::new(&plain_stems(class, chance))
        });
        let scripts = (0..).zip(SCRIPTS).map(|(number, text)| {
            let chance = seed.named("script").numbered(number);
            Set::new(&script_stems(text, chance))
        });
        Self {
            scripts: Alias::new(&SCRIPT_SHARES),
            by_class: classes.collect(),
            by_script: scripts.collect(),
        }
    }

    /// The stem of a file at home in `class` (its position among all classes).
    pub(super) fn draw(&self, class: usize, script_bits: u64, bits: u64) -> &str {
        let script = self.scripts.draw(script_bits);
        let set = match script.checked_sub(1) {
            Some(script) => self.by_script.get(script),
            None => self.by_class.get(class),
        };
        set.map_or("file", |set| set.draw(bits))
    }
}

/// Appends what people add to a stem: a version, or a word.
pub(super) fn write_addition(class: usize, bits: u64, out: &mut Vec<u8>) {
    let is_office = class == Class::Office.place();
    let mut chance = bits_to_unit(bits);
    if is_office && chance < VERSION_RATIO {
        // The share that is left picks the version.
        let mut left = chance / VERSION_RATIO;
        let mut version = 1;
        while left < NEXT_VERSION_RATIO && version < 9 {
            left /= NEXT_VERSION_RATIO;
            version += 1;
        }
        out.extend_from_slice(b"_v");
        out.push(b'0' + version);
        return;
    }
    let (start, scale) = if is_office { (VERSION_RATIO, 1000.0) } else { (0.0, 10_000.0) };
    // Nearly all names have nothing more.
    if chance >= start + ADDITIONS_SUM / scale {
        return;
    }
    chance -= start;
    for (word, share) in ADDITIONS {
        let share = share / scale;
        if chance < share {
            out.extend_from_slice(word.as_bytes());
            return;
        }
        chance -= share;
    }
}

/// Nouns of the departments whose files are at home in `class`.
fn nouns(class: Class) -> Vec<&'static str> {
    let departments: &[usize] = match class {
        Class::Office => &[0, 1, 2, 3],
        Class::Development => &[4],
        Class::Media => &[5],
        Class::System => &[6, 7],
    };
    let mut nouns: Vec<&'static str> = departments
        .iter()
        .flat_map(|department| words(DEPARTMENTS.get(*department).copied().unwrap_or_default()))
        .collect();
    nouns.sort_unstable();
    nouns.dedup();
    nouns
}

/// One to three words each, joined as people join them.
fn plain_stems(class: Class, seed: Seed) -> Vec<String> {
    let nouns = nouns(class);
    let is_code = class == Class::Development;
    let qualifiers = words(if is_code { CODE_QUALIFIERS } else { QUALIFIERS });
    let at = |list: &[&'static str], position: usize| {
        list.get(position % list.len()).copied().unwrap_or("file")
    };
    let pairs = nouns.len() * qualifiers.len();
    let stems = (0..STEMS).map(|number| {
        let chance = seed.numbered(usize_to_u64(number));
        let parts = match number.checked_sub(nouns.len()) {
            None => vec![at(&nouns, number)],
            Some(pair) if pair < pairs => {
                vec![at(&qualifiers, pair / nouns.len()), at(&nouns, pair)]
            }
            Some(triple) => vec![
                at(&qualifiers, triple),
                at(&nouns, pick(chance.bits_at(1), nouns.len())),
                at(&nouns, pick(chance.bits_at(2), nouns.len())),
            ],
        };
        joined(&parts, is_code, chance.bits_at(0))
    });
    let mut stems: Vec<String> = stems.collect();
    // The shorter, the more popular.
    let (alone, longer) = stems.split_at_mut(nouns.len().min(STEMS));
    let (pairs, triples) = longer.split_at_mut(pairs.min(longer.len()));
    shuffle(alone, seed.named("one"));
    shuffle(pairs, seed.named("two"));
    shuffle(triples, seed.named("three"));
    stems
}

/// Joins words: underscore 40 %, space 30 %, hyphen 15 %, none 15 %; programs know no spaces.
fn joined(parts: &[&str], is_code: bool, bits: u64) -> String {
    let share = bits_to_unit(bits);
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    let (separator, is_capital) = match share {
        _ if share < 0.40 => ("_", !is_code),
        _ if share < 0.70 => (if is_code { "_" } else { " " }, !is_code),
        _ if share < 0.85 => ("-", false),
        _ => ("", true),
    };
    let parts =
        parts.iter().map(|part| if is_capital { capital(part) } else { (*part).to_owned() });
    parts.collect::<Vec<_>>().join(separator)
}

/// One or two words of a script each.
fn script_stems(text: &'static str, seed: Seed) -> Vec<String> {
    let words = words(text);
    let alone = words.iter().map(|word| (*word).to_owned());
    let pairs = words.iter().flat_map(|first| {
        let others = words.iter().filter(move |second| *second != first);
        others.map(move |second| format!("{first} {second}"))
    });
    let mut stems: Vec<String> = alone.chain(pairs).collect();
    shuffle(&mut stems, seed.named("order"));
    stems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_many_short_and_free_of_what_a_name_may_not_hold() {
        let stems = Stems::new(Seed(1));
        for set in stems.by_class.iter().chain(&stems.by_script) {
            assert!(set.ends.len() > 300, "{} stems", set.ends.len());
            for position in 0..set.ends.len() - 1 {
                let at = |n: usize| usize::try_from(set.ends[n]).unwrap();
                let stem = &set.text[at(position)..at(position + 1)];
                assert!(!stem.is_empty() && stem.len() <= 80, "{stem}");
                assert!(!stem.contains(['"', '\\', '/', '.', '~']), "{stem}");
                assert!(!stem.starts_with(' ') && !stem.ends_with(' '), "{stem}");
            }
        }
    }

    #[test]
    fn a_quarter_of_office_names_has_a_version_and_few_others_have_anything() {
        let mut counts = [[0_u32; 2]; 2];
        for number in 0..100_000 {
            for class in [0, 2] {
                let mut out = Vec::new();
                write_addition(class, Seed(5).bits_at(number), &mut out);
                let place = usize::from(class == 2);
                counts[place][0] += u32::from(out.starts_with(b"_v"));
                counts[place][1] += u32::from(!out.is_empty());
            }
        }
        assert!((24_000..26_000).contains(&counts[0][0]), "{counts:?}");
        assert!((32_000..34_000).contains(&counts[0][1]), "{counts:?}");
        assert!(counts[1][0] == 0 && (700..900).contains(&counts[1][1]), "{counts:?}");
    }
}
