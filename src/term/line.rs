//! A line of a terminal: pieces with a tone, cut to a width before any colour comes in.

use super::colour::{Tone, paint};

/// Width of the labels before the lines of a block, as in the summary.
const LABEL_COLUMNS: usize = 11;

/// Every character in it takes one column.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Line {
    pieces: Vec<(String, Option<Tone>)>,
}

impl Line {
    /// A line that begins with a label in a column of its own.
    pub(super) fn labelled(label: &str) -> Self {
        Self::default().with(format!("{label:<LABEL_COLUMNS$}"))
    }

    pub(super) fn with(self, text: impl Into<String>) -> Self {
        self.toned(text, None)
    }

    pub(super) fn toned(mut self, text: impl Into<String>, tone: Option<Tone>) -> Self {
        let text = text.into();
        match self.pieces.last_mut() {
            Some((before, same)) if *same == tone => before.push_str(&text),
            _ => self.pieces.push((text, tone)),
        }
        self
    }

    pub(super) fn join(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    pub(super) fn columns(&self) -> usize {
        self.pieces.iter().map(|(text, _)| text.chars().count()).sum()
    }

    /// The line within `columns`, with a mark at its end where it had to be cut.
    pub(super) fn cut(self, columns: usize) -> Self {
        if self.columns() <= columns {
            return self;
        }
        let mut left = columns.saturating_sub(1);
        let mut pieces = Vec::new();
        for (text, tone) in self.pieces {
            let kept: String = text.chars().take(left).collect();
            left -= kept.chars().count();
            pieces.push((kept, tone));
        }
        if columns > 0 {
            pieces.push(("…".to_owned(), None));
        }
        Self { pieces }
    }

    pub(super) fn painted(&self, colour: bool) -> String {
        let paint_piece = |(text, tone): &(String, Option<Tone>)| match tone {
            Some(tone) if !text.is_empty() => paint(text, *tone, colour),
            _ => text.clone(),
        };
        self.pieces.iter().map(paint_piece).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cut_line_is_within_its_width_and_begins_as_the_whole_one(
            texts in prop::collection::vec("[a-z█·]{0,12}", 0..6), columns in 0..60_usize,
        ) {
            let whole = texts.iter().fold(Line::default(), |line, text| {
                line.toned(text.clone(), Some(Tone::Good))
            });
            let cut = whole.clone().cut(columns);
            prop_assert!(cut.columns() <= columns, "{} of {columns}", cut.columns());
            let (cut, whole) = (cut.painted(false), whole.painted(false));
            prop_assert!(whole.starts_with(cut.trim_end_matches('…')), "{cut} of {whole}");
        }
    }

    #[test]
    fn colour_takes_no_column() {
        let line = Line::labelled("goal").toned("met", Some(Tone::Good));
        assert_eq!(line.columns(), 14, "the label's column and a word");
        assert_eq!(line.painted(true), "goal       \x1b[32mmet\x1b[0m");
        assert_eq!(line.painted(false), "goal       met");
    }
}
