//! Is this run worse than that one? Two results held against each other, with intervals and probabilities.
//!
//! One figure decides: the capacity, of which each run has as many values as it had searches. Everything else is shown
//! beside it and decides nothing. What cannot be told from the values that are there is said to be so; it is never
//! taken for "no change".

mod capacity;
mod conditions;
mod figures;
mod html;
mod table;

use schemars::JsonSchema;
use serde::Serialize;

pub use capacity::{CapacityChange, Change, judge};
pub use conditions::OtherObjective;
pub use figures::{FigureChange, IntervalOf, Told};
pub use html::page;

use super::criterion::{CriterionRecord, Limit, Outcome};
use super::schema::{RunRecord, SCHEMA_VERSION};
use super::signoff::has_failed;
use super::slo::RegressionSlo;
use crate::seed::Seed;
use crate::stats::bootstrap::median;

/// What makes a run worse than its baseline.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct CompareTerms {
    /// The capacity may be lower by so much, in percent of the baseline's.
    pub max_capacity_drop_pct: f64,
    /// Probability with which chance alone may make equal runs look different, 0..1.
    pub alpha: f64,
}

impl Default for CompareTerms {
    fn default() -> Self {
        Self { max_capacity_drop_pct: 5.0, alpha: 0.05 }
    }
}

/// One of the two runs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SideRecord {
    /// Its name.
    pub id: String,
    /// Wall time of its start, RFC 3339.
    pub started_utc: String,
    /// How its search, or its searches together, ended.
    pub finding: String,
    /// How it was judged.
    pub outcome: Outcome,
    /// The rates that its searches confirmed, in documents per second, in their order; null where one confirmed none.
    pub repeats_rps: Vec<Option<f64>>,
    /// Their median, in documents per second; null where the run has no answer.
    pub median_rps: Option<f64>,
}

impl SideRecord {
    /// The values that are compared: a search that could confirm no rate counts as lower than any that did.
    /// Source: Lachin, "Worst-rank score analysis with informatively missing observations", Control. Clin. Trials 20
    /// (1999).
    fn ranked_rps(&self) -> Vec<f64> {
        self.repeats_rps.iter().map(|rps| rps.unwrap_or_default()).collect()
    }
}

/// Two runs held against each other.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// Version of the keys and their meaning: that of the result file.
    pub schema_version: String,
    /// What is held against.
    pub baseline: SideRecord,
    /// What is judged.
    pub run: SideRecord,
    /// What makes a run worse.
    pub terms: CompareTerms,
    /// The one figure that decides.
    pub capacity: CapacityChange,
    /// The others; their probabilities are corrected for there being so many.
    pub figures: Vec<FigureChange>,
    /// What makes the two runs less comparable, in words.
    pub cautions: Vec<String>,
    /// PASS: no worse, FAIL: worse, INVALID: neither can be said.
    pub outcome: Outcome,
}

/// Holds `run` against `baseline`.
///
/// # Errors
/// When the two were measured under different objectives: their capacities are answers to different questions.
pub fn compare(
    baseline: &RunRecord,
    run: &RunRecord,
    terms: &CompareTerms,
) -> Result<Comparison, OtherObjective> {
    conditions::same_objective(baseline, run)?;
    let (before, after) = (side(baseline), side(run));
    let seed = seed(baseline, run);
    let capacity = match conditions::no_answer(baseline).or_else(|| conditions::no_answer(run)) {
        Some(reason) => CapacityChange::without_answer(reason),
        None => judge(&before.ranked_rps(), &after.ranked_rps(), terms, seed),
    };
    Ok(Comparison {
        schema_version: SCHEMA_VERSION.to_owned(),
        outcome: capacity.change.outcome(),
        capacity,
        figures: figures::figures(baseline, run, terms, seed),
        cautions: conditions::cautions(baseline, run),
        baseline: before,
        run: after,
        terms: *terms,
    })
}

/// The criterion of a sign-off that `run` is no worse than `baseline`: its capacity may be lower by `max_drop_pct`
/// percent, and `alpha` (0..1) bounds how often chance alone fails it.
///
/// INVALID where the two cannot be compared, or have too few repeats to tell.
#[must_use]
pub fn regression(
    baseline: &RunRecord,
    run: &RunRecord,
    max_drop_pct: f64,
    alpha: f64,
) -> CriterionRecord {
    let terms = CompareTerms { max_capacity_drop_pct: max_drop_pct, alpha };
    let (measured, outcome, reason) = match compare(baseline, run, &terms) {
        Ok(compared) => (
            compared.capacity.ratio.map(|ratio| 1.0 - ratio),
            compared.outcome,
            format!("against {}: {}", compared.baseline.id, compared.capacity.reason),
        ),
        Err(error) => (None, Outcome::Invalid, error.to_string()),
    };
    let limit = Limit::AtMost(max_drop_pct / 100.0);
    CriterionRecord::new("regression", "ratio", measured, limit, (outcome, reason))
}

impl RunRecord {
    /// Adds the criterion that this run is no worse than `baseline`, as a sign-off file asks it.
    ///
    /// What has failed whatever else can be said (below the floor, documents lost) stays a failure.
    pub fn hold_against(&mut self, baseline: &Self, asked: &RegressionSlo) {
        let found = regression(baseline, self, asked.max_capacity_drop_pct, asked.alpha);
        // Under an objective that was not searched it is INVALID already, and nothing is worse.
        if !has_failed(&self.capacity, &self.verification, true) {
            self.outcome = self.outcome.max(found.outcome);
        }
        self.criteria.push(found);
    }
}

fn side(run: &RunRecord) -> SideRecord {
    let is_whole = conditions::no_answer(run).is_none();
    let side = SideRecord {
        id: conditions::plain(&run.run.stamp.id),
        started_utc: conditions::plain(&run.run.stamp.started_utc),
        finding: conditions::plain(&run.capacity.finding),
        outcome: run.outcome,
        median_rps: None,
        repeats_rps: run.searches().iter().map(|search| search.rps).collect(),
    };
    let median_rps = median(&side.ranked_rps()).filter(|rps| is_whole && *rps > 0.0);
    SideRecord { median_rps, ..side }
}

/// The same two runs always have the same intervals.
fn seed(baseline: &RunRecord, run: &RunRecord) -> Seed {
    Seed(baseline.run.stamp.seed).named("compare").numbered(run.run.stamp.seed)
}

#[cfg(test)]
mod tests;
