//! `plimsoll capacity`: the main job, from the preflight to the signed result.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use crate::app::conduct::{ConductError, conduct};
use crate::app::exit::{Exit, Failure};
use crate::app::fault;
use crate::app::interrupt::Interrupt;
use crate::app::later::Later;
use crate::app::live_view::LiveView;
use crate::app::past::PastRun;
use crate::app::run::Run;
use crate::app::session::Session;
use crate::app::settings::Settings;
use crate::app::step_summary;
use crate::app::witness::{Audience, Recorder, RunLog};
use crate::campaign::budget::{Forecast, forecast};
use crate::campaign::plan::{CampaignPlan, DashboardPlan};
use crate::campaign::{Campaign, CampaignOutcome, Step};
use crate::files::run_dir::{RunDir, WriteError};
use crate::report::assemble::sent;
use crate::report::caution::cautions;
use crate::report::schema::{CalibrationRecord, Outcome, RunRecord};
use crate::report::summary::summary;
use crate::report::verification::VerificationRecord;
use crate::search::finding::{Finding, Flag};
use crate::seed::Seed;
use crate::term::colour::{paint_summary, stdout_takes_colour};
use crate::term::progress::{Expected, Progress};
use crate::term::{complain, say};
use crate::trial::objective::Objective;
use crate::trial::{Measurer, Workload};
use crate::units::Rps;

/// A campaign that has come to its end, whatever the end; its files are written.
#[derive(Debug)]
pub(super) struct Measured {
    /// The result.
    pub record: RunRecord,
    /// The folder of the run.
    pub folder: PathBuf,
    /// Who watches, for whatever comes next.
    pub live_view: LiveView,
    /// How it ended.
    pub ended: Result<Exit, Failure>,
}

/// Runs the command; with `resume` it goes on with a run that was broken off.
///
/// # Errors
/// When nothing could be measured or nothing could be written.
pub fn run(settings: &Settings, resume: Option<PastRun>) -> Result<Exit, Failure> {
    check_budget(settings, forecast(&plan(settings, None, None)))?;
    if let Some(past) = &resume {
        // Before the target is started: a run that is finished needs none.
        check_unfinished(settings, past)?;
    }
    let live_view = LiveView::open(settings)?;
    let interrupt = Interrupt::listen().map_err(Failure::internal)?;
    let measured = measure(settings, &interrupt, live_view, |session| match resume {
        Some(past) => Run::go_on(past, settings, session),
        None => begin(settings, session, &interrupt, || {
            RunDir::create(&settings.out, settings.preset.name())
        }),
    })?;
    step_summary::append(&measured.record);
    print(settings, &measured.folder, &measured.record)?;
    measured.live_view.close();
    measured.ended
}

/// A new run, in a folder that is made when the generator has shown what it can do.
pub(super) fn begin(
    settings: &Settings,
    session: &Session,
    interrupt: &Interrupt,
    folder: impl FnOnce() -> Result<RunDir, WriteError>,
) -> Result<Run, Failure> {
    let calibration = session.calibrate(interrupt)?;
    let dir = folder().map_err(|error| Failure::new(Exit::Results, error))?;
    Ok(Run::begin(settings, session, calibration, dir))
}

