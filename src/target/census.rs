//! What a target holds, counted exactly: how many documents, how many different names, and which of ours.
//!
//! A total alone would not do: one document lost and one doubled would cancel.

use crate::corpus::Corpus;
use crate::corpus::number_set::NumberSet;
use crate::profile::Profile;
use crate::profile::exchange::{Exchange, ExchangeError, shown};
use crate::profile::holdings::Count;

/// Beyond this many documents names are not counted: paging through them would take minutes.
const NAMES_MOST: u64 = 5_000_000;
/// Pages of names that are read at the most.
const PAGES_MOST: u64 = 600;
/// Of a name that a target tells so much is shown.
const NAME_CHARS: usize = 200;
/// Names that occur more than once and are remembered.
const DOUBLES_KEPT: usize = 3;

/// What was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Census {
    /// Documents and names.
    pub count: Count,
    /// Which of the documents that were asked for it holds; `None` where names could not be listed.
    pub found: Option<NumberSet>,
    /// Some names that occur more than once.
    pub doubles: Vec<String>,
}

/// Counts what the target holds, and which of the documents `wanted` it has; `None` where it cannot count.
///
/// # Errors
/// When it can and a question was not answered.
pub fn census(
    exchange: &mut impl Exchange,
    profile: &dyn Profile,
    corpus: &Corpus,
    wanted: &NumberSet,
) -> Result<Option<Census>, ExchangeError> {
    if let Some(question) = profile.ask_refresh() {
        exchange.ask(&question)?;
    }
    if let Some(question) = profile.ask_count() {
        let answer = exchange.ask(&question)?;
        let counted = profile.read_count(&answer);
        return Ok(counted.map(|count| Census { count, found: None, doubles: Vec::new() }));
    }
    let Some(question) = profile.ask_visible() else { return Ok(None) };
    let answer = exchange.ask(&question)?;
    let Some(documents) = profile.read_visible(&answer) else { return Ok(None) };
    let total =
        Census { count: Count { documents, names: None }, found: None, doubles: Vec::new() };
    if documents > NAMES_MOST {
        return Ok(Some(total));
    }
    Ok(Some(names(exchange, profile, corpus, wanted)?.unwrap_or(total)))
}

/// Reads all names page by page; `None` where they cannot be listed.
fn names(
    exchange: &mut impl Exchange,
    profile: &dyn Profile,
    corpus: &Corpus,
    wanted: &NumberSet,
) -> Result<Option<Census>, ExchangeError> {
    let (mut found, mut doubles) = (NumberSet::default(), Vec::new());
    let (mut documents, mut names) = (0, 0);
    let mut after: Option<String> = None;
    for _ in 0..PAGES_MOST {
        let Some(question) = profile.ask_names(after.as_deref()) else { return Ok(None) };
        let answer = exchange.ask(&question)?;
        let Some(page) = profile.read_names(&answer) else { return Ok(None) };
        for (name, count) in page.names {
            documents += count;
            names += 1;
            // Names of another corpus are read as numbers too, and those lie anywhere.
            let number = corpus.number_of(&name).filter(|number| wanted.contains(*number));
            if let Some(number) = number {
                found.insert(number..number + 1);
            }
            if count > 1 && doubles.len() < DOUBLES_KEPT {
                doubles.push(shown(&name, NAME_CHARS));
            }
        }
        if page.next.is_none() {
            let count = Count { documents, names: Some(names) };
            return Ok(Some(Census { count, found: Some(found), doubles }));
        }
        after = page.next;
    }
    Ok(None)
}
