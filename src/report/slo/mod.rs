//! The sign-off file: what a service must reach to be signed off, as it stands in `slo.toml` and in the result.
//!
//! Its values of `[goal]` and `[index]` set the settings of the same meaning, so that the search is held to them; the
//! limits of `[dashboard]` and `[overload]` are held against the levels; `[regression]` is for comparing runs.

mod read;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use read::{SloError, read};

/// The level at which the settings and the search judge the dashboard, in percent of the capacity.
pub const CAPACITY_PERCENT: u32 = 100;
/// The level on which `[overload]` is judged, in percent of the capacity.
pub const OVERLOAD_PERCENT: u32 = 120;

/// A sign-off file; what it does not say is null.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SloRecord {
    /// The file, as it was named.
    pub file: String,
    /// `[goal]`.
    #[serde(default)]
    pub goal: GoalSlo,
    /// `[index]`.
    #[serde(default)]
    pub index: IndexSlo,
    /// `[dashboard."N%"]`, by rising level.
    #[serde(default)]
    pub dashboard: Vec<DashboardSlo>,
    /// `[overload]`.
    #[serde(default)]
    pub overload: OverloadSlo,
    /// `[regression]`.
    #[serde(default)]
    pub regression: Option<RegressionSlo>,
}

/// What the capacity must reach.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct GoalSlo {
    /// Documents per second that must be sustained: `GOAL_RPS`.
    pub index_rps: Option<f64>,
    /// Share on top of that: `HEADROOM_RATIO`.
    pub headroom_ratio: Option<f64>,
}

/// What "sustained" means for indexing: the objective of the search.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct IndexSlo {
    /// Limit of the 99th percentile of the response time in milliseconds: `P99_MS`.
    pub p99_ms: Option<u64>,
    /// Share of requests that may end in another way than accepted: `ERROR_RATIO`.
    pub error_ratio: Option<f64>,
    /// Deadline of a request in milliseconds: `TIMEOUT_MS`.
    pub timeout_ms: Option<u64>,
}

/// Limits of the dashboard queries at one level.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct DashboardSlo {
    /// The level, in percent of the capacity.
    pub load_percent: u32,
    /// Limit of the 99th percentile of the response time in milliseconds.
    pub p99_ms: Option<u64>,
    /// Share of queries that may end in another way than accepted.
    pub error_ratio: Option<f64>,
    /// Share of queries that may time out.
    pub timeout_ratio: Option<f64>,
}

/// What must hold at 120 % of the capacity.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct OverloadSlo {
    /// Share of the capacity that must still be accepted.
    pub min_goodput_ratio: Option<f64>,
    /// Seconds within which the target must answer as at rest again.
    pub recovery_s: Option<f64>,
}

impl OverloadSlo {
    /// Whether anything is asked.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        self.min_goodput_ratio.is_some() || self.recovery_s.is_some()
    }
}

/// How much worse than an earlier run a run may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RegressionSlo {
    /// The result of the earlier run, as it is named: relative to the sign-off file; absolute in a journal.
    pub baseline: String,
    /// Percent of the baseline's capacity that may be lost.
    pub max_capacity_drop_pct: f64,
    /// Probability of calling a run worse that is none.
    pub alpha: f64,
}

impl SloRecord {
    /// Whether it asks for anything: sections without a value ask for nothing.
    #[must_use]
    pub fn asks(&self) -> bool {
        let is_limit = |limits: &DashboardSlo| {
            DashboardSlo { load_percent: limits.load_percent, ..DashboardSlo::default() } != *limits
        };
        self.goal != GoalSlo::default()
            || self.index != IndexSlo::default()
            || self.dashboard.iter().any(is_limit)
            || self.overload.is_asked()
            || self.regression.is_some()
    }

    /// Where the baseline of `[regression]` lies: a relative path counts from the folder of the sign-off file.
    #[must_use]
    pub fn baseline_path(&self) -> Option<PathBuf> {
        let folder = Path::new(&self.file).parent().unwrap_or_else(|| Path::new(""));
        self.regression.as_ref().map(|regression| folder.join(&regression.baseline))
    }

    /// The limits of the dashboard at `load_percent`, where there are any.
    #[must_use]
    pub fn dashboard_at(&self, load_percent: u32) -> Option<&DashboardSlo> {
        self.dashboard.iter().find(|limits| limits.load_percent == load_percent)
    }

