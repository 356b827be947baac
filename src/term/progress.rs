//! What the run is doing: one live line on a terminal, plain lines elsewhere, all on stderr.
//!
//! Time comes in with the calls. Each finished trial leaves a permanent line, so that a log of a run
//! reads as its search.

use std::fmt;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::colour::{self, Tone, paint};
use super::complain;
use crate::report::figure::{ms, rate, span};
use crate::report::record::{RecoveryRecord, TrialRecord};
use crate::trial::{StreamPlan, Tick, TrialId, TrialPlan, Workload};
use crate::units::round_to_usize;

/// Seconds between two lines of a running trial where there is no live line.
const PLAIN_EVERY_S: f64 = 10.0;
/// Most redraws of the live line per second.
const REDRAWS_PER_S: u8 = 2;

/// Shows the progress of a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    colour: bool,
    budget_s: Option<f64>,
    /// Searches of the run.
    repeats: u32,
    /// The one that was last told of.
    repeat: Option<u32>,
    started_s: f64,
    last_line_s: f64,
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("is_live", &self.bar.is_some()).finish_non_exhaustive()
    }
}

impl Progress {
    /// A live line where stderr is a terminal that can show one, plain lines elsewhere; `budget_s` is
    /// the wall time of the whole run, where it has one, and `repeats` its number of searches.
    #[must_use]
    pub fn auto(budget_s: Option<f64>, repeats: u32) -> Self {
        Self::new(colour::stderr_is_live(), budget_s, repeats)
    }

    /// As [`Progress::auto`], with the choice made by the caller.
    #[must_use]
    pub fn new(is_live: bool, budget_s: Option<f64>, repeats: u32) -> Self {
        let colour = is_live && colour::stderr_takes_colour();
        let bar = is_live.then(live_bar);
        Self { bar, colour, budget_s, repeats, repeat: None, started_s: 0.0, last_line_s: 0.0 }
    }

    /// A trial is about to start, `elapsed_s` seconds into the run.
    pub fn begins(&mut self, plan: &TrialPlan, elapsed_s: f64) {
        self.started_s = elapsed_s;
        if let Some(line) = self.next_search(plan.repeat) {
            self.note(&line);
        }
        self.show(&format!("{} · starting", title(plan)));
    }

    /// The line before the first trial of each of several searches.
    fn next_search(&mut self, repeat: Option<u32>) -> Option<String> {
        let number = repeat.filter(|_| self.repeats > 1 && repeat != self.repeat)?;
        self.repeat = repeat;
        Some(format!("search {number} of {}", self.repeats))
    }

    /// A look at the running trial.
    pub fn looks(&mut self, plan: &TrialPlan, tick: &Tick<'_>) {
        let elapsed_s = self.started_s + tick.at_s;
        if self.bar.is_none() && elapsed_s - self.last_line_s < PLAIN_EVERY_S {
            return;
        }
        let line = live_line(plan, tick, self.budget_s.map(|budget_s| budget_s - elapsed_s));
        if self.bar.is_some() {
            self.show(&line);
        } else {
            self.last_line_s = elapsed_s;
            complain(&line);
        }
    }

    /// The wait after the trial `after` begins.
    pub fn recovers(&mut self, after: TrialId, elapsed_s: f64) {
        self.started_s = elapsed_s;
        self.show(&format!("waiting until the target has recovered from {after}"));
    }

    /// Leaves the permanent line of a finished trial.
    pub fn finished(&mut self, trial: &TrialRecord) {
        self.last_line_s = self.started_s + trial.warmup_s + trial.measure_s;
        self.note(&trial_line(trial, self.colour));
    }

    /// Leaves the permanent line of a finished recovery.
    pub fn recovered(&mut self, recovery: &RecoveryRecord) {
        self.note(&recovery_line(recovery, self.colour));
    }

    /// Leaves a permanent line, above the live one where there is one.
    pub fn note(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| complain(text)),
            None => complain(text),
        }
    }

    /// Takes the live line away, before anything else is printed.
    pub fn close(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn show(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(line.to_owned());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.close();
    }
}

