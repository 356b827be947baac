//! Hosts and directories: made once, drawn from for every document.
//!
//! Directories grow as trees do on real servers: a new one goes below an existing one with a weight of
//! its children plus two (Agrawal et al., FAST'09), so that few hold many. A directory lies on one host.

use std::collections::HashMap;

use super::AT_HOME_RATIO;
use super::alias::{Alias, zipf};
use super::dealing::Dealer;
use super::permissions::{Need, Permissions, lists, pick, shuffle, users};
use super::profiles::Class;
use super::words::{DEPARTMENTS, SITES, words};
use crate::seed::Seed;
use crate::units::{bits_to_unit, round_to_u64, u64_to_usize, usize_to_u64};

/// Skew of hosts.
const HOSTS_ZIPF: f64 = 0.8;
/// Share of directories that have permissions of their own (Varonis 2017: 10.3 %).
const OWN_RATIO: f64 = 0.1;
/// Share of directories that everyone may enter (Varonis 2017 and 2018: 20 and 21 %).
const EVERYONE_RATIO: f64 = 0.2;
/// Longest path in bytes; a directory deeper than that gets no children.
const PATH_BYTES_MAX: usize = 200;

/// Where trees begin: a path, the departments below it, how many, and their share of all directories in percent.
const ROOTS: [(&str, usize, usize); 4] =
    [("/home", 48, 40), ("/srv", 8, 35), ("/mnt/projects", 16, 20), ("/data/archive", 8, 5)];

/// All directories, each as the piece of JSON that a document needs of it.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    all: Alias,
    /// The first directory of each class, and how popular it and those after it are.
    by_class: [(usize, Alias); Class::ALL.len()],
    /// One class after the other.
    directories: Vec<Directory>,
    /// What documents need of them, one after the other: what is drawn at random must be small to be near.
    text: String,
    permissions: Vec<Permissions>,
}

/// One directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory {
    start: u32,
    length: u32,
    list: u32,
}

/// A directory while the tree grows.
#[derive(Debug, Clone)]
struct Growing {
    path: String,
    department: usize,
    /// The list of permissions that it has, as a position among the lists.
    list: usize,
    /// The part of the tree that lies on one host.
    unit: usize,
}

/// What grows.
#[derive(Debug, Default)]
struct Forest {
    grown: Vec<Growing>,
    /// Who owns each list, where somebody does.
    owners: Vec<Option<String>>,
    /// Directories with each list.
    list_sizes: Vec<usize>,
    units: usize,
    /// How often a name was given below a directory.
    names: HashMap<(usize, &'static str), u32>,
    /// The words of each department.
    vocabularies: Vec<Vec<&'static str>>,
}

impl Tree {
    /// A tree of `dirs` directories on `hosts` hosts for `principals` users and groups; of all files so many are at home
    /// in each class.
    pub(super) fn new(
        hosts: usize,
        dirs: usize,
        principals: usize,
        class_shares: &[f64],
        seed: Seed,
    ) -> Self {
        let mut forest = grow(dirs, &users(principals), seed);
        forest.grown.sort_by_key(|directory| class_of(directory.department));
        let weights = popularity(forest.grown.len(), seed.named("popularity"));
        let loads = loads(&forest.grown, &weights, class_shares);
        let hosts_of = hosts_of_units(&forest, &loads, hosts);
        let needs = needs(&forest, &loads, seed.named("everyone"));
        let permissions = lists(&needs, principals, seed.named("permissions"));
        let mut text = String::new();
        let directories = forest.grown.iter().map(|directory| {
            let start = small(text.len());
            let host = hosts_of.get(directory.unit).copied().unwrap_or(0);
            text.push_str(&place(&directory.path, host));
            Directory { start, length: small(text.len()) - start, list: small(directory.list) }
        });
        let directories = directories.collect();
        let by_class = [0, 1, 2, 3].map(|class| of_class(class, &forest.grown, &weights));
        Self { all: Alias::new(&weights), by_class, directories, text, permissions }
    }

    /// A directory among all.
    pub(super) fn draw(&self, bits: u64) -> Option<Directory> {
        self.directories.get(self.all.draw(bits)).copied()
    }

    /// A directory among those in which files of `class` are at home.
    pub(super) fn draw_at_home(&self, class: usize, bits: u64) -> Option<Directory> {
        let (first, popularity) = self.by_class.get(class)?;
        self.directories.get(first + popularity.draw(bits)).copied()
    }

    /// Everything of a document from the end of its name to its size: `","directory":"...","host":"...","file_size":`.
    pub(super) fn place_of(&self, directory: Directory) -> &str {
        let start = u64_to_usize(u64::from(directory.start));
        self.text.get(start..start + u64_to_usize(u64::from(directory.length))).unwrap_or("")
    }

