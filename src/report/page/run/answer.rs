//! The answer in one sentence, the few figures that matter, and what the run was judged by.

use super::facts::warnings;
use super::words::{count, is_running, ms, number, percent, rate, short};
use crate::report::advice::advice;
use crate::report::figure::{MISSING, counted, span};
use crate::report::page::axis::grouped;
use crate::report::page::document::{Answer, Block, Cell, Column, KeyFigure, Section, Table};
use crate::report::repeats::{ends_words, repeats_told};
use crate::report::schema::{CriterionRecord, LevelRecord, Outcome, RunRecord};
use crate::units::usize_to_u64;

/// The level whose figures stand beside the capacity, in percent of it.
const TOP_PERCENT: u32 = 100;

/// Which run it was.
pub(super) fn about(run: &RunRecord) -> Vec<(String, String)> {
    let stamp = &run.run.stamp;
    let mut about = vec![
        ("Run", stamp.id.clone()),
        ("Started", stamp.started_utc.replace('T', " ").replace('Z', " UTC")),
        ("Target", run.target.url.clone()),
        ("Profile", run.target.profile.clone()),
    ];
    if let Some(workers) = run.target.workers {
        about.push(("Workers", workers.to_string()));
    }
    if let Some(server) = &run.target.server {
        about.push(("Server", server.clone()));
    }
    let effort =
        format!("{} in {}", counted(usize_to_u64(run.trials.len()), "trial"), span(stamp.wall_s));
    about.push(("Effort", effort));
    about.push(("Preset", run.setting("PRESET").unwrap_or(MISSING).to_owned()));
    about.push(("Seed", stamp.seed.to_string()));
    if let Some(slo) = &run.slo {
        about.push(("Sign-off file", slo.file.clone()));
    }
    if !run.capacity.confirmed_by.is_empty() {
        about.push(("Confirmed by", run.capacity.confirmed_by.join(", ")));
    }
    about.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The answer.
pub(super) fn answer(run: &RunRecord) -> Answer {
    let told = advice(&run.capacity.finding);
    let mut beneath = Vec::new();
    if is_running(run) {
        beneath.push("The run goes on; this page follows it.".to_owned());
    } else if run.capacity.rps.is_none() || run.capacity.finding != "capacity" {
        beneath.extend(run.capacity.reasons.iter().map(|reason| format!("Because {reason}.")));
        if !told.next.is_empty() {
            beneath.push(format!("Next: {}.", told.next));
        }
    }
    if run.run.stamp.interrupted {
        beneath
            .push("The run was interrupted: this page shows what was measured until then.".into());
    }
    let searches = repeats_told(&run.repeats);
    if !searches.is_empty() && !is_running(run) {
        beneath.push(format!("Its {} searches came to {searches}.", run.repeats.len()));
    }
    beneath.extend(in_the_way(run));
    let all = match warnings(run).len() {
        0 => None,
        _ if is_running(run) => None,
        1 => Some("the caution".to_owned()),
        several => Some(format!("the {several} cautions")),
    };
    beneath.extend(
        all.map(|all| {
            format!("Read {all} at the end of this page before you plan with the number.")
        }),
    );
    Answer {
        badge: (!is_running(run)).then_some(run.outcome),
        sentence: format!("{}{}", capacity_words(run), goal_words(run)),
        beneath,
        figures: figures(run),
    }
}

/// What keeps a run with a capacity from its PASS, in one sentence; the goal stands in the headline.
fn in_the_way(run: &RunRecord) -> Option<String> {
    let is_open = |one: &&CriterionRecord| {
        one.outcome != Outcome::Pass && !["finding", "goal"].contains(&one.name.as_str())
    };
    let open: Vec<String> = run
        .criteria
        .iter()
        .filter(is_open)
        .map(|one| format!("{} ({})", name(&one.name), one.outcome))
        .collect();
    let is_said = run.capacity.rps.is_some() && !is_running(run) && !open.is_empty();
    is_said.then(|| format!("What keeps it from a PASS: {}.", open.join(", ")))
}

fn capacity_words(run: &RunRecord) -> String {
    let capacity = &run.capacity;
    let Some(rps) = capacity.rps else {
        if is_running(run) {
            return "No capacity is confirmed yet".to_owned();
        }
        return format!("No capacity was confirmed: {}", advice(&capacity.finding).meaning);
    };
    if capacity.finding == "at_ceiling" {
        return format!(
            "The service sustains at least {} documents/s, the highest rate that was tried",
            rate(rps)
        );
    }
    match (capacity.low_rps, capacity.high_rps) {
        (Some(low_rps), Some(high_rps)) => format!(
            "The service sustains {} documents/s ({} {} to {})",
            rate(rps),
            ends_words(run),
            rate(low_rps),
            rate(high_rps)
        ),
        _ => format!("The service sustains {} documents/s", rate(rps)),
    }
}

fn goal_words(run: &RunRecord) -> String {
    let Some(goal) = goal(run) else { return ".".to_owned() };
    let needed = goal.limit.map_or_else(|| MISSING.to_owned(), short);
    let goal_name = match number(run, "HEADROOM_RATIO") {
        Some(ratio) if ratio > 0.0 => {
            format!("the goal, {needed} with {} of headroom,", percent(ratio, 0))
        }
        _ => format!("the goal of {needed}"),
    };
    match (goal.outcome, headroom_ratio(goal)) {
        (Outcome::Pass, Some(ratio)) => {
            format!("; {goal_name} is met with {} to spare.", percent(ratio, 0))
        }
        // What rounds to nothing is missed all the same.
        (Outcome::Fail, Some(ratio)) if -ratio < 0.0005 => {
            format!("; {goal_name} is missed by less than 0.1 %.")
        }
        (Outcome::Fail, Some(ratio)) => {
            format!("; {goal_name} is missed by {}.", percent(-ratio, 1))
        }
        (Outcome::Pass, None) => format!("; {goal_name} is met."),
        (Outcome::Fail, None) => format!("; {goal_name} is missed."),
        (Outcome::Invalid, _) => format!("; whether {goal_name} is met remains open."),
    }
}

fn goal(run: &RunRecord) -> Option<&CriterionRecord> {
    run.criteria.iter().find(|criterion| criterion.name == "goal")
}

/// By which share of the goal the capacity is above it; also of results from before there were margins.
fn headroom_ratio(goal: &CriterionRecord) -> Option<f64> {
    let (measured, limit) = goal.measured.zip(goal.limit)?;
    (limit > 0.0).then(|| measured / limit - 1.0)
}

fn figures(run: &RunRecord) -> Vec<KeyFigure> {
    let mut figures = Vec::new();
    let mut tell = |label: &str, value: String, unit: &str, beside: String| {
        let (label, unit) = (label.to_owned(), unit.to_owned());
        figures.push(KeyFigure { label, value, unit, beside });
    };
    let capacity = &run.capacity;
    if let Some(rps) = capacity.rps {
        let ends = capacity.low_rps.zip(capacity.high_rps);
        let ends = ends.map(|(low, high)| format!(", {} to {}", rate(low), rate(high)));
        let requests = capacity.requests_rps.filter(|requests_rps| *requests_rps < rps);
        let requests =
            requests.map(|requests_rps| format!(" in {} requests/s", rate(requests_rps)));
        let beside =
            format!("documents/s{}{}", requests.unwrap_or_default(), ends.unwrap_or_default());
        tell("Capacity", rate(rps), "", beside);
    }
    if let Some((goal, ratio)) = goal(run).and_then(|goal| Some((goal, headroom_ratio(goal)?))) {
        let sign = if ratio > 0.0 { "+" } else { "" };
        let needed = goal.limit.map(short).unwrap_or_default();
        let beside = format!("lower end, over {needed} documents/s");
        tell("Headroom", format!("{sign}{}", percent(ratio, 0)), "", beside);
    }
    if let Some(level) = run.levels.iter().find(|level| level.load_percent == TOP_PERCENT) {
        for (label, p99_ms, beside) in at_capacity(run, level) {
            tell(label, ms(Some(p99_ms)), "ms", beside);
        }
    }
    if let (Some(at), Some(ratio)) = (run.overload.load_percent, run.overload.goodput_ratio) {
        let beside = run.overload.recovery_s.map_or_else(
            || "of the capacity; no recovery was seen".to_owned(),
            |recovery_s| format!("of the capacity; recovered after {}", span(recovery_s)),
        );
        tell(&format!("Goodput at {at} %"), percent(ratio, 0), "", beside);
    }
    if let (Some(found), Some(_)) = (run.verification.found, run.verification.lost) {
        let beside = format!(
            "of {} accepted documents; {} found",
            count(run.verification.accepted),
            count(found)
        );
        tell("Lost, doubled or foreign", count(run.verification.wrong()), "", beside);
    }
    figures
}

/// The two response times at the capacity, where the samples carry them.
fn at_capacity(run: &RunRecord, level: &LevelRecord) -> Vec<(&'static str, f64, String)> {
    let limit = |key: &str| {
        number(run, key).map_or_else(
            || format!("at {TOP_PERCENT} % load"),
            |limit_ms| format!("at {TOP_PERCENT} % load, limit {} ms", ms(Some(limit_ms))),
        )
    };
    let index = level.index.as_ref().and_then(|index| index.response_ms.p99);
    let index = index.map(|p99_ms| ("Indexing p99", p99_ms, limit("P99_MS")));
    let dashboard = level.dashboard.response_ms.p99;
    let dashboard = dashboard.map(|p99_ms| ("Dashboard p99", p99_ms, limit("DASHBOARD_P99_MS")));
    index.into_iter().chain(dashboard).collect()
}

/// What the run was judged by.
pub(super) fn criteria(run: &RunRecord) -> Section {
    let lead = "What was asked for, what was measured, and how far apart the two are. INVALID means \
                that the measurement does not allow a judgement, which is not a pass.";
    let section = Section::new("criteria", "What the run was judged by", "Criteria", lead);
    if is_running(run) {
        return section.with(Block::missing("Nothing is judged before the end of the run."));
    }
    if run.criteria.is_empty() {
        return section
            .with(Block::missing("The run was judged by nothing: it ended before it began."));
    }
    let head = [
        ("criterion", Column::Word),
        ("outcome", Column::Word),
        ("measured", Column::Number),
        ("limit", Column::Number),
        ("margin", Column::Number),
        ("reason", Column::Prose),
    ];
    let rows = run.criteria.iter().map(|criterion| {
        vec![
            name(&criterion.name).into(),
            Cell::outcome(criterion.outcome),
            value(criterion.measured, &criterion.unit).into(),
            value(criterion.limit, &criterion.unit).into(),
            criterion.shown_margin().into(),
            criterion.reason.as_str().into(),
        ]
    });
    section.with(Block::Table { table: Table::new("", &head).rows(rows) })
}

fn name(criterion: &str) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (figure, load) = match criterion.rsplit_once("_at_").filter(|(_, load)| is_number(load)) {
        Some((figure, load)) => (figure, format!(" at {load} %")),
        // The settings of the dashboard are about the capacity.
        None if criterion.starts_with("dashboard_") => (criterion, format!(" at {TOP_PERCENT} %")),
        None => (criterion, String::new()),
    };
    let words = match figure {
        "finding" => "a capacity was found",
        "levels" => "levels measured",
        "dashboard_error_ratio" => "dashboard errors",
        "dashboard_timeout_ratio" => "dashboard time-outs",
        "verification" => "documents kept",
        other => return format!("{}{load}", other.replace('_', " ")),
    };
    format!("{words}{load}")
}

fn value(value: Option<f64>, unit: &str) -> String {
    let Some(known) = value else { return MISSING.to_owned() };
    match unit {
        "rps" => format!("{}/s", short(known)),
        "ms" => format!("{} ms", ms(value)),
        "s" => span(known),
        "ratio" => percent(known, 3),
        _ => format!("{} {unit}", grouped(known, 0)),
    }
}