/// A single line that is cut to the width of the terminal.
fn live_bar() -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(REDRAWS_PER_S));
    // A template that cannot be read would only cost the cut; the message is shown either way.
    if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// What is tried: the purpose and the rate of indexing.
fn title(plan: &TrialPlan) -> String {
    let rps = plan.stream(Workload::Index).map(StreamPlan::documents_rps);
    let purpose = purpose_words(&plan.purpose.name());
    rps.map_or(purpose.clone(), |rps| format!("{purpose} {rps:.1}/s"))
}

/// `level_100` as a person writes it.
fn purpose_words(purpose: &str) -> String {
    purpose
        .strip_prefix("level_")
        .map_or_else(|| purpose.replace('_', "-"), |percent| format!("level {percent} %"))
}

fn live_line(plan: &TrialPlan, tick: &Tick<'_>, budget_left_s: Option<f64>) -> String {
    let mut parts = vec![title(plan)];
    let left_s = plan.warmup_s + plan.measure_s - tick.at_s;
    parts.push(match left_s {
        left_s if left_s <= 0.0 => "waiting for the last answers".to_owned(),
        _ if tick.at_s < plan.warmup_s => format!("warming up, {left_s:.0} s left"),
        _ => format!("{left_s:.0} s left"),
    });
    for view in &tick.streams {
        let tally = view.tally;
        // The second under way is not full yet; the one before it is.
        let second = round_to_usize((tick.at_s - plan.warmup_s - 1.0).floor());
        let accepted = tally.seconds.get(second).map(|second| second.documents);
        let p99_ms = tally.response.quantile_ms(0.99);
        let (Some(accepted), name) = (accepted, view.plan.workload.name()) else { continue };
        parts.push(format!("{name} {accepted} accepted/s, p99 {} ms", ms(p99_ms)));
    }
    if let Some(left_s) = budget_left_s {
        parts.push(format!("budget {} left", span(left_s.max(0.0))));
    }
    parts.join(" · ")
}

fn trial_line(trial: &TrialRecord, colour: bool) -> String {
    let is_unjudged = trial.purpose.starts_with("level_") || trial.purpose == "warm_up";
    let (word, tone) = match trial.verdict.as_str() {
        // These are measured, not judged; what counts is only whether they can be believed.
        "sustained" | "overloaded" | "undecided" if is_unjudged && trial.stopped.is_none() => {
            ("measured", Tone::Good)
        }
        "sustained" => ("sustained", Tone::Good),
        "overloaded" => ("overloaded", Tone::Bad),
        "void" => ("void", Tone::Unsure),
        _ => ("undecided", Tone::Unsure),
    };
    let offered = trial.offered_rps.map_or_else(|| rate(None), |rps| format!("{rps:.1}/s"));
    let mut line = format!(
        "{:<4} {:<11} {offered:>10}  {}  {:>10}",
        trial.id,
        purpose_words(&trial.purpose),
        paint(&format!("{word:<10}"), tone, colour),
        span(trial.measure_s),
    );
    let dashboard = trial.stream(Workload::Dashboard).and_then(|s| s.response_ms.p99);
    let mut remarks = Vec::new();
    if word != "measured" {
        remarks.extend(trial.reasons.clone());
    }
    remarks.extend(dashboard.map(|p99_ms| format!("dashboard p99 {} ms", ms(Some(p99_ms)))));
    if !remarks.is_empty() {
        line.push_str("  ");
        line.push_str(&remarks.join("; "));
    }
    line
}