    /// The permissions of a directory.
    pub(super) fn permissions_of(&self, directory: Directory) -> Option<&Permissions> {
        self.permissions.get(u64_to_usize(u64::from(directory.list)))
    }

    /// Any list of permissions.
    pub(super) fn any_permissions(&self, bits: u64) -> Option<&Permissions> {
        self.permissions.get(pick(bits, self.permissions.len()))
    }
}

/// What fits 32 bits: a tree of the most directories has some 20 MB of text.
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The class of a department's files, as a position among all.
const fn class_of(department: usize) -> usize {
    match department {
        4 => Class::Development.place(),
        5 => Class::Media.place(),
        6 => Class::System.place(),
        _ => Class::Office.place(),
    }
}

/// Where a class begins among directories in the order of their classes, and how popular its directories are.
fn of_class(class: usize, grown: &[Growing], weights: &[f64]) -> (usize, Alias) {
    let place = |directory: &Growing| class_of(directory.department);
    let first = grown.partition_point(|directory| place(directory) < class);
    let end = grown.partition_point(|directory| place(directory) <= class);
    match weights.get(first..end) {
        Some(own) if !own.is_empty() => (first, Alias::new(own)),
        // A small tree may lack a class: its files then lie anywhere.
        _ => (0, Alias::new(weights)),
    }
}

/// Grows the trees below all roots.
fn grow(dirs: usize, users: &[String], seed: Seed) -> Forest {
    let vocabularies = DEPARTMENTS.iter().map(|text| words(text)).collect();
    let mut forest = Forest { vocabularies, ..Forest::default() };
    for (number, (path, roots, percent)) in ROOTS.into_iter().enumerate() {
        let chance = seed.named("tree").numbered(usize_to_u64(number));
        let wanted = if number == 0 { dirs - rest_of(dirs) } else { (dirs * percent / 100).max(1) };
        // Few trees, so that they grow as deep as real ones; every home has a user of its own.
        let roots =
            roots.min(wanted.div_ceil(8)).min(if number == 0 { users.len() } else { roots });
        // Each directory stands here once for itself, once more, and once for every child.
        let mut tokens: Vec<usize> = Vec::with_capacity(3 * wanted);
        for member in 0..wanted {
            let chance = chance.numbered(usize_to_u64(member));
            let position = forest.grown.len();
            let parent = (member >= roots.max(1))
                .then(|| tokens.get(pick(chance.bits_at(0), tokens.len())).copied())
                .flatten();
            match parent {
                Some(parent) => {
                    forest.add_child(parent, chance);
                    tokens.push(parent);
                }
                None => forest.add_root(path, number, member, users),
            }
            let is_short =
                forest.grown.last().is_some_and(|last| last.path.len() <= PATH_BYTES_MAX);
            if is_short || tokens.is_empty() {
                tokens.extend([position, position]);
            }
        }
    }
    forest
}

/// Directories below the roots after the first.
fn rest_of(dirs: usize) -> usize {
    ROOTS.iter().skip(1).map(|(_, _, percent)| (dirs * percent / 100).max(1)).sum()
}

impl Forest {
    fn add_root(&mut self, path: &str, kind: usize, member: usize, users: &[String]) {
        const AREAS: [&str; 8] =
            ["legal", "finance", "hr", "sales", "engineering", "media", "it", "shared"];
        let user = users.get(member % users.len().max(1)).cloned().unwrap_or_default();
        let (name, department, owner) = match kind {
            0 => (user.clone(), 7, Some(user)),
            1 => (AREAS.get(member % 8).copied().unwrap_or("shared").to_owned(), member % 8, None),
            2 => (format!("project-{}", 101 + 7 * member), 3 + member % 4, None),
            _ => (format!("{}", 2023 - member), member % 4, None),
        };
        let list = self.add_list(owner);
        self.put(format!("{path}/{name}"), department, list, None);
    }

    fn add_child(&mut self, parent: usize, chance: Seed) {
        let Some(Growing { path, department, list, unit }) = self.grown.get(parent) else { return };
        let (department, list, unit) = (*department, *list, *unit);
        let vocabulary = self.vocabularies.get(department).map(Vec::as_slice).unwrap_or_default();
        let word = vocabulary.get(pick(chance.bits_at(1), vocabulary.len())).copied();
        let word = word.unwrap_or("misc");
        let given = self.names.entry((parent, word)).or_default();
        *given += 1;
        // The second one is of a year, and those after all years are numbered.
        let path = match *given {
            1 => format!("{path}/{word}"),
            round @ 2..=12 => format!("{path}/{word}-{}", 2026 - round),
            round => format!("{path}/{word}-{round}"),
        };
        // Near the root a part of the tree may lie on a host of its own.
        let is_near = path.matches('/').count() < 5;
        let begins = is_near && bits_to_unit(chance.bits_at(3)) < 0.5;
        let is_own = bits_to_unit(chance.bits_at(2)) < OWN_RATIO;
        let list = if is_own { self.add_list(None) } else { list };
        self.put(path, department, list, (!begins).then_some(unit));
    }

