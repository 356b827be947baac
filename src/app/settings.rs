//! The settings of one command: resolved from all forms, checked once, trusted afterwards.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::bus_settings::{BusSettings, bus};
pub use super::choices::LoadSettings;
use super::choices::{
    LEVELS_WANTED, corpus, listen, load, permissions, repeats, seed, span_or, target, trust,
};
use super::example_api;
use super::keys::{Command, Fallback, KEYS, Key, Takers};
use super::profiles::{ProfileChoice, profile};
use super::sources::{Origin, Texts};
use super::target::Target;
pub use super::values::Resolved;
use super::values::Values;
use crate::campaign::presets::Preset;
use crate::corpus::plan::CorpusPlan;
use crate::live::tls::Trust;
use crate::live::{Pacing, Reuse};
use crate::profile::PermissionsShape;
use crate::report::schema::RunRecord;
use crate::report::signoff::needed_rps;
use crate::report::slo::SloRecord;
use crate::schedule::ArrivalLaw;
use crate::units::{LIMIT_MOST_MS, LoadPercent, Rps};

/// What stderr carries of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Talk {
    /// Progress, notes, cautions, errors.
    Usual,
    /// Cautions and errors.
    Quiet,
}

/// The settings of one command; what the command does not take has its default.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Workers of the system under test, 1 to 1024.
    pub workers: u32,
    /// The system under test.
    pub target: Target,
    /// How to speak to it.
    pub profile: ProfileChoice,
    /// Documents that travel in one request.
    pub batch: u64,
    /// Whom an encrypted connection trusts.
    pub trust: Trust,
    /// Shape of `permissions`; `None` to find it out.
    pub permissions: Option<PermissionsShape>,
    /// What the service must sustain.
    pub goal: Rps,
    /// What it must sustain on top of that.
    pub headroom_ratio: f64,
    /// Limit of indexing response time.
    pub p99_ms: u64,
    /// Share of indexing requests that may fail, strictly between 0 and 1.
    pub error_ratio: f64,
    /// Deadline of an indexing request; for `capacity` at least `p99_ms`.
    pub timeout_ms: u64,
    /// Limit of dashboard response time, where one is judged.
    pub dashboard_p99_ms: Option<u64>,
    /// Share of dashboard queries that may fail, where it is judged.
    pub dashboard_error_ratio: Option<f64>,
    /// Deadline of a dashboard query.
    pub dashboard_timeout_ms: u64,
    /// Whether the search runs with the dashboard queries beside it.
    pub mix: bool,
    /// Dashboard queries on top of indexing.
    pub dashboard: Rps,
    /// Length of a level.
    pub dashboard_s: f64,
    /// The load levels, each once; empty for a search alone.
    pub levels: Vec<LoadPercent>,
    /// Law of soak, levels and `load`.
    pub arrivals: ArrivalLaw,
    /// The search stays above; below `ceiling`.
    pub floor: Rps,
    /// The search stays below; the goal with headroom is within.
    pub ceiling: Rps,
    /// Most connections of a stream.
    pub lanes_max: u32,
    /// Threads that send, at most as many as connections.
    pub threads: u32,
    /// How a sender waits.
    pub pacing: Pacing,
    /// Which idle connection is taken.
    pub reuse: Reuse,
    /// Whether somebody gave `lanes_max`.
    pub lanes_max_is_explicit: bool,
    /// How much care is taken.
    pub preset: Preset,
    /// Whole searches, 1 to 50.
    pub repeats: u32,
    /// Wall time of the whole run.
    pub budget_s: f64,
    /// Seed of arrivals and search.
    pub seed: u64,
    /// Which documents.
    pub corpus: CorpusPlan,
    /// Number of the first document; `None` to go on after the last run.
    pub first_index: Option<u64>,
    /// Where a page follows the run.
    pub ui: Option<SocketAddr>,
    /// Where figures can be read while the run goes on.
    pub metrics: Option<SocketAddr>,
    /// Parent of the run's folder.
    pub out: PathBuf,
    /// Environment variables of the embedded example API, `WORKERS` first.
    pub example_api: Vec<(String, String)>,
    /// The trial of `load`; for `config` when `RPS` is given.
    pub load: Option<LoadSettings>,
    /// Agents on other machines, and what an agent may do.
    pub bus: BusSettings,
    /// What the run is judged by beyond the settings.
    pub slo: Option<SloRecord>,
    /// The run that it asks to be held against; only where a run is measured.
    pub baseline: Option<Arc<RunRecord>>,
    /// Whether stdout carries JSON.
    pub json: bool,
    /// What stderr carries.
    pub talk: Talk,
    /// What the command takes, in the order of the table, with the origin of each.
    pub resolved: Vec<Resolved>,
}