/// One campaign, from the preflight to the files of its result; `open` makes its folder or opens that of a broken run.
pub(super) fn measure(
    settings: &Settings,
    interrupt: &Interrupt,
    mut live_view: LiveView,
    open: impl FnOnce(&Session) -> Result<Run, Failure>,
) -> Result<Measured, Failure> {
    let mut session = Session::open(settings, &[Workload::Index, Workload::Dashboard], interrupt)?;
    // After the preflight, so that a target that is not there leaves no empty folder behind.
    let run = open(&session)?;
    let forecast = forecast(&plan(settings, None, None));
    announce(settings, &session, run.calibration(), forecast);
    fault::remember(format!("seed {}, journal in {}", settings.seed, run.folder().display()));

    let plan = plan(settings, session.ready.base_ms, run.generator_rps());
    let objective = plan.objective;
    let mut campaign = Campaign::new(plan);
    if let Some(past) = run.past() {
        past.replay(&mut campaign, |_, _, _| {}).map_err(Failure::usage)?;
    }
    let journal = run.journal(settings)?;
    let mut log = RunLog::after(run.past(), session.ready.accepted.len());
    log.sums.set_calibration(run.calibration());
    live_view.draw(run.sketch(settings), &campaign);
    let audience = audience(settings, forecast, live_view);
    let mut recorder = Recorder::new(journal, interrupt.clone(), log, audience);
    let offset_s = run.past().map_or(0.0, PastRun::elapsed_s);
    let mut measurer = Later::new(&mut session.measurer, offset_s);
    let ended = conduct(&mut campaign, objective, &mut measurer, &mut recorder);

    let mut outcome = campaign.outcome();
    if settings.target.is_local() {
        outcome.capacity.flags.push(Flag::CoLocated);
    }
    let elapsed_s = measurer.elapsed_s();
    let (log, live_view) = recorder.into_parts();
    // Counting may take a minute: what was measured is on the disk before.
    let sent = sent(&log.sums, &log.trials, &log.recoveries);
    let uncounted = sent.clone().failed("the run ended while the documents were counted");
    run.write(&run.assemble(settings, elapsed_s, &outcome, log.clone(), uncounted, &session))?;
    let verification = verify(&run, &outcome, sent, &session, interrupt);
    if interrupt.is_asked() {
        outcome.ended_by = outcome.ended_by.or(Some(Finding::Interrupted));
    }
    let record = run.assemble(settings, elapsed_s, &outcome, log, verification, &session);
    live_view.ends(&record);
    run.write(&record)?;
    let ended = match ended {
        Ok(()) => Ok(exit_of(&outcome, record.outcome)),
        Err(ConductError::Journal(error)) => Err(Failure::new(Exit::Results, error)),
        Err(ConductError::Trial(error)) => Err(Failure::internal(error)),
    };
    Ok(Measured { record, folder: run.folder().to_owned(), live_view, ended })
}

fn audience(settings: &Settings, forecast: Forecast, live_view: LiveView) -> Audience {
    let expected = Expected {
        forecast_s: Some(forecast.search_s + forecast.levels_s),
        budget_s: Some(settings.budget_s),
        repeats: settings.repeats,
    };
    let progress = Progress::auto(expected, settings.is_quiet());
    Audience { progress, live_view, batch: settings.batch }
}

/// Holds what the target has against what it accepted; not where the user wants to stop or the target is lost, and not
/// of a run that was broken off: the documents of its first part were counted by nobody.
fn verify(
    run: &Run,
    outcome: &CampaignOutcome,
    sent: VerificationRecord,
    session: &Session,
    interrupt: &Interrupt,
) -> VerificationRecord {
    let reason = match outcome.ended_by {
        Some(Finding::Interrupted) => Some("the run was interrupted"),
        Some(Finding::TargetLost) => Some("the target was lost"),
        _ if run.past().is_some() => Some("the run was gone on with"),
        _ => None,
    };
    match reason {
        Some(reason) => VerificationRecord { not_verified: Some(reason.to_owned()), ..sent },
        None => session.verify(sent, interrupt),
    }
}

/// A run that came to its end has nothing to go on with.
fn check_unfinished(settings: &Settings, past: &PastRun) -> Result<(), Failure> {
    let mut campaign = Campaign::new(plan(settings, None, past.header.generator_rps));
    past.replay(&mut campaign, |_, _, _| {}).map_err(Failure::usage)?;
    if matches!(campaign.next_step(past.elapsed_s()), Step::Done) {
        let error = anyhow!(
            "the run in {} is finished: there is nothing to go on with (`plimsoll explain` retells it)",
            past.folder.display()
        );
        return Err(Failure::usage(error));
    }
    Ok(())
}

