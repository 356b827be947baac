//! `plimsoll scale`: a capacity run for each number of workers, the law of its growth, the workers needed for the goal.

use super::capacity::{Measured, begin, check_budget, measure, plan};
use crate::app::counts::Counts;
use crate::app::exit::{Exit, Failure};
use crate::app::interrupt::Interrupt;
use crate::app::live_view::LiveView;
use crate::app::session::Session;
use crate::app::settings::Settings;
use crate::campaign::budget::{Forecast, forecast};
use crate::files::manifest::tool;
use crate::files::run_dir::RunDir;
use crate::report::figure::{plain, span};
use crate::report::scale::assemble::ScaleInputs;
use crate::report::scale::page::{SCALE_PAGE_FILE, scale_page};
use crate::report::scale::table::scale_table;
use crate::report::scale::{CountRecord, SCALE_FILE, ScaleRecord, ScaleStamp};
use crate::term::{complain, say};
use crate::units::usize_to_u64;

/// Runs the command.
///
/// # Errors
/// When nothing could be measured or nothing could be written.
pub fn run(counts: &Counts) -> Result<Exit, Failure> {
    let forecast = forecast(&plan(&counts.first, None, None));
    check_budget(&counts.first, forecast)?;
    let live_view = LiveView::open(&counts.first)?;
    let interrupt = Interrupt::listen().map_err(Failure::internal)?;
    let mut scaling = Scaling {
        settings: &counts.first,
        counts: counts.all().map(|settings| CountRecord::unmeasured(settings.workers)).collect(),
        set: None,
        live_view,
    };
    let say_on_the_way = |text: &str| {
        if !counts.first.is_quiet() {
            complain(text);
        }
    };
    if let Some(file) = &counts.left_out {
        complain(&format!(
            "caution: [regression] of {} is about one run and is left out",
            plain(file)
        ));
    }
    say_on_the_way(&announcement(counts, forecast));
    let mut ended = Ok(Exit::Pass);
    for settings in counts.all() {
        say_on_the_way(&format!("WORKERS={}", settings.workers));
        ended = scaling.add(settings, &interrupt);
        // A missed goal is a matter of all counts; what ends a run from outside ends all.
        if !matches!(ended, Ok(Exit::Pass | Exit::Fail | Exit::Invalid)) {
            break;
        }
    }
    let Some(set) = &scaling.set else { return ended };
    let record = scaling.record(set);
    if counts.first.json {
        say(&serde_json::to_string_pretty(&record).map_err(Failure::internal)?);
    } else {
        say(scale_table(&record, &set.path().display().to_string()).trim_end());
    }
    scaling.live_view.close();
    Ok(match (ended?, record.outcome) {
        (exit @ (Exit::Interrupted | Exit::Target), _) => exit,
        (_, outcome) => outcome.into(),
    })
}

fn announcement(counts: &Counts, forecast: Forecast) -> String {
    let workers: Vec<String> = counts.all().map(|settings| settings.workers.to_string()).collect();
    let (runs, budget_s) = (usize_to_u64(workers.len()) as f64, counts.first.budget_s);
    format!(
        "scaling over WORKERS={}: about {} in all, at most {} (BUDGET_S is for each count)",
        workers.join(","),
        span(runs * (forecast.search_s + forecast.levels_s).min(budget_s)),
        span(runs * budget_s)
    )
}

/// The counts measured so far, and their folder.
#[derive(Debug)]
struct Scaling<'a> {
    /// Of the first run; goal and seed are those of all.
    settings: &'a Settings,
    counts: Vec<CountRecord>,
    /// Made with the first run in it, so that a target that is not there leaves nothing behind.
    set: Option<RunDir>,
    /// One for all runs: whoever watches need not come anew.
    live_view: LiveView,
}

impl Scaling<'_> {
    /// Measures one count and writes down all that there is by now; says how the run ended.
    fn add(&mut self, settings: &Settings, interrupt: &Interrupt) -> Result<Exit, Failure> {
        let name = format!("w{}", settings.workers);
        let set = &mut self.set;
        let folder = || {
            let set = match set {
                Some(set) => set,
                None => set.insert(RunDir::create(&settings.out, "scale")?),
            };
            set.create_within(&name)
        };
        let open = |session: &Session| begin(settings, session, interrupt, folder);
        let watched = std::mem::take(&mut self.live_view);
        let Measured { record, ended, live_view, .. } =
            measure(settings, interrupt, watched, open)?;
        self.live_view = live_view;
        if let Some(count) = self.counts.iter_mut().find(|own| own.workers == settings.workers) {
            *count = CountRecord::of(settings.workers, &name, &record);
        }
        if let Some(set) = &self.set {
            let record = self.record(set);
            let mut text = serde_json::to_string_pretty(&record).map_err(Failure::internal)?;
            text.push('\n');
            let page = scale_page(&record).map_err(Failure::internal)?;
            for (name, text) in [(SCALE_FILE, text), (SCALE_PAGE_FILE, page)] {
                let written = set.write_atomic(name, text.as_bytes());
                written.map_err(|error| Failure::new(Exit::Results, error))?;
            }
        }
        ended
    }

    fn record(&self, set: &RunDir) -> ScaleRecord {
        ScaleRecord::assemble(ScaleInputs {
            tool: tool(),
            stamp: ScaleStamp {
                id: set.id().to_owned(),
                started_utc: set.stamp().rfc3339(),
                seed: self.settings.seed,
                complete: self.counts.iter().all(|count| count.finding.is_some()),
            },
            goal_rps: self.settings.goal.get(),
            headroom_ratio: self.settings.headroom_ratio,
            counts: self.counts.clone(),
        })
    }
}