    fn add_list(&mut self, owner: Option<String>) -> usize {
        self.owners.push(owner);
        self.list_sizes.push(0);
        self.owners.len() - 1
    }

    /// Adds a directory; without a unit it begins one.
    fn put(&mut self, path: String, department: usize, list: usize, unit: Option<usize>) {
        let unit = unit.unwrap_or_else(|| {
            self.units += 1;
            self.units - 1
        });
        if let Some(size) = self.list_sizes.get_mut(list) {
            *size += 1;
        }
        self.grown.push(Growing { path, department, list, unit });
    }
}

/// The share of all documents that lies in each directory.
fn loads(grown: &[Growing], weights: &[f64], class_shares: &[f64]) -> Vec<f64> {
    let mut by_class = [0.0; Class::ALL.len()];
    let place = |directory: &Growing| class_of(directory.department);
    for (directory, weight) in grown.iter().zip(weights) {
        if let Some(sum) = by_class.get_mut(place(directory)) {
            *sum += weight;
        }
    }
    let all: f64 = weights.iter().sum();
    let load = |(directory, weight): (&Growing, &f64)| {
        let class = place(directory);
        let share = class_shares.get(class).copied().unwrap_or(0.0);
        let at_home = share / by_class.get(class).copied().unwrap_or(1.0);
        weight * ((1.0 - AT_HOME_RATIO) / all + AT_HOME_RATIO * at_home)
    };
    grown.iter().zip(weights).map(load).collect()
}

/// The host of every unit: the largest first, each to the host that lacks most of what Zipf's law gives it.
fn hosts_of_units(forest: &Forest, weights: &[f64], hosts: usize) -> Vec<usize> {
    let mut loads: Vec<(f64, usize)> = (0..forest.units).map(|unit| (0.0, unit)).collect();
    for (directory, weight) in forest.grown.iter().zip(weights) {
        if let Some((load, _)) = loads.get_mut(directory.unit) {
            *load += weight;
        }
    }
    loads.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
    let mut dealer = Dealer::new(&zipf(hosts, HOSTS_ZIPF), weights.iter().sum());
    let mut found = vec![0; forest.units];
    for (load, unit) in loads {
        if let Some(place) = found.get_mut(unit) {
            *place = dealer.give_most(load);
        }
    }
    found
}

/// What each list is for: whose it is, how many documents have it, and whether everyone is on it, which as many lists
/// are as it takes for the wanted share of all directories.
fn needs(forest: &Forest, loads: &[f64], seed: Seed) -> Vec<Need> {
    let owners = forest.owners.iter().cloned();
    let mut needs: Vec<Need> = owners.map(|owner| Need { owner, ..Need::default() }).collect();
    for (directory, load) in forest.grown.iter().zip(loads) {
        if let Some(need) = needs.get_mut(directory.list) {
            need.load += load;
        }
    }
    let wanted = u64_to_usize(round_to_u64(forest.grown.len() as f64 * EVERYONE_RATIO));
    let mut order: Vec<usize> = (0..needs.len()).collect();
    shuffle(&mut order, seed);
    let mut have = 0;
    for list in order {
        let size = forest.list_sizes.get(list).copied().unwrap_or(0);
        if have + size <= wanted {
            have += size;
            if let Some(need) = needs.get_mut(list) {
                need.is_open = true;
            }
        }
    }
    needs
}

fn place(path: &str, host: usize) -> String {
    let sites = words(SITES);
    let site = sites.get(host % sites.len()).copied().unwrap_or("hq");
    format!("\",\"directory\":\"{path}\",\"host\":\"fs-{site}-{:02}\",\"file_size\":", host + 1)
}

/// How often documents fall into each directory: the published inverse polynomial (degree 2, offset 2.36), cut at its
/// 99.5th percentile and shuffled.
fn popularity(count: usize, seed: Seed) -> Vec<f64> {
    let mut weights: Vec<f64> = (0..count)
        .map(|rank| {
            let share = (rank as f64 + 0.5) / count as f64 * 0.995;
            2.36 * share / (1.0 - share) + 0.2
        })
        .collect();
    shuffle(&mut weights, seed);
    weights
}
