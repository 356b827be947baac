//! Which kinds of files there are, how frequent, and how large: the published profiles, or a site's own.

use super::sizes::SizeLaw;

/// Kinds of work that files come from; an extension is at home in one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Documents and mail.
    Office,
    /// Pictures, sound, film.
    Media,
    /// Programs and web pages.
    Development,
    /// Everything that machines make.
    System,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Office, Self::Media, Self::Development, Self::System];

    /// Its position among all.
    #[must_use]
    pub const fn place(self) -> usize {
        match self {
            Self::Office => 0,
            Self::Media => 1,
            Self::Development => 2,
            Self::System => 3,
        }
    }

    /// The class that an extension is at home in.
    #[must_use]
    pub fn of(extension: &str) -> Self {
        const OFFICE: &str = " pdf txt docx xlsx doc msg xls pptx csv md eml ppt rtf odt vsdx accdb mdb pst ods one p7s url lnk tif ";
        const MEDIA: &str = " jpg png gif mp3 svg jpeg mp4 heic bmp psd mov wav dwg webp tiff flac m4a avi mkv ai eps ";
        const DEVELOPMENT: &str = " html xml js json java h py css c cs php htm sql yml ps1 cpp bat lib pdb rs go ts tsx jsx rb pl sh swift kt lua vue scss hpp cc toml yaml ipynb ";
        let word = format!(" {extension} ");
        match extension {
            "" => Self::System,
            _ if OFFICE.contains(&word) => Self::Office,
            _ if MEDIA.contains(&word) => Self::Media,
            _ if DEVELOPMENT.contains(&word) => Self::Development,
            _ => Self::System,
        }
    }
}

/// One kind of file.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// Its extension without the dot, in small letters; empty for none.
    pub extension: String,
    /// How frequent it is, against the others.
    pub share: f64,
    /// Its sizes.
    pub sizes: SizeLaw,
}

/// The kinds of a whole file share.
#[derive(Debug, Clone, PartialEq)]
pub struct DataProfile {
    /// What it is called in results.
    pub name: String,
    /// Share of empty files among all.
    pub empty_ratio: f64,
    /// Its kinds; at least one.
    pub kinds: Vec<Kind>,
}

impl DataProfile {
    /// The profile of this name: `share`, `docs` or `desktop2004`; `None` for any other.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (empty_ratio, kinds) = match name {
            "share" => (0.01, lognormal(SHARE)),
            "docs" => (0.005, lognormal(DOCS)),
            "desktop2004" => (0.01, desktop()),
            _ => return None,
        };
        Some(Self { name: name.to_owned(), empty_ratio, kinds })
    }
}

/// Extension, share in percent, median in bytes, standard deviation of the logarithm. `other` stands for all rare
/// ones.
///
/// Fitted to the by-count curve of knowledge workers' files (Dinneen and Nguyen 2021), to mean sizes by type in
/// e-discovery, and to the shares of Dinneen and Julien 2019.
const SHARE: &str = "jpg 7.3 600e3 2.04, - 6.6 1.2e3 1.95, pdf 6.4 78e3 1.97, other 5.77 3.8e3 2.07, txt 5 1.8e3 1.77, \
    docx 4.8 52e3 1.81, html 4.2 6.9e3 1.80, xml 4 2.9e3 1.89, js 3.9 4.8e3 1.92, lnk 3.9 1.6e3 0.42, \
    json 3.8 1.2e3 1.50, png 3.6 17e3 1.50, xlsx 3.5 37e3 2.31, gif 2.5 1.8e3 1.68, java 2.1 2.7e3 1.56, \
    h 2.1 2.8e3 1.70, doc 2 64e3 1.69, mp3 1.8 3.9e6 0.68, py 1.8 2.9e3 1.69, msg 1.6 53e3 1.67, xls 1.5 57e3 2.12, \
    pptx 1.4 1.2e6 1.09, css 1.4 4.9e3 1.77, c 1.3 6e3 1.70, tmp 1.3 4e3 2.47, csv 1.1 12e3 2.61, cs 1 2.9e3 1.56, \
    zip 0.9 440e3 2.88, php 0.9 3.9e3 1.60, dat 0.9 6e3 2.64, svg 0.8 3.9e3 1.72, ini 0.8 280 1.17, md 0.7 1.9e3 1.35, \
    log 0.7 20e3 2.73, htm 0.7 7e3 1.63, sql 0.6 4e3 1.99, cfg 0.6 1000 1.41, url 0.6 160 0.40, dll 0.6 88e3 1.88, \
    eml 0.5 12e3 1.76, jpeg 0.4 310e3 2.03, mp4 0.4 11e6 1.45, exe 0.4 260e3 2.31, ppt 0.3 630e3 1.56, \
    heic 0.3 2.1e6 0.52, bat 0.3 410 1.15, yml 0.3 800 1.19, bak 0.3 40e3 2.74, db 0.3 30e3 2.24, rtf 0.2 30e3 1.47, \
    dwg 0.2 250e3 1.79, tif 0.2 630e3 1.75, bmp 0.2 60e3 2.05, ps1 0.2 3e3 1.45, psd 0.12 12e6 1.35, mov 0.12 20e6 1.60, \
    7z 0.12 1e6 2.23, rar 0.12 2e6 1.95, odt 0.11 30e3 1.43, vsdx 0.11 87e3 1.28, wav 0.11 510e3 2.27, gz 0.11 80e3 2.67, \
    accdb 0.1 1e6 1.62, pst 0.01 410e6 1.46";

