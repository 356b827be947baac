//! What carries a document's number in its name, and how it is read back: the proof that no two names are the same.
//!
//! The carrier is the last part of a name before the extension, in plain ASCII. Its five shapes cannot be taken for
//! each other when read from the right:
//!
//! | style | shape, for 2^30 documents | the last separator stands before |
//! |---|---|---|
//! | dated serial | `_2018-04-12_048213` | 5, 6 or 8 digits, an underscore |
//! | record number | `-2018-000482137` | 7, 9 or 11 digits, a hyphen |
//! | time stamp | `_20180412_153012345` | 9 digits, an underscore |
//! | reference code | `~7QK2ZD` | a tilde, which nothing else has |
//! | machine name | `1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed` | 12 digits, a hyphen |
//!
//! They are read without regard to case, so that names differ on servers that do not tell it apart either.

use super::calendar::{DAYS, Years, day_of_year, month_and_day};
use super::digits::{write_digits, write_radix};
use crate::seed::Seed;

/// What a name carries its number in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    DatedSerial,
    Record,
    TimeStamp,
    Code,
    Machine,
}

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;
/// A machine name ends in 48 bits.
const MACHINE_BITS: u32 = 48;

/// The carriers of a domain of 2^`bits` documents.
#[derive(Debug, Clone)]
pub(super) struct Carriers {
    bits: u32,
    years: Years,
    serial_digits: usize,
    record_digits: usize,
    code_digits: usize,
    /// Hides the token in a machine name.
    key: u64,
}

/// The widths of a domain: its bits, digits of serials, records and codes.
const WIDTHS: [(u32, usize, usize, usize); 3] = [(24, 5, 7, 5), (30, 6, 9, 6), (36, 8, 11, 7)];

impl Carriers {
    /// Of a domain of 2^24, 2^30 or 2^36 documents; `None` for another one, or where a style has less room than there
    /// are documents.
    pub(super) fn new(bits: u32, seed: Seed) -> Option<Self> {
        let (_, serial_digits, record_digits, code_digits) =
            WIDTHS.into_iter().find(|(known, ..)| *known == bits)?;
        let years = Years::new(1 << bits);
        let ten = |digits: usize| 10_u64.pow(u32::try_from(digits).unwrap_or(0));
        let code = 36_u64.pow(u32::try_from(code_digits).unwrap_or(0));
        let room = [DAYS * ten(serial_digits), ten(record_digits), DAYS * DAY_MS];
        let fits = room.into_iter().all(|room| room >= years.fullest())
            && code >= 1 << bits
            && bits < MACHINE_BITS;
        let key = seed.bits_at(0) & ((1 << MACHINE_BITS) - 1);
        fits.then_some(Self { bits, years, serial_digits, record_digits, code_digits, key })
    }

    /// The year of a token, where its style shows one.
    pub(super) fn year_of(&self, token: u64) -> u64 {
        self.years.place(token).0
    }

    /// Appends the carrier of `token` in `style`; `chance` fills what a machine name has beyond it.
    pub(super) fn write(&self, style: Style, token: u64, chance: u64, out: &mut Vec<u8>) {
        match style {
            Style::DatedSerial => {
                let (year, place) = self.years.place(token);
                let (month, day) = month_and_day(place % DAYS);
                out.push(b'_');
                write_digits(year, 4, out);
                out.push(b'-');
                write_digits(month, 2, out);
                out.push(b'-');
                write_digits(day, 2, out);
                out.push(b'_');
                write_digits(place / DAYS, self.serial_digits, out);
            }
            Style::Record => {
                let (year, place) = self.years.place(token);
                out.push(b'-');
                write_digits(year, 4, out);
                out.push(b'-');
                write_digits(place, self.record_digits, out);
            }
            Style::TimeStamp => {
                let (year, place) = self.years.place(token);
                let (month, day) = month_and_day(place % DAYS);
                let ms = spread(place / DAYS);
                out.push(b'_');
                write_digits(year, 4, out);
                write_digits(month, 2, out);
                write_digits(day, 2, out);
                out.push(b'_');
                write_digits(ms / 3_600_000, 2, out);
                write_digits(ms / 60_000 % 60, 2, out);
                write_digits(ms / 1000 % 60, 2, out);
                write_digits(ms % 1000, 3, out);
            }
            Style::Code => {
                out.push(b'~');
                write_radix::<36>(token, self.code_digits, out);
            }
            Style::Machine => self.write_machine(token, chance, out),
        }
    }

