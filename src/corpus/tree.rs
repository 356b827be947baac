//! Hosts, directories and who may read them: made once, drawn from for every document.
//!
//! Directories grow as trees do on real servers: a new one goes below an existing one with a weight of
//! its children plus two (Agrawal et al., FAST'09), so that few hold many. A directory lies on one host.

use super::alias::{Alias, zipf};
use crate::seed::Seed;
use crate::units::{bits_below, bits_to_unit, u64_to_usize, usize_to_u64};

/// File servers.
const HOSTS: usize = 32;
/// Directories.
const DIRECTORIES: usize = 10_000;
/// People and groups that appear in permissions.
const PRINCIPALS: usize = 400;
/// Skew of hosts and principals.
const ZIPF: f64 = 0.8;
/// Share of directories that take their parent's permissions over.
const INHERIT_RATIO: f64 = 0.9;
/// Share of directories that everyone may read.
const EVERYONE_RATIO: f64 = 0.2;
/// Share of entries that may write, after the owner.
const WRITE_RATIO: f64 = 0.35;
/// Weights of 1, 2, 3 ... entries in a list of permissions.
const ENTRIES: [f64; 8] = [14.0, 22.0, 18.0, 15.0, 10.0, 7.0, 5.0, 3.0];
/// Longest path in bytes; a directory deeper than that gets no children.
const PATH_BYTES_MAX: usize = 200;

const SITES: [&str; 8] = ["ber", "ams", "lon", "nyc", "sfo", "tlv", "sin", "syd"];
const ROOTS: [&str; 6] =
    ["/home", "/srv/legal", "/srv/finance", "/mnt/projects", "/data/archive", "/srv/engineering"];
const FOLDERS: [&str; 48] = [
    "reports",
    "contracts",
    "invoices",
    "budget",
    "drafts",
    "final",
    "archive",
    "shared",
    "team",
    "clients",
    "vendors",
    "payroll",
    "hiring",
    "policies",
    "audit",
    "tax",
    "sales",
    "marketing",
    "campaigns",
    "press",
    "photos",
    "video",
    "design",
    "assets",
    "specs",
    "src",
    "build",
    "test",
    "docs",
    "release",
    "backup",
    "logs",
    "exports",
    "imports",
    "mail",
    "minutes",
    "planning",
    "roadmap",
    "research",
    "data",
    "models",
    "training",
    "support",
    "tickets",
    "orders",
    "shipping",
    "legal",
    "templates",
];
const PEOPLE: [&str; 40] = [
    "dror", "itai", "maya", "noa", "lena", "jonas", "sofia", "omar", "yuki", "chen", "amir",
    "tova", "ruth", "david", "sara", "paul", "nina", "igor", "olga", "juan", "lucia", "marco",
    "giulia", "hans", "eva", "anders", "ingrid", "peter", "anna", "tom", "kate", "ravi", "priya",
    "ali", "fatima", "kofi", "ama", "lars", "mika", "zoe",
];

/// The shape of `permissions` in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionsShape {
    /// One object: `{"maya":"READ"}`.
    Object,
    /// A list of objects with one key each: `[{"maya":"READ"}]`.
    List,
}

impl PermissionsShape {
    /// The shape's name in settings and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::List => "list",
        }
    }
}

/// All directories, each as the piece of JSON that a document needs of it.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    popularity: Alias,
    directories: Vec<Directory>,
}

/// One directory.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    /// From the end of the name to the size: `","directory":"...","host":"...","file_size":`.
    pub(super) place: String,
    permissions_object: String,
    permissions_list: String,
}

impl Directory {
    /// The value of `permissions`.
    pub(super) fn permissions(&self, shape: PermissionsShape) -> &str {
        match shape {
            PermissionsShape::Object => &self.permissions_object,
            PermissionsShape::List => &self.permissions_list,
        }
    }
}

/// A directory while the tree grows.
#[derive(Debug, Clone)]
struct Growing {
    path: String,
    host: usize,
    entries: Vec<Entry>,
}

/// Who may do what.
#[derive(Debug, Clone, Copy)]
struct Entry {
    principal: usize,
    may_write: bool,
}

impl Tree {
    pub(super) fn new(seed: Seed) -> Self {
        let grown = grow(seed);
        let directories = grown.iter().map(render).collect::<Vec<_>>();
        let weights = popularity(grown.len(), seed.named("popularity"));
        Self { popularity: Alias::new(&weights), directories }
    }

    pub(super) fn draw(&self, bits: u64) -> Option<&Directory> {
        self.directories.get(self.popularity.draw(bits))
    }
}

