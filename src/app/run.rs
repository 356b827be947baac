//! The folder of a run and what goes into it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::exit::{Exit, Failure};
use super::past::PastRun;
use super::session::Session;
use super::settings::Settings;
use super::slo::anchored;
use super::witness::RunLog;
use crate::campaign::CampaignOutcome;
use crate::corpus::plan::CorpusPlan;
use crate::corpus::sample::body_figures;
use crate::corpus::{CORPUS_VERSION, Corpus};
use crate::files::journal::Journal;
use crate::files::manifest::{environment, tool};
use crate::files::run_dir::RunDir;
use crate::report::artifacts::{Artifact, artifacts};
use crate::report::assemble::RunInputs;
use crate::report::environment::EnvironmentRecord;
use crate::report::record::{JournalLine, RunHeader};
use crate::report::schema::{
    CalibrationRecord, CorpusRecord, RunRecord, RunStamp, SCHEMA_VERSION, SettingRecord,
    TargetRecord,
};
use crate::report::signoff::Terms;
use crate::report::verification::VerificationRecord;
use crate::search::finding::Finding;
use crate::term::complain;

/// The run's folder, and what was known when it was made.
#[derive(Debug)]
pub struct Run {
    dir: RunDir,
    started_utc: String,
    environment: EnvironmentRecord,
    settings: BTreeMap<String, SettingRecord>,
    target: TargetRecord,
    calibration: Option<CalibrationRecord>,
    /// What the run had measured before it was broken off.
    past: Option<PastRun>,
}

impl Run {
    /// A new run, whose folder has just been made.
    #[must_use]
    pub fn begin(
        settings: &Settings,
        session: &Session,
        calibration: Option<CalibrationRecord>,
        dir: RunDir,
    ) -> Self {
        if let Some(problem) = dir.latest_problem() {
            complain(&format!("caution: {problem}"));
        }
        Self::of(settings, session, calibration, dir, None)
    }

    /// The folder of a run that was broken off, to go on with it.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn go_on(past: PastRun, settings: &Settings, session: &Session) -> Result<Self, Failure> {
        let dir =
            RunDir::reopen(&past.folder).map_err(|error| Failure::new(Exit::Results, error))?;
        Ok(Self::of(settings, session, None, dir, Some(past)))
    }

    fn of(
        settings: &Settings,
        session: &Session,
        calibration: Option<CalibrationRecord>,
        dir: RunDir,
        past: Option<PastRun>,
    ) -> Self {
        // A broken run goes on under the limit that it had begun with.
        let known = past.as_ref().map(|past| past.header.calibration);
        let started_utc = past
            .as_ref()
            .map_or_else(|| dir.stamp().rfc3339(), |past| past.header.started_utc.clone());
        Self {
            started_utc,
            dir,
            environment: environment(session.file_limits),
            settings: setting_records(settings),
            target: TargetRecord {
                profile: settings.profile.name().to_owned(),
                url: session.base_url.clone(),
                command: session.command(),
                workers: Some(u64::from(settings.workers)),
                server: session.server.clone(),
                permissions: session.ready.shape.name().to_owned(),
                base_ms: session.ready.base_ms,
            },
            calibration: known.unwrap_or(calibration),
            past,
        }
    }

    /// Rate that the generator reached against a server that does nothing.
    #[must_use]
    pub fn generator_rps(&self) -> Option<f64> {
        let found = self.calibration.and_then(|calibration| calibration.ceiling_rps);
        // A broken run goes on under the limit that it had begun with.
        self.past.as_ref().map_or(found, |past| past.header.generator_rps)
    }

    /// The run's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// Its name; that of a broken run stays, wherever its folder lies by now.
    fn id(&self) -> &str {
        self.past.as_ref().map_or_else(|| self.dir.id(), |past| past.header.id.as_str())
    }

    /// What the generator can do on this machine.
    #[must_use]
    pub const fn calibration(&self) -> Option<CalibrationRecord> {
        self.calibration
    }

    /// What it had measured before it was broken off.
    #[must_use]
    pub const fn past(&self) -> Option<&PastRun> {
        self.past.as_ref()
    }

    /// The journal: a new one with its first line, or the one that is gone on with.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn journal(&self, settings: &Settings) -> Result<Journal, Failure> {
        let failed = |error| Failure::new(Exit::Results, error);
        if let Some(past) = &self.past {
            return Journal::reopen(&self.dir, past.torn_bytes).map_err(failed);
        }
        let mut journal = Journal::create(&self.dir).map_err(failed)?;
        let header = RunHeader {
            schema_version: SCHEMA_VERSION.to_owned(),
            id: self.id().to_owned(),
            started_utc: self.started_utc.clone(),
            seed: settings.seed,
            generator_rps: self.generator_rps(),
            calibration: self.calibration,
            slo: settings.slo.as_ref().map(anchored).map(Box::new),
            settings: self.settings.clone(),
        };
        journal.append(&JournalLine::Run(header)).map_err(failed)?;
        Ok(journal)
    }

    /// What is known of the run beside its measurements.
    #[must_use]
    pub fn sketch(&self, settings: &Settings) -> Sketch {
        Sketch {
            id: self.id().to_owned(),
            started_utc: self.started_utc.clone(),
            seed: settings.seed,
            environment: self.environment.clone(),
            target: self.target.clone(),
            settings: self.settings.clone(),
            terms: terms(settings),
            batch: settings.batch,
        }
    }

    /// The result of the run so far.
    #[must_use]
    pub fn assemble(
        &self,
        settings: &Settings,
        wall_s: f64,
        outcome: &CampaignOutcome,
        log: RunLog,
        verification: VerificationRecord,
        session: &Session,
    ) -> RunRecord {
        let corpus = corpus_record(&settings.corpus, session.corpus(), session.numbers_used());
        let sketch = self.sketch(settings);
        let mut record = sketch.record(wall_s, outcome, log, verification, Some(corpus));
        let asked = settings.slo.as_ref().and_then(|slo| slo.regression.as_ref());
        if let (Some(baseline), Some(asked)) = (&settings.baseline, asked) {
            record.hold_against(baseline, asked);
        }
        record
    }

    /// Writes the result and what is made of it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, record: &RunRecord) -> Result<(), Failure> {
        for artifact in artifacts(record) {
            let Artifact { name, text } = artifact.map_err(Failure::internal)?;
            let written = self.dir.write_atomic(name, text.as_bytes());
            written.map_err(|error| Failure::new(Exit::Results, error))?;
        }
        Ok(())
    }
}

