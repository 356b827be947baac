//! A profile of kinds and sizes from the listing of a real file tree, and its form in a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::profiles::{DataProfile, Kind};
use super::sizes::SizeLaw;
use crate::units::{round_to_u64, u64_to_usize, usize_to_u64};

/// So many kinds are kept, the most frequent ones.
const KINDS_MOST: usize = 500;
/// Sizes of a kind are kept as so many quantiles, and one more.
const QUANTILES: u64 = 64;
/// A longer extension is a part of a name.
const EXTENSION_BYTES_MOST: usize = 12;

/// A profile as it stands in a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// Always 1.
    pub profile_version: u32,
    /// Share of empty files.
    pub empty_ratio: f64,
    /// The kinds.
    pub kinds: Vec<KindRecord>,
}

/// One kind of file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindRecord {
    /// Its extension without the dot, in small letters; empty for none.
    pub extension: String,
    /// How frequent it is, against the others.
    pub share: f64,
    /// Sizes in bytes that equal shares of its files lie between, ascending.
    pub sizes_bytes: Vec<u64>,
}

/// What a listing came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The profile.
    pub profile: ProfileFile,
    /// Files that it was made of.
    pub files: u64,
    /// Files of rare kinds that were left out.
    pub left_out: u64,
    /// Lines that are no `size<TAB>path`, from 1; the first few.
    pub bad_lines: Vec<u64>,
    /// How many of them there are.
    pub bad: u64,
}

/// So many bad lines are named.
const BAD_NAMED: usize = 5;

/// Reads a listing of `size<TAB>path` lines, as `find -printf '%s\t%p\n'` prints it.
#[must_use]
pub fn fit(lines: impl Iterator<Item = Vec<u8>>) -> Fitted {
    let mut sizes: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let (mut empty, mut files, mut bad, mut bad_lines) = (0_u64, 0_u64, 0, Vec::new());
    for (number, line) in (1..).zip(lines) {
        let Some((size, extension)) = read(&line) else {
            bad += 1;
            if bad_lines.len() < BAD_NAMED {
                bad_lines.push(number);
            }
            continue;
        };
        files += 1;
        empty += u64::from(size == 0);
        let kind = sizes.entry(extension).or_default();
        if size > 0 {
            kind.push(size);
        }
    }
    let mut kinds: Vec<(String, Vec<u64>)> =
        sizes.into_iter().filter(|(_, sizes)| !sizes.is_empty()).collect();
    kinds.sort_by(|one, other| other.1.len().cmp(&one.1.len()).then(one.0.cmp(&other.0)));
    let left_out = kinds.iter().skip(KINDS_MOST).map(|(_, sizes)| usize_to_u64(sizes.len())).sum();
    kinds.truncate(KINDS_MOST);
    let records = kinds.into_iter().map(|(extension, mut sizes)| {
        sizes.sort_unstable();
        let share = sizes.len() as f64;
        KindRecord { extension, share, sizes_bytes: quantiles(&sizes) }
    });
    let empty_ratio = if files > 0 { empty as f64 / files as f64 } else { 0.0 };
    let profile = ProfileFile { profile_version: 1, empty_ratio, kinds: records.collect() };
    Fitted { profile, files, left_out, bad_lines, bad }
}

/// Size and extension of a line.
fn read(line: &[u8]) -> Option<(u64, String)> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let (size, path) = line.split_at_checked(tab)?;
    let size = std::str::from_utf8(size).ok()?.parse().ok()?;
    let path = path.get(1..).filter(|path| !path.is_empty())?;
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let dot = name.iter().rposition(|byte| *byte == b'.').filter(|dot| *dot > 0);
    let extension = dot.and_then(|dot| name.get(dot + 1..)).filter(|extension| {
        (1..=EXTENSION_BYTES_MOST).contains(&extension.len())
            && extension.iter().all(u8::is_ascii_alphanumeric)
    });
    Some((size, extension.map(String::from_utf8_lossy).unwrap_or_default().to_ascii_lowercase()))
}

fn quantiles(sorted: &[u64]) -> Vec<u64> {
    let last = usize_to_u64(sorted.len()).saturating_sub(1);
    let at = |quantile: u64| {
        let position = round_to_u64(quantile as f64 / QUANTILES as f64 * last as f64);
        sorted.get(u64_to_usize(position)).copied().unwrap_or_default()
    };
    (0..=QUANTILES).map(at).collect()
}

