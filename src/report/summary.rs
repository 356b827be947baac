//! The summary that a person reads: the answer first, then what it rests on, then the judgement.

use super::advice::advice;
use super::caution::{Caution, bracket, caution_lines};
use super::figure::{MISSING, columns, counted, entry, ms, plain, rate, short_rate, span};
use super::repeats::{ends_words, repeats_told};
use super::schema::{CriterionRecord, LevelRecord, Outcome, RunRecord};
use super::verification::VerificationRecord;
use crate::units::usize_to_u64;

/// The summary of `run`, whose files are in `folder`.
///
/// `cautions` are those that belong into the text; pass none where they are shown elsewhere.
#[must_use]
pub fn summary(run: &RunRecord, cautions: &[Caution], folder: &str) -> String {
    let mut text = headline(run);
    text.push_str(&goal(run));
    text.push_str(&effort(run));
    text.push_str(&levels(&run.levels));
    text.push_str(&overload(run));
    text.push_str(&generator(run));
    text.push_str(&crew(run));
    text.push_str(&documents(run));
    text.push_str(&caution_lines(cautions));
    text.push_str(&judgement(run));
    text.push_str(&entry("results", folder));
    text
}

fn headline(run: &RunRecord) -> String {
    let capacity = &run.capacity;
    let advice = advice(&capacity.finding);
    let confirmed_by = capacity.confirmed_by.join(", ");
    let mut text = match (capacity.rps, capacity.finding.as_str()) {
        (Some(rps), "at_ceiling") => entry(
            "capacity",
            &format!(
                "at least {rps:.1} documents/s{}  (the ceiling, confirmed by {confirmed_by})",
                in_requests(run)
            ),
        ),
        (Some(rps), _) => {
            let range = bracket(capacity.low_rps, capacity.high_rps);
            let ends = ends_words(run);
            entry(
                "capacity",
                &format!(
                    "{rps:.1} documents/s{}  ({ends} {range}, confirmed by {confirmed_by})",
                    in_requests(run)
                ),
            )
        }
        (None, finding) => {
            entry("capacity", &format!("none found: {finding}")) + &entry("", advice.meaning)
        }
    };
    for reason in &capacity.reasons {
        text.push_str(&entry("", &format!("because {reason}")));
    }
    let repeats = repeats_told(&run.repeats);
    if !repeats.is_empty() {
        text.push_str(&entry("searches", &repeats));
    }
    if !advice.next.is_empty() {
        text.push_str(&entry("next", advice.next));
    }
    text
}

/// The capacity in requests, where that is another number; empty otherwise.
pub(super) fn in_requests(run: &RunRecord) -> String {
    let (Some(rps), Some(requests_rps)) = (run.capacity.rps, run.capacity.requests_rps) else {
        return String::new();
    };
    if requests_rps < rps { format!(" in {requests_rps:.1} requests/s") } else { String::new() }
}

fn goal(run: &RunRecord) -> String {
    let Some(goal) = run.criteria.iter().find(|criterion| criterion.name == "goal") else {
        return String::new();
    };
    let met = match goal.outcome {
        Outcome::Pass => "met",
        Outcome::Fail => "not met",
        Outcome::Invalid => "not decided",
    };
    let needed = goal.limit.map_or_else(|| MISSING.to_owned(), short_rate);
    entry("goal", &format!("{needed} documents/s {met}: {}", goal.reason))
}

fn effort(run: &RunRecord) -> String {
    let stamp = &run.run.stamp;
    entry(
        "run",
        &format!(
            "{}, {} of load in {}, seed {}",
            counted(usize_to_u64(run.trials.len()), "trial"),
            span(run.run.load_s),
            span(stamp.wall_s),
            stamp.seed
        ),
    )
}

