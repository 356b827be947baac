//! The one table of settings: name, default, meaning, and which commands take each.
//!
//! Flags, `KEY=VALUE` words, environment variables and the file all come from it, so that no form can
//! know a name that another does not.

use std::fmt;

use super::target::PUBLISHED_IMAGE;
use Takers::{Agent, Both, Capacity, ExampleApi, Load};

/// A command that takes settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Find the capacity.
    Capacity,
    /// The capacity of several numbers of workers.
    Scale,
    /// The same in virtual time.
    Rehearse,
    /// One trial at a fixed rate.
    Load,
    /// Print the settings.
    Config,
    /// Other criteria over the trials of a finished run.
    Rejudge,
    /// Documents, or what they look like.
    Corpus,
    /// What the target makes of edge documents.
    Edge,
    /// This machine sends for runs of others.
    Agent,
}

impl Command {
    /// As it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Capacity => "capacity",
            Self::Scale => "scale",
            Self::Rehearse => "rehearse",
            Self::Load => "load",
            Self::Config => "config",
            Self::Rejudge => "rejudge",
            Self::Corpus => "corpus",
            Self::Edge => "edge",
            Self::Agent => "agent",
        }
    }

    /// Whether it takes a while and shows how it goes on.
    #[must_use]
    pub const fn measures(self) -> bool {
        matches!(self, Self::Capacity | Self::Scale | Self::Load | Self::Agent)
    }
}

/// What a setting is when nobody gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fallback {
    /// This text.
    Text(&'static str),
    /// The figure of the preset.
    ByPreset,
    /// Drawn for each run.
    Random,
    /// Nothing: the command needs it.
    Required,
}

impl fmt::Display for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(text) => text,
            Self::ByPreset => "by preset",
            Self::Random => "random",
            Self::Required => "none, must be given",
        })
    }
}

/// Who takes a setting; `config` takes them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takers {
    /// `capacity` and `load`.
    Both,
    /// `capacity` alone.
    Capacity,
    /// `load` alone.
    Load,
    /// `agent` alone.
    Agent,
    /// `capacity` and `load`, to hand it to the embedded example API when it is given.
    ExampleApi,
}

/// What `scale` takes as a list.
pub(super) const WORKERS: &str = "WORKERS";
/// What `scale` does without, unless it is asked for.
pub(super) const LEVELS: &str = "LEVELS";

/// The settings that a finished run can be judged by once more.
const CRITERIA: &[&str] = &["GOAL_RPS", "HEADROOM_RATIO", "P99_MS", "ERROR_RATIO"];

/// The settings that fix documents.
const DOCUMENTS: &[&str] = &[
    "CORPUS_SEED",
    "PROFILE_DATA",
    "HOSTS",
    "DIRS",
    "PRINCIPALS",
    "DOMAIN",
    "ORDER",
    "PERMISSIONS",
];

/// What `edge` takes besides the settings of documents and of the example API.
const EDGE: &[&str] = &[
    "WORKERS",
    "TARGET",
    "PROFILE",
    "LAUNCH",
    "IMAGE",
    "CA",
    "INSECURE",
    "FIRST_INDEX",
    "ALLOW_REMOTE",
];

/// What `agent` takes besides its own.
const AGENT: &[&str] = &["NATS", "CA", "INSECURE"];
/// What a run in virtual time, over in a second, has no use for.
const NOT_REHEARSED: &[&str] = &["UI", "METRICS", "AGENTS", "NATS", "CLOCK_ERROR_MS"];

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// As in `KEY=VALUE`.
    pub name: &'static str,
    /// The value when nobody gave one.
    pub fallback: Fallback,
    /// Who takes it.
    pub takers: Takers,
    /// One line, with the unit.
    pub help: &'static str,
}

impl Key {
    /// Whether `command` takes this setting.
    #[must_use]
    pub fn is_taken_by(&self, command: Command) -> bool {
        match command {
            Command::Capacity | Command::Scale => !matches!(self.takers, Load | Agent),
            Command::Rehearse => {
                !matches!(self.takers, Load | Agent) && !NOT_REHEARSED.contains(&self.name)
            }
            Command::Load => !matches!(self.takers, Capacity | Agent),
            Command::Agent => self.takers == Agent || AGENT.contains(&self.name),
            Command::Config => true,
            Command::Rejudge => CRITERIA.contains(&self.name),
            Command::Corpus => DOCUMENTS.contains(&self.name),
            Command::Edge => {
                self.takers == Takers::ExampleApi
                    || DOCUMENTS.contains(&self.name)
                    || EDGE.contains(&self.name)
            }
        }
    }

    /// What it is for `command` when nobody gave it.
    #[must_use]
    pub fn fallback_of(&self, command: Command) -> Fallback {
        match (command, self.name) {
            (Command::Scale, WORKERS) => Fallback::Text("1,2,4,8"),
            // The dashboard is a matter of each service, not of how it grows.
            (Command::Scale, LEVELS) => Fallback::Text("none"),
            _ => self.fallback,
        }
    }

