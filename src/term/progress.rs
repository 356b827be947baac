//! What the run is doing: a live block on a terminal, plain lines elsewhere, all on stderr.
//!
//! Time comes in with the calls. Each finished trial leaves a permanent line, so that a log of a run
//! reads as its search.

use super::block::Block;
use super::colour;
use super::complain;
use super::layout::title;
use super::told::{folded, recovery_line, trial_line};
pub use super::view::Expected;
use super::view::{Doing, View};
use crate::report::figure::{ms, span};
use crate::report::recent::StreamNow;
use crate::report::record::{RecoveryRecord, TrialRecord};
use crate::search::Standing;
use crate::trial::{StreamPlan, TICK_S, TrialId, TrialPlan, Workload};

/// Seconds between two lines of a running trial where there is no live block.
const PLAIN_EVERY_S: f64 = 10.0;

/// How progress is shown.
#[derive(Debug)]
enum Manner {
    /// A block that is drawn over again, twice a second.
    Live(Block),
    /// A line now and then.
    Plain,
    /// Not at all.
    Silent,
}

/// Shows the progress of a run.
#[derive(Debug)]
pub struct Progress {
    manner: Manner,
    colour: bool,
    view: View,
    /// The search that was last told of.
    repeat: Option<u32>,
    started_s: f64,
    last_line_s: f64,
}

impl Progress {
    /// A live block where stderr is a terminal that can show one, plain lines elsewhere; nothing at all of a quiet run.
    #[must_use]
    pub fn auto(expected: Expected, is_quiet: bool) -> Self {
        let colour = colour::stderr_takes_colour();
        let manner = match (is_quiet, colour::stderr_is_live()) {
            (true, _) => Manner::Silent,
            (false, true) => Manner::Live(Block::new(colour)),
            (false, false) => Manner::Plain,
        };
        Self::new(manner, expected, colour)
    }

    fn new(manner: Manner, expected: Expected, colour: bool) -> Self {
        let view = View::new(expected);
        Self { manner, colour, view, repeat: None, started_s: 0.0, last_line_s: 0.0 }
    }

    /// A trial is about to start, `elapsed_s` seconds into the run; `standing` is that of its search, in documents.
    pub fn begins(&mut self, plan: &TrialPlan, standing: Option<Standing>, elapsed_s: f64) {
        self.started_s = elapsed_s;
        if let Some(line) = self.next_search(plan.repeat) {
            self.note(&line);
        }
        self.view.elapsed_s = elapsed_s;
        self.view.begins(plan, standing);
        self.draw();
    }

    /// The line before the first trial of each of several searches.
    fn next_search(&mut self, repeat: Option<u32>) -> Option<String> {
        let repeats = self.view.expected.repeats;
        let number = repeat.filter(|_| repeats > 1 && repeat != self.repeat)?;
        self.repeat = repeat;
        Some(format!("search {number} of {repeats}"))
    }

    /// A look at the running trial, `at_s` seconds into it, and its streams as they are now.
    pub fn looks(&mut self, plan: &TrialPlan, at_s: f64, now: Vec<StreamNow>) {
        let elapsed_s = self.started_s + at_s;
        match &self.manner {
            Manner::Live(_) => {
                self.view.elapsed_s = elapsed_s;
                self.view.looks(at_s, now);
                self.draw();
            }
            Manner::Plain if elapsed_s - self.last_line_s >= PLAIN_EVERY_S => {
                let budget_s = self.view.expected.budget_s;
                let left_s = budget_s.map(|budget_s| budget_s - elapsed_s);
                complain(&plain_line(plan, at_s, &now, left_s));
                self.last_line_s = elapsed_s;
            }
            Manner::Plain | Manner::Silent => {}
        }
    }

    /// The wait after the trial `after` begins, which has moved the search to `standing`, in documents.
    pub fn recovers(&mut self, after: TrialId, standing: Standing, elapsed_s: f64) {
        self.started_s = elapsed_s;
        self.view.elapsed_s = elapsed_s;
        self.view.standing = Some(standing);
        self.view.doing = Doing::Recovery { after };
        self.view.streams.clear();
        self.draw();
    }

