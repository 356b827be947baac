//! The sign-off file of a run: found, read, and brought together with the settings.
//!
//! Its values count below everything that somebody gave, so that one more word on the command line is always heard.

use std::fs;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};

use super::keys;
use super::settings::Settings;
use super::sources::{Origin, Texts, shorten};
use crate::files::result_file;
use crate::report::schema::RunRecord;
use crate::report::signoff::again::is_p99_only_shown;
use crate::report::slo::{CAPACITY_PERCENT, DashboardSlo, SloRecord, read};
use crate::units::LoadPercent;

/// The sign-off file that `texts` name; `None` where they name none.
///
/// # Errors
/// When it cannot be read or is none.
pub(super) fn named(texts: &Texts) -> Result<Option<SloRecord>> {
    match texts.get("SLO").map(|text| text.value.as_str()).filter(|text| *text != "none") {
        Some(name) => from_file(Path::new(name)).map(Some),
        None => Ok(None),
    }
}

/// The sign-off file at `path`.
///
/// # Errors
/// When it cannot be read or is none; in one line that names the file.
pub fn from_file(path: &Path) -> Result<SloRecord> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        anyhow!(
            "the sign-off file `{}` cannot be read: {error}; give a file such as slo.toml",
            shorten(&name)
        )
    })?;
    read(&name, &text).map_err(Into::into)
}

/// The run that `slo` asks to be held against; `None` where it asks for none.
///
/// # Errors
/// When its result cannot be read or is none.
pub fn baseline(slo: &SloRecord) -> Result<Option<RunRecord>> {
    let read = |path: PathBuf| {
        result_file::read(&path)
            .map_err(|error| anyhow!("[regression] of {}: {error}", shorten(&slo.file)))
    };
    slo.baseline_path().map(read).transpose()
}

/// The same file for the journal: with a place of its baseline that holds wherever the run is gone on with.
pub(super) fn anchored(slo: &SloRecord) -> SloRecord {
    let place = slo.baseline_path().and_then(|path| absolute(path).ok());
    let mut slo = slo.clone();
    if let (Some(regression), Some(place)) = (&mut slo.regression, place) {
        regression.baseline = place.display().to_string();
    }
    slo
}

/// Sets the keys that `slo` has values for and nobody gave.
pub(super) fn fill_in(slo: Option<&SloRecord>, texts: &mut Texts) {
    let Some(slo) = slo else { return };
    let whole = |value: Option<u64>| value.map(|value| value.to_string());
    let share = |value: Option<f64>| value.map(|value| value.to_string());
    for (name, value) in [
        ("GOAL_RPS", share(slo.goal.index_rps)),
        ("HEADROOM_RATIO", share(slo.goal.headroom_ratio)),
        ("P99_MS", whole(slo.index.p99_ms)),
        ("ERROR_RATIO", share(slo.index.error_ratio)),
        ("TIMEOUT_MS", whole(slo.index.timeout_ms)),
    ] {
        if let (Some(key), Some(value)) = (keys::find(name), value) {
            texts.put(key, value, Origin::Slo);
        }
    }
}

impl Settings {
    /// These settings with what `slo` asks beyond them.
    ///
    /// # Errors
    /// When it judges a level that will not be measured, or a time-out hides what it asks for.
    pub(super) fn with_slo(self, slo: Option<SloRecord>) -> Result<Self> {
        if let Some(slo) = &slo {
            self.refuse_unmeasured(slo)?;
        }
        Ok(Self { slo, ..self })
    }

    /// These settings with the run that their sign-off file asks to be held against: read before any load, so that
    /// nothing is measured for a baseline that is not there, and only where something is measured.
    ///
    /// # Errors
    /// When the baseline cannot be read.
    pub(super) fn with_baseline(self) -> Result<Self> {
        let baseline = self.slo.as_ref().map(baseline).transpose()?.flatten().map(Arc::new);
        Ok(Self { baseline, ..self })
    }

    fn refuse_unmeasured(&self, slo: &SloRecord) -> Result<()> {
        let levels = slo.levels();
        let missing = levels.iter().find(|percent| !self.levels.contains(&LoadPercent(**percent)));
        if let Some(percent) = missing {
            let own: Vec<String> = self.levels.iter().map(|level| level.0.to_string()).collect();
            let own = if own.is_empty() { "none".to_owned() } else { own.join(",") };
            bail!(
                "{} judges the level {percent} %, which is not among LEVELS={own}; add it to LEVELS",
                slo.file
            );
        }
        let timeout_ms = self.dashboard_timeout_ms;
        let is_hidden = |limits: &&DashboardSlo| limits.p99_ms.is_some_and(|ms| ms > timeout_ms);
        if let Some(limits) = slo.dashboard.iter().find(is_hidden) {
            bail!(
                "DASHBOARD_TIMEOUT_MS={timeout_ms} is below p99_ms of [dashboard.\"{}%\"] in {}; raise it or \
                 lower that limit",
                limits.load_percent,
                slo.file
            );
        }
        Ok(())
    }

    /// Whether a dashboard p99 of the sign-off file is shown and not judged: see [`is_p99_only_shown`].
    pub(super) fn is_p99_only_shown(&self) -> bool {
        is_p99_only_shown(self.preset.name(), self.dashboard.get() * self.dashboard_s)
    }

    fn at_capacity(&self) -> DashboardSlo {
        let limits = self.slo.as_ref().and_then(|slo| slo.dashboard_at(CAPACITY_PERCENT));
        limits.copied().unwrap_or_default()
    }

    /// The limit of the dashboard's p99 that a search beside it is held to; the explicit one first.
    pub(super) fn mixed_p99_ms(&self) -> Option<u64> {
        let of_file = self.at_capacity().p99_ms.filter(|_| !self.is_p99_only_shown());
        self.dashboard_p99_ms.or(of_file)
    }

    /// The share of failing queries that a search beside the dashboard is held to; the explicit one first.
    pub(super) fn mixed_error_ratio(&self) -> Option<f64> {
        self.dashboard_error_ratio.or(self.at_capacity().error_ratio)
    }
}
