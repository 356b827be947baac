//! `plimsoll capacity`: the main job, from the preflight to the signed result.

use std::collections::BTreeMap;

use anyhow::anyhow;

use super::block_on;
use crate::app::conduct::{ConductError, conduct};
use crate::app::exit::{Exit, Failure};
use crate::app::fault;
use crate::app::interrupt::Interrupt;
use crate::app::session::Session;
use crate::app::settings::Settings;
use crate::app::witness::{Recorder, RunLog};
use crate::campaign::budget::{Forecast, forecast};
use crate::campaign::plan::{CampaignPlan, DashboardPlan};
use crate::campaign::{Campaign, CampaignOutcome};
use crate::files::journal::Journal;
use crate::files::manifest::{environment, tool};
use crate::files::run_dir::RunDir;
use crate::report::assemble::RunInputs;
use crate::report::caution::cautions;
use crate::report::record::{JournalLine, RunHeader};
use crate::report::schema::{
    EnvironmentRecord, Outcome, RunRecord, RunStamp, SCHEMA_VERSION, SettingRecord, TargetRecord,
};
use crate::report::signoff::Terms;
use crate::report::summary::summary;
use crate::search::finding::{Finding, Flag};
use crate::seed::Seed;
use crate::term::colour::{paint_summary, stdout_takes_colour};
use crate::term::{complain, say};
use crate::trial::criteria::Objective;
use crate::trial::{Measurer, Workload};

/// The result file.
const RESULT: &str = "result.json";

/// Runs the command.
///
/// # Errors
/// When nothing could be measured or nothing could be written.
pub fn run(settings: &Settings) -> Result<Exit, Failure> {
    block_on(measure(settings))
}

async fn measure(settings: &Settings) -> Result<Exit, Failure> {
    let forecast = forecast(&plan(settings, None));
    check_budget(settings, forecast)?;
    let interrupt = Interrupt::listen().map_err(Failure::internal)?;
    let mut session =
        Session::open(settings, &[Workload::Index, Workload::Dashboard], &interrupt).await?;
    // After the preflight, so that a target that is not there leaves no empty folder behind.
    let run = Run::begin(settings, &session)?;
    announce(settings, &session, forecast);
    fault::remember(format!("seed {}, journal in {}", settings.seed, run.dir.path().display()));

    let plan = plan(settings, session.ready.base_ms);
    let objective = plan.objective;
    let mut campaign = Campaign::new(plan);
    let accepted = session.ready.accepted;
    let journal = run.journal(settings)?;
    let mut recorder = Recorder::new(journal, interrupt, settings.budget_s, accepted);
    let ended = conduct(&mut campaign, objective, &mut session.measurer, &mut recorder).await;

    let mut outcome = campaign.outcome();
    if settings.target.is_local() {
        outcome.capacity.flags.push(Flag::CoLocated);
    }
    let record = run.assemble(settings, &session, &outcome, recorder.into_log());
    run.write(&record)?;
    print(settings, &run, &record)?;
    match ended {
        Ok(()) => Ok(exit_of(&outcome, record.outcome)),
        Err(ConductError::Journal(error)) => Err(Failure::new(Exit::Results, error)),
        Err(ConductError::Trial(error)) => Err(Failure::internal(error)),
    }
}

/// The campaign that the settings describe.
fn plan(settings: &Settings, base_ms: Option<f64>) -> CampaignPlan {
    CampaignPlan {
        goal: settings.goal,
        floor: settings.floor,
        ceiling: settings.ceiling,
        objective: Objective {
            p99_ms: settings.p99_ms,
            error_ratio: settings.error_ratio,
            base_ms,
        },
        timeout_ms: settings.timeout_ms,
        arrivals: settings.arrivals,
        levels: settings.levels.clone(),
        dashboard: DashboardPlan {
            offered: settings.dashboard,
            level_s: settings.dashboard_s,
            timeout_ms: settings.dashboard_timeout_ms,
        },
        effort: settings.preset.effort(),
        budget_s: settings.budget_s,
        seed: Seed(settings.seed),
    }
}

fn check_budget(settings: &Settings, forecast: Forecast) -> Result<(), Failure> {
    if settings.budget_s >= forecast.least_s {
        return Ok(());
    }
    let error = anyhow!(
        "BUDGET_S={:.0} is too short for any answer; this run needs at least {:.0} s (fewer LEVELS, a shorter DASHBOARD_S or PRESET=quick need less)",
        settings.budget_s,
        forecast.least_s
    );
    Err(Failure::new(Exit::Usage, error))
}

