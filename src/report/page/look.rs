//! Colours and shapes of charts, by what they mean.

use serde::Serialize;

/// Colours by what they mean; the style sheet gives each one value for light and one for dark paper, all told
/// apart by colour-blind readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Text.
    Ink,
    /// Text that stands back, lines of an axis.
    Soft,
    /// The grid.
    Rule,
    /// Kept up with.
    Good,
    /// Not kept up with, failed, beyond a limit.
    Bad,
    /// Says nothing.
    Void,
    /// Not decided.
    Open,
    /// The answer: the capacity and its interval.
    Answer,
    /// The first of several kinds, and the one that counts most.
    First,
    /// The second.
    Second,
    /// The third.
    Third,
    /// The fourth.
    Fourth,
    /// The fifth.
    Fifth,
}

impl Tone {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Self; 13] = [
        Self::Ink,
        Self::Soft,
        Self::Rule,
        Self::Good,
        Self::Bad,
        Self::Void,
        Self::Open,
        Self::Answer,
        Self::First,
        Self::Second,
        Self::Third,
        Self::Fourth,
        Self::Fifth,
    ];

    /// Its name in the style sheet.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ink => "ink",
            Self::Soft => "soft",
            Self::Rule => "rule",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Void => "void",
            Self::Open => "open",
            Self::Answer => "answer",
            Self::First => "first",
            Self::Second => "second",
            Self::Third => "third",
            Self::Fourth => "fourth",
            Self::Fifth => "fifth",
        }
    }

    /// The colour for the kind at `position` of several; more than five kinds begin again.
    #[must_use]
    pub const fn of_kind(position: usize) -> Self {
        match position % 5 {
            0 => Self::First,
            1 => Self::Second,
            2 => Self::Third,
            3 => Self::Fourth,
            _ => Self::Fifth,
        }
    }
}

/// How a series is drawn. Shapes differ, so that no chart is read by its colours alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// A line through all points.
    Line,
    /// The same, thin and dashed.
    Dashed,
    /// A line that holds each value until the next point.
    Steps,
    /// Filled circles.
    Dot,
    /// Empty circles.
    Ring,
    /// Crosses.
    Cross,
    /// Empty squares.
    Square,
    /// Filled diamonds.
    Diamond,
    /// Empty diamonds.
    Kite,
}
