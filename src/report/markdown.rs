//! The summary as Markdown for GitHub: the answer in a sentence, the criteria, the levels, the error budget, what to know.
//!
//! Whatever a target said is shown as text: it makes no table, link, picture, heading or HTML.

use super::advice::advice;
use super::caution::{Caution, bracket};
use super::criterion::Outcome;
use super::figure::{MISSING, plain, rate, short_rate, span};
use super::repeats::ends_words;
use super::schema::{CriterionRecord, LevelRecord, RunRecord};
use super::stream::StreamRecord;
use super::summary::{in_requests, level_cells};
use crate::trial::Workload;

/// The summary of `run` with its `cautions`.
#[must_use]
pub fn markdown(run: &RunRecord, cautions: &[Caution]) -> String {
    let mut parts = vec![
        format!("## Plimsoll: {}", run.outcome),
        headline(run),
        about(run),
        "### Criteria".to_owned(),
        criteria(&run.criteria),
    ];
    if !run.levels.is_empty() {
        parts.push("### The dashboard query under indexing load".to_owned());
        parts.push(levels(&run.levels));
    }
    parts.extend(error_budget(run));
    if !cautions.is_empty() {
        parts.push("### Cautions".to_owned());
        let lines = cautions.iter().map(|caution| format!("* {}", escape(&caution.to_string())));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    parts.join("\n\n") + "\n"
}

/// The answer in one sentence.
fn headline(run: &RunRecord) -> String {
    let capacity = &run.capacity;
    let Some(rps) = capacity.rps else {
        let reasons = capacity.reasons.iter().map(|reason| format!("; {}", escape(reason)));
        return format!(
            "**No capacity was found**: `{}`, {}{}.",
            plain(&capacity.finding).replace('`', "'"),
            escape(advice(&capacity.finding).meaning),
            reasons.collect::<String>()
        );
    };
    let found = if capacity.finding == "at_ceiling" {
        format!("The service sustains **at least {rps:.1} documents/s**, the ceiling of the search")
    } else {
        let range = bracket(capacity.low_rps, capacity.high_rps);
        format!(
            "The service sustains **{rps:.1} documents/s**{} ({} {range})",
            in_requests(run),
            ends_words(run)
        )
    };
    let goal = run.criteria.iter().find(|criterion| criterion.name == "goal");
    let met = goal.and_then(|goal| {
        let needed = short_rate(goal.limit?);
        let how = match goal.outcome {
            Outcome::Pass => "is met",
            Outcome::Fail => "is **not met**",
            Outcome::Invalid => "is **not decided**",
        };
        Some(format!("; the goal of {needed}/s {how}: {}", escape(&goal.reason)))
    });
    format!("{found}{}.", met.unwrap_or_default())
}

fn about(run: &RunRecord) -> String {
    let stamp = &run.run.stamp;
    let workers = run.target.workers.map_or_else(String::new, |n| format!(", {n} workers"));
    let file = run
        .slo
        .as_ref()
        .map_or_else(String::new, |slo| format!(", judged by {}", escape(&slo.file)));
    format!(
        "Run {} of {}{workers}, {} of load in {}, seed {}{file}.",
        escape(&stamp.id),
        escape(&run.target.url),
        span(run.run.load_s),
        span(stamp.wall_s),
        stamp.seed
    )
}

fn criteria(criteria: &[CriterionRecord]) -> String {
    let rows = criteria.iter().map(|criterion| {
        vec![
            escape(&criterion.name),
            format!("**{}**", criterion.outcome),
            criterion.shown_measured(),
            criterion.shown_limit(),
            criterion.shown_margin(),
            escape(&criterion.reason),
        ]
    });
    let heads = ["criterion", "outcome", "measured", "limit", "margin", "reason"];
    table(&heads, &[":--", ":--", "--:", "--:", "--:", ":--"], rows)
}

fn levels(levels: &[LevelRecord]) -> String {
    let heads = [
        "load",
        "offered/s",
        "accepted/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "time-outs",
        "errors",
        "queries",
        "index p99 ms",
        "recovery",
    ];
    let rows = levels.iter().map(|level| {
        let [load, offered, accepted, p50, _, p99, _, max, timeouts, errors, queries, index] =
            level_cells(level);
        let recovery = level.recovery_s.map_or_else(|| MISSING.to_owned(), span);
        let cells =
            [load, offered, accepted, p50, p99, max, timeouts, errors, queries, index, recovery];
        cells.to_vec()
    });
    table(&heads, &["--:"; 11], rows)
}

/// How much of the indexing requests that may fail did fail, where the budget is known and anything was indexed.
fn error_budget(run: &RunRecord) -> Option<String> {
    let allowed = run.setting("ERROR_RATIO")?.parse::<f64>().ok()?;
    let soaks = run.capacity.confirmed_by.iter().filter_map(|id| {
        let trial = run.trials.iter().find(|trial| trial.id == *id)?;
        Some((format!("soak {}", escape(id)), trial.stream(Workload::Index)?))
    });
    let levels = run.levels.iter().filter_map(|level| {
        Some((format!("level {} %", level.load_percent), level.index.as_ref()?))
    });
    let rows: Vec<Vec<String>> =
        soaks.chain(levels).filter_map(|(name, index)| budget_row(name, index, allowed)).collect();
    if rows.is_empty() {
        return None;
    }
    let heads = ["phase", "offered/s", "failed", "scheduled", "share", "budget used"];
    let table = table(&heads, &[":--", "--:", "--:", "--:", "--:", "--:"], rows.into_iter());
    Some(format!(
        "### Error budget of indexing\n\n{:.3} % of the documents may end in another way than accepted; 100 % used is all \
         of that.\n\n{table}",
        allowed * 100.0
    ))
}

fn budget_row(name: String, index: &StreamRecord, allowed: f64) -> Option<Vec<String>> {
    let share = index.error_ratio()?;
    Some(vec![
        name,
        rate(Some(index.offered_rps)),
        index.counts.failed().to_string(),
        index.counts.scheduled.to_string(),
        format!("{:.3} %", share * 100.0),
        format!("{:.0} %", share / allowed * 100.0),
    ])
}

fn table(heads: &[&str], sides: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let head = [line(&owned(heads)), line(&owned(sides))];
    head.into_iter().chain(rows.map(|row| line(&row))).collect::<Vec<_>>().join("\n")
}

/// Text of unknown origin as text: one line, no HTML, no Markdown, no link that makes itself.
fn escape(text: &str) -> String {
    let is_www = |last: &[u8; 3]| last.eq_ignore_ascii_case(b"www");
    let mut escaped = String::new();
    let text = plain(text);
    for (position, letter) in text.char_indices() {
        let rest = text.get(position..).unwrap_or_default();
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Addresses and names of users become links by themselves, unless these are written otherwise.
            '@' => escaped.push_str("&#64;"),
            ':' if rest.starts_with("://") => escaped.push_str("&#58;"),
            '.' if escaped.as_bytes().last_chunk().is_some_and(is_www) => escaped.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(letter);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::caution::cautions;
    use crate::report::sample::{capacity, run, setting, terms};
    use crate::report::signoff::Terms;
    use crate::search::finding::Finding;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    fn sample() -> RunRecord {
        let terms = Terms { dashboard_p99_ms: Some(118.3), ..terms() };
        let mut run = run(capacity(Finding::Capacity, Some(397.2)), terms, 400);
        run.settings.insert("ERROR_RATIO".to_owned(), setting("0.001"));
        run
    }

    #[test]
    fn a_typical_run_reads_from_the_answer_to_the_cautions() {
        let run = sample();
        insta::assert_snapshot!(markdown(&run, &cautions(&run)), @r"
        ## Plimsoll: INVALID

        The service sustains **397.2 documents/s** (bracket 397.2 – 411.1); the goal of 200/s is met: 397.2/s is 99 % above 200/s.

        Run 20261123T151500Z-capacity of http&#58;//127.0.0.1:1234, 4 workers, 2 min 09 s of load in 3 min 20 s, seed 42.

        ### Criteria

        | criterion | outcome | measured | limit | margin | reason |
        | :-- | :-- | --: | --: | --: | :-- |
        | finding | **PASS** | 397.2/s | – | – | capacity: the highest rate that was confirmed |
        | goal | **PASS** | 397.2/s | 200/s | +98.6 % | 397.2/s is 99 % above 200/s |
        | levels | **PASS** | 4 | 4 | +0.0 % | all were measured |
        | dashboard\_p99 | **INVALID** | 118 ms | 118.3 ms | +0.2 % | the interval reaches 119 ms; more samples are needed |

        ### The dashboard query under indexing load

        | load | offered/s | accepted/s | p50 ms | p99 ms | max ms | time-outs | errors | queries | index p99 ms | recovery |
        | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |
        | 0 % | – | – | 69.1 | 118 | 119 | 0 | 0 | 400 | – | 0.4 s |
        | 50 % | 198.6 | 198.0 | 69.1 | 118 | 119 | 0 | 0 | 400 | 118 | 1.4 s |
        | 100 % | 397.2 | 394.5 | 69.1 | 118 | 119 | 0 | 0 | 400 | 118 | 2.4 s |
        | 120 % | 476.6 | 464.7 | 69.1 | 118 | 119 | 0 | 0 | 400 | 5001 | 2.8 s |

        ### Error budget of indexing

        0.100 % of the documents may end in another way than accepted; 100 % used is all of that.

        | phase | offered/s | failed | scheduled | share | budget used |
        | :-- | --: | --: | --: | --: | --: |
        | soak t1 | 400.0 | 0 | 4000 | 0.000 % | 0 % |
        | level 50 % | 198.6 | 0 | 4000 | 0.000 % | 0 % |
        | level 100 % | 397.2 | 0 | 4000 | 0.000 % | 0 % |
        | level 120 % | 476.6 | 100 | 4000 | 2.500 % | 2500 % |

        ### Cautions

        * the target cannot count its documents: that it kept all 15900 accepted ones was not verified
        ");
    }

    #[test]
    fn a_run_without_a_capacity_says_why() {
        let mut lost = capacity(Finding::TargetLost, None);
        lost.reasons = vec!["the target could no longer be reached".to_owned()];
        insta::assert_snapshot!(markdown(&run(lost, terms(), 0), &[]), @r"
        ## Plimsoll: INVALID

        **No capacity was found**: `target_lost`, the target was lost before a rate was confirmed; the target could no longer be reached.

        Run 20261123T151500Z-capacity of http&#58;//127.0.0.1:1234, 4 workers, 10.0 s of load in 40.0 s, seed 42.

        ### Criteria

        | criterion | outcome | measured | limit | margin | reason |
        | :-- | :-- | --: | --: | --: | :-- |
        | finding | **INVALID** | – | – | – | target\_lost: the target was lost before a rate was confirmed |
        | goal | **INVALID** | – | 200/s | – | there is no confirmed capacity |
        ");
    }

    #[test]
    fn links_names_and_html_stay_text() {
        for (given, shown) in [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("http://evil.example", "http&#58;//evil.example"),
            ("www.evil.example", "www&#46;evil.example"),
            ("@octocat a|b\n# c", "&#64;octocat a\\|b \\# c"),
            ("![x](y)", "\\!\\[x\\](y)"),
            ("recovered: 12.5 s", "recovered: 12.5 s"),
        ] {
            assert_eq!(escape(given), shown, "{given}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_target_says_the_tables_stay_as_they_are(reason in "(\\PC|\\p{Cc}|[|<>&`*]){0,40}") {
            static RUN: LazyLock<RunRecord> = LazyLock::new(sample);
            let mut run = RUN.clone();
            let before = markdown(&run, &[]);
            run.criteria[0].reason = reason;
            let after = markdown(&run, &[]);
            prop_assert_eq!(before.lines().count(), after.lines().count(), "no line more");
            let bars = |text: &str| {
                let text = text.replace("\\\\", "").replace("\\|", "");
                text.matches('|').count()
            };
            prop_assert_eq!(bars(&before), bars(&after), "no cell more: {}", after);
            prop_assert!(!after.contains('<'), "no HTML: {}", after);
        }
    }
}