/// Grows the tree, one directory after the other.
fn grow(seed: Seed) -> Vec<Growing> {
    let hosts = Alias::new(&zipf(HOSTS, ZIPF));
    let people = Alias::new(&zipf(PRINCIPALS, ZIPF));
    let counts = Alias::new(&ENTRIES);
    let mut grown: Vec<Growing> = Vec::with_capacity(DIRECTORIES);
    // Each directory stands here once for itself, once more, and once for every child.
    let mut weights: Vec<usize> = Vec::with_capacity(3 * DIRECTORIES);
    for number in 0..DIRECTORIES {
        let chance = seed.named("directory").numbered(usize_to_u64(number));
        let parent = (number >= 4 * ROOTS.len())
            .then(|| weights.get(pick(chance.bits_at(0), weights.len())).copied())
            .flatten();
        let above = parent.and_then(|parent| grown.get(parent));
        let host = above.map_or_else(|| hosts.draw(chance.bits_at(1)), |above| above.host);
        let inherits = bits_to_unit(chance.bits_at(2)) < INHERIT_RATIO;
        let entries = match above {
            Some(above) if inherits => above.entries.clone(),
            _ => draw_entries(chance.named("permissions"), &people, &counts),
        };
        let path = path_of(above, number, chance);
        if path.len() <= PATH_BYTES_MAX {
            weights.extend([number, number]);
            weights.extend(parent);
        }
        grown.push(Growing { path, host, entries });
    }
    grown
}

/// A name below the parent that no other directory has: the number makes it its own where needed.
fn path_of(above: Option<&Growing>, number: usize, chance: Seed) -> String {
    let word = |words: &[&'static str], bits: u64| {
        words.get(pick(bits, words.len())).copied().unwrap_or("other")
    };
    match above {
        Some(above) => {
            format!("{}/{}-{number}", above.path, word(&FOLDERS, chance.bits_at(3)))
        }
        None => format!(
            "{}/{}{number}",
            word(&ROOTS, chance.bits_at(4)),
            word(&PEOPLE, chance.bits_at(5))
        ),
    }
}

/// The owner may write; of the others some.
fn draw_entries(chance: Seed, people: &Alias, counts: &Alias) -> Vec<Entry> {
    let count = counts.draw(chance.bits_at(0)) + 1;
    let mut entries: Vec<Entry> = Vec::with_capacity(count + 1);
    for number in 0..usize_to_u64(count) {
        let principal = people.draw(chance.bits_at(2 * number + 1));
        let may_write = number == 0 || bits_to_unit(chance.bits_at(2 * number + 2)) < WRITE_RATIO;
        if entries.iter().all(|entry| entry.principal != principal) {
            entries.push(Entry { principal, may_write });
        }
    }
    if bits_to_unit(chance.named("everyone").bits_at(0)) < EVERYONE_RATIO {
        entries.push(Entry { principal: PRINCIPALS, may_write: false });
    }
    entries
}

fn render(directory: &Growing) -> Directory {
    let host = directory.host;
    let site = SITES.get(host % SITES.len()).copied().unwrap_or("hq");
    let entries: Vec<String> = directory
        .entries
        .iter()
        .map(|entry| {
            let right = if entry.may_write { "READ_WRITE" } else { "READ" };
            format!("\"{}\":\"{right}\"", principal(entry.principal))
        })
        .collect();
    let listed: Vec<String> = entries.iter().map(|entry| format!("{{{entry}}}")).collect();
    Directory {
        place: format!(
            "\",\"directory\":\"{}\",\"host\":\"fs-{site}-{:02}\",\"file_size\":",
            directory.path,
            host + 1
        ),
        permissions_object: format!(",\"permissions\":{{{}}}}}", entries.join(",")),
        permissions_list: format!(",\"permissions\":[{}]}}", listed.join(",")),
    }
}

/// A user or a group; never with a dot, which a search engine would take for a path.
fn principal(number: usize) -> String {
    match number {
        PRINCIPALS => "everyone".to_owned(),
        group if group % 4 == 3 => {
            format!("grp-{}-{group}", FOLDERS.get(group % FOLDERS.len()).copied().unwrap_or("all"))
        }
        user => {
            let name = PEOPLE.get(user % PEOPLE.len()).copied().unwrap_or("user");
            if user < PEOPLE.len() { name.to_owned() } else { format!("{name}{user}") }
        }
    }
}

/// How often documents fall into each directory: the published inverse polynomial, shuffled.
fn popularity(count: usize, seed: Seed) -> Vec<f64> {
    let mut weights: Vec<f64> = (0..count)
        .map(|rank| {
            let share = (rank as f64 + 0.5) / count as f64 * 0.995;
            2.36 * share / (1.0 - share) + 0.2
        })
        .collect();
    for last in (1..count).rev() {
        weights.swap(last, pick(seed.bits_at(usize_to_u64(last)), last + 1));
    }
    weights
}

/// A position below `count`.
fn pick(bits: u64, count: usize) -> usize {
    u64_to_usize(bits_below(bits, usize_to_u64(count)))
}