/// The campaign that the settings describe.
#[must_use]
pub fn plan(settings: &Settings, base_ms: Option<f64>, generator_rps: Option<f64>) -> CampaignPlan {
    // The search speaks of requests, the user of documents.
    let in_requests = |documents: Rps| documents.scaled(1.0 / settings.batch as f64);
    CampaignPlan {
        // Beyond half of what it reaches at all, the generator is not trusted.
        mix: settings.mix.then(|| settings.mixed_p99_ms()),
        batch: settings.batch,
        generator: generator_rps.and_then(|rps| Rps::new(rps / 2.0)),
        goal: in_requests(settings.goal),
        floor: in_requests(settings.floor),
        ceiling: in_requests(settings.ceiling),
        objective: Objective {
            p99_ms: settings.p99_ms,
            error_ratio: settings.error_ratio,
            dashboard_error_ratio: settings.mixed_error_ratio().filter(|_| settings.mix),
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
        repeats: settings.repeats,
        budget_s: settings.budget_s,
        seed: Seed(settings.seed),
    }
}

pub(super) fn check_budget(settings: &Settings, forecast: Forecast) -> Result<(), Failure> {
    if settings.budget_s >= forecast.least_s {
        return Ok(());
    }
    let error = anyhow!(
        "BUDGET_S={:.0} is too short for any answer; this run needs at least {:.0} s (fewer REPEATS or LEVELS, a shorter DASHBOARD_S or PRESET=quick need less)",
        settings.budget_s,
        forecast.least_s
    );
    Err(Failure::new(Exit::Usage, error))
}

fn announce(
    settings: &Settings,
    session: &Session,
    calibration: Option<CalibrationRecord>,
    forecast: Forecast,
) {
    if settings.is_quiet() {
        return;
    }
    complain(&format!(
        "measuring {} ({} workers, {:.1} ms at rest), preset {}, seed {}",
        session.base_url,
        settings.workers,
        session.ready.base_ms.unwrap_or_default(),
        settings.preset.name(),
        settings.seed,
    ));
    if let Some(calibration) = calibration {
        complain(&generator_line(&calibration));
    }
    complain(&format!(
        "forecast: about {:.0} s for {} and {:.0} s for the levels, at most {:.0} s",
        forecast.search_s,
        if settings.repeats > 1 {
            format!("{} searches", settings.repeats)
        } else {
            "the search".to_owned()
        },
        forecast.levels_s,
        settings.budget_s
    ));
}

/// What the generator can do, in one line.
fn generator_line(calibration: &CalibrationRecord) -> String {
    let at_rps = calibration.at_rps;
    let reach = calibration.ceiling_rps.map_or_else(
        || format!("not even {at_rps:.0}/s in time"),
        |rps| format!("{rps:.0}/s in time; the search stops at half of it"),
    );
    let late = calibration.lateness_ms.p99.map(|ms| format!("late by {ms:.2} ms at p99"));
    let cost = calibration.cpu_us_per_request.map(|us| format!("{us:.0} µs CPU a request"));
    let figures: Vec<String> = late.into_iter().chain(cost).collect();
    format!("generator: {reach} (at {at_rps:.0}/s: {})", figures.join(", "))
}

fn print(settings: &Settings, folder: &Path, record: &RunRecord) -> Result<(), Failure> {
    if settings.json {
        say(&serde_json::to_string_pretty(record).map_err(Failure::internal)?);
        return Ok(());
    }
    let text = summary(record, &cautions(record), &folder.display().to_string());
    say(paint_summary(&text, stdout_takes_colour()).trim_end());
    Ok(())
}

/// The exit code: what ended the run from outside comes before what was found.
pub(super) fn exit_of(outcome: &CampaignOutcome, judged: Outcome) -> Exit {
    match (outcome.ended_by, judged) {
        (Some(Finding::Interrupted), _) => Exit::Interrupted,
        (Some(Finding::TargetLost | Finding::AgentsLost), _) => Exit::Target,
        (_, judged) => judged.into(),
    }
}
