//! A finished run judged once more, by a sign-off file: nothing is measured, and its result stays as it is.
//!
//! What the file does not say stays as the run had it. A capacity that was searched under another objective is none
//! under this one: that is INVALID, and not guessed.

use std::fmt::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::objective::{at_capacity, not_searched, number};
use super::{Evidence, Terms, sign_off};
use crate::report::caution::{Caution, cautions};
use crate::report::figure::{columns, entry, plain};
use crate::report::schema::{CriterionRecord, Outcome, RunRecord};
use crate::report::slo::SloRecord;
use crate::stats::interval::P99_SAMPLES;
use crate::units::LoadPercent;

/// A finished run under a sign-off file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Signoff {
    /// The run's name.
    pub run: String,
    /// The file.
    pub slo: SloRecord,
    /// What the run is judged by.
    pub criteria: Vec<CriterionRecord>,
    /// What they come to.
    pub outcome: Outcome,
    /// What a reader must know, limits of the file that were left out among it.
    pub cautions: Vec<String>,
}

/// A setting that the result ought to have and has not, or not as this tool writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the result has no usable {0} and the sign-off file does not say it; measure again")]
pub struct SettingMissing(pub(super) &'static str);

/// Judges `run` by `slo`, and holds it against `baseline` where the file asks for that.
///
/// # Errors
/// When neither of the two says what must be known.
pub fn judge_again(
    mut run: RunRecord,
    slo: SloRecord,
    baseline: Option<&RunRecord>,
) -> Result<Signoff, SettingMissing> {
    let terms = terms(&run, slo.clone())?;
    (run.criteria, run.outcome) = sign_off(&evidence(&run), &terms);
    run.slo = Some(slo.clone());
    if let (Some(baseline), Some(asked)) = (baseline, &slo.regression) {
        run.hold_against(baseline, asked);
    }
    // The file goes before the run's settings here.
    let is_due = |caution: &&Caution| !matches!(caution, Caution::SloOverridden { .. });
    let cautions = cautions(&run).iter().filter(is_due).map(ToString::to_string).collect();
    let (criteria, outcome) = (run.criteria, run.outcome);
    Ok(Signoff { run: run.run.stamp.id, slo, criteria, outcome, cautions })
}

/// What a result holds to judge by.
#[must_use]
pub fn evidence(run: &RunRecord) -> Evidence<'_> {
    Evidence {
        capacity: &run.capacity,
        levels: &run.levels,
        levels_missing: run.levels_missing.as_deref(),
        trials: &run.trials,
        recoveries: &run.recoveries,
        verification: &run.verification,
    }
}

/// Whether a run of `preset` with so many dashboard queries a level shows a dashboard p99 without judging it.
///
/// A quick run cannot bound one; a longer level of a quick run can. Any other preset is judged by what it has.
#[must_use]
pub fn is_p99_only_shown(preset: &str, queries: f64) -> bool {
    preset == "quick" && queries < P99_SAMPLES as f64
}

fn terms(run: &RunRecord, slo: SloRecord) -> Result<Terms, SettingMissing> {
    let number = |key| number(run, key);
    let either = |said: Option<f64>, key| said.or_else(|| number(key)).ok_or(SettingMissing(key));
    let queries = number("DASHBOARD_RPS").unwrap_or(0.0) * number("DASHBOARD_S").unwrap_or(0.0);
    let is_p99_only_shown = is_p99_only_shown(run.setting("PRESET").unwrap_or_default(), queries);
    let asked = at_capacity(Some(&slo), is_p99_only_shown);
    let levels = run.setting("LEVELS").and_then(LoadPercent::list);
    let levels = levels.ok_or(SettingMissing("LEVELS"))?;
    Ok(Terms {
        goal_rps: either(slo.goal.index_rps, "GOAL_RPS")?,
        headroom_ratio: either(slo.goal.headroom_ratio, "HEADROOM_RATIO")?,
        levels: levels.iter().map(|level| level.0).collect(),
        // The file is what was asked for now: the run's own limit stays only where it has none that is judged.
        dashboard_p99_ms: number("DASHBOARD_P99_MS").filter(|_| asked.p99_ms.is_none()),
        dashboard_error_ratio: number("DASHBOARD_ERROR_RATIO")
            .filter(|_| asked.error_ratio.is_none()),
        is_p99_only_shown,
        not_searched: not_searched(run, &slo, is_p99_only_shown)?,
        slo: Some(slo),
    })
}

