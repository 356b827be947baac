//! The one table of settings, from which flags, words, variables, file keys and help are made.

use Fallback::{Preset, Random, Unset, Value};
use Scope::{Both, Capacity, ExampleApi, Load};

/// Which commands take a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// `capacity` and `load`.
    Both,
    /// `capacity` alone.
    Capacity,
    /// `load` alone.
    Load,
    /// Both, where the tool starts the example API; handed to it under the same name.
    ExampleApi,
}

/// What a setting is when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// This text.
    Value(&'static str),
    /// Nothing.
    Unset,
    /// What `PRESET` says.
    Preset,
    /// Another one each time; it is printed.
    Random,
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name, in capitals.
    pub name: &'static str,
    /// What it is when nobody sets it.
    pub fallback: Fallback,
    /// Which commands take it.
    pub scope: Scope,
    /// What it means, with its unit.
    pub help: &'static str,
}

/// A command that takes settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The main job.
    Capacity,
    /// One trial at a fixed rate.
    Load,
    /// Shows the settings.
    Config,
}

impl Key {
    /// The flag without its dashes: `P99_MS` is `p99-ms`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }

    /// Whether `command` takes the setting.
    #[must_use]
    pub const fn is_taken_by(&self, command: Command) -> bool {
        match (self.scope, command) {
            (Scope::Both | Scope::ExampleApi, _)
            | (Scope::Capacity, Command::Capacity | Command::Config)
            | (Scope::Load, Command::Load | Command::Config) => true,
            (Scope::Capacity, Command::Load) | (Scope::Load, Command::Capacity) => false,
        }
    }

    /// The default as it is shown.
    #[must_use]
    pub const fn fallback_text(&self) -> &'static str {
        match self.fallback {
            Fallback::Value(value) => value,
            Fallback::Unset => "none",
            Fallback::Preset => "by PRESET",
            Fallback::Random => "random",
        }
    }
}

const fn key(name: &'static str, fallback: Fallback, scope: Scope, help: &'static str) -> Key {
    Key { name, fallback, scope, help }
}

/// Every setting, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key(
        "WORKERS",
        Value("4"),
        Both,
        "workers of the example API that is started; with a TARGET URL a label",
    ),
    key(
        "TARGET",
        Value("embedded"),
        Both,
        "`embedded` (starts the example API) or the base URL of a running API",
    ),
    key("PERMISSIONS", Value("auto"), Both, "shape of `permissions`: auto, object, list"),
    key("GOAL_RPS", Value("200"), Capacity, "documents per second that must be reached"),
    key(
        "HEADROOM_RATIO",
        Value("0"),
        Capacity,
        "the goal must be reached with this share to spare",
    ),
    key("P99_MS", Value("1000"), Both, "sustained: 99 % of the responses within this many ms"),
    key(
        "ERROR_RATIO",
        Value("0.001"),
        Both,
        "sustained: at most this share of requests not accepted",
    ),
    key(
        "TIMEOUT_MS",
        Value("5000"),
        Both,
        "an indexing request is given up this many ms after it was due",
    ),
    key("DASHBOARD_P99_MS", Unset, Capacity, "dashboard p99 that is judged at 100 %, in ms"),
    key(
        "DASHBOARD_ERROR_RATIO",
        Unset,
        Capacity,
        "share of dashboard queries not accepted that is judged at 100 %",
    ),
    key(
        "DASHBOARD_TIMEOUT_MS",
        Value("30000"),
        Both,
        "a dashboard query is given up this many ms after it was due",
    ),
    key("DASHBOARD_RPS", Value("5"), Capacity, "dashboard queries per second during the levels"),
    key("DASHBOARD_S", Preset, Capacity, "length of a level in seconds"),
    key(
        "LEVELS",
        Value("0,50,100,120"),
        Capacity,
        "load levels in percent of the capacity, or `none`",
    ),
    key(
        "ARRIVALS",
        Value("poisson"),
        Both,
        "law of soak, levels and load: poisson, stratified, uniform",
    ),
    key("FLOOR_RPS", Value("1"), Capacity, "the search never goes below this rate"),
    key("CEILING_RPS", Value("100000"), Capacity, "the search never goes above this rate"),
    key("LANES_MAX", Value("4096"), Both, "most connections per stream"),
    key("PRESET", Value("standard"), Capacity, "how much care: quick, standard, signoff"),
    key("BUDGET_S", Preset, Capacity, "wall time of the whole run in seconds"),
    key("SEED", Random, Both, "seed of arrivals and search"),
    key("CORPUS_SEED", Value("1"), Both, "seed of the documents"),
    key(
        "FIRST_INDEX",
        Value("auto"),
        Both,
        "first document number; `auto` goes on where the last run ended",
    ),
    key("OUT", Value("results"), Capacity, "folder that gets a folder for the run"),
    key(
        "ALLOW_REMOTE",
        Value("false"),
        Both,
        "true: a target that is not this machine may be loaded",
    ),
    key("RPS", Unset, Load, "rate of the trial in requests per second (needed)"),
    key("DURATION_S", Value("10"), Load, "length of the trial in seconds"),
    key("WARMUP_S", Value("0"), Load, "seconds of load before the measured part"),
    key("WORKLOAD", Value("index"), Load, "endpoint of the trial: index, dashboard"),
    key(
        "ENGINE",
        Unset,
        ExampleApi,
        "example API: model (known service time) or compat (CPU work)",
    ),
    key(
        "FRONT",
        Unset,
        ExampleApi,
        "example API: pool (keep-alive, a queue) or prefork (one connection a worker)",
    ),
    key("SERVICE_MS", Unset, ExampleApi, "example API: mean service time in ms"),
    key(
        "SERVICE_LAW",
        Unset,
        ExampleApi,
        "example API: law of service times: const, exp, lognormal",
    ),
    key("QUEUE", Unset, ExampleApi, "example API: requests that may wait in front of the workers"),
    key("BACKLOG", Unset, ExampleApi, "example API: connections that may wait to be accepted"),
    key(
        "MAX_REQUESTS",
        Unset,
        ExampleApi,
        "example API: a prefork worker is replaced after so many requests",
    ),
    key("RESTART_MS", Unset, ExampleApi, "example API: how long that takes, in ms"),
    key("STALL_MS", Unset, ExampleApi, "example API: all workers stop for this many ms ..."),
    key("STALL_EVERY_MS", Unset, ExampleApi, "example API: ... in every so many ms"),
];

/// The setting of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The known name that a mistyped one is most like, if any is like it.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let wanted = name.to_ascii_uppercase().replace('-', "_");
    KEYS.iter()
        .map(|key| (strsim::damerau_levenshtein(key.name, &wanted), key.name))
        .filter(|(distance, known)| *distance <= 1 + known.len() / 4)
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_is_recognised_and_a_strange_one_is_not() {
        assert_eq!(nearest("WORKRES"), Some("WORKERS"), "two letters swapped");
        assert_eq!(nearest("workers"), Some("WORKERS"), "small letters");
        assert_eq!(nearest("COLOUR_OF_THE_SEA"), None, "nothing like it");
    }

    #[test]
    fn every_name_is_there_once() {
        for key in KEYS {
            assert_eq!(
                KEYS.iter().filter(|other| other.name == key.name).count(),
                1,
                "{}",
                key.name
            );
        }
    }
}
