//! The kinds of a profile, made ready to draw from.

use super::alias::Alias;
use super::carriers::Style;
use super::profiles::{Class, DataProfile};
use super::sizes::{SizeLaw, Sizes};
use crate::units::bits_to_unit;

/// Share of extensions in capitals.
const CAPITAL_RATIO: f64 = 0.03;

/// What carries the number, by what a file is, in percent in the order of [`STYLES`].
const STYLES: [Style; 5] =
    [Style::DatedSerial, Style::Record, Style::TimeStamp, Style::Code, Style::Machine];
const RECORDS: [f64; 5] = [15.0, 75.0, 0.0, 10.0, 0.0];
const RECORDINGS: [f64; 5] = [10.0, 5.0, 75.0, 10.0, 0.0];
const DOCUMENTS: [f64; 5] = [65.0, 20.0, 0.0, 15.0, 0.0];
const PROGRAMS: [f64; 5] = [45.0, 20.0, 0.0, 35.0, 0.0];
const LEAVINGS: [f64; 5] = [35.0, 25.0, 5.0, 20.0, 15.0];

/// All kinds of a profile.
#[derive(Debug, Clone)]
pub(super) struct Kinds {
    popularity: Alias,
    rows: Vec<Row>,
    shares: Vec<f64>,
    laws: Vec<Sizes>,
    styles: Vec<Alias>,
    empty_ratio: f64,
}

/// What a document needs to know of its kind.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The extension with its dot, in small letters and in capitals; empty for files without one.
    suffixes: [Box<str>; 2],
    /// Its class, as a position among all.
    pub(super) class: usize,
    law: usize,
    styles: usize,
}

impl Kinds {
    pub(super) fn new(profile: &DataProfile) -> Self {
        let mut laws: Vec<SizeLaw> = Vec::new();
        let rows = profile.kinds.iter().map(|kind| {
            let known = laws.iter().position(|law| *law == kind.sizes);
            let law = known.unwrap_or_else(|| {
                laws.push(kind.sizes.clone());
                laws.len() - 1
            });
            let class = Class::of(&kind.extension);
            let suffix = match kind.extension.as_str() {
                "" => String::new(),
                extension => format!(".{extension}"),
            };
            Row {
                suffixes: [suffix.as_str().into(), suffix.to_ascii_uppercase().into()],
                class: class.place(),
                law,
                styles: styles_of(&kind.extension, class),
            }
        });
        let rows = rows.collect();
        let shares: Vec<f64> = profile.kinds.iter().map(|kind| kind.share).collect();
        Self {
            popularity: Alias::new(&shares),
            rows,
            shares,
            laws: laws.into_iter().map(Sizes::new).collect(),
            styles: [RECORDS, RECORDINGS, DOCUMENTS, PROGRAMS, LEAVINGS]
                .iter()
                .map(|shares| Alias::new(shares))
                .collect(),
            empty_ratio: profile.empty_ratio,
        }
    }

    /// Share of all files that is at home in each class.
    pub(super) fn class_shares(&self) -> [f64; Class::ALL.len()] {
        let mut shares = [0.0; Class::ALL.len()];
        let total: f64 = self.shares.iter().sum();
        for (row, share) in self.rows.iter().zip(&self.shares) {
            if let Some(sum) = shares.get_mut(row.class) {
                *sum += share / total;
            }
        }
        shares
    }

    pub(super) fn draw(&self, bits: u64) -> Option<&Row> {
        self.rows.get(self.popularity.draw(bits))
    }

    /// What carries the number of a file of this kind.
    pub(super) fn style(&self, row: &Row, bits: u64) -> Style {
        let style = self.styles.get(row.styles).map_or(0, |styles| styles.draw(bits));
        STYLES.get(style).copied().unwrap_or(Style::Code)
    }

    /// The size of a file of this kind, in bytes.
    pub(super) fn size_bytes(&self, row: &Row, empty_bits: u64, bits: u64) -> u64 {
        if bits_to_unit(empty_bits) < self.empty_ratio {
            return 0;
        }
        self.laws.get(row.law).map_or(0, |law| law.draw(bits))
    }
}

impl Row {
    /// The extension with its dot.
    pub(super) fn suffix(&self, bits: u64) -> &str {
        let is_capital = bits_to_unit(bits) < CAPITAL_RATIO;
        self.suffixes.get(usize::from(is_capital)).map_or("", |suffix| suffix)
    }
}

/// The row of shares for an extension, as a position.
fn styles_of(extension: &str, class: Class) -> usize {
    match (extension, class) {
        ("pdf" | "tif" | "dwg", _) => 0,
        ("csv" | "log" | "msg" | "eml", _) | (_, Class::Media) => 1,
        (_, Class::Office) => 2,
        (_, Class::Development) => 3,
        (_, Class::System) => 4,
    }
}
