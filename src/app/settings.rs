//! The settings of a run, each checked: what the rest of the program relies on.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use super::exit::Failure;
use super::keys::{Command, KEYS, Scope};
use super::sources::{Chosen, Origin, Resolved, Sources, resolve};
use super::values::{Values, example_api_value, load_percents, target_of};
use crate::campaign::presets::Preset;
use crate::profile::PermissionsShape;
use crate::schedule::ArrivalLaw;
use crate::trial::Workload;
use crate::units::{LoadPercent, Rps};

/// Most workers of the example API.
const WORKERS_MAX: u64 = 1024;
/// Most connections of a stream: more do not fit into the ports of one address.
const LANES_LIMIT: u64 = 60_000;
/// A time-out or a limit of at most an hour: that is what the histograms hold.
const LONGEST_MS: u64 = 3_600_000;
/// A trial or a run of at most a week.
const LONGEST_S: f64 = 604_800.0;

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The example API, started by the tool.
    Embedded,
    /// A running API.
    Url(BaseUrl),
}

/// The base URL of a running API, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    /// As text.
    pub text: String,
    /// Whether it is this machine.
    pub is_loopback: bool,
}

/// What `load` needs beside the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadSettings {
    /// Rate of the trial.
    pub offered: Rps,
    /// Its length in seconds.
    pub duration_s: f64,
    /// Seconds of load before.
    pub warmup_s: f64,
    /// Its endpoint.
    pub workload: Workload,
}

/// All settings of a run; names and units as in the table of settings.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "the settings table documents every one of them")]
pub struct Settings {
    pub workers: u32,
    pub target: Target,
    pub permissions: Option<PermissionsShape>,
    pub goal: Rps,
    pub headroom_ratio: f64,
    pub p99_ms: u64,
    pub error_ratio: f64,
    pub timeout_ms: u64,
    pub dashboard_p99_ms: Option<u64>,
    pub dashboard_error_ratio: Option<f64>,
    pub dashboard_timeout_ms: u64,
    pub dashboard: Rps,
    pub dashboard_s: f64,
    pub levels: Vec<LoadPercent>,
    pub arrivals: ArrivalLaw,
    pub floor: Rps,
    pub ceiling: Rps,
    pub lanes_max: u32,
    pub lanes_max_is_explicit: bool,
    pub preset: Preset,
    pub budget_s: f64,
    pub seed: u64,
    pub corpus_seed: u64,
    pub first_index: Option<u64>,
    pub out: PathBuf,
    /// Environment of the example API where the tool starts it.
    pub example_api: Vec<(String, String)>,
    /// What `load` needs; `None` for the other commands, and where no rate is given.
    pub load: Option<LoadSettings>,
    /// Only JSON on stdout.
    pub json: bool,
    /// Every setting with its origin, for the result and for `config`.
    pub resolved: Vec<Resolved>,
}

impl Settings {
    /// The settings that `sources` say for `command`.
    ///
    /// # Errors
    /// One line that names the setting and the cure.
    pub fn new(command: Command, sources: &Sources, json: bool) -> Result<Self, Failure> {
        let chosen = sources.choose(command)?;
        let mut settings = Self::read(&chosen, json)?;
        settings.check()?;
        settings.load = load_settings(command, Values::new(&chosen))?;
        settings.example_api = settings.example_api_variables(&chosen)?;
        settings.resolved = settings.resolved_for(command, &chosen);
        Ok(settings)
    }

    /// Whether the target runs on this machine.
    #[must_use]
    pub const fn target_is_local(&self) -> bool {
        match &self.target {
            Target::Embedded => true,
            Target::Url(url) => url.is_loopback,
        }
    }