fn levels(levels: &[LevelRecord]) -> String {
    if levels.is_empty() {
        return String::new();
    }
    let header = [
        "load",
        "offered/s",
        "accepted/s",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "time-outs",
        "errors",
        "n",
        "index p99",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    rows.extend(levels.iter().map(|level| level_cells(level).to_vec()));
    let table = columns(&rows);
    format!("\nthe dashboard query under indexing load, response times in ms\n{table}\n")
}

/// What the table says of a level, column by column.
pub(super) fn level_cells(level: &LevelRecord) -> [String; 12] {
    let (index, times) = (level.index.as_ref(), &level.dashboard.response_ms);
    let counts = &level.dashboard.counts;
    [
        format!("{} %", level.load_percent),
        rate(index.map(|index| index.offered_rps)),
        rate(index.and_then(|index| index.accepted_rps)),
        ms(times.p50),
        ms(times.p90),
        ms(times.p99),
        ms(times.p999),
        ms(times.max),
        counts.timed_out.to_string(),
        (counts.failed() - counts.timed_out).to_string(),
        times.samples.to_string(),
        ms(index.and_then(|index| index.response_ms.p99)),
    ]
}

fn overload(run: &RunRecord) -> String {
    let Some(load_percent) = run.overload.load_percent else { return String::new() };
    let goodput = run.overload.goodput_ratio.map_or_else(
        || "goodput not known".to_owned(),
        |ratio| format!("{:.0} % of the capacity is still accepted", ratio * 100.0),
    );
    let recovery = run.overload.recovery_s.map_or_else(
        || "no recovery was seen".to_owned(),
        |recovery_s| format!("recovered after {}", span(recovery_s)),
    );
    entry("overload", &format!("at {load_percent} %: {goodput}; {recovery}"))
}

fn generator(run: &RunRecord) -> String {
    let (generator, late) = (&run.generator, &run.generator.lateness_ms);
    let cost = generator
        .cpu_us_per_request
        .map_or_else(|| MISSING.to_owned(), |cost| format!("{cost:.0} µs"));
    let limited = if generator.limited { "LIMITED" } else { "not limited" };
    entry(
        "generator",
        &format!(
            "{limited}; lateness p50 {} ms, p99 {} ms, max {} ms; {cost} CPU per request",
            ms(late.p50),
            ms(late.p99),
            ms(late.max)
        ),
    )
}

/// Who sent, where other machines did.
fn crew(run: &RunRecord) -> String {
    if run.agents.is_empty() {
        return String::new();
    }
    let parts = run.agents.iter().map(|agent| {
        let name = plain(&agent.name);
        match agent.lost.first() {
            Some(loss) => format!("{name} lost in {}", loss.trial),
            None => format!("{name} {:.0} %", agent.share_ratio * 100.0),
        }
    });
    let error_ms = run.agents.iter().filter_map(|agent| agent.clock_error_ms).reduce(f64::max);
    entry(
        "agents",
        &format!(
            "{} of the load at last; clocks known to {} ms",
            parts.collect::<Vec<_>>().join(", "),
            ms(error_ms)
        ),
    )
}

/// What became of the documents, where the target could be asked.
fn documents(run: &RunRecord) -> String {
    let VerificationRecord { accepted, unknown, found, lost, doubled, .. } = &run.verification;
    let (Some(found), Some(lost)) = (found, lost) else { return String::new() };
    let unanswered =
        if *unknown > 0 { format!(", {unknown} without an answer") } else { String::new() };
    let doubled = doubled.map_or_else(String::new, |doubled| format!(", {doubled} doubled"));
    entry(
        "documents",
        &format!("{accepted} accepted{unanswered}; {found} found, {lost} lost{doubled}"),
    )
}

fn judgement(run: &RunRecord) -> String {
    let mut text = entry("outcome", run.outcome.name());
    let open = |criterion: &&CriterionRecord| criterion.outcome != Outcome::Pass;
    for criterion in run.criteria.iter().filter(open) {
        let CriterionRecord { name, outcome, reason, .. } = criterion;
        text.push_str(&entry("", &format!("{outcome:<7}  {name}{}: {reason}", values(criterion))));
    }
    text
}

/// Measured value and limit, where both are known and the reason does not say them.
fn values(criterion: &CriterionRecord) -> String {
    let is_known = criterion.measured.is_some() && criterion.limit.is_some();
    if !is_known || !["ratio", "ms", "s"].contains(&criterion.unit.as_str()) {
        return String::new();
    }
    format!(" {} (limit {})", criterion.shown_measured(), criterion.shown_limit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::caution::cautions;
    use crate::report::sample::{capacity, run, terms};
    use crate::report::signoff::Terms;
    use crate::search::finding::Finding;

    fn text_of(run: &RunRecord) -> String {
        summary(run, &cautions(run), "results/20261123T151500Z-capacity")
    }

    #[test]
    fn a_typical_run_reads_from_the_answer_to_the_judgement() {
        let terms = Terms { dashboard_p99_ms: Some(118.3), ..terms() };
        let run = run(capacity(Finding::Capacity, Some(397.2)), terms, 400);
        insta::assert_snapshot!(text_of(&run), @r"
        capacity   397.2 documents/s  (bracket 397.2 – 411.1, confirmed by t1)
        goal       200 documents/s met: 397.2/s is 99 % above 200/s
        run        5 trials, 2 min 09 s of load in 3 min 20 s, seed 42

        the dashboard query under indexing load, response times in ms
         load  offered/s  accepted/s   p50  p90  p99  p99.9  max  time-outs  errors    n  index p99
          0 %          –           –  69.1  109  118      –  119          0       0  400          –
         50 %      198.6       198.0  69.1  109  118      –  119          0       0  400        118
        100 %      397.2       394.5  69.1  109  118      –  119          0       0  400        118
        120 %      476.6       464.7  69.1  109  118      –  119          0       0  400       5001

        overload   at 120 %: 116 % of the capacity is still accepted; recovered after 2.8 s
        generator  not limited; lateness p50 0.050 ms, p99 0.050 ms, max 0.050 ms; 28 µs CPU per request
        caution    the target cannot count its documents: that it kept all 15900 accepted ones was not
                   verified
        outcome    INVALID
                   INVALID  dashboard_p99 118 ms (limit 118.3 ms): the interval reaches 119 ms; more samples
                   are needed
        results    results/20261123T151500Z-capacity
        ");
    }

    #[test]
    fn what_became_of_the_documents_is_told_where_they_were_counted() {
        let mut run = run(capacity(Finding::Capacity, Some(397.2)), terms(), 400);
        run.verification.found = Some(15_899);
        (run.verification.lost, run.verification.doubled) = (Some(1), Some(0));
        insta::assert_snapshot!(documents(&run), @"documents  15900 accepted, 100 without an answer; 15899 found, 1 lost, 0 doubled");
        run.verification.found = None;
        assert_eq!(documents(&run), "", "the caution says why not");
    }

    #[test]
    fn an_unconfirmed_search_says_why_and_what_to_do() {
        let mut unconfirmed = capacity(Finding::Unconfirmed, Some(397.2));
        unconfirmed.rps = None;
        unconfirmed.confirmed_by.clear();
        unconfirmed.reasons = vec!["5 soaks failed, the last at 312.4/s".to_owned()];
        insta::assert_snapshot!(text_of(&run(unconfirmed, terms(), 0)), @r"
        capacity   none found: unconfirmed
                   rates passed short trials, and none of them held a soak
                   because 5 soaks failed, the last at 312.4/s
        next       run again with a greater BUDGET_S; if it stays, the target's speed drifts or stalls
        goal       200 documents/s not decided: there is no confirmed capacity
        run        1 trial, 10.0 s of load in 40.0 s, seed 42
        generator  not limited; lateness p50 0.050 ms, p99 0.050 ms, max 0.050 ms; 25 µs CPU per request
        caution    the search had come to 397.2 – 411.1 documents/s: a hint for FLOOR_RPS and CEILING_RPS of
                   the next run, not a capacity
        caution    the target cannot count its documents: that it kept all 4000 accepted ones was not
                   verified
        outcome    INVALID
                   INVALID  finding: unconfirmed: rates passed short trials, and none of them held a soak
                   INVALID  goal: there is no confirmed capacity
        results    results/20261123T151500Z-capacity
        ");
    }

    #[test]
    fn a_lost_target_leaves_a_summary_of_what_was_measured() {
        let mut lost = capacity(Finding::TargetLost, None);
        lost.reasons = vec!["the target could no longer be reached".to_owned()];
        insta::assert_snapshot!(text_of(&run(lost, terms(), 0)), @r"
        capacity   none found: target_lost
                   the target was lost before a rate was confirmed
                   because the target could no longer be reached
        next       read the target's log; it crashed, was stopped, or the network failed
        goal       200 documents/s not decided: there is no confirmed capacity
        run        1 trial, 10.0 s of load in 40.0 s, seed 42
        generator  not limited; lateness p50 0.050 ms, p99 0.050 ms, max 0.050 ms; 25 µs CPU per request
        caution    the target cannot count its documents: that it kept all 4000 accepted ones was not
                   verified
        outcome    INVALID
                   INVALID  finding: target_lost: the target was lost before a rate was confirmed
                   INVALID  goal: there is no confirmed capacity
        results    results/20261123T151500Z-capacity
        ");
    }
}
