//! Where the value of each setting comes from: flag, word, environment, file, default; in this order.

use std::collections::BTreeMap;
use std::path::Path;

use super::exit::Failure;
use super::keys::{Command, Fallback, KEYS, Key, find, nearest};
use crate::report::schema::SettingRecord;

/// The prefix of the tool's environment variables.
const PREFIX: &str = "PLIMSOLL_";
/// The one setting that is also taken from a bare variable, as the server under test takes it.
const BARE: &str = "WORKERS";
/// Variables of the build that share the prefix.
const NOT_SETTINGS: &[&str] = &["PLIMSOLL_GIT_COMMIT"];
/// The settings file, in the current folder.
pub const SETTINGS_FILE: &str = "plimsoll.toml";

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named like the origins in the result file")]
pub enum Origin {
    Flag,
    Word,
    Environment,
    File,
    Default,
    Preset,
    Random,
}

impl Origin {
    /// The origin's name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Word => "word",
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
            Self::Preset => "preset",
            Self::Random => "random",
        }
    }
}

/// A setting with its value and where that came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Its name.
    pub key: &'static str,
    /// Its value, as text; `none` where it has none.
    pub value: String,
    /// Where that came from.
    pub origin: Origin,
}

/// The four places that a user can set things in, as they were found.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Flags, by name of the setting.
    pub flags: Vec<(String, String)>,
    /// `KEY=VALUE` words as typed.
    pub words: Vec<String>,
    /// The environment.
    pub environment: Vec<(String, String)>,
    /// The text of the settings file, where there is one.
    pub file: Option<String>,
}

impl From<&Resolved> for SettingRecord {
    fn from(setting: &Resolved) -> Self {
        Self { value: setting.value.clone(), origin: setting.origin.name().to_owned() }
    }
}

/// What was set, by name: the value and where it came from.
pub type Chosen = BTreeMap<&'static str, (String, Origin)>;

impl Sources {
    /// The environment and the settings file in `folder`, with the flags and words of the command line.
    ///
    /// # Errors
    /// When there is a settings file that cannot be read.
    pub fn gather(
        flags: Vec<(String, String)>,
        words: Vec<String>,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let path = folder.join(SETTINGS_FILE);
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                return Err(Failure::usage(format!("{SETTINGS_FILE} cannot be read: {error}")));
            }
        };
        // A variable that is no text is nobody's setting.
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Ok(Self { flags, words, environment, file })
    }

    /// What is set for `command`, each setting by its strongest source.
    ///
    /// # Errors
    /// For a name that is unknown, belongs to another command or is set twice in one place.
    pub fn choose(&self, command: Command) -> Result<Chosen, Failure> {
        let mut chosen = Chosen::new();
        // From the weakest to the strongest: a later one takes the place of an earlier one.
        self.choose_file(command, &mut chosen)?;
        self.choose_environment(command, &mut chosen)?;
        self.choose_words(command, &mut chosen)?;
        for (name, value) in &self.flags {
            let key = known(name, command, &format!("--{}", name.to_ascii_lowercase()))?;
            chosen.insert(key.name, (value.clone(), Origin::Flag));
        }
        Ok(chosen)
    }

    fn choose_words(&self, command: Command, chosen: &mut Chosen) -> Result<(), Failure> {
        let mut seen = Vec::new();
        for word in &self.words {
            let Some((name, value)) = word.split_once('=') else {
                return Err(Failure::usage(format!(
                    "`{word}` is no setting; settings are written KEY=VALUE, as in WORKERS=4"
                )));
            };
            let key = known(name, command, &format!("{name}="))?;
            if seen.contains(&key.name) {
                return Err(Failure::usage(format!("{name} is set twice; keep one")));
            }
            seen.push(key.name);
            chosen.insert(key.name, (value.to_owned(), Origin::Word));
        }
        Ok(())
    }

    fn choose_environment(&self, command: Command, chosen: &mut Chosen) -> Result<(), Failure> {
        let mut set: Vec<(&str, &str)> = Vec::new();
        for (variable, value) in &self.environment {
            // An empty variable is how a shell or a recipe says "not set".
            if value.is_empty() || NOT_SETTINGS.contains(&variable.as_str()) {
                continue;
            }
            if variable == BARE {
                set.insert(0, (BARE, value));
            } else if let Some(name) = variable.strip_prefix(PREFIX) {
                set.push((name, value));
            }
        }
        for (name, value) in set {
            let Some(key) = find(name) else {
                return Err(unknown(name, &format!("environment variable {PREFIX}{name}")));
            };
            // The environment is shared by all commands: what this one does not take is left alone.
            if key.is_taken_by(command) {
                chosen.insert(key.name, (value.to_owned(), Origin::Environment));
            }
        }
        Ok(())
    }

    fn choose_file(&self, command: Command, chosen: &mut Chosen) -> Result<(), Failure> {
        let Some(text) = &self.file else {
            return Ok(());
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let reason = error.message().to_owned();
            Failure::usage(format!("{SETTINGS_FILE} is not valid TOML: {reason}"))
        })?;
        for (name, value) in &table {
            let key = find(&name.to_ascii_uppercase())
                .filter(|_| *name == name.to_ascii_lowercase())
                .ok_or_else(|| unknown(name, &format!("key `{name}` in {SETTINGS_FILE}")))?;
            let text = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(truth) => truth.to_string(),
                _ => {
                    return Err(Failure::usage(format!(
                        "`{name}` in {SETTINGS_FILE} must be a number, a text, true or false"
                    )));
                }
            };
            if key.is_taken_by(command) {
                chosen.insert(key.name, (text, Origin::File));
            }
        }
        Ok(())
    }
}

/// The setting of this name, if `command` takes it.
fn known(name: &str, command: Command, written: &str) -> Result<&'static Key, Failure> {
    let key = find(name).ok_or_else(|| unknown(name, written.trim_end_matches('=')))?;
    if key.is_taken_by(command) {
        return Ok(key);
    }
    let other = if command == Command::Load { "capacity" } else { "load" };
    Err(Failure::usage(format!("{name} is a setting of `plimsoll {other}`, not of this command")))
}

fn unknown(name: &str, written: &str) -> Failure {
    match nearest(name) {
        Some(known) => Failure::usage(format!("unknown setting {written}; did you mean {known}?")),
        None => Failure::usage(format!(
            "unknown setting {written}; `plimsoll config` lists all of them"
        )),
    }
}

/// Every setting that `command` takes, in the order of the table; presets and chance are left to the
/// caller, which knows them.
#[must_use]
pub fn resolve(command: Command, chosen: &Chosen) -> Vec<Resolved> {
    KEYS.iter()
        .filter(|key| key.is_taken_by(command))
        .map(|key| match chosen.get(key.name) {
            Some((value, origin)) => {
                Resolved { key: key.name, value: value.clone(), origin: *origin }
            }
            None => Resolved {
                key: key.name,
                value: key.fallback_text().to_owned(),
                origin: match key.fallback {
                    Fallback::Value(_) | Fallback::Unset => Origin::Default,
                    Fallback::Preset => Origin::Preset,
                    Fallback::Random => Origin::Random,
                },
            },
        })
        .collect()
}
