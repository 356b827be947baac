//! What a sample of documents looks like, in numbers: for tests, for notebooks, and for a look at a corpus.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::profiles::Class;
use super::{CORPUS_VERSION, Corpus, PermissionsShape, Style};
use crate::units::{round_to_u64, u64_to_usize, usize_to_u64};

/// Of so many documents the bodies are compressed.
const COMPRESSED: u64 = 20_000;
/// Sizes are counted up to this power of two.
const POWERS: usize = 41;

/// A document as a target would read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// File name with its extension.
    pub name: String,
    /// Path of the directory.
    pub directory: String,
    /// File server.
    pub host: String,
    /// Size of the file in bytes.
    pub file_size: u64,
    /// Who may do what: `READ` or `READ_WRITE`.
    pub permissions: BTreeMap<String, String>,
}

/// Counts and shares of a sample; every count is of documents unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct SampleProfile {
    /// The corpus model.
    pub corpus_version: String,
    /// Number of the first document.
    pub first: u64,
    /// How many there are.
    pub documents: u64,
    /// Sizes of at most 2^k bytes, k from 0.
    pub sizes_up_to_power: Vec<u64>,
    /// Empty files.
    pub empty: u64,
    /// Mean size in bytes.
    pub size_mean_bytes: f64,
    /// Median size in bytes.
    pub size_p50_bytes: u64,
    /// 90th percentile of the size in bytes.
    pub size_p90_bytes: u64,
    /// 99th percentile of the size in bytes.
    pub size_p99_bytes: u64,
    /// By extension, in small letters.
    pub extensions: BTreeMap<String, u64>,
    /// By host.
    pub hosts: BTreeMap<String, u64>,
    /// Entries of permissions by principal.
    pub principals: BTreeMap<String, u64>,
    /// Entries that may write.
    pub entries_that_write: u64,
    /// By the number of entries in their permissions.
    pub entries: BTreeMap<u64, u64>,
    /// Directories that were met, by depth.
    pub directory_depths: BTreeMap<u64, u64>,
    /// Directories that were met, by how many documents they hold.
    pub files_per_directory: BTreeMap<u64, u64>,
    /// Directories that were met and are open to everyone.
    pub directories_open: u64,
    /// By the year in their name, where it has one.
    pub years: BTreeMap<u64, u64>,
    /// How often each plain stem of office files occurs, the most frequent first.
    pub stems: Vec<u64>,
    /// Names that are not all ASCII.
    pub names_not_ascii: u64,
    /// Mean length of a name in bytes.
    pub name_mean_bytes: f64,
    /// 99th percentile of a name's length in bytes.
    pub name_p99_bytes: u64,
    /// Longest name in bytes.
    pub name_max_bytes: u64,
    /// Mean length of a body in bytes.
    pub body_mean_bytes: f64,
    /// 99th percentile of a body's length in bytes.
    pub body_p99_bytes: u64,
    /// How much smaller the bodies are when compressed together (deflate, level 6).
    pub deflate_ratio: f64,
}

/// Counts a sample.
struct Counting<'a> {
    corpus: &'a Corpus,
    profile: SampleProfile,
    sizes: Vec<u64>,
    names: Vec<u64>,
    bodies: Vec<u64>,
    directories: BTreeMap<String, (u64, bool)>,
    stems: BTreeMap<String, u64>,
}

impl SampleProfile {
    /// Of `count` documents of `corpus` from `first` on.
    ///
    /// # Errors
    /// When a body cannot be read back as the document that it is meant to be.
    pub fn of(corpus: &Corpus, first: u64, count: u64) -> Result<Self, serde_json::Error> {
        let profile = Self {
            corpus_version: CORPUS_VERSION.to_owned(),
            first,
            documents: count,
            deflate_ratio: body_figures(corpus, first, count.min(COMPRESSED)).deflate_ratio,
            ..Self::default()
        };
        let mut counting = Counting {
            corpus,
            profile,
            sizes: Vec::new(),
            names: Vec::new(),
            bodies: Vec::new(),
            directories: BTreeMap::new(),
            stems: BTreeMap::new(),
        };
        let mut body = Vec::new();
        for number in first..first + count {
            body.clear();
            corpus.write_json(number, PermissionsShape::Object, &mut body);
            counting.bodies.push(usize_to_u64(body.len()));
            counting.add(number, &serde_json::from_slice(&body)?);
        }
        Ok(counting.finish())
    }
}

