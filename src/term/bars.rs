//! Small pictures of one line: how far, how slow, and where between pass and fail.

use super::colour::Tone;
use super::line::Line;
use crate::units::{round_to_usize, usize_to_u64};

/// Eighths of a cell, from below.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// From the lowest step to the highest: three powers of ten.
const DECADES: f64 = 3.0;

/// How much of something is done, as a share of `columns`.
pub(super) fn progress(share: f64, columns: usize) -> Line {
    let done = round_to_usize((share.clamp(0.0, 1.0) * columns as f64).floor()).min(columns);
    Line::default()
        .toned("━".repeat(done), Some(Tone::Good))
        .toned("─".repeat(columns - done), Some(Tone::Aside))
}

/// Times one after the other on a logarithmic scale that ends at `full_ms`: the scale stays, so that a picture can be
/// compared with the one of a minute ago. Longer ones are marked; a gap stands where none is known.
pub(super) fn sparkline(times_ms: &[Option<f64>], full_ms: f64) -> Line {
    times_ms.iter().fold(Line::default(), |line, one| {
        let Some(took_ms) = one else { return line.with(" ") };
        let height = 1.0 + (took_ms / full_ms).max(f64::MIN_POSITIVE).log10() / DECADES;
        let step = round_to_usize((height.clamp(0.0, 1.0) * (STEPS.len() - 1) as f64).round());
        let tone = if *took_ms > full_ms { Tone::Bad } else { Tone::Good };
        line.toned(STEPS.get(step).copied().unwrap_or('█'), Some(tone))
    })
}

/// What is known of the capacity, in documents per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Known {
    /// Lowest and highest rate that were tried: the ends of the picture, with some room around.
    pub(super) tried: (f64, f64),
    /// The highest rate that holds.
    pub(super) low: Option<f64>,
    /// The lowest that does not.
    pub(super) high: Option<f64>,
    /// Where all trials together place the capacity.
    pub(super) believed: Option<f64>,
    /// What is tried now.
    pub(super) now: Option<f64>,
}

/// Rates that hold, rates that do not, and what is open between them, on a logarithmic scale.
pub(super) fn bracket(known: Known, columns: usize) -> Line {
    let (least, most) = ends(known);
    let cells = columns as f64;
    let rate_at = |cell: usize| least * (most / least).powf((cell as f64 + 0.5) / cells);
    let cell_of = |rate: f64| {
        let share = (rate / least).ln() / (most / least).ln();
        (0.0..1.0).contains(&share).then(|| round_to_usize((share * cells).floor()))
    };
    let (now, believed) = (known.now.and_then(cell_of), known.believed.and_then(cell_of));
    (0..columns).fold(Line::default(), |line, cell| {
        let rate = rate_at(cell);
        if Some(cell) == now {
            return line.with("┃");
        }
        if Some(cell) == believed {
            return line.toned("◆", Some(Tone::Unsure));
        }
        match (known.low, known.high) {
            (Some(low), _) if rate <= low => line.toned("━", Some(Tone::Good)),
            (_, Some(high)) if rate >= high => line.toned("╌", Some(Tone::Bad)),
            _ => line.toned("·", Some(Tone::Aside)),
        }
    })
}

/// The ends of the picture: what was tried, and no more than an octave around what is open, so that it stays visible.
fn ends(known: Known) -> (f64, f64) {
    let (least, most) = (known.tried.0 / 1.25, known.tried.1 * 1.25);
    let least = known.low.map_or(least, |low| least.max(low / 2.0));
    (least, known.high.map_or(most, |high| most.min(high * 2.0)).max(least * 1.25))
}

/// The last `columns` of a row.
pub(super) fn last<T: Clone>(row: impl ExactSizeIterator<Item = T>, columns: usize) -> Vec<T> {
    let skipped = usize_to_u64(row.len()).saturating_sub(usize_to_u64(columns));
    row.skip(crate::units::u64_to_usize(skipped)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(line: &Line) -> String {
        line.painted(false)
    }

    proptest! {
        #[test]
        fn a_picture_takes_exactly_its_columns(
            columns in 0..200_usize, share in -1.0..2.0_f64, low in 0.1..1e5_f64, gap in 1.0..9.0_f64,
        ) {
            prop_assert_eq!(progress(share, columns).columns(), columns);
            let known = Known {
                tried: (low, low * gap),
                low: Some(low),
                high: Some(low * gap),
                believed: Some(low * gap.sqrt()),
                now: Some(low * 100.0),
            };
            prop_assert_eq!(bracket(known, columns).columns(), columns);
        }
    }

    #[test]
    fn the_bracket_closes_in_from_both_sides() {
        let mut known =
            Known { tried: (50.0, 800.0), low: None, high: None, believed: None, now: Some(50.0) };
        let mut shown = vec![text(&bracket(known, 32))];
        known = Known { low: Some(200.0), high: Some(800.0), now: Some(400.0), ..known };
        shown.push(text(&bracket(known, 32)));
        known = Known { low: Some(400.0), high: Some(520.0), believed: Some(450.0), ..known };
        shown.push(text(&bracket(Known { now: None, ..known }, 32)));
        insta::assert_snapshot!(shown.join("\n"), @r"
        ··┃·····························
        ━━━━━━━━━━·········┃·········╌╌╌
        ━━━━━━━━━━━━━━··◆··╌╌╌╌╌╌╌╌╌╌╌╌╌
        ");
    }

    #[test]
    fn a_full_cell_is_the_limit_whatever_came_before() {
        let times = [Some(1.0), Some(10.0), None, Some(100.0), Some(999.0), Some(5000.0)];
        assert_eq!(text(&sparkline(&times, 1000.0)), "▁▃ ▆██");
        let painted = sparkline(&times, 1000.0).painted(true);
        assert!(painted.ends_with("\x1b[31m█\x1b[0m"), "over the limit is marked: {painted}");
    }

    #[test]
    fn only_the_last_of_a_row_are_shown() {
        assert_eq!(last([1, 2, 3].into_iter(), 2), [2, 3], "the last two");
        assert_eq!(last([1, 2, 3].into_iter(), 9), [1, 2, 3], "all there are");
    }
}