/// The same for an index of office documents alone, fitted to the curve of university administrators' files (Skondric
/// 2020).
const DOCS: &str = "docx 35.61 75e3 0.66, pdf 18.4 58e3 1.21, doc 10.1 82e3 0.66, pptx 5.4 1.6e6 0.84, xlsx 5 79e3 1.67, \
    msg 3.6 60e3 1.38, jpg 3.5 640e3 1.84, xls 2.7 100e3 1.67, ppt 1.5 1.2e6 1.10, txt 1.5 5e3 2.76, eml 1.4 22e3 0.90, \
    html 1.4 19e3 1.02, png 1.3 56e3 1.14, rtf 1.2 38e3 1.00, csv 1.1 26e3 2.53, zip 1.1 620e3 2.53, xml 0.9 15e3 1.14, \
    tif 0.9 150e3 1.61, odt 0.7 36e3 1.00, - 0.6 3.7e3 2.99, other 0.5 20e3 2.99, vsdx 0.3 98e3 1.22, dwg 0.3 310e3 1.61, \
    ods 0.2 33e3 1.15, one 0.2 220e3 1.82, mp3 0.13 4.1e6 0.83, mp4 0.12 12e6 1.46, p7s 0.12 7.7e3 0.55, mdb 0.11 1.1e6 1.55, \
    accdb 0.11 1.1e6 1.55";

/// Shares of desktops in 2004, with one law of sizes for all, as the program Impressions has them (Agrawal et al.,
/// FAST'09).
const DESKTOP: &str = "- 6.91, gif 6.77, h 6.69, dll 6.63, htm 4.45, txt 3.64, cpp 3.26, jpg 3.08, exe 2.88, lib 1.46, \
    pdb 1.34, other 52.89";

/// Rare extensions that share what `other` has, by Zipf's law.
const RARE: usize = 200;

fn lognormal(table: &str) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for row in table.split(',') {
        let cells: Vec<&str> = row.split_ascii_whitespace().collect();
        if let [extension, share, median_bytes, sigma] = cells.as_slice() {
            let number = |text: &str| text.parse::<f64>().unwrap_or_default();
            let (median_bytes, sigma) = (number(median_bytes), number(sigma));
            let sizes = SizeLaw::LogNormal { median_bytes, sigma };
            add(&mut kinds, extension, number(share), &sizes);
        }
    }
    kinds
}

fn desktop() -> Vec<Kind> {
    let sizes = SizeLaw::BodyAndTail {
        median_bytes: libm::exp(9.48),
        sigma: 2.456_632_83,
        tail_ratio: 6e-5,
        shape: 0.91,
        base_bytes: 536_870_912.0,
    };
    let mut kinds = Vec::new();
    for row in DESKTOP.split(',') {
        let mut cells = row.split_ascii_whitespace();
        if let (Some(extension), Some(share)) = (cells.next(), cells.next()) {
            add(&mut kinds, extension, share.parse().unwrap_or_default(), &sizes);
        }
    }
    kinds
}

fn add(kinds: &mut Vec<Kind>, extension: &str, share: f64, sizes: &SizeLaw) {
    let mut put = |extension: String, share: f64| {
        kinds.push(Kind { extension, share, sizes: sizes.clone() });
    };
    match extension {
        "-" => put(String::new(), share),
        "other" => {
            let total: f64 = (1..=RARE).map(|rank| 1.0 / rank as f64).sum();
            for rank in 1..=RARE {
                put(rare(rank - 1), share / total / rank as f64);
            }
        }
        _ => put(extension.to_owned(), share),
    }
}

/// The name of a rare extension: four letters that nobody uses.
fn rare(number: usize) -> String {
    const LETTERS: &[u8; 17] = b"bcdfghklmnprstvwz";
    let letter = |place: usize| char::from(LETTERS.get(place % 17).copied().unwrap_or(b'x'));
    let vowel = ['a', 'e', 'i', 'o', 'u'].get(number / 17 % 5).copied().unwrap_or('y');
    [letter(number), vowel, letter(number / 85 + 3), 'x'].iter().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_profile_adds_up_and_names_no_extension_twice() {
        for (name, total) in [("share", 100.0), ("docs", 100.0), ("desktop2004", 100.0)] {
            let profile = DataProfile::named(name).unwrap();
            let sum: f64 = profile.kinds.iter().map(|kind| kind.share).sum();
            assert!((sum - total).abs() < 0.15, "{name}: {sum}");
            let names: BTreeSet<&str> =
                profile.kinds.iter().map(|kind| kind.extension.as_str()).collect();
            assert_eq!(names.len(), profile.kinds.len(), "{name}");
        }
        assert_eq!(DataProfile::named("nobody's"), None, "no such profile");
        assert_eq!(DataProfile::named("share").unwrap().kinds.len(), 63 + RARE, "64 rows");
    }
}
