//! `plimsoll rehearse`: the whole campaign in virtual time, against a simulated example API.

use std::fmt::Write;

use anyhow::anyhow;

use super::capacity::{check_budget, exit_of, plan};
use crate::app::conduct::{Witness, conduct};
use crate::app::exit::{Exit, Failure};
use crate::app::interrupt::Interrupt;
use crate::app::run::{setting_records, terms};
use crate::app::settings::Settings;
use crate::app::target::Target;
use crate::app::witness::RunLog;
use crate::campaign::Campaign;
use crate::campaign::budget::forecast;
use crate::files::manifest::{FileLimits, environment, tool};
use crate::live::vitals::descriptor_limits;
use crate::report::assemble::{RunInputs, sent};
use crate::report::figure::{entry, span};
use crate::report::record::{RecoveryRecord, TrialRecord};
use crate::report::repeats::repeats_told;
use crate::report::schema::{RunRecord, RunStamp, TargetRecord};
use crate::search::finding::Finding;
use crate::sim::SimMeasurer;
use crate::sim::faults::Faults;
use crate::sim::plan::{Pauses, Recycling, ServiceLaw, TargetPlan};
use crate::sim::truth::{Effort, sustained_rps};
use crate::term::say;
use crate::trial::evidence::Evidence;
use crate::trial::result::{Recovery, TrialResult};
use crate::trial::{Measurer, TrialId};

/// Enough for a truth within a percent, in a second or two.
const BRISK: Effort = Effort { runs: 4, run_s: 360.0 };

/// Runs the command.
///
/// # Errors
/// When the budget is too short for any answer.
pub fn run(settings: &Settings) -> Result<Exit, Failure> {
    if settings.target != Target::Embedded {
        let error =
            anyhow!("TARGET: a rehearsal simulates the example API; leave TARGET and LAUNCH out");
        return Err(Failure::usage(error));
    }
    if settings.resolved.iter().any(|item| item.key == "ENGINE" && item.value == "tantivy") {
        let error = anyhow!(
            "ENGINE=tantivy cannot be rehearsed: what a search engine costs is not known before; leave it out"
        );
        return Err(Failure::usage(error));
    }
    check_budget(settings, forecast(&plan(settings, None, None)))?;
    let target = simulated(settings);
    let plan = plan(settings, Some(target.service_ms), None);
    let objective = plan.objective;
    let mut measurer = SimMeasurer::new(target, Faults::none(), plan.seed.named("target"));
    let mut campaign = Campaign::new(plan);
    let interrupt = Interrupt::listen().map_err(Failure::internal)?;
    let mut notes = Notes { log: RunLog::default(), load_s: 0.0, interrupt };
    let ended = conduct(&mut campaign, objective, &mut measurer, &mut notes);
    ended.map_err(Failure::internal)?;
    let outcome = campaign.outcome();
    let wall_s = measurer.elapsed_s();
    let (load_s, trials) = (notes.load_s, notes.log.trials.len());
    let (soft, hard) = descriptor_limits();
    let record = RunRecord::assemble(RunInputs {
        // Nothing is sent.
        corpus: None,
        tool: tool(),
        stamp: RunStamp {
            id: "rehearsal".to_owned(),
            started_utc: "1970-01-01T00:00:00Z".to_owned(),
            wall_s,
            seed: settings.seed,
            interrupted: outcome.ended_by == Some(Finding::Interrupted),
        },
        environment: environment(FileLimits { soft, hard }),
        target: TargetRecord {
            profile: "simulated".to_owned(),
            url: "none".to_owned(),
            command: None,
            workers: Some(u64::from(settings.workers)),
            server: None,
            permissions: "object".to_owned(),
            base_ms: Some(target.service_ms),
        },
        settings: setting_records(settings),
        outcome: &outcome,
        verification: sent(&notes.log.sums, &notes.log.trials, &notes.log.recoveries),
        trials: notes.log.trials,
        recoveries: notes.log.recoveries,
        sums: &notes.log.sums,
        terms: terms(settings),
        batch: settings.batch,
    });
    if settings.json {
        say(&serde_json::to_string_pretty(&record).map_err(Failure::internal)?);
    } else {
        let truth = sustained_rps(&target, objective, settings.timeout_ms, BRISK);
        say(&told(&record, truth, load_s, trials));
    }
    Ok(exit_of(&outcome, record.outcome))
}