impl Settings {
    /// Reads and checks all settings of `command`; `drawn_seed` counts when no `SEED` is given.
    ///
    /// # Errors
    /// One line that names the first setting that cannot be used, and the cure.
    pub fn resolve(command: Command, texts: &Texts, drawn_seed: u64, json: bool) -> Result<Self> {
        let values = Values::new(texts);
        let presets = [Preset::Quick, Preset::Standard, Preset::Signoff];
        let preset = values.one_of("PRESET", &presets.map(|preset| (preset.name(), preset)))?;
        let effort = preset.effort();
        let repeats = repeats(&values, effort.repeats)?;
        let laws = [ArrivalLaw::Poisson, ArrivalLaw::Stratified, ArrivalLaw::Uniform];
        let workers = values.whole("WORKERS", 1, 1024)?;
        let target = target(&values)?;
        let (profile, batch) = profile(&values, &target)?;
        let trust = trust(command, &values, &target)?;
        let example_api = example_api::variables(&values, &target, workers, command)?;
        let settings = Self {
            workers,
            target,
            profile,
            batch,
            trust,
            permissions: permissions(&values)?,
            goal: values.rate("GOAL_RPS")?,
            headroom_ratio: values.number(
                "HEADROOM_RATIO",
                "a share of at least 0, such as 0.2",
                0.0,
                1e6,
            )?,
            p99_ms: values.whole("P99_MS", 1, LIMIT_MOST_MS)?,
            error_ratio: values.share("ERROR_RATIO")?,
            timeout_ms: values.whole("TIMEOUT_MS", 1, LIMIT_MOST_MS)?,
            dashboard_p99_ms: values.whole_or("DASHBOARD_P99_MS", "none", 1, LIMIT_MOST_MS)?,
            dashboard_error_ratio: values.share_or_none("DASHBOARD_ERROR_RATIO")?,
            dashboard_timeout_ms: values.whole("DASHBOARD_TIMEOUT_MS", 1, LIMIT_MOST_MS)?,
            mix: values.one_of("MIX", &[("true", true), ("false", false)])?,
            dashboard: values.rate("DASHBOARD_RPS")?,
            dashboard_s: span_or(&values, "DASHBOARD_S", effort.level_s)?,
            levels: values.parse("LEVELS", LEVELS_WANTED, LoadPercent::list)?,
            arrivals: values.one_of("ARRIVALS", &laws.map(|law| (law.name(), law)))?,
            floor: values.rate("FLOOR_RPS")?,
            ceiling: values.rate("CEILING_RPS")?,
            lanes_max: values.whole("LANES_MAX", 1, 65_535)?,
            threads: values.whole("THREADS", 1, 64)?,
            pacing: values.one_of("PACE", &[("timer", Pacing::Timer), ("spin", Pacing::Spin)])?,
            reuse: values
                .one_of("POOL", &[("spread", Reuse::Spread), ("last-used", Reuse::LastUsed)])?,
            lanes_max_is_explicit: values.is_given("LANES_MAX"),
            preset,
            repeats,
            budget_s: span_or(&values, "BUDGET_S", effort.budget_of_s(repeats))?,
            seed: seed(&values, drawn_seed)?,
            corpus: corpus(&values)?,
            first_index: values.whole_or("FIRST_INDEX", "auto", 0, u64::MAX)?,
            ui: listen(&values, "UI")?,
            metrics: listen(&values, "METRICS")?,
            out: values.parse("OUT", "the name of a folder", |text| {
                (!text.is_empty()).then(|| PathBuf::from(text))
            })?,
            example_api,
            load: load(command, &values)?,
            bus: bus(command, &values)?,
            // Whoever has read them adds them: see `slo.rs`.
            slo: None,
            baseline: None,
            json,
            talk: Talk::Usual,
            resolved: Vec::new(),
        };
        settings.refuse_contradictions(command)?;
        let resolved = settings.list(command, &values);
        Ok(Self { resolved, ..settings })
    }

