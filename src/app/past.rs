//! A run of the past, read from its journal: what it was asked, what it measured, where it stood.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};

use super::exit::Failure;
use super::keys::Command;
use super::settings::Settings;
use super::sources::{Given, Origin, Texts};
use crate::campaign::{Campaign, Step};
use crate::files::journal;
use crate::report::record::{JournalLine, RecoveryRecord, RunHeader, TrialRecord};
use crate::search::Standing;
use crate::search::finding::Finding;
use crate::trial::evidence::Observation;
use crate::trial::result::Recovery;
use crate::trial::{StopCause, TrialId, TrialPlan, Workload};
use crate::units::Rps;

/// A run as its journal has it.
#[derive(Debug)]
pub struct PastRun {
    /// Its folder.
    pub folder: PathBuf,
    /// What it was asked.
    pub header: RunHeader,
    /// Its trials and recoveries, in their order.
    pub lines: Vec<JournalLine>,
    /// Bytes of a last line that a crash tore.
    pub torn_bytes: u64,
}

impl PastRun {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// When there is no journal, it is not of this tool, or of another major version of it.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let journal = journal::read(folder).map_err(Failure::usage)?;
        let mut lines = journal.lines.into_iter();
        let Some(JournalLine::Run(header)) = lines.next() else {
            let error =
                anyhow!("{} does not begin as a journal of plimsoll does", folder.display());
            return Err(Failure::usage(error));
        };
        let folder = folder.to_owned();
        Ok(Self { folder, header, lines: lines.collect(), torn_bytes: journal.torn_bytes })
    }

    /// Its settings, with `changed` in place of its own.
    ///
    /// # Errors
    /// When a change cannot be used.
    pub fn settings(&self, changed: &Given, json: bool) -> Result<Settings, Failure> {
        let is_changed = |key: &str| {
            changed.flags.iter().any(|(name, _)| *name == key)
                || changed.words.iter().any(|word| word.split('=').next() == Some(key))
        };
        let implied = [Origin::Default, Origin::Preset, Origin::Implied].map(Origin::name);
        let own = self.header.settings.iter().filter(|(key, setting)| {
            !is_changed(key) && !implied.contains(&setting.origin.as_str())
        });
        let words = own.map(|(key, setting)| {
            let value =
                setting.value.as_str().map_or_else(|| setting.value.to_string(), str::to_owned);
            format!("{key}={value}")
        });
        // Before there were repeats, every run had one search.
        let is_older = !self.header.settings.contains_key("REPEATS");
        let words = words.chain(is_older.then(|| "REPEATS=1".to_owned()));
        let words = words.chain(changed.words.iter().cloned()).collect();
        let given = Given { flags: changed.flags.clone(), words, ..Given::default() };
        let texts = Texts::gather(Command::Capacity, &given).map_err(Failure::usage)?;
        let settings = Settings::resolve(Command::Capacity, &texts, self.header.seed, json)
            .map_err(Failure::usage)?;
        // As it was then: the file may have changed since.
        settings.with_slo(self.header.slo.as_deref().cloned()).map_err(Failure::usage)
    }

    /// Its trials.
    pub fn trials(&self) -> impl Iterator<Item = &TrialRecord> {
        self.lines.iter().filter_map(|line| match line {
            JournalLine::Trial(trial) => Some(&**trial),
            JournalLine::Run(_) | JournalLine::Recovery(_) => None,
        })
    }

    /// Its recoveries.
    pub fn recoveries(&self) -> impl Iterator<Item = &RecoveryRecord> {
        self.lines.iter().filter_map(|line| match line {
            JournalLine::Recovery(recovery) => Some(recovery),
            JournalLine::Run(_) | JournalLine::Trial(_) => None,
        })
    }

    /// Campaign seconds at which its last line was written.
    #[must_use]
    pub fn elapsed_s(&self) -> f64 {
        let after = |trial: &TrialRecord| {
            trial.started_s + trial.warmup_s + trial.measure_s + trial.drained_s
        };
        let last_s = self.trials().last().map_or(0.0, after);
        match self.lines.last() {
            Some(JournalLine::Recovery(recovery)) => last_s + recovery.wall_s,
            _ => last_s,
        }
    }

    /// Tells a campaign at its beginning everything that this run has seen, and returns by what it was broken off at
    /// its end; `told` hears of each trial and where the search stood before and after. A step that was broken off
    /// says nothing: whoever went on made it again under another name.
    ///
    /// # Errors
    /// When the campaign would have asked for something else: another version of the search wrote it.
    pub fn replay(
        &self,
        campaign: &mut Campaign,
        mut told: impl FnMut(&TrialRecord, Standing, Standing),
    ) -> Result<Option<Finding>> {
        let mut last = 0;
        let mut broken_off = None;
        for line in &self.lines {
            match line {
                JournalLine::Trial(trial) => {
                    last = number(&trial.id)?;
                    broken_off = broken_off_by(trial.stopped.as_deref());
                    if broken_off.is_some() {
                        campaign.number_after(TrialId(last));
                        continue;
                    }
                    let Step::Run(plan) = campaign.next_step(trial.started_s) else {
                        bail!("{}", foreign(&trial.id));
                    };
                    // The first trial of another search is held against that search's beginning.
                    let before = campaign.standing();
                    campaign.observe_trial(&observation(trial, &plan)?);
                    told(trial, before, campaign.standing());
                }
                JournalLine::Recovery(recovery) => {
                    last = number(&recovery.id)?;
                    broken_off = broken_off_by(recovery.stopped.as_deref());
                    if broken_off.is_some() {
                        campaign.number_after(TrialId(last));
                        continue;
                    }
                    let Step::Recover(plan) = campaign.next_step(0.0) else {
                        bail!("{}", foreign(&recovery.id));
                    };
                    campaign.observe_recovery(&recovered(recovery, plan.id));
                }
                JournalLine::Run(_) => bail!("the journal holds two runs"),
            }
        }
        campaign.number_after(TrialId(last));
        Ok(broken_off)
    }
}

