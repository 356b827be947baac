//! How numbers and tables look in text; a missing number is a dash, never a zero.

/// What takes more decimals is written out as the machine has it.
const EXACT_DECIMALS_MOST: usize = 15;

/// Stands for what is not known.
pub const MISSING: &str = "–";

/// Milliseconds with three significant digits, without their unit.
#[must_use]
pub fn ms(span_ms: Option<f64>) -> String {
    let Some(span_ms) = span_ms else { return MISSING.to_owned() };
    match span_ms.abs() {
        // Steps stand a hair below the powers of ten: 9.996 is written as 10.0, not as 10.00.
        size if size < 0.9995 => format!("{span_ms:.3}"),
        size if size < 9.995 => format!("{span_ms:.2}"),
        size if size < 99.95 => format!("{span_ms:.1}"),
        _ => format!("{span_ms:.0}"),
    }
}

/// A rate with one decimal, without its unit.
#[must_use]
pub fn rate(per_second: Option<f64>) -> String {
    per_second.map_or_else(|| MISSING.to_owned(), |per_second| format!("{per_second:.1}"))
}

/// A whole-number rate without decimals, another with one.
#[must_use]
pub fn short_rate(per_second: f64) -> String {
    let exact = format!("{per_second:.1}");
    exact.strip_suffix(".0").map_or(exact.clone(), str::to_owned)
}

/// A number with as many decimals as it takes, and `least` at least: what a multiplication added behind the twelfth
/// digit is none of it.
#[must_use]
pub fn exact(value: f64, least: usize) -> String {
    let is_whole = |text: &String| {
        let shown = text.parse::<f64>().unwrap_or(f64::NAN);
        (shown - value).abs() <= 1e-12 * value.abs()
    };
    let texts = (least..=EXACT_DECIMALS_MOST).map(|decimals| format!("{value:.decimals$}"));
    texts.into_iter().find(is_whole).unwrap_or_else(|| format!("{value}"))
}

/// Seconds: one decimal below a minute, whole minutes and seconds above.
#[must_use]
pub fn span(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round();
    format!("{:.0} min {:02.0} s", (whole / 60.0).floor(), whole % 60.0)
}

/// Width of a text line where it can be helped.
const LINE_COLUMNS: usize = 100;
/// Width of the labels before the lines of a summary.
const LABEL_COLUMNS: usize = 11;

/// A label in a column of its own, and its text wrapped beside it.
#[must_use]
pub fn entry(label: &str, text: &str) -> String {
    let mut lines = vec![format!("{label:<LABEL_COLUMNS$}")];
    let mut column = LABEL_COLUMNS;
    // Words are parted at single spaces only, so that wider gaps stay as they are.
    for word in text.split(' ') {
        let width = word.chars().count();
        if column + width > LINE_COLUMNS && column > LABEL_COLUMNS {
            lines.push(" ".repeat(LABEL_COLUMNS));
            column = LABEL_COLUMNS;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
        column += width + 1;
    }
    let trimmed: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    trimmed.join("\n") + "\n"
}

/// A count with its noun: `1 trial`, `2 trials`, `2 searches`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    match (count, noun.ends_with("ch")) {
        (1, _) => format!("1 {noun}"),
        (_, true) => format!("{count} {noun}es"),
        (_, false) => format!("{count} {noun}s"),
    }
}

/// Right-aligned columns, two spaces apart; the first row is the header.
#[must_use]
pub fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Text of unknown origin on one line: what steers a terminal, turns the direction of writing or is no character at all
/// becomes a space.
#[must_use]
pub fn plain(text: &str) -> String {
    let is_odd = |letter: char| {
        letter.is_control()
            || matches!(
                letter,
                '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            )
            || matches!(letter, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|letter| if is_odd(letter) { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_have_three_significant_digits() {
        let shown: Vec<String> = [0.05, 0.99951, 1.234, 9.996, 99.96, 1234.5]
            .into_iter()
            .map(|span_ms| ms(Some(span_ms)))
            .collect();
        assert_eq!(shown, ["0.050", "1.00", "1.23", "10.0", "100", "1234"]);
        assert_eq!(ms(None), "–", "no data is not zero");
    }

    #[test]
    fn spans_and_rates_read_as_a_person_writes_them() {
        assert_eq!(span(12.34), "12.3 s");
        assert_eq!(span(119.7), "2 min 00 s", "rounding carries over");
        assert_eq!((short_rate(200.0), short_rate(12.5)), ("200".into(), "12.5".into()));
        assert_eq!(counted(2, "search"), "2 searches");
    }

    #[test]
    fn a_long_entry_goes_on_under_its_beginning() {
        let text = entry("caution", &"many words ".repeat(12));
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        assert!(text.lines().nth(1).unwrap().starts_with("           m"), "{text}");
        assert_eq!(entry("next", "wait"), "next       wait\n");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows =
            [vec!["load".to_owned(), "µ".to_owned()], vec!["0 %".to_owned(), "12".to_owned()]];
        assert_eq!(columns(&rows), "load   µ\n 0 %  12\n");
    }
}