    fn write_machine(&self, token: u64, chance: u64, out: &mut Vec<u8>) {
        let high = (chance << self.bits) & ((1 << MACHINE_BITS) - 1);
        write_radix::<16>(chance >> 32, 8, out);
        // A random UUID as RFC 9562 marks it.
        let parts =
            [(chance >> 20) & 0xffff, 0x4000 | ((chance >> 8) & 0xfff), 0x8000 | (chance & 0x3fff)];
        for part in parts {
            out.push(b'-');
            write_radix::<16>(part, 4, out);
        }
        out.push(b'-');
        let start = out.len();
        write_radix::<16>((high | token) ^ self.key, 12, out);
        if let Some(written) = out.get_mut(start - 24..) {
            written.make_ascii_lowercase();
        }
    }

    /// The token that a name without its extension carries; `None` for a name of another origin.
    pub(super) fn token(&self, stem: &str) -> Option<u64> {
        let stem = stem.as_bytes();
        let token = self
            .code(stem)
            .or_else(|| self.machine(stem))
            .or_else(|| self.time_stamp(stem))
            .or_else(|| self.record(stem))
            .or_else(|| self.dated_serial(stem));
        token.filter(|token| *token < 1 << self.bits)
    }

    fn code(&self, stem: &[u8]) -> Option<u64> {
        number(after(b'~', stem, self.code_digits)?, 36)
    }

    fn machine(&self, stem: &[u8]) -> Option<u64> {
        Some((number(after(b'-', stem, 12)?, 16)? ^ self.key) & ((1 << self.bits) - 1))
    }

    fn record(&self, stem: &[u8]) -> Option<u64> {
        let place = number(after(b'-', stem, self.record_digits)?, 10)?;
        self.years.token(number(part(stem, self.record_digits + 1, 4)?, 10)?, place)
    }

    fn dated_serial(&self, stem: &[u8]) -> Option<u64> {
        let serial = number(after(b'_', stem, self.serial_digits)?, 10)?;
        let date = part(stem, self.serial_digits + 1, 10)?;
        let of_year = day_of_year(number(date.get(5..7)?, 10)?, number(date.get(8..)?, 10)?)?;
        self.years.token(number(date.get(..4)?, 10)?, serial * DAYS + of_year)
    }

    fn time_stamp(&self, stem: &[u8]) -> Option<u64> {
        let time = after(b'_', stem, 9)?;
        let date = part(stem, time.len() + 1, 8)?;
        let of_year = day_of_year(number(date.get(4..6)?, 10)?, number(date.get(6..)?, 10)?)?;
        let of = |from: usize, to: usize| number(time.get(from..to)?, 10);
        let ms = of(0, 2)? * 3_600_000 + of(2, 4)? * 60_000 + of(4, 6)? * 1000 + of(6, 9)?;
        let place = gather(ms)? * DAYS + of_year;
        self.years.token(number(date.get(..4)?, 10)?, place)
    }
}

/// The time of day of a slot, in milliseconds: a stride over the day, so that the few slots that are used fill it
/// evenly. The stride is coprime to a day, so that every slot has a time of its own.
const fn spread(slot: u64) -> u64 {
    slot * STRIDE % DAY_MS
}

const STRIDE: u64 = 53_398_837;
/// The inverse of [`STRIDE`] modulo a day.
const STRIDE_INVERSE: u64 = inverse(STRIDE);

