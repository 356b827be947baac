//! What two runs must have in common to be compared, and what makes a comparison weaker.

use std::collections::BTreeSet;

use crate::report::figure;
use crate::report::schema::{Outcome, RunRecord};

/// How a search ends that came to its end without a rate.
const UNCONFIRMED: &str = "unconfirmed";
/// Of a text within a result so much is shown.
const TEXT_CHARS: usize = 200;

/// What "sustained" means: under another objective a capacity is the answer to another question.
const OBJECTIVE: &[&str] = &["P99_MS", "ERROR_RATIO", "TIMEOUT_MS", "MIX"];
/// The same of the dashboard, where it runs beside the search and is judged.
const OBJECTIVE_OF_MIX: &[&str] =
    &["DASHBOARD_P99_MS", "DASHBOARD_ERROR_RATIO", "DASHBOARD_RPS", "DASHBOARD_TIMEOUT_MS"];
/// Settings that may differ: chance, places, time, and what a run is judged by.
const FREE: &[&str] = &[
    "SEED",
    "CORPUS_SEED",
    "FIRST_INDEX",
    "OUT",
    "TARGET",
    "LAUNCH",
    "IMAGE",
    "CA",
    "INSECURE",
    "ALLOW_REMOTE",
    "DATA",
    "BUDGET_S",
    "REPEATS",
    "FLOOR_RPS",
    "CEILING_RPS",
    "GOAL_RPS",
    "HEADROOM_RATIO",
    "DASHBOARD_P99_MS",
    "DASHBOARD_ERROR_RATIO",
    "SLO",
    "UI",
    "METRICS",
    "NATS",
];

/// The two runs were measured under different objectives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the runs answer different questions: {setting} was {baseline} in the baseline and is {run} now; measure one of \
     them again under the other's"
)]
pub struct OtherObjective {
    /// The setting that differs.
    pub setting: String,
    /// Its value in the baseline.
    pub baseline: String,
    /// Its value in the run.
    pub run: String,
}

/// Refuses runs under different objectives; a setting that one of them does not name is not held against it.
pub(super) fn same_objective(baseline: &RunRecord, run: &RunRecord) -> Result<(), OtherObjective> {
    let is_mixed = setting(baseline, "MIX").as_deref() == Some("true");
    let beside = if is_mixed { OBJECTIVE_OF_MIX } else { &[] };
    for key in OBJECTIVE.iter().chain(beside) {
        if let Some((baseline, run)) = differing(baseline, run, key) {
            return Err(OtherObjective { setting: (*key).to_owned(), baseline, run });
        }
    }
    Ok(())
}

/// Why a run has no capacity to compare. A search that ran to its end and could confirm no rate is one of its values,
/// the lowest.
pub(super) fn no_answer(run: &RunRecord) -> Option<String> {
    let is_answer = |finding: &str| ["capacity", UNCONFIRMED].contains(&finding);
    let searches = run.searches();
    let findings = searches.iter().map(|search| search.finding.as_str());
    let finding =
        findings.chain([run.capacity.finding.as_str()]).find(|finding| !is_answer(finding))?;
    let id = plain(&run.run.stamp.id);
    Some(format!(
        "{id} has no answer: a search ended {}; only runs whose every search came to its end can be compared",
        plain(finding)
    ))
}

/// What a reader of the comparison must know, the gravest first.
pub(super) fn cautions(baseline: &RunRecord, run: &RunRecord) -> Vec<String> {
    let mut found = Vec::new();
    if baseline.run.stamp.id == run.run.stamp.id && baseline.run.stamp.seed == run.run.stamp.seed {
        found.push("both are the same run".to_owned());
    }
    let sides = [("baseline", baseline), ("run", run)];
    found.extend(sides.iter().filter_map(|(name, run)| unclean(name, run)));
    found.extend(sides.iter().filter_map(|(name, run)| invalid(name, run)));
    found.extend(unconfirmed("baseline", baseline).into_iter().chain(unconfirmed("run", run)));
    found.extend(other_settings(baseline, run));
    found.extend(other_machine(baseline, run));
    found.extend(flags(baseline, run));
    found
}

/// A rate at which documents are lost is no capacity to compare with.
fn unclean(name: &str, run: &RunRecord) -> Option<String> {
    (run.verification.is_clean() == Some(false)).then(|| {
        format!(
            "the target of the {name} does not hold what it accepted: documents are lost, doubled or foreign"
        )
    })
}