    /// As in `--key value`, without the dashes.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.to_ascii_lowercase().replace('_', "-")
    }

    /// As in `plimsoll.toml`.
    #[must_use]
    pub fn file_key(&self) -> String {
        self.name.to_ascii_lowercase()
    }
}

/// The setting of this name, exactly as in `KEY=VALUE`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The setting whose name is most like `name`, whatever its case and separators; `None` when no name
/// is like it.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static Key> {
    let wanted = name.trim_start_matches('-').to_ascii_uppercase().replace('-', "_");
    // Below this likeness a suggestion confuses more than it helps; WORKRES and WORKERS have 0.97.
    let likeness_least = 0.8;
    KEYS.iter()
        .map(|key| (strsim::jaro_winkler(&wanted, key.name), key))
        .filter(|(likeness, _)| *likeness >= likeness_least)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, key)| key)
}

const fn key(name: &'static str, default: &'static str, takers: Takers, help: &'static str) -> Key {
    Key { name, fallback: Fallback::Text(default), takers, help }
}

const fn special(
    name: &'static str,
    fallback: Fallback,
    takers: Takers,
    help: &'static str,
) -> Key {
    Key { name, fallback, takers, help }
}

/// Every setting, in the order in which they are shown.
// One line each: it reads as the table that it is.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("WORKERS", "4", Both, "workers of the system under test (1 to 1024), for scale a list; a label when TARGET is a URL"),
    key("TARGET", "embedded", Both, "embedded: start the example API; docker: a container of IMAGE; or the base URL of a running service"),
    key("PROFILE", "example-api", Both, "how to speak to TARGET: example-api, opensearch, elasticsearch, or http (templates)"),
    key("HTTP", "none", Both, "templates of PROFILE=http: the section [http] of plimsoll.toml"),
    key("BATCH", "1", Both, "documents in one bulk request of a search engine (1 to 10000); 1: single documents"),
    key("LAUNCH", "none", Both, "start command of the target, with {port} and perhaps {workers}; no shell; it is recorded, so no secrets"),
    key("IMAGE", PUBLISHED_IMAGE, Both, "image of TARGET=docker; it is handed WORKERS and listens on 1234"),
    key("CA", "none", Both, "file with the certificates that an https target's is signed by (PEM), instead of the system's"),
    key("INSECURE", "false", Both, "true: take any certificate of an https target"),
    key("PERMISSIONS", "auto", Both, "shape of `permissions` in documents: auto, object or list"),
    key("GOAL_RPS", "200", Capacity, "documents per second that the service must sustain"),
    key("HEADROOM_RATIO", "0", Capacity, "share on top of GOAL_RPS that it must sustain too: 0.2 is 20 % more"),
    key("P99_MS", "1000", Both, "limit of the 99th percentile of indexing response time, in milliseconds"),
    key("ERROR_RATIO", "0.001", Capacity, "share of indexing requests that may fail, between 0 and 1"),
    key("TIMEOUT_MS", "5000", Both, "an indexing request has failed so many milliseconds after it was due"),
    key("DASHBOARD_P99_MS", "none", Capacity, "limit of the 99th percentile of dashboard response time, in milliseconds"),
    key("DASHBOARD_ERROR_RATIO", "none", Capacity, "share of dashboard queries that may fail, between 0 and 1"),
    key("DASHBOARD_TIMEOUT_MS", "30000", Both, "a dashboard query has failed so many milliseconds after it was due"),
    key("MIX", "false", Capacity, "true: search with the dashboard queries beside it, and judge both"),
    key("DASHBOARD_RPS", "5", Capacity, "dashboard queries per second, on top of indexing"),
    special("DASHBOARD_S", Fallback::ByPreset, Capacity, "length of each load level, in seconds"),
    key("LEVELS", "0,50,100,120", Capacity, "load levels in percent of the capacity found; none: search only"),
    key("ARRIVALS", "poisson", Both, "law of the arrivals: poisson, stratified or uniform"),
    key("FLOOR_RPS", "1", Capacity, "the search never goes below, in documents per second"),
    key("CEILING_RPS", "100000", Capacity, "the search never goes above, in documents per second"),
    key("LANES_MAX", "4096", Both, "most connections of a stream (1 to 65535)"),
    key("THREADS", "1", Both, "threads that send; more than one only where one cannot offer the rate"),
    key("PACE", "timer", Both, "how the sender waits: timer (sleeps) or spin (exact to a few microseconds, takes a core)"),
    key("POOL", "spread", Both, "which idle connection is taken: spread (in turn) or last-used"),
    key("PRESET", "standard", Capacity, "care taken: quick (5 minutes), standard (20), signoff (2 hours)"),
    special("REPEATS", Fallback::ByPreset, Capacity, "whole searches, one after the other (1 to 50): signoff 3, otherwise 1"),
    special("BUDGET_S", Fallback::ByPreset, Capacity, "wall time of the whole run, in seconds; by preset and REPEATS"),
    special("SEED", Fallback::Random, Both, "seed of arrivals and search, a whole number"),
    key("CORPUS_SEED", "1", Both, "seed of the documents, a whole number"),
    key("PROFILE_DATA", "share", Both, "kinds and sizes of files: share, docs, desktop2004, or a file of `corpus --fit`"),
    key("HOSTS", "32", Both, "file servers that documents lie on"),
    key("DIRS", "10000", Both, "directories that they lie in (8 to 200000)"),
    key("PRINCIPALS", "400", Both, "users and groups in their permissions (1 to 496)"),
    key("DOMAIN", "2^30", Both, "how many documents there are: 2^24 (short names), 2^30 or 2^36"),
    key("ORDER", "mixed", Both, "mixed: each document anywhere; crawl: directory by directory"),
    key("FIRST_INDEX", "auto", Both, "number of the first document; auto: go on after the last run"),
    key("SLO", "none", Capacity, "sign-off file, such as slo.toml: what the run is judged by; sets the keys of the same meaning that nobody gave"),
    key("OUT", "results", Capacity, "folder that the folder of the run is made in"),
    key("UI", "none", Capacity, "address of a page that follows the run while it goes on, such as 127.0.0.1:5680"),
    key("METRICS", "none", Both, "address for Prometheus to read figures at while the run goes on, such as 127.0.0.1:9464"),
    key("ALLOW_REMOTE", "false", Both, "true: also load a service that is not on this machine, and let others watch"),
    key("AGENTS", "none", Capacity, "machines that send together, each running `plimsoll agent`; none: this one sends alone"),
    key("NATS", "none", Capacity, "bus on which agents and coordinator meet, such as nats://127.0.0.1:4222 (NATS_TOKEN, NATS_NKEY, NATS_CREDS, NATS_CA in the environment)"),
    key("CLOCK_ERROR_MS", "5", Capacity, "the most that the clock of an agent may be unsure by, in milliseconds"),
    key("ALLOW_TARGET", "none", Agent, "what this agent may be sent against: host:port or host:*, several with commas"),
    key("NAME", "auto", Agent, "what this agent is called in results"),
    key("CLOCK_AHEAD_MS", "0", Agent, "what this agent adds to its clock, to try out how that is taken, in milliseconds"),
    key("ENGINE", "tantivy", ExampleApi, "example API: tantivy (a search engine inside), model (workers sleep; implied by SERVICE_MS and STALL_MS) or compat (workers burn CPU)"),
    key("FRONT", "pool", ExampleApi, "example API: pool (keep-alive, one queue) or prefork (as gunicorn)"),
    key("QUERY_WORKERS", "0", ExampleApi, "example API: workers for queries alone; 0: the same as for indexing"),
    key("ACK_MS", "4", ExampleApi, "example API, tantivy: how long a worker waits for a replica that there is not, in milliseconds"),
    key("REFRESH_MS", "1000", ExampleApi, "example API, tantivy: how long until a document can be searched, in milliseconds"),
    key("DURABILITY", "request", ExampleApi, "example API, tantivy: request (synced before the answer) or async (within 5 s)"),
    key("DATA", "none", ExampleApi, "example API, tantivy: folder that keeps its documents; none: a temporary one"),
    key("FAULT", "none", ExampleApi, "example API: faults on purpose, such as error:0.01,stall:5000/500 (example-api --help lists them)"),
    key("SERVICE_MS", "10", ExampleApi, "example API: mean service time, in milliseconds"),
    key("SERVICE_LAW", "const", ExampleApi, "example API: spread of service times: const, exp or lognormal"),
    key("QUEUE", "1000", ExampleApi, "example API: requests that may wait for a worker of the pool"),
    key("BACKLOG", "2048", ExampleApi, "example API: connections that the kernel may hold"),
    key("MAX_REQUESTS", "2000", ExampleApi, "example API: requests until a prefork worker is replaced; 0: never"),
    key("RESTART_MS", "300", ExampleApi, "example API: length of that replacement, in milliseconds"),
    key("STALL_MS", "0", ExampleApi, "example API: length of each standstill, in milliseconds"),
    key("STALL_EVERY_MS", "0", ExampleApi, "example API: period of the standstills, in milliseconds"),
    special("RPS", Fallback::Required, Load, "documents or queries offered per second"),
    key("DURATION_S", "10", Load, "length of the measured part, in seconds"),
    key("WARMUP_S", "0", Load, "load before the measured part, in seconds"),
    key("WORKLOAD", "index", Load, "what is called: index (insert documents) or dashboard (query)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_there_once() {
        for (position, key) in KEYS.iter().enumerate() {
            let first = KEYS.iter().position(|other| other.name == key.name);
            assert_eq!(first, Some(position), "{} stands twice", key.name);
        }
    }

    #[test]
    fn a_slip_of_the_keyboard_finds_the_setting_that_was_meant() {
        let slips = [
            ("WORKRES", "WORKERS"),
            ("workers", "WORKERS"),
            ("p99-ms", "P99_MS"),
            ("P99", "P99_MS"),
            ("GOAL", "GOAL_RPS"),
            ("BUGDET_S", "BUDGET_S"),
        ];
        for (slip, meant) in slips {
            assert_eq!(nearest(slip).map(|key| key.name), Some(meant), "{slip}");
        }
        assert_eq!(nearest("ZZZ"), None, "nothing is like ZZZ");
    }
}
