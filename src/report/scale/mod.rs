//! `scale.json`: the capacity of each number of workers, the law through them, and what it foretells.
//!
//! Each count has a run of its own with all its files; here stands only what belongs to all of them together.

pub mod assemble;
mod caution;
mod goal;
pub mod page;
pub mod table;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::environment::ToolRecord;
use super::schema::{Outcome, RunRecord};
use super::signoff::certain_rps;

/// Version of the keys of `scale.json` and their meaning.
pub const SCALE_SCHEMA_VERSION: &str = "1.0.0";
/// Name of the file within the folder of all runs.
pub const SCALE_FILE: &str = "scale.json";

/// The whole of `scale.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScaleRecord {
    /// [`SCALE_SCHEMA_VERSION`] of the writer.
    pub schema_version: String,
    /// What wrote it.
    pub tool: ToolRecord,
    /// Which scaling run it was.
    pub scale: ScaleStamp,
    /// One entry for each number of workers that was asked for, the least first.
    pub counts: Vec<CountRecord>,
    /// The Universal Scalability Law through the capacities; null under three of them.
    pub fit: Option<FitRecord>,
    /// The law up to twice the greatest count measured; empty without a fit.
    pub curve: Vec<CurvePoint>,
    /// Workers that the goal needs; null where fewer than four counts have a capacity.
    pub forecast: Option<ForecastRecord>,
    /// Whether the goal can be reached.
    pub goal: GoalRecord,
    /// What a reader must know beside the numbers.
    pub cautions: Vec<String>,
    /// The judgement of all: documents lost or doubled fail, a count without a capacity is INVALID, then the goal.
    pub outcome: Outcome,
}

/// Which scaling run it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScaleStamp {
    /// Its name: that of its folder.
    pub id: String,
    /// Wall time of the start, RFC 3339.
    pub started_utc: String,
    /// Seed of every run in it.
    pub seed: u64,
    /// Whether every count that was asked for has been measured.
    pub complete: bool,
}

/// One number of workers, and what was measured with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CountRecord {
    /// Workers of the target.
    pub workers: u32,
    /// How the search ended; null where the count was not measured.
    pub finding: Option<String>,
    /// What must be known beside the number.
    pub flags: Vec<String>,
    /// The confirmed rate in documents per second.
    pub rps: Option<f64>,
    /// Lower end of its interval.
    pub low_rps: Option<f64>,
    /// Upper end of its interval.
    pub high_rps: Option<f64>,
    /// What the law has for it, in documents per second.
    pub fitted_rps: Option<f64>,
    /// Whether it entered the fit: only a finding `capacity` does.
    pub fitted: bool,
    /// What the run was judged by, the goal apart.
    pub outcome: Outcome,
    /// What was missed, in words.
    pub missed: Vec<String>,
    /// Documents that were accepted and are lost, doubled or unaccounted for; null where nobody could count.
    pub clean: Option<bool>,
    /// Folder of its run within that of all.
    pub run: Option<String>,
}

impl CountRecord {
    /// What `run`, in the folder `name`, found with so many workers.
    #[must_use]
    pub fn of(workers: u32, name: &str, run: &RunRecord) -> Self {
        let capacity = &run.capacity;
        let is_capacity = capacity.finding == "capacity" && capacity.rps.is_some();
        // The goal is a matter of all counts together, and one worker need not reach it.
        let judged = run.criteria.iter().filter(|item| !["goal", "finding"].contains(&&*item.name));
        let missed = judged.clone().filter(|item| item.outcome != Outcome::Pass);
        let worst = judged.map(|item| item.outcome).max().unwrap_or(Outcome::Pass);
        Self {
            workers,
            finding: Some(capacity.finding.clone()),
            flags: capacity.flags.clone(),
            rps: capacity.rps,
            low_rps: capacity.low_rps,
            high_rps: capacity.high_rps,
            fitted_rps: None,
            fitted: is_capacity,
            outcome: if is_capacity { worst } else { Outcome::Invalid },
            missed: missed.map(|item| format!("{}: {}", item.name, item.reason)).collect(),
            clean: run.verification.is_clean(),
            run: Some(name.to_owned()),
        }
    }

    /// A count that was not measured: what came before it ended all.
    #[must_use]
    pub const fn unmeasured(workers: u32) -> Self {
        Self {
            workers,
            finding: None,
            flags: Vec::new(),
            rps: None,
            low_rps: None,
            high_rps: None,
            fitted_rps: None,
            fitted: false,
            outcome: Outcome::Invalid,
            missed: Vec::new(),
            clean: None,
            run: None,
        }
    }

    /// The rate that is certain: the lower end of a rate that was confirmed.
    fn certain_rps(&self) -> Option<f64> {
        certain_rps(self.rps, self.low_rps)
    }
}

/// The Universal Scalability Law X(N) = γN / (1 + α(N−1) + βN(N−1)) that fits best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FitRecord {
    /// α, contention: the share of work that only one worker can do at a time.
    pub alpha: f64,
    /// β, coherency: what each pair of workers costs.
    pub beta: f64,
    /// γ: documents per second of one worker.
    pub gamma_rps: f64,
    /// Standard error of α; null where it is held at zero, and under four counts.
    pub alpha_error: Option<f64>,
    /// Standard error of β, likewise.
    pub beta_error: Option<f64>,
    /// Standard error of γ, likewise.
    pub gamma_error_rps: Option<f64>,
    /// Which of `alpha` and `beta` would have had to be negative and are held at zero.
    pub at_zero: Vec<String>,
    /// Counts less free parameters.
    pub degrees_of_freedom: u64,
    /// How far the capacities lie from the law, in documents per second; null under four counts.
    pub residual_rps: Option<f64>,
    /// Workers at which the law is greatest, not always a whole number; null where it never falls.
    pub peak_workers: Option<f64>,
    /// What the law has there.
    pub peak_rps: Option<f64>,
    /// What no whole number of workers exceeds; null where there is no such rate.
    pub most_rps: Option<f64>,
}

/// The law at one number of workers, with its band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// Workers; between the whole numbers only so that it can be drawn.
    pub workers: f64,
    /// Documents per second.
    pub rps: f64,
    /// Lower end of the band, one-sided 95 %; null under four counts.
    pub low_rps: Option<f64>,
    /// Upper end of the band.
    pub high_rps: Option<f64>,
}

/// Workers that the goal needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ForecastRecord {
    /// By the law; null where no number is enough, or where more than 8192 would be.
    pub workers: Option<u32>,
    /// Fewer are not enough, with 95 % confidence; null where no number is.
    pub workers_low: Option<u32>,
    /// So many are enough, with 95 % confidence; null where no number is certain to be.
    pub workers_high: Option<u32>,
    /// How the two ends come about.
    pub method: String,
}

/// Whether the goal can be reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GoalRecord {
    /// `GOAL_RPS`.
    pub goal_rps: f64,
    /// `HEADROOM_RATIO`.
    pub headroom_ratio: f64,
    /// `GOAL_RPS` × (1 + `HEADROOM_RATIO`).
    pub needed_rps: f64,
    /// The least number of workers that was measured to reach it with its lower end.
    pub measured_workers: Option<u32>,
    /// The judgement.
    pub outcome: Outcome,
    /// Why, in words.
    pub reason: String,
}
