//! The lines that finished trials and recoveries leave: a log of a run reads as its search.

use console::measure_text_width;

use super::colour::{Tone, paint};
use crate::report::figure::{ms, rate, span};
use crate::report::record::{RecoveryRecord, TrialRecord};
use crate::trial::Workload;

/// The line of a finished trial.
pub(super) fn trial_line(trial: &TrialRecord, colour: bool) -> String {
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

/// The line of a finished recovery.
pub(super) fn recovery_line(recovery: &RecoveryRecord, colour: bool) -> String {
    let (word, tone, took_s) = match (recovery.recovered_s, &recovery.stopped) {
        (Some(recovered_s), _) => ("recovered", Tone::Good, recovered_s),
        (None, Some(_)) => ("stopped", Tone::Unsure, recovery.wall_s),
        (None, None) => ("hanging", Tone::Bad, recovery.wall_s),
    };
    let word = paint(&format!("{word:<10}"), tone, colour);
    format!("{:<4} {:<11} {:>10}  {word}  {:>10}", recovery.id, "recovery", "", span(took_s))
}

/// `text` in lines of at most `columns`, parted at spaces where it can be; what goes on is indented.
pub(super) fn folded(text: &str, columns: usize) -> String {
    const INDENT: usize = 5;
    let (mut folded, mut column) = (String::new(), 0);
    // Words are parted at single spaces only, so that the columns of a line stay as they are.
    for (position, word) in text.split(' ').enumerate() {
        let width = measure_text_width(word);
        if column + 1 + width > columns && column > INDENT {
            folded.truncate(folded.trim_end().len());
            folded.push('\n');
            folded.push_str(&" ".repeat(INDENT));
            column = INDENT;
        } else if position > 0 {
            folded.push(' ');
            column += 1;
        }
        folded.push_str(word);
        column += width;
    }
    folded
}

/// `level_100` as a person writes it.
pub(super) fn purpose_words(purpose: &str) -> String {
    purpose
        .strip_prefix("level_")
        .map_or_else(|| purpose.replace('_', "-"), |percent| format!("level {percent} %"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{evidence, stream_result, trial_result};
    use crate::trial::result::Recovery;
    use crate::trial::verdict::{Reason, Verdict};
    use crate::trial::{Purpose, StopCause, TrialId};
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
    fn a_long_line_goes_on_indented_and_is_parted_between_words() {
        let lines = folded(lines().first().unwrap(), 60);
        insta::assert_snapshot!(lines, @r"
        t3   search         421.7/s  overloaded      10.0 s
             backlog: 24.9 more requests outstanding every second
        ");
        let painted = format!("{} a b", paint("sustained", Tone::Good, true));
        assert_eq!(folded(&painted, 13), painted, "colours take no room");
    }

    #[test]
    fn a_verdict_is_coloured_only_where_colour_is_wanted() {
        let stream = stream_result(Workload::Index, 50.0, 400, 0);
        let trial = trial_result(3, Purpose::Search, vec![stream]);
        let record = TrialRecord::new(&trial, &evidence(Verdict::Undecided));
        assert!(trial_line(&record, true).contains("\x1b[33mundecided"), "yellow");
        assert!(!trial_line(&record, false).contains('\x1b'), "no escape codes");
    }
}