/// The slot of a time of day; `None` for what is no time of day.
const fn gather(ms: u64) -> Option<u64> {
    if ms >= DAY_MS {
        return None;
    }
    Some(ms * STRIDE_INVERSE % DAY_MS)
}

/// The inverse modulo a day, by Euclid's algorithm.
const fn inverse(factor: u64) -> u64 {
    let (mut old, mut rest) = (DAY_MS, factor % DAY_MS);
    let (mut before, mut now) = (0_u64, 1_u64);
    while rest > 0 {
        let times = old / rest;
        (old, rest) = (rest, old - times * rest);
        let step = times % DAY_MS * now % DAY_MS;
        (before, now) = (now, (before + DAY_MS - step) % DAY_MS);
    }
    before
}

/// The last `length` bytes, where `separator` stands before them.
fn after(separator: u8, stem: &[u8], length: usize) -> Option<&[u8]> {
    let start = stem.len().checked_sub(length)?;
    (stem.get(start.checked_sub(1)?) == Some(&separator)).then(|| stem.get(start..))?
}

/// The `length` bytes that end `from_end` bytes before the end.
fn part(stem: &[u8], from_end: usize, length: usize) -> Option<&[u8]> {
    let end = stem.len().checked_sub(from_end)?;
    stem.get(end.checked_sub(length)?..end)
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STYLES: [Style; 5] =
        [Style::DatedSerial, Style::Record, Style::TimeStamp, Style::Code, Style::Machine];

    fn carried(carriers: &Carriers, style: Style, token: u64, stem: &str) -> String {
        let mut name = stem.to_owned().into_bytes();
        carriers.write(style, token, token.wrapping_mul(0x9e37_79b9_7f4a_7c15), &mut name);
        String::from_utf8(name).unwrap()
    }

    proptest! {
        #[test]
        fn every_carrier_gives_its_token_back_in_any_case(
            bits in prop::sample::select(vec![24_u32, 30, 36]), token: u64, key: u64,
            stem in "[A-Za-z_ 0-9-]{0,12}",
        ) {
            let carriers = Carriers::new(bits, Seed(key)).unwrap();
            let token = token % (1 << bits);
            for style in STYLES {
                let name = carried(&carriers, style, token, &format!("x{stem}"));
                prop_assert_eq!(carriers.token(&name), Some(token), "{}", name);
                prop_assert_eq!(carriers.token(&name.to_uppercase()), Some(token), "{}", name);
            }
        }

        #[test]
        fn no_name_is_an_accident(stem in "[A-Za-z ]{0,40}") {
            let carriers = Carriers::new(30, Seed(1)).unwrap();
            prop_assert_eq!(carriers.token(&stem), None);
        }
    }

    #[test]
    fn the_shapes_are_those_of_the_table() {
        let carriers = Carriers::new(30, Seed(1)).unwrap();
        let of = |style| carried(&carriers, style, 900_000_000, "Report");
        insta::assert_snapshot!(STYLES.map(of).join("\n"), @r"
        Report_2024-10-24_287483
        Report-2024-104931591
        Report_20241024_141737271
        Report~EVU4G0
        Reportdff9cc42-2a16-431d-9d00-eaacbca6b5c1
        ");
    }

    #[test]
    fn a_domain_that_a_style_has_no_room_for_is_refused() {
        assert!(Carriers::new(31, Seed(1)).is_none(), "no such domain");
        for bits in [24, 30, 36] {
            assert!(Carriers::new(bits, Seed(1)).is_some(), "2^{bits}");
        }
    }

    #[test]
    fn every_slot_of_a_day_has_a_time_of_its_own() {
        for slot in (0..DAY_MS).step_by(9973) {
            assert_eq!(gather(spread(slot)), Some(slot), "{slot}");
        }
        assert_eq!(gather(DAY_MS), None, "no such time");
    }
}
