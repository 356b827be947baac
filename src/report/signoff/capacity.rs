//! What the search has come to: a capacity at all, one that reaches the goal, and its levels.

use super::{Evidence, Terms, certain_rps};
use crate::report::criterion::Limit;
use crate::report::schema::{CapacityRecord, CriterionRecord, Outcome};
use crate::report::{advice, figure};
use crate::units::usize_to_u64;

fn meets_goal(capacity: &CapacityRecord, terms: &Terms) -> bool {
    certain_rps(capacity.rps, capacity.low_rps).is_some_and(|low_rps| low_rps >= terms.needed_rps())
}

/// Is there an answer?
pub(super) fn finding(capacity: &CapacityRecord, terms: &Terms) -> CriterionRecord {
    let outcome = match capacity.finding.as_str() {
        "capacity" if capacity.rps.is_some() => Outcome::Pass,
        "at_ceiling" if meets_goal(capacity, terms) => Outcome::Pass,
        "below_floor" => Outcome::Fail,
        _ => Outcome::Invalid,
    };
    let words = advice::advice(&capacity.finding).meaning;
    let judged = match &terms.not_searched {
        Some(reason) => (Outcome::Invalid, reason.clone()),
        None => (outcome, format!("{}: {words}", capacity.finding)),
    };
    CriterionRecord::new("finding", "rps", capacity.rps, Limit::None, judged)
}

/// Does its lower end reach the goal with headroom?
pub(super) fn goal(capacity: &CapacityRecord, terms: &Terms) -> CriterionRecord {
    let needed_rps = terms.needed_rps();
    let needed = figure::short_rate(needed_rps);
    let measured = certain_rps(capacity.rps, capacity.low_rps);
    let judged = match (measured, capacity.finding.as_str()) {
        _ if terms.not_searched.is_some() => {
            (Outcome::Invalid, "the capacity is one under another objective".to_owned())
        }
        (_, "below_floor") => (Outcome::Fail, "not even the floor is sustained".to_owned()),
        (None, _) => (Outcome::Invalid, "there is no confirmed capacity".to_owned()),
        (Some(low_rps), _) if low_rps >= needed_rps => {
            let above = (low_rps / needed_rps - 1.0) * 100.0;
            (Outcome::Pass, format!("{low_rps:.1}/s is {above:.0} % above {needed}/s"))
        }
        (Some(_), "at_ceiling") => {
            (Outcome::Invalid, format!("nothing above the ceiling was tried; {needed}/s is needed"))
        }
        (Some(low_rps), _) => {
            let below = (1.0 - low_rps / needed_rps) * 100.0;
            (Outcome::Fail, format!("{low_rps:.1}/s is {below:.1} % below {needed}/s"))
        }
    };
    CriterionRecord::new("goal", "rps", measured, Limit::AtLeast(needed_rps), judged)
}

/// Were all levels measured? Only a certified capacity has levels to be missed.
pub(super) fn levels(evidence: &Evidence<'_>, terms: &Terms) -> Option<CriterionRecord> {
    if evidence.capacity.rps.is_none() || terms.levels.is_empty() {
        return None;
    }
    let is_there = |percent: &u32| evidence.levels.iter().any(|l| l.load_percent == *percent);
    let missing: Vec<String> = terms
        .levels
        .iter()
        .filter(|percent| !is_there(percent))
        .map(|percent| format!("{percent} %"))
        .collect();
    let count = |length: usize| usize_to_u64(length) as f64;
    let judged = match (missing.is_empty(), evidence.levels_missing) {
        (true, None) => (Outcome::Pass, "all were measured".to_owned()),
        (true, Some(why)) => (Outcome::Invalid, format!("no recovery after the last one: {why}")),
        (false, why) => {
            let why = why.unwrap_or("the run ended before them");
            (Outcome::Invalid, format!("{} not measured: {why}", missing.join(", ")))
        }
    };
    let measured = count(terms.levels.len() - missing.len());
    let wanted = Limit::AtLeast(count(terms.levels.len()));
    Some(CriterionRecord::new("levels", "levels", Some(measured), wanted, judged))
}