/// Why a profile file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is not JSON of the right form.
    #[error("it is no profile: {0}")]
    Form(#[from] serde_json::Error),
    /// It is, and says what cannot be.
    #[error("its {0}")]
    Content(String),
}

impl DataProfile {
    /// The profile in the text of a file.
    ///
    /// # Errors
    /// When it is no profile, or says what cannot be.
    pub fn read(name: &str, text: &[u8]) -> Result<Self, ProfileError> {
        let file: ProfileFile = serde_json::from_slice(text)?;
        let wrong = |what: String| Err(ProfileError::Content(what));
        if file.profile_version != 1 {
            return wrong(format!("profile_version is {}, not 1", file.profile_version));
        }
        if !(0.0..1.0).contains(&file.empty_ratio) {
            return wrong("empty_ratio is not a share below 1".to_owned());
        }
        for kind in &file.kinds {
            let is_word = kind.extension.len() <= EXTENSION_BYTES_MOST
                && kind
                    .extension
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
            if !is_word {
                return wrong("extensions must be small letters and digits".to_owned());
            }
            if !(kind.share > 0.0 && kind.share.is_finite()) {
                return wrong(format!("share of `{}` is not above 0", kind.extension));
            }
            if kind.sizes_bytes.is_empty() || !kind.sizes_bytes.is_sorted() {
                return wrong(format!("sizes_bytes of `{}` do not ascend", kind.extension));
            }
        }
        if file.kinds.is_empty() {
            return wrong("kinds are none".to_owned());
        }
        let kinds = file.kinds.into_iter().map(|kind| Kind {
            extension: kind.extension,
            share: kind.share,
            sizes: SizeLaw::Quantiles(kind.sizes_bytes),
        });
        Ok(Self { name: name.to_owned(), empty_ratio: file.empty_ratio, kinds: kinds.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Fitted {
        fit(text.split('\n').filter(|line| !line.is_empty()).map(|line| line.as_bytes().to_vec()))
    }

    #[test]
    fn a_listing_becomes_a_profile_that_can_be_read_back() {
        let fitted = of(
            "10\t/a/b.PDF\n30\t/a/c.pdf\n0\t/a/d.txt\n5\t/a/e.txt\n7\t/a/.profile\n8\t/a/x.not an extension\n",
        );
        assert_eq!((fitted.files, fitted.bad), (6, 0), "all lines are files");
        let kinds: Vec<(&str, f64)> =
            fitted.profile.kinds.iter().map(|kind| (kind.extension.as_str(), kind.share)).collect();
        assert_eq!(kinds, [("", 2.0), ("pdf", 2.0), ("txt", 1.0)], "by frequency, then by name");
        let text = serde_json::to_vec(&fitted.profile).unwrap();
        let back = DataProfile::read("site", &text).unwrap();
        assert_eq!(back.kinds.len(), 3, "as many kinds");
        assert!((back.empty_ratio - 1.0 / 6.0).abs() < 1e-9, "{}", back.empty_ratio);
        let SizeLaw::Quantiles(sizes) = &back.kinds[1].sizes else { panic!("its own sizes") };
        assert_eq!((sizes[0], sizes[64]), (10, 30), "from the least to the greatest");
    }

    #[test]
    fn bad_lines_are_counted_and_the_first_ones_named() {
        let fitted =
            of("nonsense\n10\t/a.pdf\n-1\t/b.pdf\n1.5\t/c\n12\t\n99999999999999999999\t/d\nx\ty\n");
        assert_eq!((fitted.files, fitted.bad), (1, 6), "one line is good");
        assert_eq!(fitted.bad_lines, [1, 3, 4, 5, 6], "the first five");
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"profile_version":2,"empty_ratio":0,"kinds":[]}"#,
            r#"{"profile_version":1,"empty_ratio":1,"kinds":[]}"#,
            r#"{"profile_version":1,"empty_ratio":0,"kinds":[]}"#,
            r#"{"profile_version":1,"empty_ratio":0,"kinds":[{"extension":"a\"b","share":1,"sizes_bytes":[1]}]}"#,
            r#"{"profile_version":1,"empty_ratio":0,"kinds":[{"extension":"a","share":0,"sizes_bytes":[1]}]}"#,
            r#"{"profile_version":1,"empty_ratio":0,"kinds":[{"extension":"a","share":1,"sizes_bytes":[2,1]}]}"#,
        ] {
            assert!(DataProfile::read("x", text.as_bytes()).is_err(), "{text}");
        }
    }
}