fn invalid(name: &str, run: &RunRecord) -> Option<String> {
    if run.outcome != Outcome::Invalid {
        return None;
    }
    let open = run.criteria.iter().filter(|criterion| criterion.outcome == Outcome::Invalid);
    let reasons: Vec<String> =
        open.map(|one| format!("{}: {}", plain(&one.name), plain(&one.reason))).collect();
    Some(format!("the {name} is INVALID: {}", reasons.join("; ")))
}

fn unconfirmed(name: &str, run: &RunRecord) -> Option<String> {
    let searches = run.searches();
    let without = searches.iter().filter(|search| search.rps.is_none()).count();
    (without > 0).then(|| {
        format!(
            "{without} of {} searches of the {name} could confirm no rate; they count as lower than any that did",
            searches.len()
        )
    })
}

fn other_settings(baseline: &RunRecord, run: &RunRecord) -> Vec<String> {
    let keys: BTreeSet<&String> = baseline.settings.keys().chain(run.settings.keys()).collect();
    let told = keys.into_iter().filter(|key| !FREE.contains(&key.as_str())).filter_map(|key| {
        let (before, now) = differing(baseline, run, key)?;
        Some(format!("{} was {before} in the baseline and is {now} now", plain(key)))
    });
    told.collect()
}

/// Another machine, kernel, tool, corpus or profile.
fn other_machine(baseline: &RunRecord, run: &RunRecord) -> Vec<String> {
    let (old, new) = (&baseline.environment, &run.environment);
    let number = |number: Option<f64>| number.map(|number| number.to_string());
    let whole = |number: Option<u64>| number.map(|number| number.to_string());
    let corpus = |run: &RunRecord| run.corpus.as_ref().map(|corpus| corpus.corpus_version.clone());
    let pairs = [
        ("the machine of the generator", old.host_hash.clone(), new.host_hash.clone()),
        ("its kernel", old.kernel.clone(), new.kernel.clone()),
        ("its processor", old.cpu_model.clone(), new.cpu_model.clone()),
        ("its number of cores", whole(old.cores), whole(new.cores)),
        ("its limit on cores", number(old.cgroup_cores), number(new.cgroup_cores)),
        ("the tool", Some(baseline.tool.version.clone()), Some(run.tool.version.clone())),
        ("the tool's commit", baseline.tool.git_commit.clone(), run.tool.git_commit.clone()),
        ("the corpus", corpus(baseline), corpus(run)),
        (
            "the target's profile",
            Some(baseline.target.profile.clone()),
            Some(run.target.profile.clone()),
        ),
    ];
    let told = pairs.into_iter().filter_map(|(what, before, now)| {
        // What one of the two does not know is not held against the other.
        let (before, now) = before.zip(now).filter(|(before, now)| before != now)?;
        Some(format!("{what} is another: {} before, {} now", plain(&before), plain(&now)))
    });
    told.collect()
}

/// A flag of one run that the other does not have.
fn flags(baseline: &RunRecord, run: &RunRecord) -> Vec<String> {
    let told = |name: &str, of: &RunRecord, other: &RunRecord| {
        let only: Vec<String> = of
            .capacity
            .flags
            .iter()
            .filter(|flag| !other.capacity.flags.contains(flag))
            .map(|flag| plain(flag))
            .collect();
        (!only.is_empty()).then(|| format!("only the {name} is flagged {}", only.join(", ")))
    };
    told("baseline", baseline, run).into_iter().chain(told("run", run, baseline)).collect()
}

/// Both values of a setting that both runs name, where they differ.
fn differing(baseline: &RunRecord, run: &RunRecord, key: &str) -> Option<(String, String)> {
    let (before, now) = setting(baseline, key).zip(setting(run, key))?;
    let number = |text: &str| text.parse::<f64>().ok();
    let is_same = match (number(&before), number(&now)) {
        (Some(before), Some(now)) => before.total_cmp(&now).is_eq(),
        _ => before == now,
    };
    (!is_same).then(|| (plain(&before), plain(&now)))
}

fn setting(run: &RunRecord, key: &str) -> Option<String> {
    let value = &run.settings.get(key)?.value;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Text of a file as it may be printed: nothing that steers a terminal, and not without end.
pub(super) fn plain(text: &str) -> String {
    figure::plain(text).chars().take(TEXT_CHARS).collect::<String>().trim().to_owned()
}