    /// The levels that it is judged on, in percent of the capacity, each once and rising.
    #[must_use]
    pub fn levels(&self) -> Vec<u32> {
        let overload = self.overload.is_asked().then_some(OVERLOAD_PERCENT);
        let mut levels: Vec<u32> =
            self.dashboard.iter().map(|limits| limits.load_percent).chain(overload).collect();
        levels.sort_unstable();
        levels.dedup();
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WHOLE: &str = r#"
        [goal]
        index_rps = 200            # the requirement
        headroom_ratio = 0.3
        [index]
        p99_ms = 250
        error_ratio = 0.001
        timeout_ms = 5000
        [dashboard."100%"]
        p99_ms = 1000
        timeout_ratio = 0.01
        [dashboard."0%"]
        error_ratio = 0.02
        [overload]
        min_goodput_ratio = 0.8
        recovery_s = 30
        [regression]
        baseline = "results/baseline/result.json"
        max_capacity_drop_pct = 4
        alpha = 0.01
    "#;

    #[test]
    fn a_whole_file_is_read_value_by_value() {
        let slo = read("ci/slo.toml", WHOLE).unwrap();
        assert_eq!((slo.goal.index_rps, slo.goal.headroom_ratio), (Some(200.0), Some(0.3)), "goal");
        let index = (slo.index.p99_ms, slo.index.error_ratio, slo.index.timeout_ms);
        assert_eq!(index, (Some(250), Some(0.001), Some(5000)), "index");
        let levels: Vec<u32> = slo.dashboard.iter().map(|limits| limits.load_percent).collect();
        assert_eq!((levels, slo.levels()), (vec![0, 100], vec![0, 100, 120]), "rising");
        let at_100 = *slo.dashboard_at(100).unwrap();
        let limits = (at_100.p99_ms, at_100.error_ratio, at_100.timeout_ratio);
        assert_eq!(limits, (Some(1000), None, Some(0.01)), "dashboard");
        let overload = (slo.overload.min_goodput_ratio, slo.overload.recovery_s);
        assert_eq!(overload, (Some(0.8), Some(30.0)), "overload");
        let regression = slo.regression.as_ref().unwrap();
        let figures = (regression.max_capacity_drop_pct, regression.alpha);
        assert_eq!(figures, (4.0, 0.01), "regression");
        let baseline = PathBuf::from("ci/results/baseline/result.json");
        assert_eq!(slo.baseline_path(), Some(baseline), "beside the file");
        let text = serde_json::to_string(&slo).unwrap();
        assert_eq!(serde_json::from_str::<SloRecord>(&text).unwrap(), slo, "it comes back");
    }

    #[test]
    fn everything_wrong_is_told_with_its_line_and_cure() {
        for (text, line, needle) in [
            ("", 1, "nothing is asked"),
            ("[goal]\n[index]", 1, "nothing is asked"),
            ("[dashboard.\"100%\"]", 1, "nothing is asked"),
            ("[goal\n", 1, "not TOML"),
            ("a = \"\"\"\n", 1, "not TOML"),
            ("[goal]\nindex_rps = 1\nindex_rps = 2", 3, "not TOML"),
            ("[gaol]\nindex_rps = 1", 1, "did you mean [goal]?"),
            ("[zzz]", 1, "known are [goal], [index]"),
            ("goal = 5", 1, "write [goal]"),
            ("[index]\np99 = 5", 2, "unknown key in [index] `p99`; did you mean `p99_ms`?"),
            ("[index]\nP99_MS = 5", 2, "did you mean `p99_ms`?"),
            (
                "[index]\n\np99_ms = 1.5",
                3,
                "whole number of milliseconds from 1 to 3600000, not 1.5",
            ),
            ("[index]\np99_ms = \"250\"", 2, "p99_ms in [index] must be"),
            ("[index]\np99_ms = 0", 2, "p99_ms"),
            ("[index]\ntimeout_ms = -1", 2, "not -1"),
            ("[index]\nerror_ratio = nan", 2, "not nan"),
            ("[index]\nerror_ratio = 1.0", 2, "between 0 and 1"),
            ("[goal]\nindex_rps = inf", 2, "not inf"),
            ("[goal]\nindex_rps = 0", 2, "over 0"),
            ("[goal]\nheadroom_ratio = -0.1", 2, "at least 0"),
            ("[goal]\nindex_rps = true", 2, "not true"),
            ("[dashboard.\"100\"]\np99_ms = 1", 1, "`100` is no level"),
            ("[dashboard.\"+5%\"]\np99_ms = 1", 1, "no level"),
            ("[dashboard.\"1001%\"]\np99_ms = 1", 1, "0 to 1000"),
            ("[dashboard]\np99_ms = 1", 2, "`p99_ms` is no level"),
            ("[dashboard.\"5%\"]\np99_s = 1", 2, "key in [dashboard.\"5%\"] `p99_s`; did you mean"),
            ("[dashboard]\n\"5%\" = 1", 2, "write [dashboard.\"5%\"]"),
            ("[overload]\nmin_goodput_ratio = 1.1", 2, "up to 1"),
            ("[overload]\nrecovery_s = 0", 2, "recovery_s"),
            ("[regression]\nalpha = 0.05", 1, "baseline is missing"),
            ("[regression]\nbaseline = \" \"", 2, "not empty"),
            ("[regression]\nbaseline = \"a\"\nmax_capacity_drop_pct = 100", 3, "below 100"),
        ] {
            let error = read("slo.toml", text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("slo.toml, line {line}: ")), "{text:?}: {error}");
            assert!(error.contains(needle), "{text:?} does not say {needle}: {error}");
            assert_eq!(error.lines().count(), 1, "{text:?}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_file_it_is_read_or_refused_in_one_line(
            text in "(\\[(goal|index|dashboard\\.\"[0-9]{1,4}%\"|overload)\\]\n|[a-z_]{1,9} = [-0-9.ein_\"]{1,6}\n|\\PC){0,6}",
        ) {
            if let Err(error) = read("slo.toml", &text) {
                prop_assert_eq!(error.to_string().lines().count(), 1, "{}", error);
                prop_assert!(error.line <= text.lines().count().max(1), "{}", error);
            }
        }
    }
}
