//! A few lines at the end of a terminal that are drawn over again, with permanent lines above them.
//!
//! A whole picture is one write, and one update for terminals that know what that is: it cannot flicker. A window that
//! became narrower has wrapped the lines that stood there, so their rows are counted anew at each drawing. Rows are
//! erased whole: of a row that is erased in part, terminals remember the old length and wrap what nobody sees.

use std::io::{self, Write};

use console::Term;

use super::line::Line;

/// Columns and rows of a terminal that does not tell its size.
const USUAL: (usize, usize) = (80, 24);

/// The block at the end of stderr.
#[derive(Debug)]
pub(super) struct Block {
    colour: bool,
    /// Columns of each line that stands there.
    drawn: Vec<usize>,
    lines: Vec<Line>,
}

impl Block {
    pub(super) const fn new(colour: bool) -> Self {
        Self { colour, drawn: Vec::new(), lines: Vec::new() }
    }

    /// Columns that a line may take: one less than there are, for a full line would begin the next.
    pub(super) fn columns() -> usize {
        size().0.saturating_sub(1)
    }

    /// Shows `lines` in place of those that stand there.
    pub(super) fn show(&mut self, lines: Vec<Line>) {
        self.lines = lines;
        self.draw("");
    }

    /// Leaves `text` for good, above the block.
    pub(super) fn leave(&mut self, text: &str) {
        self.draw(text);
    }

    /// Takes the block away.
    pub(super) fn clear(&mut self) {
        self.lines.clear();
        if !self.drawn.is_empty() {
            self.draw("");
        }
    }

    fn draw(&mut self, above: &str) {
        let (columns, rows) = size();
        let lines = self.lines.iter().take(rows.saturating_sub(1)).cloned();
        let lines: Vec<Line> = lines.map(|line| line.cut(columns.saturating_sub(1))).collect();
        let text = frame(&self.drawn, columns, above, &lines, self.colour);
        self.drawn = lines.iter().map(Line::columns).collect();
        // Where even stderr fails, nothing is left to tell it.
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }
}

fn size() -> (usize, usize) {
    let size = Term::stderr().size_checked();
    size.map_or(USUAL, |(rows, columns)| (usize::from(columns), usize::from(rows)))
}

/// Around a picture that is to be shown at once; terminals that do not know it pass over it.
const UPDATE: (&str, &str) = ("\x1b[?2026h", "\x1b[?2026l");

/// What turns a screen with lines of these widths, in a window of `columns`, into one with `lines` under `above`.
fn frame(drawn: &[usize], columns: usize, above: &str, lines: &[Line], colour: bool) -> String {
    let rows: usize = drawn.iter().map(|width| width.div_ceil(columns.max(1)).max(1)).sum();
    let up = if rows > 0 { format!("\x1b[{rows}A") } else { String::new() };
    let painted = lines.iter().map(|line| line.painted(colour));
    let above = above.lines().map(str::to_owned);
    let all: String = above.chain(painted).flat_map(|line| [line, "\n".to_owned()]).collect();
    format!("{}\r{up}\x1b[J{all}{}", UPDATE.0, UPDATE.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZero;

    /// A terminal of `columns` that has taken these frames, as text.
    fn screen(columns: u16, frames: &[String]) -> String {
        let mut terminal =
            vt100::Parser::new(NonZero::new(12).unwrap(), NonZero::new(columns).unwrap(), 0);
        for frame in frames {
            terminal.process(frame.replace('\n', "\r\n").as_bytes());
        }
        terminal.screen().contents()
    }

    fn lines(texts: &[&str]) -> Vec<Line> {
        texts.iter().map(|text| Line::default().with(*text)).collect()
    }

    #[test]
    fn a_block_replaces_itself_and_leaves_what_is_permanent() {
        let frames = [
            frame(&[], 20, "", &lines(&["one", "two, longer"]), false),
            frame(&[3, 11], 20, "t1 done", &lines(&["three", "4"]), false),
            frame(&[5, 1], 20, "", &lines(&["five"]), false),
        ];
        assert_eq!(screen(20, &frames), "t1 done\nfive");
        let cleared = frame(&[4], 20, "", &[], false);
        assert_eq!(screen(20, &[&frames[..], &[cleared]].concat()), "t1 done");
    }

    #[test]
    fn a_window_that_became_narrower_has_wrapped_the_block() {
        // What stands in a window of 10 columns after it was 20 wide.
        let wrapped = "above\nfifteen wi\ndecolumns!\nshort\n".to_owned();
        let redrawn = frame(&[20, 5], 10, "", &lines(&["new", "block"]), false);
        assert_eq!(screen(10, &[wrapped, redrawn]), "above\nnew\nblock");
    }
}
