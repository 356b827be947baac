//! Extensions: how frequent they are, how large their files, what their names look like.
//!
//! Shares and sizes are a selection of those fitted to the published curve of knowledge workers' files
//! (Dinneen and Nguyen 2021) and to mean sizes by type seen in e-discovery; docs/method.md, "Corpus".

use statrs::distribution::{ContinuousCDF, Normal};

use super::alias::Alias;
use crate::units::{bits_below, round_to_u64, u64_to_usize};

/// What a name of this kind carries its number in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// A date and a serial number: `_2023-04-12_048213`.
    DatedSerial,
    /// A record number: `-0482133771`.
    Record,
    /// A reference code: `~7QK2ZD`.
    Code,
}

/// One extension.
#[derive(Debug, Clone, Copy)]
struct Kind {
    extension: &'static str,
    share_percent: f64,
    median_bytes: f64,
    sigma: f64,
    carrier: Carrier,
}

const fn kind(
    extension: &'static str,
    share_percent: f64,
    median_bytes: f64,
    sigma: f64,
    carrier: Carrier,
) -> Kind {
    Kind { extension, share_percent, median_bytes, sigma, carrier }
}

use Carrier::{Code, DatedSerial, Record};

const KINDS: [Kind; 40] = [
    kind("jpg", 7.3, 600e3, 2.04, DatedSerial),
    kind("", 6.6, 1.2e3, 1.95, Code),
    kind("pdf", 6.4, 78e3, 1.97, Record),
    kind("txt", 5.0, 1.8e3, 1.77, DatedSerial),
    kind("docx", 4.8, 52e3, 1.81, DatedSerial),
    kind("html", 4.2, 6.9e3, 1.80, Code),
    kind("xml", 4.0, 2.9e3, 1.89, Code),
    kind("js", 3.9, 4.8e3, 1.92, Code),
    kind("lnk", 3.9, 1.6e3, 0.42, DatedSerial),
    kind("json", 3.8, 1.2e3, 1.50, Record),
    kind("png", 3.6, 17e3, 1.50, DatedSerial),
    kind("xlsx", 3.5, 37e3, 2.31, DatedSerial),
    kind("gif", 2.5, 1.8e3, 1.68, Code),
    kind("java", 2.1, 2.7e3, 1.56, Code),
    kind("h", 2.1, 2.8e3, 1.70, Code),
    kind("doc", 2.0, 64e3, 1.69, DatedSerial),
    kind("mp3", 1.8, 3.9e6, 0.68, Record),
    kind("py", 1.8, 2.9e3, 1.69, Code),
    kind("msg", 1.6, 53e3, 1.67, DatedSerial),
    kind("xls", 1.5, 57e3, 2.12, DatedSerial),
    kind("pptx", 1.4, 1.2e6, 1.09, DatedSerial),
    kind("css", 1.4, 4.9e3, 1.77, Code),
    kind("c", 1.3, 6.0e3, 1.70, Code),
    kind("tmp", 1.3, 4.0e3, 2.47, Record),
    kind("csv", 1.1, 12e3, 2.61, DatedSerial),
    kind("cs", 1.0, 2.9e3, 1.56, Code),
    kind("zip", 0.9, 440e3, 2.88, Record),
    kind("php", 0.9, 3.9e3, 1.60, Code),
    kind("dat", 0.9, 6.0e3, 2.64, Record),
    kind("svg", 0.8, 3.9e3, 1.72, Code),
    kind("md", 0.7, 1.9e3, 1.35, Code),
    kind("log", 0.7, 20e3, 2.73, DatedSerial),
    kind("sql", 0.6, 4.0e3, 1.99, Code),
    kind("dll", 0.6, 88e3, 1.88, Code),
    kind("eml", 0.5, 12e3, 1.76, DatedSerial),
    kind("mp4", 0.4, 11e6, 1.45, DatedSerial),
    kind("exe", 0.4, 260e3, 2.31, Code),
    kind("ppt", 0.3, 630e3, 1.56, DatedSerial),
    kind("dwg", 0.2, 250e3, 1.79, Record),
    kind("tif", 0.2, 630e3, 1.75, Record),
];

/// Quantiles of a size that are kept; between them it is interpolated.
const QUANTILES: u64 = 512;
/// Share of empty files.
const EMPTY_RATIO: f64 = 0.01;
/// Largest file, 2^40 bytes: above the largest one published.
const LARGEST_BYTES: f64 = 1_099_511_627_776.0;

/// The table of extensions, made ready to draw from.
#[derive(Debug, Clone)]
pub(super) struct Kinds {
    popularity: Alias,
    rows: Vec<Row>,
}

/// What a document needs to know of its kind.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// With its dot; empty for files without one.
    pub(super) suffix: String,
    pub(super) carrier: Carrier,
    sizes_bytes: Vec<u64>,
}

impl Kinds {
    pub(super) fn new() -> Self {
        let shares: Vec<f64> = KINDS.iter().map(|kind| kind.share_percent).collect();
        let rows = KINDS.iter().map(|kind| Row {
            suffix: if kind.extension.is_empty() {
                String::new()
            } else {
                format!(".{}", kind.extension)
            },
            carrier: kind.carrier,
            sizes_bytes: quantiles(kind),
        });
        Self { popularity: Alias::new(&shares), rows: rows.collect() }
    }

    pub(super) fn draw(&self, bits: u64) -> Option<&Row> {
        self.rows.get(self.popularity.draw(bits))
    }
}

impl Row {
    /// The size that 64 random bits draw.
    pub(super) fn size_bytes(&self, bits: u64) -> u64 {
        let cell = bits_below(bits, QUANTILES);
        let position = u64_to_usize(cell);
        let low = self.sizes_bytes.get(position).copied().unwrap_or_default();
        let high = self.sizes_bytes.get(position + 1).copied().unwrap_or(low);
        low + bits_below(bits.wrapping_mul(QUANTILES), (high - low).saturating_add(1))
    }
}

/// The sizes at `QUANTILES + 1` evenly spaced shares of a log-normal with some empty files.
fn quantiles(kind: &Kind) -> Vec<u64> {
    let normal = Normal::standard();
    (0..=QUANTILES)
        .map(|step| {
            let share = (step as f64 / QUANTILES as f64).clamp(0.0, 1.0 - 0.25 / QUANTILES as f64);
            let filled = (share - EMPTY_RATIO) / (1.0 - EMPTY_RATIO);
            if filled <= 0.0 {
                return 0;
            }
            let z = normal.inverse_cdf(filled);
            round_to_u64((kind.median_bytes.ln() + kind.sigma * z).exp().min(LARGEST_BYTES))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn the_median_size_of_a_kind_is_the_published_one() {
        let kinds = Kinds::new();
        let pdf = kinds.rows.iter().find(|row| row.suffix == ".pdf").unwrap();
        let mut sizes: Vec<u64> = (0..20_001).map(|n| pdf.size_bytes(Seed(4).bits_at(n))).collect();
        sizes.sort_unstable();
        let median = sizes[10_000] as f64;
        assert!((median / 78e3 - 1.0).abs() < 0.1, "{median} bytes");
        assert!(sizes[0] == 0, "some files are empty");
    }
}