fn announce(settings: &Settings, session: &Session, forecast: Forecast) {
    complain(&format!(
        "measuring {} ({} workers, {:.1} ms at rest), preset {}, seed {}",
        session.base_url,
        settings.workers,
        session.ready.base_ms.unwrap_or_default(),
        settings.preset.name(),
        settings.seed,
    ));
    complain(&format!(
        "forecast: about {:.0} s for the search and {:.0} s for the levels, at most {:.0} s",
        forecast.search_s, forecast.levels_s, settings.budget_s
    ));
}

/// The run's folder, and what was known when it was made.
struct Run {
    dir: RunDir,
    started_utc: String,
    environment: EnvironmentRecord,
    settings: BTreeMap<String, SettingRecord>,
    target: TargetRecord,
}

impl Run {
    fn begin(settings: &Settings, session: &Session) -> Result<Self, Failure> {
        let dir = RunDir::create(&settings.out, settings.preset.name())
            .map_err(|error| Failure::new(Exit::Results, error))?;
        if let Some(problem) = dir.latest_problem() {
            complain(&format!("caution: {problem}"));
        }
        let records = settings.resolved.iter().map(|setting| {
            let origin = setting.origin.name().to_owned();
            let value = serde_json::Value::String(setting.value.clone());
            (setting.key.to_owned(), SettingRecord { value, origin })
        });
        Ok(Self {
            started_utc: dir.stamp().rfc3339(),
            dir,
            environment: environment(session.file_limits),
            settings: records.collect(),
            target: TargetRecord {
                profile: "example-api".to_owned(),
                url: session.base_url.clone(),
                workers: Some(u64::from(settings.workers)),
                server: None,
                permissions: session.ready.shape.name().to_owned(),
                base_ms: session.ready.base_ms,
            },
        })
    }

    /// The journal, with its first line.
    fn journal(&self, settings: &Settings) -> Result<Journal, Failure> {
        let failed = |error| Failure::new(Exit::Results, error);
        let mut journal = Journal::create(&self.dir).map_err(failed)?;
        let header = RunHeader {
            schema_version: SCHEMA_VERSION.to_owned(),
            id: self.dir.id().to_owned(),
            started_utc: self.started_utc.clone(),
            seed: settings.seed,
            settings: self.settings.clone(),
        };
        journal.append(&JournalLine::Run(header)).map_err(failed)?;
        Ok(journal)
    }

    fn assemble(
        &self,
        settings: &Settings,
        session: &Session,
        outcome: &CampaignOutcome,
        log: RunLog,
    ) -> RunRecord {
        RunRecord::assemble(RunInputs {
            tool: tool(),
            stamp: RunStamp {
                id: self.dir.id().to_owned(),
                started_utc: self.started_utc.clone(),
                wall_s: session.measurer.elapsed_s(),
                seed: settings.seed,
                interrupted: outcome.ended_by == Some(Finding::Interrupted),
            },
            environment: self.environment.clone(),
            target: self.target.clone(),
            settings: self.settings.clone(),
            outcome,
            trials: log.trials,
            recoveries: log.recoveries,
            sums: &log.sums,
            terms: Terms {
                goal_rps: settings.goal.get(),
                headroom_ratio: settings.headroom_ratio,
                levels: settings.levels.iter().map(|percent| percent.0).collect(),
                dashboard_p99_ms: settings.dashboard_p99_ms.map(|limit_ms| limit_ms as f64),
                dashboard_error_ratio: settings.dashboard_error_ratio,
            },
        })
    }

    fn write(&self, record: &RunRecord) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(record).map_err(Failure::internal)?;
        text.push(b'\n');
        self.dir.write_atomic(RESULT, &text).map_err(|error| Failure::new(Exit::Results, error))
    }
}

fn print(settings: &Settings, run: &Run, record: &RunRecord) -> Result<(), Failure> {
    if settings.json {
        say(&serde_json::to_string_pretty(record).map_err(Failure::internal)?);
        return Ok(());
    }
    let folder = run.dir.path().display().to_string();
    let text = summary(record, &cautions(record), &folder);
    say(paint_summary(&text, stdout_takes_colour()).trim_end());
    Ok(())
}

/// The exit code: what ended the run from outside comes before what was found.
fn exit_of(outcome: &CampaignOutcome, judged: Outcome) -> Exit {
    match (outcome.ended_by, judged) {
        (Some(Finding::Interrupted), _) => Exit::Interrupted,
        (Some(Finding::TargetLost), _) => Exit::Target,
        (_, Outcome::Pass) => Exit::Pass,
        (_, Outcome::Fail) => Exit::Fail,
        (_, Outcome::Invalid) => Exit::Invalid,
    }
}
