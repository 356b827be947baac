//! Days, and how old files are: the years of a file share, recent ones fuller.

/// The last day of the corpus: 2024-12-31, whatever the clock says.
const LAST_YEAR: u64 = 2024;
/// Years that names may carry.
pub(super) const YEARS: u64 = 22;
/// Each year holds so much less than the next one, as an exponent: with it 41 % of all files are older than three years
/// and 12 % older than seven (Veritas, Data Genomics Index 2016).
const AGEING: f64 = 0.30;
/// Days of the corpus's years; the last one of a leap year is left out.
pub(super) const DAYS: u64 = 365;

/// Which tokens name which year: a contiguous stretch each, so that years differ in weight and every token still has
/// a place of its own.
#[derive(Debug, Clone)]
pub(super) struct Years {
    /// The first token of each year from the oldest on, and the end of all.
    firsts: Vec<u64>,
}

impl Years {
    /// The years of `tokens` tokens.
    pub(super) fn new(tokens: u64) -> Self {
        let weight = |years: u64| libm::exp(AGEING * years as f64);
        let total: f64 = (0..YEARS).map(weight).sum();
        let mut before = 0.0;
        let firsts = (0..YEARS).map(|year| {
            let first = crate::units::round_to_u64(before / total * tokens as f64);
            before += weight(year);
            first
        });
        let mut firsts: Vec<u64> = firsts.collect();
        firsts.push(tokens);
        Self { firsts }
    }

    /// The most tokens of any year.
    pub(super) fn fullest(&self) -> u64 {
        let pairs = self.firsts.iter().zip(self.firsts.iter().skip(1));
        pairs.map(|(first, next)| next - first).max().unwrap_or(0)
    }

    /// The year of a token, and its place within that year.
    pub(super) fn place(&self, token: u64) -> (u64, u64) {
        let position = self.firsts.partition_point(|first| *first <= token).saturating_sub(1);
        let first = self.firsts.get(position).copied().unwrap_or(0);
        (LAST_YEAR + 1 - YEARS + crate::units::usize_to_u64(position), token - first)
    }

    /// The token of a place within a year; `None` where there is no such place.
    pub(super) fn token(&self, year: u64, place: u64) -> Option<u64> {
        let position = crate::units::u64_to_usize(year.checked_sub(LAST_YEAR + 1 - YEARS)?);
        let (first, end) = (self.firsts.get(position)?, self.firsts.get(position + 1)?);
        Some(first + place).filter(|token| token < end)
    }
}

/// Days before each month of a year without a leap day.
const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/// Month and day, from 1, of a day of the year, from 0.
pub(super) fn month_and_day(of_year: u64) -> (u64, u64) {
    let month = BEFORE.partition_point(|before| *before <= of_year);
    let before = BEFORE.get(month.saturating_sub(1)).copied().unwrap_or(0);
    (crate::units::usize_to_u64(month), of_year - before + 1)
}

/// The inverse of [`month_and_day`]; `None` for what is no day.
pub(super) fn day_of_year(month: u64, day: u64) -> Option<u64> {
    let place = crate::units::u64_to_usize(month.checked_sub(1)?);
    let of_year = BEFORE.get(place)? + day.checked_sub(1)?;
    (month_and_day(of_year) == (month, day) && of_year < DAYS).then_some(of_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_month_and_back() {
        for of_year in 0..DAYS {
            let (month, day) = month_and_day(of_year);
            assert_eq!(day_of_year(month, day), Some(of_year), "{month}-{day}");
        }
        assert_eq!(month_and_day(0), (1, 1), "the first day");
        assert_eq!(month_and_day(364), (12, 31), "the last one");
        for (month, day) in [(0, 1), (1, 0), (2, 29), (4, 31), (13, 1)] {
            assert_eq!(day_of_year(month, day), None, "{month}-{day} is no day");
        }
    }

    #[test]
    fn every_token_has_its_place_and_old_years_hold_few() {
        let years = Years::new(1 << 20);
        let mut older = [0_u32; 2];
        for token in 0..1 << 20 {
            let (year, place) = years.place(token);
            assert_eq!(years.token(year, place), Some(token), "{token}");
            older[0] += u32::from(year < LAST_YEAR + 1 - 3);
            older[1] += u32::from(year < LAST_YEAR + 1 - 7);
        }
        let share = |count: u32| f64::from(count) / f64::from(1 << 20);
        assert!((share(older[0]) - 0.41).abs() < 0.02, "over three years: {}", share(older[0]));
        assert!((share(older[1]) - 0.12).abs() < 0.02, "over seven years: {}", share(older[1]));
        assert_eq!(years.token(LAST_YEAR, u64::MAX / 2), None, "no such place");
    }
}