/// What is known of a run beside its measurements.
#[derive(Debug, Clone)]
pub struct Sketch {
    id: String,
    started_utc: String,
    seed: u64,
    environment: EnvironmentRecord,
    target: TargetRecord,
    settings: BTreeMap<String, SettingRecord>,
    terms: Terms,
    batch: u64,
}

impl Sketch {
    /// The result with what `log` holds, `wall_s` seconds after the beginning.
    #[must_use]
    pub fn record(
        &self,
        wall_s: f64,
        outcome: &CampaignOutcome,
        log: RunLog,
        verification: VerificationRecord,
        corpus: Option<CorpusRecord>,
    ) -> RunRecord {
        RunRecord::assemble(RunInputs {
            tool: tool(),
            stamp: RunStamp {
                id: self.id.clone(),
                started_utc: self.started_utc.clone(),
                wall_s,
                seed: self.seed,
                interrupted: outcome.ended_by == Some(Finding::Interrupted),
            },
            environment: self.environment.clone(),
            target: self.target.clone(),
            settings: self.settings.clone(),
            corpus,
            outcome,
            verification,
            trials: log.trials,
            recoveries: log.recoveries,
            sums: &log.sums,
            terms: self.terms.clone(),
            batch: self.batch,
        })
    }
}

/// The documents as they stand in the result: `used` are the numbers from the first to behind the last that were
/// reserved.
fn corpus_record(plan: &CorpusPlan, corpus: &Corpus, used: Option<&Range<u64>>) -> CorpusRecord {
    let first = used.map_or(0, |used| used.start);
    let figures = body_figures(corpus, first, SAMPLE_DOCUMENTS.min(plan.numbers() - first));
    CorpusRecord {
        corpus_version: CORPUS_VERSION.to_owned(),
        seed: plan.seed,
        first_index: used.map(|used| used.start),
        next_index: used.map(|used| used.end),
        documents: plan.numbers(),
        hosts: plan.hosts,
        dirs: plan.dirs,
        principals: plan.principals,
        profile_data: plan.profile.name.clone(),
        order: plan.order.name().to_owned(),
        body_mean_bytes: figures.mean_bytes,
        deflate_ratio: figures.deflate_ratio,
        given_up: vec![
            "repeated file names: of real ones 23 to 34 % occur more than once, here none"
                .to_owned(),
        ],
    }
}

/// Bodies behind the figures of the corpus.
const SAMPLE_DOCUMENTS: u64 = 5000;

/// What a run under `settings` is judged by.
#[must_use]
pub fn terms(settings: &Settings) -> Terms {
    Terms {
        goal_rps: settings.goal.get(),
        headroom_ratio: settings.headroom_ratio,
        levels: settings.levels.iter().map(|percent| percent.0).collect(),
        dashboard_p99_ms: settings.dashboard_p99_ms.map(|limit_ms| limit_ms as f64),
        dashboard_error_ratio: settings.dashboard_error_ratio,
        is_p99_only_shown: settings.is_p99_only_shown(),
        slo: settings.slo.clone(),
        // The search was held to the settings, and these to the file.
        not_searched: None,
    }
}

/// The settings as they stand in journal and result.
#[must_use]
pub fn setting_records(settings: &Settings) -> BTreeMap<String, SettingRecord> {
    let records = settings.resolved.iter().map(|setting| {
        let origin = setting.origin.name().to_owned();
        let value = serde_json::Value::String(setting.value.clone());
        (setting.key.to_owned(), SettingRecord { value, origin })
    });
    records.collect()
}