    fn read(chosen: &Chosen, json: bool) -> Result<Self, Failure> {
        let values = Values::new(chosen);
        let preset = values.one_of(
            "PRESET",
            &[
                ("quick", Preset::Quick),
                ("standard", Preset::Standard),
                ("signoff", Preset::Signoff),
            ],
        )?;
        let effort = preset.effort();
        let permissions = [
            ("auto", None),
            ("object", Some(PermissionsShape::Object)),
            ("list", Some(PermissionsShape::List)),
        ];
        let laws = [ArrivalLaw::Poisson, ArrivalLaw::Stratified, ArrivalLaw::Uniform];
        let longest_ms = 1..=LONGEST_MS;
        Ok(Self {
            workers: values.small("WORKERS", 1..=WORKERS_MAX)?,
            target: target_of(&values.text("TARGET"), values.truth("ALLOW_REMOTE")?)?,
            permissions: values.one_of("PERMISSIONS", &permissions)?,
            goal: values.rate("GOAL_RPS")?,
            headroom_ratio: values.number("HEADROOM_RATIO", 0.0, 100.0)?,
            p99_ms: values.whole("P99_MS", longest_ms.clone())?,
            error_ratio: values.share("ERROR_RATIO")?,
            timeout_ms: values.whole("TIMEOUT_MS", longest_ms.clone())?,
            dashboard_p99_ms: values
                .if_set("DASHBOARD_P99_MS", |name| values.whole(name, longest_ms.clone()))?,
            dashboard_error_ratio: values
                .if_set("DASHBOARD_ERROR_RATIO", |name| values.share(name))?,
            dashboard_timeout_ms: values.whole("DASHBOARD_TIMEOUT_MS", longest_ms)?,
            dashboard: values.rate("DASHBOARD_RPS")?,
            dashboard_s: values
                .if_set("DASHBOARD_S", |name| values.number(name, 1.0, LONGEST_S))?
                .unwrap_or(effort.level_s),
            levels: load_percents(&values.text("LEVELS"))?,
            arrivals: values.one_of("ARRIVALS", &laws.map(|law| (law.name(), law)))?,
            floor: values.rate("FLOOR_RPS")?,
            ceiling: values.rate("CEILING_RPS")?,
            lanes_max: values.small("LANES_MAX", 1..=LANES_LIMIT)?,
            lanes_max_is_explicit: chosen.contains_key("LANES_MAX"),
            preset,
            budget_s: values
                .if_set("BUDGET_S", |name| values.number(name, 1.0, LONGEST_S))?
                .unwrap_or(effort.budget_s),
            seed: values
                .if_set("SEED", |name| values.whole(name, 0..=u64::MAX))?
                // The hasher of a map is keyed by the system's own chance.
                .unwrap_or_else(|| RandomState::new().hash_one(0_u8) >> 11),
            corpus_seed: values.whole("CORPUS_SEED", 0..=u64::MAX)?,
            first_index: if values.text("FIRST_INDEX") == "auto" {
                None
            } else {
                Some(values.whole("FIRST_INDEX", 0..=u64::MAX)?)
            },
            out: PathBuf::from(values.text("OUT")),
            example_api: Vec::new(),
            load: None,
            json,
            resolved: Vec::new(),
        })
    }

    /// What single values cannot show: that they contradict each other.
    fn check(&self) -> Result<(), Failure> {
        let goal_rps = self.goal.get() * (1.0 + self.headroom_ratio);
        let complaint = if self.floor >= self.ceiling {
            format!(
                "FLOOR_RPS={} must be below CEILING_RPS={}",
                self.floor.get(),
                self.ceiling.get()
            )
        } else if goal_rps > self.ceiling.get() {
            format!(
                "the goal of {goal_rps}/s (GOAL_RPS with HEADROOM_RATIO) lies above CEILING_RPS={}: raise the ceiling or lower the goal",
                self.ceiling.get()
            )
        } else if self.timeout_ms < self.p99_ms {
            format!(
                "TIMEOUT_MS={} is below P99_MS={}: a request would be given up before it is slow; raise TIMEOUT_MS",
                self.timeout_ms, self.p99_ms
            )
        } else if self.dashboard_p99_ms.is_some_and(|p99_ms| self.dashboard_timeout_ms < p99_ms) {
            "DASHBOARD_TIMEOUT_MS is below DASHBOARD_P99_MS: a query would be given up before it is slow; raise it".to_owned()
        } else {
            return Ok(());
        };
        Err(Failure::usage(complaint))
    }

    /// The environment of the example API: what was set for it, and its workers.
    fn example_api_variables(&self, chosen: &Chosen) -> Result<Vec<(String, String)>, Failure> {
        let mut variables = vec![("WORKERS".to_owned(), self.workers.to_string())];
        for key in KEYS.iter().filter(|key| key.scope == Scope::ExampleApi) {
            let Some((value, _)) = chosen.get(key.name) else {
                continue;
            };
            if self.target != Target::Embedded {
                return Err(Failure::usage(format!(
                    "{} is a setting of the example API that the tool starts, and TARGET is a running one: leave one of the two out",
                    key.name
                )));
            }
            example_api_value(key.name, value)?;
            variables.push((key.name.to_owned(), value.clone()));
        }
        Ok(variables)
    }

    /// The settings as they are shown, with what presets and chance have put in.
    fn resolved_for(&self, command: Command, chosen: &Chosen) -> Vec<Resolved> {
        let mut resolved = resolve(command, chosen);
        for setting in &mut resolved {
            match (setting.key, setting.origin) {
                ("DASHBOARD_S", Origin::Preset) => setting.value = self.dashboard_s.to_string(),
                ("BUDGET_S", Origin::Preset) => setting.value = self.budget_s.to_string(),
                ("SEED", Origin::Random) => setting.value = self.seed.to_string(),
                _ => {}
            }
        }
        resolved
    }
}

fn load_settings(command: Command, values: Values<'_>) -> Result<Option<LoadSettings>, Failure> {
    let offered = values.if_set("RPS", |name| values.rate(name))?;
    let workloads =
        [Workload::Index, Workload::Dashboard].map(|workload| (workload.name(), workload));
    let duration_s = values.number("DURATION_S", 0.1, LONGEST_S)?;
    let warmup_s = values.number("WARMUP_S", 0.0, LONGEST_S)?;
    let workload = values.one_of("WORKLOAD", &workloads)?;
    match offered {
        None if command == Command::Load => {
            Err(Failure::usage("RPS is missing: say at which rate, as in RPS=100"))
        }
        offered => {
            Ok(offered.map(|offered| LoadSettings { offered, duration_s, warmup_s, workload }))
        }
    }
}
