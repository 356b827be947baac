//! `plimsoll capacity`: the main job, from the preflight to the signed result.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};

use super::block_on;
use crate::app::conduct::{ConductError, conduct};
use crate::app::exit::{Exit, Failure};
use crate::app::interrupt::Interrupt;
use crate::app::session::Session;
use crate::app::settings::Settings;
use crate::app::witness::Recorder;
use crate::campaign::budget::{Forecast, forecast};
use crate::campaign::plan::{CampaignPlan, DashboardPlan};
use crate::campaign::{Campaign, CampaignOutcome};
use crate::files::journal::Journal;
use crate::files::manifest::{Started, environment, started};
use crate::files::run_dir::RunDir;
use crate::profile::PermissionsShape;
use crate::report::schema::{
    RunInfo, RunInputs, RunLog, RunRecord, SettingRecord, TargetRecord, ToolRecord,
};
use crate::report::signoff::{Goals, Outcome};
use crate::report::summary::summary;
use crate::search::finding::{Finding, Flag};
use crate::seed::Seed;
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
    let started = started();
    // After the preflight, so that a target that is not there leaves no empty folder behind.
    let run_dir = RunDir::create(&settings.out, &started.stamp, settings.preset.name())
        .map_err(|error| Failure::new(Exit::Results, error))?;
    let journal = Journal::create(&run_dir).map_err(|error| Failure::new(Exit::Results, error))?;
    announce(settings, &session, forecast);

    let plan = plan(settings, session.ready.base_ms);
    let objective = plan.objective;
    let mut campaign = Campaign::new(plan);
    let mut recorder = Recorder::new(journal, interrupt, settings.budget_s);
    recorder.log.preflight_accepted = session.ready.accepted;
    let ended = conduct(&mut campaign, objective, &mut session.measurer, &mut recorder).await;

    let mut outcome = campaign.outcome();
    if settings.target.is_local() {
        outcome.capacity.flags.push(Flag::CoLocated);
    }
    let log = recorder.into_log();
    let record = assemble(settings, &session, &started, &run_dir, outcome.clone(), log);
    write(&run_dir, &record)?;
    print(settings, &run_dir, &record)?;
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

fn assemble(
    settings: &Settings,
    session: &Session,
    started: &Started,
    run_dir: &RunDir,
    outcome: CampaignOutcome,
    log: RunLog,
) -> RunRecord {
    let resolved = settings.resolved.iter().map(|setting| {
        let (value, origin) = (setting.value.clone(), setting.origin.name().to_owned());
        (setting.key.to_owned(), SettingRecord { value, origin })
    });
    RunRecord::assemble(RunInputs {
        tool: ToolRecord {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            git_commit: option_env!("PLIMSOLL_GIT_COMMIT").map(str::to_owned),
        },
        run: RunInfo {
            id: run_dir.id().to_owned(),
            started_utc: started.utc.clone(),
            wall_s: session.measurer.elapsed_s(),
            load_s: 0.0,
            seed: settings.seed,
            interrupted: was_interrupted(&outcome),
            command_line: std::env::args().skip(1).collect(),
        },
        environment: environment(),
        target: TargetRecord {
            profile: "example-api".to_owned(),
            url: session.base_url.clone(),
            workers: settings.workers,
            server: None,
            permissions: match session.ready.shape {
                PermissionsShape::Object => "object".to_owned(),
                PermissionsShape::List => "list".to_owned(),
            },
            base_ms: session.ready.base_ms,
        },
        settings: resolved.collect::<BTreeMap<_, _>>(),
        outcome,
        goals: Goals {
            goal_rps: settings.goal.get(),
            headroom_ratio: settings.headroom_ratio,
            dashboard_p99_ms: settings.dashboard_p99_ms,
            dashboard_error_ratio: settings.dashboard_error_ratio,
        },
        log,
        lanes_max: session.lanes_max,
    })
}

fn write(run_dir: &RunDir, record: &RunRecord) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(record).map_err(Failure::internal)?;
    text.push(b'\n');
    run_dir.write(RESULT, &text).map_err(|error| Failure::new(Exit::Results, error))?;
    Ok(())
}

fn print(settings: &Settings, run_dir: &RunDir, record: &RunRecord) -> Result<(), Failure> {
    if settings.json {
        let text = serde_json::to_string_pretty(record)
            .context("the result could not be printed")
            .map_err(|error| Failure::new(Exit::Internal, error))?;
        say(&text);
    } else {
        say(summary(record, &run_dir.path().display().to_string()).trim_end());
    }
    Ok(())
}

fn was_interrupted(outcome: &CampaignOutcome) -> bool {
    outcome.ended_by == Some(Finding::Interrupted)
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