/// What ended a step, where a new attempt may find it otherwise.
fn broken_off_by(stopped: Option<&str>) -> Option<Finding> {
    match stopped {
        Some("interrupted") => Some(Finding::Interrupted),
        Some("target_lost") => Some(Finding::TargetLost),
        _ => None,
    }
}

fn number(id: &str) -> Result<u32> {
    id.strip_prefix('t')
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| anyhow!("`{id}` in the journal is no name of a trial"))
}

fn foreign(id: &str) -> String {
    format!("{id} in the journal is not what this version of the search would have asked for")
}

fn observation(trial: &TrialRecord, plan: &TrialPlan) -> Result<Observation> {
    let index = plan.stream(Workload::Index);
    // The record has it in documents, the search in requests.
    let batch = index.map_or(1, |stream| stream.batch);
    let offered = trial.offered_rps.and_then(|rps| Rps::new(rps / batch as f64));
    let is_same = match (index.map(|stream| stream.offered), offered) {
        (Some(wanted), Some(offered)) => (wanted.get() / offered.get() - 1.0).abs() < 1e-9,
        (wanted, offered) => wanted.is_none() && offered.is_none(),
    };
    if !is_same || plan.purpose.name() != trial.purpose || plan.id.to_string() != trial.id {
        bail!("{}", foreign(&trial.id));
    }
    Ok(Observation {
        id: plan.id,
        purpose: plan.purpose,
        offered,
        stopped: match trial.stopped.as_deref() {
            Some("decided") => Some(StopCause::Decided),
            Some("outstanding") => Some(StopCause::Outstanding),
            Some("agent_lost") => Some(StopCause::AgentLost),
            _ => None,
        },
        drained_s: trial.drained_s,
        evidence: trial.evidence.clone(),
    })
}

fn recovered(record: &RecoveryRecord, id: TrialId) -> Recovery {
    Recovery {
        id,
        recovered_s: record.recovered_s,
        wall_s: record.wall_s,
        probes: record.probes,
        accepted: record.accepted,
        unknown: record.unknown,
        stopped: None,
    }
}
