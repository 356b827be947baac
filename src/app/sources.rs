//! Gathers the texts of the settings from flags, words, environment and file, and decides which counts.
//!
//! Nothing here knows what a value means. Names are checked here, all of them: a setting that is
//! silently left out is worse than an error.

use std::ffi::OsString;
use std::str::FromStr;

use anyhow::{Result, anyhow, bail};

use super::credentials::CREDENTIALS;
use super::keys::{self, Command, Key};

/// The file that is read from the current folder.
pub const FILE_NAME: &str = "plimsoll.toml";
/// The one setting that is a section of the file.
const SECTION: &str = "HTTP";
/// What the names of environment variables begin with.
const PREFIX: &str = "PLIMSOLL_";

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `--key value`.
    Flag,
    /// `KEY=VALUE`.
    Word,
    /// `PLIMSOLL_KEY`, or bare `WORKERS`.
    Environment,
    /// `plimsoll.toml`.
    File,
    /// The sign-off file.
    Slo,
    /// The table of keys.
    Default,
    /// The figures of the preset.
    Preset,
    /// Asked for by another setting.
    Implied,
    /// Drawn for this run.
    Random,
}

impl Origin {
    /// The origin's name in listings and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Word => "word",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Slo => "slo",
            Self::Default => "default",
            Self::Preset => "preset",
            Self::Implied => "implied",
            Self::Random => "random",
        }
    }
}

/// Everything that was given, as it was given.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Flags that clap has matched to keys.
    pub flags: Vec<(&'static str, String)>,
    /// The words after the command.
    pub words: Vec<String>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// What stands in `plimsoll.toml`; `None` where there is none.
    pub file: Option<String>,
}

/// One value with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The key.
    pub key: &'static str,
    /// As it was given.
    pub value: String,
    /// By which form.
    pub origin: Origin,
}

/// The values that count, at most one for each key.
#[derive(Debug, Clone, Default)]
pub struct Texts(Vec<Text>);

impl Texts {
    /// Reads all forms for `command`.
    ///
    /// Environment and file serve every command, so a setting in them that `command` does not take is
    /// passed over; as a flag or a word it is an error.
    ///
    /// # Errors
    /// When a name is unknown, not taken by `command` or given twice in one form, or when the file
    /// cannot be understood.
    pub fn gather(command: Command, given: &Given) -> Result<Self> {
        let mut texts = Self::default();
        texts.add_flags(command, &given.flags)?;
        texts.add_words(command, &given.words)?;
        texts.add_environment(command, &given.environment)?;
        texts.add_file(command, given.file.as_deref().unwrap_or_default())?;
        Ok(texts)
    }

