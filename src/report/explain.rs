//! A search retold: what was tried, why it was judged so, what that moved.

use std::fmt::Write;

use super::figure::span;
use super::record::TrialRecord;
use crate::search::Standing;

/// The line before the first trial of the search `number` of `planned`.
#[must_use]
pub fn heading(number: u32, planned: u32) -> String {
    format!("\nsearch {number} of {planned}\n")
}

/// One trial in words, given where the search stood before and after it.
#[must_use]
pub fn retell(trial: &TrialRecord, before: &Standing, after: &Standing) -> String {
    let mut text = format!("{:<4} {}", trial.id, trial.purpose.replace('_', " "));
    if let Some(offered_rps) = trial.offered_rps {
        let _ = write!(text, " at {offered_rps:.1}/s");
    }
    let _ = write!(text, " for {}: {}", span(trial.measure_s), trial.verdict);
    if trial.reasons.is_empty() {
        text.push('\n');
    } else {
        let _ = writeln!(text, ", because of {}", trial.reasons.join("; "));
    }
    for line in moved(before, after) {
        let _ = writeln!(text, "     {line}");
    }
    text
}

/// What a trial moved.
fn moved(before: &Standing, after: &Standing) -> Vec<String> {
    let mut lines = Vec::new();
    let ends = [("holds", before.low, after.low), ("does not hold", before.high, after.high)];
    for (what, was, now) in ends {
        match (was, now) {
            (was, Some(now)) if was != Some(now) => lines.push(format!("{now} {what}")),
            (Some(was), None) => lines.push(format!("that {was} {what} is withdrawn")),
            _ => {}
        }
    }
    match (before.confirmed, after.confirmed) {
        (was, Some(now)) if was != Some(now) => lines.push(format!("{now} is confirmed")),
        (Some(was), None) => lines.push(format!("the confirmation of {was} is withdrawn")),
        _ => {}
    }
    if let (Some(believed_rps), Some(deviation_ratio)) = (after.believed_rps, after.deviation_ratio)
        && before.believed_rps != after.believed_rps
    {
        let percent = deviation_ratio * 100.0;
        lines.push(format!("the capacity is believed to be {believed_rps:.1}/s ± {percent:.1} %"));
    }
    if before.aim != after.aim {
        lines.push(format!("next: {}", after.aim));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{evidence, stream_result, trial_result};
    use crate::trial::verdict::{Reason, Verdict};
    use crate::trial::{Purpose, Workload};
    use crate::units::Rps;

    #[test]
    fn a_trial_is_told_with_its_reason_and_what_it_moved() {
        let stream = stream_result(Workload::Index, 50.0, 400, 20);
        let result = trial_result(3, Purpose::Search, vec![stream]);
        let verdict = Verdict::Overloaded(vec![Reason::Backlog { growth_rps: 24.9 }]);
        let trial = TrialRecord::new(&result, &evidence(verdict));
        let before = Standing {
            low: Rps::new(25.0),
            high: None,
            believed_rps: None,
            deviation_ratio: None,
            confirmed: None,
            aim: "climb",
        };
        let after = Standing { high: Rps::new(50.0), aim: "halve the bracket", ..before };
        let text = retell(&trial, &before, &after);
        assert!(text.starts_with("t3   search at 50.0/s for"), "{text}");
        for part in ["overloaded, because of backlog", "does not hold", "next: halve the bracket"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(!text.contains("25.0/s holds"), "what did not move is not told: {text}");
    }
}
