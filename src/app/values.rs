//! Turns the texts of settings into numbers and choices, with bounds.
//!
//! Every complaint is one line that names the setting, says what it must be, and shows what it was.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, anyhow};

use super::keys::{Fallback, KEYS};
use super::sources::{Origin, Texts, shorten};
use crate::units::{RPS_MOST, Rps, SPAN_MOST_S};

/// A setting with the value that counts and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The key.
    pub key: &'static str,
    /// The value, as it can be given again.
    pub value: String,
    /// Where it came from.
    pub origin: Origin,
}

/// The texts behind the settings, with the defaults of the table where nobody gave any.
#[derive(Debug)]
pub(super) struct Values<'a> {
    texts: &'a Texts,
}

impl<'a> Values<'a> {
    pub(super) fn new(texts: &'a Texts) -> Self {
        Self { texts }
    }

    /// The text of a key and where it came from; `None` when it has neither text nor default text.
    pub(super) fn text(&self, key: &str) -> Option<(&str, Origin)> {
        if let Some(text) = self.texts.get(key) {
            return Some((&text.value, text.origin));
        }
        match KEYS.iter().find(|known| known.name == key).map(|known| known.fallback) {
            Some(Fallback::Text(text)) => Some((text, Origin::Default)),
            _ => None,
        }
    }

    /// Whether somebody gave this key.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.texts.get(key).is_some()
    }

    pub(super) fn whole<T>(&self, key: &str, least: T, most: T) -> Result<T>
    where
        T: Copy + FromStr + PartialOrd + fmt::Display,
    {
        let wanted = format!("a whole number from {least} to {most}");
        self.parse(key, &wanted, |text| {
            text.parse::<T>().ok().filter(|value| *value >= least && *value <= most)
        })
    }

    /// A whole number, or `None` for `word`.
    pub(super) fn whole_or<T>(&self, key: &str, word: &str, least: T, most: T) -> Result<Option<T>>
    where
        T: Copy + FromStr + PartialOrd + fmt::Display,
    {
        if self.is_word(key, word) {
            return Ok(None);
        }
        let wanted = format!("{word} or a whole number from {least} to {most}");
        let in_range = |value: &T| *value >= least && *value <= most;
        self.parse(key, &wanted, |text| text.parse::<T>().ok().filter(in_range)).map(Some)
    }

    pub(super) fn one_of<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.parse(key, &format!("one of {}", words.join(", ")), |text| {
            choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value)
        })
    }

    pub(super) fn rate(&self, key: &str) -> Result<Rps> {
        self.parse(key, "a rate per second over 0, up to 10000000", |text| {
            text.parse().ok().filter(|rate| *rate <= RPS_MOST).and_then(Rps::new)
        })
    }

    /// A share strictly between 0 and 1.
    pub(super) fn share(&self, key: &str) -> Result<f64> {
        self.parse(key, "a share between 0 and 1, such as 0.001", parse_share)
    }

    /// A share, or `None` for `none`.
    pub(super) fn share_or_none(&self, key: &str) -> Result<Option<f64>> {
        if self.is_word(key, "none") {
            return Ok(None);
        }
        self.parse(key, "none or a share between 0 and 1, such as 0.001", parse_share).map(Some)
    }

    /// A number of seconds over 0.
    pub(super) fn span_s(&self, key: &str) -> Result<f64> {
        self.parse(key, "a number of seconds over 0, up to 604800", |text| {
            parse_between(text, 0.0, SPAN_MOST_S).filter(|span_s| *span_s > 0.0)
        })
    }

    /// A finite number within bounds; `wanted` says which.
    pub(super) fn number(&self, key: &str, wanted: &str, least: f64, most: f64) -> Result<f64> {
        self.parse(key, wanted, |text| parse_between(text, least, most))
    }

    /// What `read` makes of the text; `wanted` says what it must be.
    pub(super) fn parse<T>(
        &self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T> {
        let Some((text, _)) = self.text(key) else {
            return Err(anyhow!("{key} is missing; give {wanted}, as in `{key}=…`"));
        };
        read(text).ok_or_else(|| anyhow!("{key} must be {wanted}, not \"{}\"", shorten(text)))
    }

    fn is_word(&self, key: &str, word: &str) -> bool {
        self.text(key).is_some_and(|(text, _)| text == word)
    }
}

fn parse_share(text: &str) -> Option<f64> {
    parse_between(text, 0.0, 1.0).filter(|share| *share > 0.0 && *share < 1.0)
}

/// NaN and the infinities are outside of any bounds.
fn parse_between(text: &str, least: f64, most: f64) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| (least..=most).contains(value))
}