    /// The wait goes on, `elapsed_s` seconds into the run.
    pub fn waits(&mut self, elapsed_s: f64) {
        let is_due = elapsed_s - self.view.elapsed_s >= TICK_S;
        if is_due && matches!(self.manner, Manner::Live(_)) {
            self.view.elapsed_s = elapsed_s;
            self.draw();
        }
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

    /// Takes the live block away, before anything else is printed.
    pub fn close(&mut self) {
        if let Manner::Live(block) = &mut self.manner {
            block.clear();
        }
    }

    /// Leaves a permanent line, above the live block where there is one.
    fn note(&mut self, text: &str) {
        match &mut self.manner {
            Manner::Live(block) => block.leave(&folded(text, Block::columns())),
            Manner::Plain => complain(text),
            Manner::Silent => {}
        }
    }

    fn draw(&mut self) {
        if let Manner::Live(block) = &mut self.manner {
            block.show(self.view.lines(Block::columns()));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.close();
    }
}

fn plain_line(plan: &TrialPlan, at_s: f64, streams: &[StreamNow], left_s: Option<f64>) -> String {
    let offered_rps = plan.stream(Workload::Index).map(StreamPlan::documents_rps);
    let mut parts = vec![title(plan.purpose, offered_rps)];
    let trial_left_s = plan.warmup_s + plan.measure_s - at_s;
    parts.push(match trial_left_s {
        left_s if left_s <= 0.0 => "waiting for the last answers".to_owned(),
        left_s if at_s < plan.warmup_s => format!("warming up, {left_s:.0} s left"),
        left_s => format!("{left_s:.0} s left"),
    });
    for stream in streams {
        let Some(accepted_rps) = stream.accepted_rps else { continue };
        let (name, p99) = (stream.workload.name(), ms(stream.p99_ms));
        parts.push(format!("{name} {accepted_rps:.0} accepted/s, p99 {p99} ms"));
    }
    if let Some(left_s) = left_s {
        parts.push(format!("budget {} left", span(left_s.max(0.0))));
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::recent::Recent;
    use crate::report::sample::{stream_result, trial_result};
    use crate::trial::{Purpose, StreamView, Tick};

    #[test]
    fn a_plain_line_says_what_is_tried_and_how_long_it_takes() {
        let stream = stream_result(Workload::Index, 421.7, 4217, 0);
        let trial = trial_result(3, Purpose::Soak, vec![stream]);
        let stream = &trial.streams[0];
        let view = StreamView { plan: &stream.plan, tally: &stream.tally, outstanding: 25 };
        let tick = Tick { at_s: 4.5, streams: vec![view], visible: &[] };
        let now = Recent::default().look(&tick);
        insta::assert_snapshot!(plain_line(&trial.plan, 4.5, &now, Some(250.0)), @"soak 421.7/s · 6 s left · index 937 accepted/s, p99 118 ms · budget 4 min 10 s left");
    }

    #[test]
    fn each_of_several_searches_is_announced_once() {
        let several = |repeats| {
            let expected = Expected { repeats, ..Expected::default() };
            Progress::new(Manner::Plain, expected, false)
        };
        let mut progress = several(2);
        let mut told = [None, Some(1), Some(1), Some(2), None].map(|n| progress.next_search(n));
        assert_eq!(
            told.each_mut().map(|line| line.take().unwrap_or_default()),
            ["", "search 1 of 2", "", "search 2 of 2", ""]
        );
        assert_eq!(several(1).next_search(Some(1)), None, "one needs no number");
    }

    #[test]
    fn without_a_terminal_a_running_trial_says_little() {
        let stream = stream_result(Workload::Index, 50.0, 400, 0);
        let trial = trial_result(3, Purpose::Search, vec![stream]);
        let mut progress = Progress::new(Manner::Plain, Expected::default(), false);
        progress.begins(&trial.plan, None, 100.0);
        progress.looks(&trial.plan, 4.0, Vec::new());
        assert!((progress.last_line_s - 104.0).abs() < 1e-9, "the first line comes at once");
        progress.looks(&trial.plan, 13.5, Vec::new());
        assert!((progress.last_line_s - 104.0).abs() < 1e-9, "and no other for 10 s");
        progress.looks(&trial.plan, 14.0, Vec::new());
        assert!((progress.last_line_s - 114.0).abs() < 1e-9, "then one more");
    }
}