impl fmt::Display for Signoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["criterion", "outcome", "measured", "limit", "margin"];
        let mut rows = vec![heads.map(str::to_owned).to_vec()];
        rows.extend(self.criteria.iter().map(|criterion| {
            vec![
                criterion.name.clone(),
                criterion.outcome.name().to_owned(),
                criterion.shown_measured(),
                criterion.shown_limit(),
                criterion.shown_margin(),
            ]
        }));
        let reasons = self.criteria.iter().map(|criterion| plain(&criterion.reason));
        let mut text = String::new();
        let table = columns(&rows);
        // The column before is right-aligned: every line is as long as the header.
        for (line, reason) in table.lines().zip(["reason".to_owned()].into_iter().chain(reasons)) {
            writeln!(text, "{line}  {reason}")?;
        }
        let (run, file) = (plain(&self.run), plain(&self.slo.file));
        text.push('\n');
        for caution in &self.cautions {
            text.push_str(&entry("caution", &plain(caution)));
        }
        text.push_str(&entry("outcome", &format!("{} ({run} by {file})", self.outcome)));
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{capacity, run, setting, terms as asked};
    use crate::report::slo::read;
    use crate::search::finding::Finding;

    fn sample(preset: &str) -> RunRecord {
        let mut run = run(capacity(Finding::Capacity, Some(400.0)), asked(), 400);
        let settings = [
            ("PRESET", preset),
            ("GOAL_RPS", "200"),
            ("HEADROOM_RATIO", "0"),
            ("LEVELS", "0,50,100,120"),
            ("P99_MS", "1000"),
            ("ERROR_RATIO", "0.001"),
            ("TIMEOUT_MS", "5000"),
            ("DASHBOARD_RPS", "5"),
            ("DASHBOARD_S", "20"),
            ("DASHBOARD_P99_MS", "none"),
        ];
        run.settings = settings.map(|(key, value)| (key.to_owned(), setting(value))).into();
        run
    }

    fn judged(run: &RunRecord, slo: &str) -> Signoff {
        judge_again(run.clone(), read("slo.toml", slo).unwrap(), None).unwrap()
    }

    #[test]
    fn the_table_shows_each_criterion_with_limit_margin_and_reason() {
        let slo = "[goal]\nindex_rps = 500\n[index]\np99_ms = 1000\n[dashboard.\"100%\"]\np99_ms = 400\n\
                   timeout_ratio = 0.001\n[overload]\nmin_goodput_ratio = 0.8\nrecovery_s = 30";
        insta::assert_snapshot!(judged(&sample("standard"), slo), @r"
                             criterion  outcome   measured     limit    margin  reason
                               finding     PASS      400/s         –         –  capacity: the highest rate that was confirmed
                                  goal     FAIL      400/s     500/s   -20.0 %  400.0/s is 20.0 % below 500/s
                                levels     PASS          4         4    +0.0 %  all were measured
                  dashboard_p99_at_100     PASS     118 ms    400 ms   +70.5 %  the interval's upper end is 119 ms
        dashboard_timeout_ratio_at_100  INVALID    0.000 %   0.100 %  +100.0 %  0 of 400 queries timed out; too few queries to show that the share is within the limit
                      overload_goodput     PASS  115.980 %  80.000 %   +45.0 %  463.9/s are still accepted
                     overload_recovery     PASS      2.8 s    30.0 s   +90.7 %  recovered after 2.8 s

        caution    the target cannot count its documents: that it kept all 15900 accepted ones was not
                   verified
        outcome    INVALID (20261123T151500Z-capacity by slo.toml)
        ");
    }

    #[test]
    fn an_objective_that_was_not_searched_is_invalid_and_says_what_to_do() {
        let run = sample("standard");
        let other = judged(&run, "[index]\np99_ms = 250\nerror_ratio = 0.01");
        let finding = &other.criteria[0];
        assert_eq!((finding.outcome, other.outcome), (Outcome::Invalid, Outcome::Invalid), "both");
        let words = "`plimsoll rejudge RUN_DIR P99_MS=250 ERROR_RATIO=0.01`";
        assert!(finding.reason.contains(words), "{}", finding.reason);
        let timeout = judged(&run, "[index]\ntimeout_ms = 300");
        assert!(
            timeout.criteria[0].reason.contains("measure again with TIMEOUT_MS=300"),
            "timeout"
        );
        let same = judged(&run, "[index]\np99_ms = 1000\nerror_ratio = 1e-3\ntimeout_ms = 5000");
        assert_eq!(same.outcome, Outcome::Pass, "the same objective in other words");
    }

    #[test]
    fn a_search_beside_the_dashboard_answers_for_its_own_limits_alone() {
        let mut run = sample("standard");
        let lax = "[dashboard.\"100%\"]\np99_ms = 400\nerror_ratio = 0.02";
        assert_eq!(judged(&run, lax).criteria[0].outcome, Outcome::Pass, "searched without it");
        run.settings.insert("MIX".to_owned(), setting("true"));
        let other = judged(&run, lax);
        let reason = &other.criteria[0].reason;
        assert_eq!(
            (other.criteria[0].outcome, other.outcome),
            (Outcome::Invalid, Outcome::Invalid)
        );
        let words = "measure again with DASHBOARD_P99_MS=400 DASHBOARD_ERROR_RATIO=0.02";
        assert!(reason.contains(words), "{reason}");
        run.settings.insert("DASHBOARD_P99_MS".to_owned(), setting("400"));
        run.settings.insert("DASHBOARD_ERROR_RATIO".to_owned(), setting("0.02"));
        assert_eq!(judged(&run, lax).criteria[0].outcome, Outcome::Pass, "the same by its keys");
        run.settings.insert("DASHBOARD_P99_MS".to_owned(), setting("none"));
        run.slo = Some(read("slo.toml", lax).unwrap());
        assert_eq!(judged(&run, lax).criteria[0].outcome, Outcome::Pass, "the same by its file");
        let stricter = judged(&run, "[dashboard.\"100%\"]\np99_ms = 300");
        assert_eq!(stricter.criteria[0].outcome, Outcome::Invalid, "another than its file's");
    }

    #[test]
    fn the_runs_own_dashboard_p99_stays_where_that_of_the_file_is_only_shown() {
        let mut run = sample("quick");
        run.settings.insert("DASHBOARD_P99_MS".to_owned(), setting("700"));
        let judged = judged(&run, "[dashboard.\"100%\"]\np99_ms = 400");
        let own = judged.criteria.iter().find(|one| one.name == "dashboard_p99").unwrap();
        assert_eq!(own.limit, Some(700.0), "the run's own");
    }

    #[test]
    fn below_the_floor_of_another_objective_is_no_fail() {
        let mut run = sample("standard");
        run.capacity.finding = "below_floor".to_owned();
        run.capacity.rps = None;
        assert_eq!(judged(&run, "[goal]\nindex_rps = 5").outcome, Outcome::Fail, "the same one");
        assert_eq!(judged(&run, "[index]\np99_ms = 9").outcome, Outcome::Invalid, "another");
    }

    #[test]
    fn a_run_that_was_lost_or_interrupted_stays_invalid() {
        let mut run = sample("standard");
        run.levels_missing = Some("the run was interrupted".to_owned());
        assert_eq!(
            judged(&run, "[goal]\nindex_rps = 1").outcome,
            Outcome::Invalid,
            "in its levels"
        );
        run.capacity.finding = "target_lost".to_owned();
        run.capacity.rps = None;
        assert_eq!(judged(&run, "[goal]\nindex_rps = 1").outcome, Outcome::Invalid, "before");
    }

    #[test]
    fn a_quick_run_shows_a_dashboard_p99_and_does_not_judge_it() {
        let slo = "[dashboard.\"100%\"]\np99_ms = 1\nerror_ratio = 0.02";
        let names = |preset| {
            let names = judged(&sample(preset), slo).criteria.into_iter().map(|one| one.name);
            names.filter(|name| name.starts_with("dashboard")).collect::<Vec<_>>()
        };
        assert_eq!(names("quick"), ["dashboard_error_ratio_at_100"], "100 queries were planned");
        let mut few = sample("quick");
        few.levels[2].dashboard.response_ms.p99_high = None;
        let told = judged(&few, slo).cautions.join("\n");
        let needle = "the limits of the sign-off file are left out; use PRESET=standard";
        assert!(told.contains(needle), "{told}");
        let both = ["dashboard_p99_at_100", "dashboard_error_ratio_at_100"];
        assert_eq!(names("standard"), both, "whatever it has");
        assert!(!is_p99_only_shown("quick", 299.0), "enough of them are judged in any preset");
    }

    #[test]
    fn what_neither_of_the_two_says_is_an_error() {
        let mut run = sample("standard");
        run.settings.remove("GOAL_RPS");
        let slo = read("slo.toml", "[goal]\nheadroom_ratio = 0").unwrap();
        let judged = judge_again(run.clone(), slo.clone(), None);
        assert_eq!(judged, Err(SettingMissing("GOAL_RPS")), "no goal");
        run.settings.insert("GOAL_RPS".to_owned(), setting("200"));
        run.settings.insert("LEVELS".to_owned(), setting("0,50,x"));
        assert_eq!(judge_again(run, slo, None), Err(SettingMissing("LEVELS")), "damaged levels");
    }
}
