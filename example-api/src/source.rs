//! The texts of settings, read as numbers and words; a bad one is refused in one line.

use std::fmt;
use std::str::FromStr;

use crate::settings::VARIABLES;

/// A setting that cannot be used: one line that names the variable and the cure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SettingError(String);

impl fmt::Display for SettingError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Where the texts come from.
pub(crate) struct Source<F> {
    /// Gives the text of a variable, or `None` where it is not set.
    pub(crate) lookup: F,
}

impl<F: Fn(&str) -> Option<String>> Source<F> {
    /// Whether the variable is set.
    pub(crate) fn is_given(&self, name: &str) -> bool {
        (self.lookup)(name).is_some()
    }

    /// The text of a variable, its default where it is not set.
    pub(crate) fn text(&self, name: &str) -> String {
        (self.lookup)(name).unwrap_or_else(|| {
            let variable = VARIABLES.iter().find(|(known, ..)| *known == name);
            variable.map_or("", |(_, default, _)| default).to_owned()
        })
    }

    /// A whole number within bounds.
    pub(crate) fn whole<T>(&self, name: &str, least: T, most: T) -> Result<T, SettingError>
    where
        T: Copy + FromStr + PartialOrd + fmt::Display,
    {
        let text = self.text(name);
        match text.parse::<T>() {
            Ok(value) if value >= least && value <= most => Ok(value),
            _ => Err(not(name, &format!("a whole number from {least} to {most}"), &text)),
        }
    }

    /// One of some words.
    pub(crate) fn one_of<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<T, SettingError> {
        let text = self.text(name);
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        chosen.ok_or_else(|| {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            not(name, &format!("one of {}", words.join(", ")), &text)
        })
    }

    /// A number of milliseconds from `least` to a minute; `wanted` says so in words.
    pub(crate) fn milliseconds(
        &self,
        name: &str,
        least: f64,
        wanted: &str,
    ) -> Result<f64, SettingError> {
        let text = self.text(name);
        match text.parse::<f64>() {
            Ok(milliseconds) if (least..=60_000.0).contains(&milliseconds) => Ok(milliseconds),
            _ => Err(not(name, wanted, &text)),
        }
    }
}

fn not(name: &str, wanted: &str, text: &str) -> SettingError {
    // Quoted as in source text, so that line breaks in the value keep the message on one line.
    let shown: String = text.chars().take(60).collect();
    complaint(name, &format!("must be {wanted}, not {shown:?}"))
}

/// The error that `name` has this fault.
pub(crate) fn complaint(name: &str, fault: &str) -> SettingError {
    SettingError(format!("{name} {fault}"))
}
