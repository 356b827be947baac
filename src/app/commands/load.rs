//! `plimsoll load`: one trial at a fixed rate, judged by nothing but the generator's own health.

use crate::app::exit::{Exit, Failure};
use crate::app::interrupt::Interrupt;
use crate::app::live_view::LiveView;
use crate::app::session::Session;
use crate::app::settings::{LoadSettings, Settings};
use crate::report::load_table::load_table;
use crate::report::recent::Recent;
use crate::report::record::{LoadRecord, TrialGeneratorRecord};
use crate::report::stream::StreamRecord;
use crate::seed::Seed;
use crate::term::progress::{Expected, Progress};
use crate::term::{complain, say};
use crate::trial::criteria::Judge;
use crate::trial::objective::{Objective, Rule};
use crate::trial::verdict::Verdict;
use crate::trial::{
    Flow, Measurer, Purpose, StopCause, StreamPlan, Tick, TrialId, TrialPlan, Watch, Workload,
};

/// Runs the command.
///
/// # Errors
/// When the settings lack a rate, or the target is not ready.
pub fn run(settings: &Settings, load: &LoadSettings) -> Result<Exit, Failure> {
    let live_view = LiveView::open(settings)?;
    let interrupt = Interrupt::listen().map_err(Failure::internal)?;
    let mut session = Session::open(settings, &[load.workload], &interrupt)?;
    let plan = plan(settings, load);
    let objective = Objective {
        p99_ms: settings.p99_ms,
        error_ratio: settings.error_ratio,
        dashboard_error_ratio: None,
        base_ms: session.ready.base_ms,
    };
    let progress = Progress::auto(Expected::default(), settings.is_quiet());
    let mut onlooker =
        Onlooker { plan: plan.clone(), recent: Recent::default(), progress, live_view, interrupt };
    onlooker.live_view.begins(&plan, None);
    onlooker.progress.begins(&plan, None, 0.0);
    let result = session.measurer.run(&plan, &mut onlooker).map_err(Failure::internal)?;
    onlooker.progress.close();
    let verdict = Judge::new(&plan, objective).verdict(&result);
    onlooker.live_view.finished(&result, verdict.name());
    let Some(stream) = result.streams.first().map(StreamRecord::from_result) else {
        return Ok(Exit::Internal);
    };
    if settings.json {
        let record = LoadRecord { stream, generator: TrialGeneratorRecord::new(&result) };
        let text = serde_json::to_string_pretty(&record).map_err(Failure::internal)?;
        say(&text);
    } else {
        say(load_table(&stream).trim_end());
    }
    Ok(match (result.stopped, &verdict) {
        (Some(StopCause::Interrupted), _) => Exit::Interrupted,
        (Some(StopCause::TargetLost), _) => {
            complain("plimsoll: the target was lost: every connect failed, or its process ended");
            Exit::Target
        }
        (_, Verdict::Void(reasons)) => {
            for reason in reasons {
                complain(&format!("plimsoll: void: {reason}"));
            }
            Exit::Invalid
        }
        _ => Exit::Pass,
    })
}

fn plan(settings: &Settings, load: &LoadSettings) -> TrialPlan {
    let (timeout_ms, slow_ms, batch) = match load.workload {
        Workload::Index => (settings.timeout_ms, Some(settings.p99_ms), settings.batch),
        Workload::Dashboard => (settings.dashboard_timeout_ms, None, 1),
    };
    TrialPlan {
        id: TrialId(1),
        purpose: Purpose::Load,
        repeat: None,
        streams: vec![StreamPlan {
            workload: load.workload,
            offered: load.offered.scaled(1.0 / batch as f64),
            batch,
            arrivals: settings.arrivals,
            timeout_ms,
            slow_ms,
            outstanding_max: None,
        }],
        warmup_s: load.warmup_s,
        measure_s: load.duration_s,
        rule: Rule::Measure,
        sustained_before: None,
        seed: Seed(settings.seed),
    }
}

/// Shows the trial while it runs, and ends it when the user asks.
struct Onlooker {
    plan: TrialPlan,
    recent: Recent,
    progress: Progress,
    live_view: LiveView,
    interrupt: Interrupt,
}

impl Watch for Onlooker {
    fn tick(&mut self, tick: &Tick<'_>) -> Flow {
        let now = self.recent.look(tick);
        self.live_view.looks(tick, &now);
        self.progress.looks(&self.plan, tick.at_s, now);
        if self.interrupted() { Flow::Stop(StopCause::Interrupted) } else { Flow::Continue }
    }

    fn interrupted(&self) -> bool {
        self.interrupt.is_asked()
    }
}