impl Counting<'_> {
    fn add(&mut self, number: u64, document: &Document) {
        let profile = &mut self.profile;
        self.sizes.push(document.file_size);
        self.names.push(usize_to_u64(document.name.len()));
        profile.empty += u64::from(document.file_size == 0);
        profile.names_not_ascii += u64::from(!document.name.is_ascii());
        let extension = document.name.rsplit_once('.').map_or("", |(_, extension)| extension);
        *profile.extensions.entry(extension.to_ascii_lowercase()).or_default() += 1;
        *profile.hosts.entry(document.host.clone()).or_default() += 1;
        let entries = usize_to_u64(document.permissions.len());
        *profile.entries.entry(entries).or_default() += 1;
        for (principal, right) in &document.permissions {
            *profile.principals.entry(principal.clone()).or_default() += 1;
            profile.entries_that_write += u64::from(right == "READ_WRITE");
        }
        let is_open = document.permissions.contains_key("everyone");
        let directory = self.directories.entry(document.directory.clone()).or_default();
        directory.0 += 1;
        // A document's own permissions are rare: the first of a directory stands for it.
        if directory.0 == 1 {
            directory.1 = is_open;
        }
        if let Some(drawn) = self.corpus.draw(number) {
            if matches!(drawn.style, Style::DatedSerial | Style::Record | Style::TimeStamp) {
                *profile.years.entry(self.corpus.carriers.year_of(drawn.token)).or_default() += 1;
            }
            if drawn.style != Style::Machine
                && drawn.kind.class == Class::Office.place()
                && drawn.stem.is_ascii()
            {
                *self.stems.entry(drawn.stem.to_owned()).or_default() += 1;
            }
        }
    }

    fn finish(self) -> SampleProfile {
        let mut profile = self.profile;
        let count = usize_to_u64(self.sizes.len()).max(1) as f64;
        let mut sizes = self.sizes;
        sizes.sort_unstable();
        let up_to = |power: usize| sizes.partition_point(|size| *size <= 1 << power);
        profile.sizes_up_to_power = (0..POWERS).map(|power| usize_to_u64(up_to(power))).collect();
        profile.size_mean_bytes = sizes.iter().map(|size| *size as f64).sum::<f64>() / count;
        profile.size_p50_bytes = at_share(&sizes, 0.5);
        profile.size_p90_bytes = at_share(&sizes, 0.9);
        profile.size_p99_bytes = at_share(&sizes, 0.99);
        for (path, (files, is_open)) in &self.directories {
            let depth = usize_to_u64(path.matches('/').count());
            *profile.directory_depths.entry(depth).or_default() += 1;
            *profile.files_per_directory.entry(*files).or_default() += 1;
            profile.directories_open += u64::from(*is_open);
        }
        profile.stems = self.stems.into_values().collect();
        profile.stems.sort_unstable_by(|one, other| other.cmp(one));
        let (mut names, mut bodies) = (self.names, self.bodies);
        names.sort_unstable();
        bodies.sort_unstable();
        let mean = |lengths: &[u64]| lengths.iter().sum::<u64>() as f64 / count;
        (profile.name_mean_bytes, profile.body_mean_bytes) = (mean(&names), mean(&bodies));
        profile.name_p99_bytes = at_share(&names, 0.99);
        profile.name_max_bytes = names.last().copied().unwrap_or_default();
        profile.body_p99_bytes = at_share(&bodies, 0.99);
        profile
    }
}

/// The value that a share of the sorted `values` does not exceed; 0 without values.
fn at_share(values: &[u64], share: f64) -> u64 {
    let rank = u64_to_usize(round_to_u64((values.len() as f64 * share).ceil()));
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Figures of bodies alone.
#[derive(Debug, Clone, Copy)]
pub struct BodyFigures {
    /// Mean length in bytes.
    pub mean_bytes: f64,
    /// How much smaller they are when compressed together, line by line (deflate, level 6).
    pub deflate_ratio: f64,
}

/// Of `count` bodies from `first` on; of none both are 1.
#[must_use]
pub fn body_figures(corpus: &Corpus, first: u64, count: u64) -> BodyFigures {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    let (mut body, mut plain) = (Vec::new(), 0);
    for number in first..first + count {
        body.clear();
        corpus.write_json(number, PermissionsShape::Object, &mut body);
        plain += body.len();
        body.push(b'\n');
        // Writing to memory does not fail.
        drop(encoder.write_all(&body));
    }
    let packed = encoder.finish().map_or(0, |packed| packed.len());
    if packed == 0 || plain == 0 {
        return BodyFigures { mean_bytes: 1.0, deflate_ratio: 1.0 };
    }
    let (plain, packed) = (plain as f64, packed as f64);
    BodyFigures { mean_bytes: plain / count as f64, deflate_ratio: plain / packed }
}