    /// Whether stderr carries neither progress nor notes.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.talk == Talk::Quiet
    }

    fn refuse_contradictions(&self, command: Command) -> Result<()> {
        if self.threads > self.lanes_max {
            bail!(
                "THREADS={} needs as many connections; raise LANES_MAX={} or lower THREADS",
                self.threads,
                self.lanes_max
            );
        }
        // `load` and `edge` take neither a goal nor a search, and judge no rate.
        if matches!(command, Command::Load | Command::Edge | Command::Agent) {
            return Ok(());
        }
        let (floor, ceiling) = (self.floor.get(), self.ceiling.get());
        if floor >= ceiling {
            bail!("FLOOR_RPS={floor} must be below CEILING_RPS={ceiling}");
        }
        let needed = needed_rps(self.goal.get(), self.headroom_ratio);
        if needed > ceiling {
            bail!(
                "CEILING_RPS={ceiling} is below GOAL_RPS with HEADROOM_RATIO ({needed}): raise it, or \
                 the goal could never be met"
            );
        }
        at_least("TIMEOUT_MS", self.timeout_ms, "P99_MS", self.p99_ms)?;
        let dashboard_p99_ms = self.dashboard_p99_ms.unwrap_or(0);
        at_least(
            "DASHBOARD_TIMEOUT_MS",
            self.dashboard_timeout_ms,
            "DASHBOARD_P99_MS",
            dashboard_p99_ms,
        )
    }

    fn list(&self, command: Command, values: &Values<'_>) -> Vec<Resolved> {
        // A service behind a URL has none of the example API's settings, not even by default.
        let is_meant =
            |key: &Key| self.target == Target::Embedded || key.takers != Takers::ExampleApi;
        let implied = example_api::implied_engine(values, command);
        KEYS.iter()
            .filter(|key| key.is_taken_by(command) && is_meant(key))
            .map(|key| {
                if let ("ENGINE", Some(engine)) = (key.name, implied) {
                    let (value, origin) = (engine.to_owned(), Origin::Implied);
                    return Resolved { key: key.name, value, origin };
                }
                let given = values.text(key.name).map(|(text, origin)| (text.to_owned(), origin));
                let (value, origin) = given.unwrap_or_else(|| match key.fallback {
                    Fallback::ByPreset if key.name == "BUDGET_S" => {
                        (self.budget_s.to_string(), Origin::Preset)
                    }
                    Fallback::ByPreset if key.name == "REPEATS" => {
                        (self.repeats.to_string(), Origin::Preset)
                    }
                    Fallback::ByPreset => (self.dashboard_s.to_string(), Origin::Preset),
                    Fallback::Random => (self.seed.to_string(), Origin::Random),
                    Fallback::Text(text) => (text.to_owned(), Origin::Default),
                    Fallback::Required => ("none".to_owned(), Origin::Default),
                });
                Resolved { key: key.name, value, origin }
            })
            .collect()
    }
}

/// A deadline below the limit would let no request be seen to miss the limit.
fn at_least(name: &str, timeout_ms: u64, limit: &str, p99_ms: u64) -> Result<()> {
    if timeout_ms < p99_ms {
        bail!("{name}={timeout_ms} must be at least {limit}={p99_ms}; raise it or lower {limit}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sources::Given;

    fn resolve(command: Command, words: &[&str]) -> Result<Settings> {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let texts = Texts::gather(command, &Given { words, ..Given::default() })?;
        Settings::resolve(command, &texts, 7, false)
    }

    #[test]
    fn the_preset_fills_in_what_nobody_gave() {
        let quick = resolve(Command::Capacity, &["PRESET=quick", "BUDGET_S=90"]).expect("settings");
        assert_eq!(quick.dashboard_s.to_string(), "20", "the preset's level");
        assert_eq!(quick.budget_s.to_string(), "90", "the budget that was given");
        let origin = |key| quick.resolved.iter().find(|item| item.key == key).map(|it| it.origin);
        assert_eq!(origin("DASHBOARD_S"), Some(Origin::Preset), "from the preset");
        assert_eq!(origin("BUDGET_S"), Some(Origin::Word), "from the word");
        assert_eq!((quick.seed, origin("SEED")), (7, Some(Origin::Random)), "the drawn seed");
        assert_eq!(origin("RPS"), None, "what the command does not take is not listed");
    }

    #[test]
    fn the_example_api_is_handed_its_workers_and_what_was_given() {
        let settings =
            resolve(Command::Capacity, &["WORKERS=2", "SERVICE_MS=20"]).expect("settings");
        let expected = [("WORKERS", "2"), ("SERVICE_MS", "20")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(settings.example_api, expected, "and no default");
    }

    #[test]
    fn the_engine_that_is_recorded_is_the_one_that_runs() {
        let engine = |command, words: &[&str]| {
            let settings = resolve(command, words).expect("settings");
            let engine = settings.resolved.into_iter().find(|item| item.key == "ENGINE");
            engine.map(|item| (item.value, item.origin)).expect("it is listed")
        };
        let of = |value: &str, origin| (value.to_owned(), origin);
        assert_eq!(engine(Command::Capacity, &[]), of("tantivy", Origin::Default), "by default");
        for word in ["SERVICE_MS=5", "SERVICE_LAW=exp"] {
            let asked = engine(Command::Capacity, &[word]);
            assert_eq!(asked, of("model", Origin::Implied), "{word} is the model's own");
        }
        assert_eq!(engine(Command::Rehearse, &[]), of("model", Origin::Implied), "simulated");
        let named = engine(Command::Capacity, &["ENGINE=compat", "SERVICE_MS=5"]);
        assert_eq!(named, of("compat", Origin::Word), "what is named stays");
    }

    #[test]
    fn a_short_time_out_needs_no_limit_in_load() {
        let settings = resolve(Command::Load, &["RPS=5", "TIMEOUT_MS=500"]).expect("settings");
        assert_eq!(settings.load.map(|load| load.offered), Rps::new(5.0), "the rate");
        assert!(resolve(Command::Capacity, &["TIMEOUT_MS=500"]).is_err(), "P99_MS is 1000");
    }

    #[test]
    fn a_service_behind_a_url_has_no_settings_of_the_example_api() {
        let settings = resolve(Command::Config, &["TARGET=http://[::1]:9"]).expect("settings");
        assert!(settings.resolved.iter().all(|item| item.key != "ENGINE"), "not even by default");
    }
}
