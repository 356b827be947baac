//! Was the run searched under the objective that is asked for now?

use super::again::SettingMissing;
use crate::report::schema::RunRecord;
use crate::report::slo::{CAPACITY_PERCENT, DashboardSlo, SloRecord};

/// A setting of the run that is a number; `None` where it is none or not there.
pub(super) fn number(run: &RunRecord, key: &str) -> Option<f64> {
    run.setting(key)?.parse().ok()
}

/// The limits of the dashboard at 100 % that are judged.
pub(super) fn at_capacity(slo: Option<&SloRecord>, is_p99_only_shown: bool) -> DashboardSlo {
    let limits = slo.and_then(|slo| slo.dashboard_at(CAPACITY_PERCENT)).copied();
    let limits = limits.unwrap_or_default();
    DashboardSlo { p99_ms: limits.p99_ms.filter(|_| !is_p99_only_shown), ..limits }
}

/// Why the run's capacity says nothing under the objective of `slo`; `None` where it was searched under it.
pub(super) fn not_searched(
    run: &RunRecord,
    slo: &SloRecord,
    is_p99_only_shown: bool,
) -> Result<Option<String>, SettingMissing> {
    let index = slo.index;
    let mut asked = Vec::new();
    for (key, wanted) in [
        ("P99_MS", index.p99_ms.map(|limit_ms| limit_ms as f64)),
        ("ERROR_RATIO", index.error_ratio),
        ("TIMEOUT_MS", index.timeout_ms.map(|limit_ms| limit_ms as f64)),
    ] {
        if wanted.is_some() {
            let had = number(run, key).ok_or(SettingMissing(key))?;
            asked.push((key, Some(had), wanted));
        }
    }
    // A search beside the dashboard was held to its limits at 100 % as well: the keys before those of the file.
    if run.setting("MIX") == Some("true") {
        let wanted = at_capacity(Some(slo), is_p99_only_shown);
        let had = at_capacity(run.slo.as_ref(), is_p99_only_shown);
        let in_ms = |limit: Option<u64>| limit.map(|limit_ms| limit_ms as f64);
        for (key, had, wanted) in [
            ("DASHBOARD_P99_MS", in_ms(had.p99_ms), in_ms(wanted.p99_ms)),
            ("DASHBOARD_ERROR_RATIO", had.error_ratio, wanted.error_ratio),
        ] {
            asked.push((key, number(run, key).or(had), wanted));
        }
    }
    let is_other = |(_, had, wanted): &(&str, Option<f64>, Option<f64>)| {
        wanted.is_some_and(|wanted| had.is_none_or(|had| had.total_cmp(&wanted).is_ne()))
    };
    asked.retain(is_other);
    if asked.is_empty() {
        return Ok(None);
    }
    let word = |key: &str, value: Option<f64>| {
        let value = value.map_or_else(|| "none".to_owned(), |value| value.to_string());
        format!("{key}={value}")
    };
    let searched: Vec<String> = asked.iter().map(|(key, had, _)| word(key, *had)).collect();
    let words: Vec<String> = asked.iter().map(|(key, _, wanted)| word(key, *wanted)).collect();
    let (searched, words) = (searched.join(" "), words.join(" "));
    let is_rejudged = |key: &str| matches!(key, "P99_MS" | "ERROR_RATIO");
    let cure = if let Some((key, ..)) = asked.iter().find(|(key, ..)| !is_rejudged(key)) {
        let what =
            if *key == "TIMEOUT_MS" { "a time-out" } else { "what the dashboard was held to" };
        format!("measure again with {words}: `plimsoll rejudge` cannot change {what}")
    } else {
        format!("`plimsoll rejudge RUN_DIR {words}` judges the saved trials by that")
    };
    Ok(Some(format!("searched under {searched}, not {words}; {cure}")))
}
