//! What a target can be asked of what it holds: to make ready, to count, to look up, to tell of itself.
//!
//! Whatever a profile leaves out, its kind of target cannot do; the result then says so.

use std::collections::BTreeMap;

use super::exchange::{Answer, Question};

/// A step that makes the target ready.
#[derive(Debug, Clone)]
pub struct Step {
    /// What is asked of it.
    pub question: Question,
    /// Statuses that are as good as a 2xx when the body holds the text beside: what is made may be there already.
    pub or_else: Option<(u16, &'static str)>,
}

/// One page of the names that a target holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Each name once, with how many documents have it.
    pub names: Vec<(String, u64)>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<String>,
}

/// How many documents a target holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// All of them.
    pub documents: u64,
    /// Different names among them; `None` where only a total can be had.
    pub names: Option<u64>,
}

/// Questions about what a target holds, and what their answers mean; everything is optional.
pub trait Holdings {
    /// Steps before anything is sent, in their order.
    fn preparation(&self) -> Vec<Step> {
        Vec::new()
    }

    /// Asks what the server calls itself.
    fn ask_server(&self) -> Option<Question> {
        None
    }

    /// What it calls itself, such as `opensearch 3.8.0`.
    fn read_server(&self, _answer: &Answer) -> Option<String> {
        None
    }

    /// Makes everything that was accepted visible to the questions below.
    fn ask_refresh(&self) -> Option<Question> {
        None
    }

    /// Asks how many documents a search finds now: cheap enough to be asked once a second under load.
    fn ask_visible(&self) -> Option<Question> {
        None
    }

    /// The answer to that.
    fn read_visible(&self, _answer: &Answer) -> Option<u64> {
        None
    }

    /// Asks for an exact count of documents and of different names.
    fn ask_count(&self) -> Option<Question> {
        None
    }

    /// The answer to that.
    fn read_count(&self, _answer: &Answer) -> Option<Count> {
        None
    }

    /// Asks for a page of names, from the one after `after` on.
    fn ask_names(&self, _after: Option<&str>) -> Option<Question> {
        None
    }

    /// The answer to that.
    fn read_names(&self, _answer: &Answer) -> Option<Page> {
        None
    }

    /// Asks for the documents of this name.
    fn ask_name(&self, _name: &str) -> Option<Question> {
        None
    }

    /// How many documents of exactly this name the answer to that holds.
    fn read_name(&self, _name: &str, _answer: &Answer) -> Option<u64> {
        None
    }

    /// Asks for the server's own figures.
    fn ask_figures(&self) -> Option<Question> {
        None
    }

    /// Those figures by name; what only ever grows has a name that ends in `_total`, and is told as a difference.
    fn read_figures(&self, _answer: &Answer) -> BTreeMap<String, f64> {
        BTreeMap::new()
    }
}
