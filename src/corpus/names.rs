//! File names: a stem, a carrier of the unique token, an extension.
//!
//! The carrier is the last part before the extension. Its three shapes cannot be taken for each other
//! when read from the right, so that the token, and with it the number, can be read back from a name:
//! that is the proof that no two documents share one.

use super::alias::{Alias, zipf};
use super::kinds::Carrier;
use crate::units::u64_to_usize;

/// Stems, in the order of their popularity; without dots, quotes or digits at their end.
const STEMS: [&str; 64] = [
    "Report",
    "Invoice",
    "Contract",
    "Budget",
    "Minutes",
    "Offer",
    "Order",
    "Statement",
    "Summary",
    "Draft",
    "Letter",
    "Plan",
    "Scan",
    "Photo",
    "Notes",
    "Agenda",
    "Policy",
    "Proposal",
    "Receipt",
    "Spec",
    "Review",
    "Checklist",
    "Forecast",
    "Timesheet",
    "Export",
    "Backup",
    "Index",
    "Main",
    "Config",
    "Readme",
    "Module",
    "Test",
    "Client_List",
    "Annual_Report",
    "Board_Meeting",
    "Project Plan",
    "Sales Figures",
    "Tax Return",
    "Press Release",
    "Purchase Order",
    "Meeting Notes",
    "Cost-Estimate",
    "Site-Survey",
    "Risk-Assessment",
    "QuarterlyReview",
    "TeamPhoto",
    "CustomerData",
    "ReleaseNotes",
    "Übersicht",
    "Prüfbericht",
    "Relevé",
    "Señalización",
    "Årsregnskap",
    "Sprawozdanie",
    "Özet",
    "דוח",
    "חשבונית",
    "חוזה",
    "Отчёт",
    "Договор",
    "報告書",
    "合同",
    "تقرير",
    "Αναφορά",
];
const STEM_ZIPF: f64 = 0.9;
/// The first day that a dated serial can name, counted from 1970-01-01: 2022-01-01.
const FIRST_DAY: u64 = 18_993;
/// Serial numbers of a day.
const SERIALS: u64 = 1_000_000;
/// Length of `_2023-04-12_048213`.
const DATED_LENGTH: usize = 18;
/// Length of `-0482133771`.
const RECORD_LENGTH: usize = 11;
/// Length of `~7QK2ZD`.
const CODE_LENGTH: usize = 7;
const CODE_DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Stems with their popularity.
#[derive(Debug, Clone)]
pub(super) struct Stems {
    popularity: Alias,
}

impl Stems {
    pub(super) fn new() -> Self {
        Self { popularity: Alias::new(&zipf(STEMS.len(), STEM_ZIPF)) }
    }

    pub(super) fn draw(&self, bits: u64) -> &'static str {
        STEMS.get(self.popularity.draw(bits)).copied().unwrap_or("File")
    }
}

/// Writes the carrier of `token`, which must be below 2^30.
pub(super) fn write_carrier(carrier: Carrier, token: u64, out: &mut Vec<u8>) {
    match carrier {
        Carrier::DatedSerial => {
            let (year, month, day) = civil(FIRST_DAY + token / SERIALS);
            out.push(b'_');
            write_digits(year, 4, out);
            out.push(b'-');
            write_digits(month, 2, out);
            out.push(b'-');
            write_digits(day, 2, out);
            out.push(b'_');
            write_digits(token % SERIALS, 6, out);
        }
        Carrier::Record => {
            out.push(b'-');
            write_digits(token, 10, out);
        }
        Carrier::Code => {
            out.push(b'~');
            let mut place = 36_u64.pow(5);
            for _ in 0..6 {
                let digit = CODE_DIGITS.get(u64_to_usize(token / place % 36));
                out.push(digit.copied().unwrap_or(b'0'));
                place /= 36;
            }
        }
    }
}

/// The token that a name (without or with its extension) carries; `None` for a name of another origin.
pub(super) fn token_of(name: &str) -> Option<u64> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem).as_bytes();
    let tail = |length: usize| stem.len().checked_sub(length).and_then(|start| stem.get(start..));
    if let Some([b'~', code @ ..]) = tail(CODE_LENGTH) {
        return code.iter().try_fold(0, |token, byte| {
            let digit = char::from(*byte).to_digit(36)?;
            Some(token * 36 + u64::from(digit))
        });
    }
    if let Some([b'-', digits @ ..]) = tail(RECORD_LENGTH)
        && digits.iter().all(u8::is_ascii_digit)
    {
        return number(digits);
    }
    match tail(DATED_LENGTH)? {
        [b'_', y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'_', serial @ ..] => {
            let day =
                days(number(&[*y1, *y2, *y3, *y4])?, number(&[*m1, *m2])?, number(&[*d1, *d2])?);
            Some(day.checked_sub(FIRST_DAY)? * SERIALS + number(serial)?)
        }
        _ => None,
    }
}

/// Writes `value` with at least `width` digits.
pub(super) fn write_digits(value: u64, width: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 20];
    let mut rest = value;
    let mut used = 0;
    for place in digits.iter_mut().rev() {
        if rest == 0 && used >= width.max(1) {
            break;
        }
        *place = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used += 1;
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Year, month and day of a day counted from 1970-01-01.
///
/// Source: the proleptic Gregorian calendar in years that begin in March, so that the leap day is the
/// last of a year.
const fn civil(day: u64) -> (u64, u64, u64) {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let calendar_year = year + era * 400;
    let calendar_year = if month <= 2 { calendar_year + 1 } else { calendar_year };
    (calendar_year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

/// The inverse of [`civil`].
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year / 400;
    let of_era = year % 400;
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::permutation::NUMBERS_MAX;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_carrier_gives_its_token_back(token in 0..NUMBERS_MAX, stem in "[A-Za-z_ -]{1,12}", extension in "(\\.[a-z0-9]{1,4})?") {
            for carrier in [Carrier::DatedSerial, Carrier::Record, Carrier::Code] {
                let mut name = stem.clone().into_bytes();
                write_carrier(carrier, token, &mut name);
                let name = String::from_utf8(name).unwrap() + &extension;
                prop_assert_eq!(token_of(&name), Some(token), "{}", name);
            }
        }
    }

    #[test]
    fn the_calendar_goes_both_ways() {
        assert_eq!(civil(FIRST_DAY), (2022, 1, 1), "the first day");
        assert_eq!(civil(19_782), (2024, 2, 29), "a leap day");
        for day in 0..40_000 {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day, "day {day}");
        }
    }
}