fn recovery_line(recovery: &RecoveryRecord, colour: bool) -> String {
    let (word, tone, took_s) = match (recovery.recovered_s, &recovery.stopped) {
        (Some(recovered_s), _) => ("recovered", Tone::Good, recovered_s),
        (None, Some(_)) => ("stopped", Tone::Unsure, recovery.wall_s),
        (None, None) => ("hanging", Tone::Bad, recovery.wall_s),
    };
    let word = paint(&format!("{word:<10}"), tone, colour);
    format!("{:<4} {:<11} {:>10}  {word}  {:>10}", recovery.id, "recovery", "", span(took_s))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{evidence, stream_result, trial_result};
    use crate::trial::result::Recovery;
    use crate::trial::verdict::{Reason, Verdict};
    use crate::trial::{Purpose, StopCause, StreamView};
    use crate::units::LoadPercent;

    fn lines() -> Vec<String> {
        let index = || stream_result(Workload::Index, 421.7, 4217, 20);
        let mut search = trial_result(3, Purpose::Search, vec![index()]);
        search.stopped = Some(StopCause::Decided);
        let verdict = Verdict::Overloaded(vec![Reason::Backlog { growth_rps: 24.9 }]);
        let dashboard = stream_result(Workload::Dashboard, 5.0, 400, 0);
        let level = trial_result(14, Purpose::Level(LoadPercent(0)), vec![dashboard]);
        let recovery = Recovery {
            id: TrialId(4),
            recovered_s: None,
            wall_s: 180.0,
            probes: 9,
            accepted: 0,
            unknown: 9,
            stopped: None,
        };
        vec![
            trial_line(&TrialRecord::new(&search, &evidence(verdict)), false),
            recovery_line(&RecoveryRecord::new(&recovery, Some(TrialId(3))), false),
            trial_line(&TrialRecord::new(&level, &evidence(Verdict::Undecided)), false),
        ]
    }

    #[test]
    fn each_finished_step_leaves_one_line_with_its_verdict_and_reason() {
        insta::assert_snapshot!(lines().join("\n"), @r"
        t3   search         421.7/s  overloaded      10.0 s  backlog: 24.9 more requests outstanding every second
        t4   recovery                hanging     3 min 00 s
        t14  level 0 %            –  measured    1 min 20 s  dashboard p99 118 ms
        ");
    }

    #[test]
    fn the_live_line_says_what_is_tried_and_how_long_it_takes() {
        let stream = stream_result(Workload::Index, 421.7, 4217, 0);
        let trial = trial_result(3, Purpose::Soak, vec![stream]);
        let stream = &trial.streams[0];
        let view = StreamView { plan: &stream.plan, tally: &stream.tally, outstanding: 25 };
        let tick = Tick { at_s: 4.5, streams: vec![view], visible: &[] };
        insta::assert_snapshot!(live_line(&trial.plan, &tick, Some(250.0)), @"soak 421.7/s · 6 s left · index 422 accepted/s, p99 118 ms · budget 4 min 10 s left");
    }

    #[test]
    fn a_verdict_is_coloured_only_where_colour_is_wanted() {
        let stream = stream_result(Workload::Index, 50.0, 400, 0);
        let trial = trial_result(3, Purpose::Search, vec![stream]);
        let record = TrialRecord::new(&trial, &evidence(Verdict::Undecided));
        assert!(trial_line(&record, true).contains("\x1b[33mundecided"), "yellow");
        assert!(!trial_line(&record, false).contains('\x1b'), "no escape codes");
    }

    #[test]
    fn each_of_several_searches_is_announced_once() {
        let mut progress = Progress::new(false, None, 2);
        let mut told = [None, Some(1), Some(1), Some(2), None].map(|n| progress.next_search(n));
        assert_eq!(
            told.each_mut().map(|line| line.take().unwrap_or_default()),
            ["", "search 1 of 2", "", "search 2 of 2", ""]
        );
        assert_eq!(Progress::new(false, None, 1).next_search(Some(1)), None, "one needs no number");
    }

    #[test]
    fn without_a_terminal_a_running_trial_says_little() {
        let stream = stream_result(Workload::Index, 50.0, 400, 0);
        let trial = trial_result(3, Purpose::Search, vec![stream]);
        let mut progress = Progress::new(false, None, 1);
        progress.begins(&trial.plan, 100.0);
        progress.looks(&trial.plan, &Tick { at_s: 4.0, streams: Vec::new(), visible: &[] });
        assert!((progress.last_line_s - 104.0).abs() < 1e-9, "the first line comes at once");
        progress.looks(&trial.plan, &Tick { at_s: 13.5, streams: Vec::new(), visible: &[] });
        assert!((progress.last_line_s - 104.0).abs() < 1e-9, "and no other for 10 s");
        progress.looks(&trial.plan, &Tick { at_s: 14.0, streams: Vec::new(), visible: &[] });
        assert!((progress.last_line_s - 114.0).abs() < 1e-9, "then one more");
    }
}