    /// The value of a key, unless nobody gave one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Text> {
        self.0.iter().find(|text| text.key == key)
    }

    /// Forms are read in the order of their precedence: what is there already stays.
    pub(super) fn put(&mut self, key: &Key, value: String, origin: Origin) {
        if self.get(key.name).is_none() {
            self.0.push(Text { key: key.name, value, origin });
        }
    }

    fn add_flags(&mut self, command: Command, flags: &[(&'static str, String)]) -> Result<()> {
        for (name, value) in flags {
            let key = keys::find(name).ok_or_else(|| anyhow!("unknown flag `{name}`"))?;
            refuse_foreign(key, command)?;
            self.put(key, value.clone(), Origin::Flag);
        }
        Ok(())
    }

    fn add_words(&mut self, command: Command, words: &[String]) -> Result<()> {
        let mut seen: Vec<&str> = Vec::new();
        for word in words {
            let Some((name, value)) = word.split_once('=') else {
                bail!("{}", no_word(word));
            };
            let key = keys::find(name).ok_or_else(|| {
                unknown("setting", name, |key| format!("{}={}", key.name, shorten(value)))
            })?;
            refuse_foreign(key, command)?;
            if seen.contains(&key.name) {
                bail!("{} is given twice; leave one out", key.name);
            }
            seen.push(key.name);
            self.put(key, value.to_owned(), Origin::Word);
        }
        Ok(())
    }

    fn add_environment(
        &mut self,
        command: Command,
        environment: &[(OsString, OsString)],
    ) -> Result<()> {
        let mut bare_workers = None;
        for (name, value) in environment {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            // An empty variable counts as not set: that is how a justfile hands over "nothing".
            if value.is_empty() {
                continue;
            }
            if CREDENTIALS.contains(&name.as_ref()) {
                continue;
            }
            if name == "WORKERS" {
                bare_workers = Some(value);
            } else if let Some(name) = name.strip_prefix(PREFIX) {
                let key = keys::find(name).ok_or_else(|| {
                    let given = format!("{PREFIX}{name}");
                    unknown_near("environment variable", &given, name, |key| {
                        format!("{PREFIX}{}", key.name)
                    })
                })?;
                if key.is_taken_by(command) {
                    self.put(key, value.into_owned(), Origin::Environment);
                }
            }
        }
        // The name with the prefix is the more explicit one.
        if let (Some(value), Some(key)) = (bare_workers, keys::find("WORKERS")) {
            self.put(key, value.into_owned(), Origin::Environment);
        }
        Ok(())
    }

    fn add_file(&mut self, command: Command, file: &str) -> Result<()> {
        let table = toml::Table::from_str(file).map_err(|error| {
            anyhow!("{FILE_NAME}{} is not TOML: {}", line_of(file, &error), error.message())
        })?;
        for (name, value) in &table {
            let key = keys::KEYS
                .iter()
                .find(|key| key.file_key() == *name)
                .ok_or_else(|| unknown(&format!("key in {FILE_NAME}"), name, Key::file_key))?;
            let value = section_text(key, value).or_else(|| plain_text(value)).ok_or_else(|| {
                anyhow!(
                    "{name} in {FILE_NAME} must be a text, a number or a list of them; sections \
                     such as [{name}] are not known"
                )
            })?;
            if key.is_taken_by(command) {
                self.put(key, value, Origin::File);
            }
        }
        Ok(())
    }
}

fn refuse_foreign(key: &Key, command: Command) -> Result<()> {
    if key.is_taken_by(command) {
        return Ok(());
    }
    let takers = [Command::Capacity, Command::Load];
    let taker = takers.into_iter().find(|taker| key.is_taken_by(*taker)).unwrap_or(Command::Config);
    bail!(
        "{} is a setting of `{}`; `{}` does not take it, leave it out",
        key.name,
        taker.name(),
        command.name()
    )
}

/// The complaint about an unknown name, with the setting that was probably meant.
fn unknown(kind: &str, name: &str, cure: impl Fn(&Key) -> String) -> anyhow::Error {
    unknown_near(kind, name, name, cure)
}

fn unknown_near(
    kind: &str,
    given: &str,
    name: &str,
    cure: impl Fn(&Key) -> String,
) -> anyhow::Error {
    let given = shorten(given);
    match keys::nearest(name) {
        Some(key) => anyhow!("unknown {kind} `{given}`; did you mean `{}`?", cure(key)),
        None => anyhow!("unknown {kind} `{given}`; `plimsoll config` lists all settings"),
    }
}

fn no_word(word: &str) -> String {
    let example = keys::nearest(word).map_or("WORKERS", |key| key.name);
    format!("`{}` is not KEY=VALUE; write for instance `{example}=…`", shorten(word))
}

/// Enough of a user's text to know it again, on one line.
pub(super) fn shorten(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

fn line_of(file: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| file.get(..span.start));
    before.map_or(String::new(), |text| format!(", line {},", text.matches('\n').count() + 1))
}

/// A section that is a setting as a whole, as JSON.
fn section_text(key: &Key, value: &toml::Value) -> Option<String> {
    let section = value.as_table().filter(|_| key.name == SECTION)?;
    serde_json::to_string(section).ok()
}

/// The value as a word on the command line would give it.
fn plain_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(plain_text).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Table(_) | toml::Value::Datetime(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(forms: usize) -> Given {
        let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let mut given = Given::default();
        if forms > 0 {
            given.file = Some("workers = 4".to_owned());
        }
        if forms > 1 {
            given.environment.push(pair("WORKERS", "3"));
        }
        if forms > 2 {
            given.environment.push(pair("PLIMSOLL_WORKERS", "30"));
        }
        if forms > 3 {
            given.words.push("WORKERS=2".to_owned());
        }
        if forms > 4 {
            given.flags.push(("WORKERS", "1".to_owned()));
        }
        given
    }

    #[test]
    fn flag_goes_before_word_before_environment_before_file() {
        let expected = [
            None,
            Some(("4", Origin::File)),
            Some(("3", Origin::Environment)),
            Some(("30", Origin::Environment)),
            Some(("2", Origin::Word)),
            Some(("1", Origin::Flag)),
        ];
        for (forms, expected) in expected.into_iter().enumerate() {
            let texts = Texts::gather(Command::Config, &given(forms)).expect("known names");
            let found = texts.get("WORKERS").map(|text| (text.value.as_str(), text.origin));
            assert_eq!(found, expected, "with {forms} forms given");
        }
    }

    #[test]
    fn environment_and_file_serve_every_command() {
        let given = Given { file: Some("goal_rps = 5\np99_ms = 9".to_owned()), ..Given::default() };
        let texts = Texts::gather(Command::Load, &given).expect("no error");
        assert_eq!(texts.get("GOAL_RPS"), None, "`load` has no goal");
        assert!(texts.get("P99_MS").is_some(), "but a limit");
    }

    #[test]
    fn lists_and_numbers_of_the_file_read_as_words() {
        let file = "levels = [0, 50]\nerror_ratio = 0.5\nallow_remote = true".to_owned();
        let given = Given { file: Some(file), ..Given::default() };
        let texts = Texts::gather(Command::Capacity, &given).expect("no error");
        let value = |key| texts.get(key).map(|text| text.value.as_str());
        assert_eq!(value("LEVELS"), Some("0,50"), "a list");
        assert_eq!(value("ERROR_RATIO"), Some("0.5"), "a number");
        assert_eq!(value("ALLOW_REMOTE"), Some("true"), "a truth");
    }
}
