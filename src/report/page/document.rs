//! What a page is made of: an answer on top, then sections of sentences, charts and tables.
//!
//! Pages about other things than one run are made of the same parts, and look the same.

use serde::Serialize;

use super::chart::{Chart, ChartError, Figure};
use crate::report::schema::Outcome;

/// A page without its frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// What the browser's tab shows.
    pub title: String,
    /// What it is about, in small print above the answer: name and value.
    pub about: Vec<(String, String)>,
    /// The answer.
    pub answer: Answer,
    /// All else, in the order of reading.
    pub sections: Vec<Section>,
}

/// The answer, before anything else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The badge; none while nothing is decided.
    pub badge: Option<Outcome>,
    /// The answer in one sentence.
    pub sentence: String,
    /// What it means, or what to do next; may be empty.
    pub beneath: Vec<String>,
    /// The few figures that matter most.
    pub figures: Vec<KeyFigure>,
}

/// A figure that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyFigure {
    /// What it is.
    pub label: String,
    /// Its value, without unit.
    pub value: String,
    /// Its unit; may be empty.
    pub unit: String,
    /// What it stands beside: an interval, a limit; may be empty.
    pub beside: String,
}

/// A section of a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Its name within the page: letters and hyphens.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its title where there is little room.
    pub short: String,
    /// How to read it, or what it shows; may be empty.
    pub lead: String,
    /// What it holds.
    pub blocks: Vec<Block>,
}

impl Section {
    /// A section that holds nothing yet.
    #[must_use]
    pub fn new(id: &str, title: &str, short: &str, lead: impl Into<String>) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            short: short.to_owned(),
            lead: lead.into(),
            blocks: Vec::new(),
        }
    }

    /// The section with one more block.
    #[must_use]
    pub fn with(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }
}

/// A part of a section.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Block {
    /// A paragraph.
    Text {
        /// Its text.
        text: String,
    },
    /// What is not there, and why.
    Missing {
        /// What, and why.
        text: String,
    },
    /// A chart.
    Chart {
        /// The chart.
        figure: Figure,
        /// How to read it; may be empty.
        note: String,
    },
    /// A table.
    Table {
        /// The table.
        table: Table,
    },
    /// Sentences one below the other.
    List {
        /// The sentences.
        items: Vec<String>,
    },
}

impl Block {
    /// A chart, or the sentence `missing` where it would be empty.
    ///
    /// # Errors
    /// When the chart cannot be drawn.
    pub fn chart(
        chart: &Chart,
        note: impl Into<String>,
        missing: &str,
    ) -> Result<Self, ChartError> {
        Ok(match chart.figure()? {
            Some(figure) => Self::Chart { figure, note: note.into() },
            None => Self::Missing { text: missing.to_owned() },
        })
    }

    /// A paragraph.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// What is not there, and why.
    #[must_use]
    pub fn missing(text: impl Into<String>) -> Self {
        Self::Missing { text: text.into() }
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// What stands above it; of a folded one, what is always seen.
    pub caption: String,
    /// Whether it is opened by a click only.
    pub is_folded: bool,
    /// Title of each column, and whether it holds numbers.
    pub head: Vec<(String, Column)>,
    /// The rows, each as long as `head`.
    pub rows: Vec<Vec<Cell>>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Column {
    /// Numbers, to the right.
    Number,
    /// A few words that stay on one line.
    Word,
    /// Sentences.
    Prose,
}

/// A field of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// Its text.
    pub text: String,
    /// The class of the style sheet that it is marked with; empty for none.
    pub mark: &'static str,
}

impl Cell {
    /// An outcome as a small badge.
    #[must_use]
    pub fn outcome(outcome: Outcome) -> Self {
        let mark = match outcome {
            Outcome::Pass => "pass",
            Outcome::Fail => "fail",
            Outcome::Invalid => "invalid",
        };
        Self { text: outcome.name().to_owned(), mark }
    }

    /// The verdict of a trial, marked by its colour.
    #[must_use]
    pub fn verdict(verdict: &str) -> Self {
        let mark = match verdict {
            "sustained" => "sustained",
            "overloaded" => "overloaded",
            "void" => "void",
            _ => "undecided",
        };
        Self { text: verdict.to_owned(), mark }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), mark: "" }
    }
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(caption: &str, head: &[(&str, Column)]) -> Self {
        Self {
            caption: caption.to_owned(),
            is_folded: false,
            head: head.iter().map(|(title, column)| ((*title).to_owned(), *column)).collect(),
            rows: Vec::new(),
        }
    }

    /// The table, opened by a click only.
    #[must_use]
    pub fn folded(self) -> Self {
        Self { is_folded: true, ..self }
    }

    /// The table with `rows`.
    #[must_use]
    pub fn rows(self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        Self { rows: rows.into_iter().collect(), ..self }
    }

    /// Two columns: a name and its value.
    #[must_use]
    pub fn pairs(caption: &str, pairs: Vec<(&str, String)>) -> Self {
        let rows = pairs.into_iter().map(|(name, value)| vec![name.into(), value.into()]);
        Self::new(caption, &[("", Column::Word), ("", Column::Prose)]).rows(rows)
    }
}
