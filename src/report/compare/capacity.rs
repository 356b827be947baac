//! The one figure that decides: did the capacity fall?

use schemars::JsonSchema;
use serde::Serialize;

use super::CompareTerms;
use super::table::{between, changed};
use crate::report::figure::counted;
use crate::report::schema::Outcome;
use crate::seed::Seed;
use crate::stats::bootstrap::{median, ratio_of_medians};
use crate::stats::rank::{attainable_p, rank_test, samples_needed};
use crate::units::usize_to_u64;

/// What can be said of a run against its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Its capacity is lower by more than the limit, and chance alone would rarely show that.
    Worse,
    /// It is lower by more than the limit, but chance alone may have done it.
    Undecided,
    /// It is not lower by more than the limit.
    NoWorse,
    /// It is higher, and chance alone would rarely show that.
    Better,
    /// Too few searches on one side: no order of theirs would show a difference.
    NotEnoughRepeats,
    /// A search of one side came to no capacity.
    NoAnswer,
}

impl Change {
    /// What it means for a sign-off.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Worse => Outcome::Fail,
            Self::NoWorse | Self::Better => Outcome::Pass,
            Self::Undecided | Self::NotEnoughRepeats | Self::NoAnswer => Outcome::Invalid,
        }
    }
}

/// How the capacity changed.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CapacityChange {
    /// What can be said.
    pub change: Change,
    /// Median of the run's repeats divided by that of the baseline's; below 1 is lower.
    pub ratio: Option<f64>,
    /// Lower end of its interval, with a confidence of 1 - alpha; null with a single repeat.
    pub low_ratio: Option<f64>,
    /// Its upper end.
    pub high_ratio: Option<f64>,
    /// Probability, one-sided, that equal builds show ranks as low as the run's.
    pub worse_p: Option<f64>,
    /// Probability, one-sided, that equal builds show ranks as high as the run's.
    pub better_p: Option<f64>,
    /// The smallest two-sided probability that so many repeats can have.
    pub attainable_p: Option<f64>,
    /// Repeats on both sides with which a difference could be shown, where these are too few.
    pub repeats_needed: Option<u64>,
    /// The same in words.
    pub reason: String,
}

impl CapacityChange {
    pub(super) fn without_answer(reason: String) -> Self {
        Self {
            change: Change::NoAnswer,
            ratio: None,
            low_ratio: None,
            high_ratio: None,
            worse_p: None,
            better_p: None,
            attainable_p: None,
            repeats_needed: None,
            reason,
        }
    }
}

/// Holds the capacities `run_rps` of a run's searches against those of its baseline.
///
/// Worse is what is both significant and relevant: the one-sided Mann-Whitney probability is at most alpha, and the
/// ratio of the medians is below what the limit allows. A search that could confirm no rate stands there as 0.
/// Source: docs/decisions/021-comparing-runs.md.
#[must_use]
pub fn judge(
    baseline_rps: &[f64],
    run_rps: &[f64],
    terms: &CompareTerms,
    seed: Seed,
) -> CapacityChange {
    let before = median(baseline_rps).filter(|before| *before > 0.0);
    let ratio = median(run_rps).zip(before).map(|(run, before)| run / before);
    let (Some(ratio), Some(test)) = (ratio, rank_test(run_rps, baseline_rps)) else {
        return CapacityChange::without_answer(
            "the baseline has no capacity to compare with".to_owned(),
        );
    };
    let interval = ratio_of_medians(run_rps, baseline_rps, 1.0 - terms.alpha, seed);
    let attainable_p = attainable_p(run_rps.len(), baseline_rps.len());
    let is_below = ratio < 1.0 - terms.max_capacity_drop_pct / 100.0;
    let change = if attainable_p > terms.alpha {
        Change::NotEnoughRepeats
    } else if is_below && test.below_p <= terms.alpha {
        Change::Worse
    } else if is_below {
        Change::Undecided
    } else if ratio > 1.0 && test.above_p <= terms.alpha {
        Change::Better
    } else {
        Change::NoWorse
    };
    let found = CapacityChange {
        change,
        ratio: Some(ratio),
        low_ratio: interval.map(|interval| interval.low),
        high_ratio: interval.map(|interval| interval.high),
        worse_p: Some(test.below_p),
        better_p: Some(test.above_p),
        attainable_p: Some(attainable_p),
        repeats_needed: samples_needed(terms.alpha)
            .map(usize_to_u64)
            .filter(|_| change == Change::NotEnoughRepeats),
        reason: String::new(),
    };
    let repeats = (baseline_rps.len(), run_rps.len());
    CapacityChange { reason: reason(&found, ratio, repeats, terms), ..found }
}

fn reason(
    found: &CapacityChange,
    ratio: f64,
    (before, after): (usize, usize),
    terms: &CompareTerms,
) -> String {
    let limit_pct = terms.max_capacity_drop_pct;
    let interval = found.low_ratio.zip(found.high_ratio).map_or_else(String::new, |(low, high)| {
        format!(" ({:.0} % interval: {})", (1.0 - terms.alpha) * 100.0, between(low, high))
    });
    let p = |p: Option<f64>| match p {
        Some(p) if p < 0.0001 => ", p < 0.0001".to_owned(),
        p => p.map_or_else(String::new, |p| format!(", p = {p:.4}")),
    };
    let moved = changed(ratio);
    match found.change {
        Change::Worse => format!(
            "the capacity is {moved}{interval}{}: a regression of more than {limit_pct} %",
            p(found.worse_p)
        ),
        Change::Undecided => format!(
            "the capacity is {moved}{interval}{}: over the limit of {limit_pct} %, but chance alone may have done it; \
             measure both again with more REPEATS",
            p(found.worse_p)
        ),
        Change::NoWorse => format!(
            "the capacity is {moved}{interval}: no regression of more than {limit_pct} % is shown"
        ),
        Change::Better => format!("the capacity is {moved}{interval}{}", p(found.better_p)),
        Change::NotEnoughRepeats => format!(
            "not enough repeats: with {} against {} no difference can be told from chance at {} (smallest p {:.2}){}; \
             the capacity is {moved}, which proves nothing",
            counted(usize_to_u64(before), "search"),
            usize_to_u64(after),
            terms.alpha,
            found.attainable_p.unwrap_or(1.0),
            found
                .repeats_needed
                .map_or_else(String::new, |needed| format!(", REPEATS={needed} on both sides can")),
        ),
        Change::NoAnswer => String::new(),
    }
}