/// What a person wants to know before a run in earnest.
fn told(record: &RunRecord, truth_rps: Option<f64>, load_s: f64, trials: usize) -> String {
    let capacity = &record.capacity;
    let mut found = capacity.finding.clone();
    if let (Some(rps), Some(low_rps), Some(high_rps)) =
        (capacity.rps, capacity.low_rps, capacity.high_rps)
    {
        let _ = write!(found, " {rps:.1}/s (between {low_rps:.1} and {high_rps:.1})");
    }
    for reason in &capacity.reasons {
        let _ = write!(found, "; {reason}");
    }
    let repeats = repeats_told(&record.repeats);
    let sustains = truth_rps.map_or_else(
        || "the simulated service sustains no rate".to_owned(),
        |truth_rps| {
            let error = capacity
                .rps
                .map(|rps| format!("; error {:+.1} %", (rps / truth_rps - 1.0) * 100.0));
            format!("the simulated service sustains {truth_rps:.1}/s{}", error.unwrap_or_default())
        },
    );
    let time = format!(
        "{} in earnest, {} of it load in {trials} trials",
        span(record.run.stamp.wall_s),
        span(load_s)
    );
    let lines = [
        entry("rehearsal", "virtual time, simulated example API: nothing was measured"),
        entry("found", &found),
        if repeats.is_empty() { repeats } else { entry("searches", &repeats) },
        entry("truth", &sustains),
        entry("time", &time),
        entry("seed", &record.run.stamp.seed.to_string()),
    ];
    lines.concat().trim_end().to_owned()
}

/// The example API that the settings describe, as a simulated one.
fn simulated(settings: &Settings) -> TargetPlan {
    let text = |key: &str| {
        let found = settings.resolved.iter().find(|setting| setting.key == key);
        found.map(|setting| setting.value.as_str()).unwrap_or_default()
    };
    // They were checked when the settings were read.
    let number = |key: &str| text(key).parse::<f64>().unwrap_or_default();
    let whole = |key: &str| text(key).parse::<u64>().unwrap_or_default();
    let law = match text("SERVICE_LAW") {
        "exp" => ServiceLaw::Exponential,
        "lognormal" => ServiceLaw::LogNormal(0.5),
        _ => ServiceLaw::Constant,
    };
    let is_prefork = text("FRONT") == "prefork";
    let recycling = Recycling { requests: whole("MAX_REQUESTS"), restart_ms: number("RESTART_MS") };
    let pauses = Pauses { length_ms: number("STALL_MS"), every_ms: number("STALL_EVERY_MS") };
    TargetPlan {
        queue: Some(if is_prefork { whole("BACKLOG") } else { whole("QUEUE") }),
        recycling: (is_prefork && recycling.requests > 0).then_some(recycling),
        pauses: (pauses.length_ms > 0.0).then_some(pauses),
        ..TargetPlan::plain(settings.workers, number("SERVICE_MS").max(0.001), law)
    }
}

/// Writes down what a rehearsal measures.
#[derive(Debug)]
struct Notes {
    log: RunLog,
    load_s: f64,
    interrupt: Interrupt,
}

impl Witness for Notes {
    fn trial(&mut self, result: &TrialResult, evidence: &Evidence) -> anyhow::Result<()> {
        self.load_s += result.plan.warmup_s + evidence.measured_s;
        self.log.sums.add_trial(result);
        self.log.trials.push(TrialRecord::new(result, evidence));
        Ok(())
    }

    fn recovery(&mut self, recovery: &Recovery, after: TrialId) -> anyhow::Result<()> {
        self.log.recoveries.push(RecoveryRecord::new(recovery, Some(after)));
        Ok(())
    }

    fn interrupted(&self) -> bool {
        self.interrupt.is_asked()
    }
}
