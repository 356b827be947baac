//! Can the goal be reached, and with how many workers?
//!
//! What was measured comes before what is foretold. As with every criterion, a pass must be shown with the certain end
//! of an interval, and what cannot be shown either way is INVALID.

use super::assemble::{TRUSTED_RATIO, greatest_fitted};
use super::{CountRecord, FitRecord, ForecastRecord, GoalRecord};
use crate::report::figure::{counted, short_rate};
use crate::report::schema::Outcome;
use crate::report::signoff::needed_rps;
use crate::units::round_to_u64;

/// The judgement of the goal, given as rate and headroom.
pub(super) fn goal(
    counts: &[CountRecord],
    fit: Option<&FitRecord>,
    forecast: Option<&ForecastRecord>,
    (goal_rps, headroom_ratio): (f64, f64),
) -> GoalRecord {
    let needed_rps = needed_rps(goal_rps, headroom_ratio);
    let reaches = |count: &&CountRecord| count.certain_rps().is_some_and(|rps| rps >= needed_rps);
    let measured = counts.iter().find(reaches);
    let (outcome, reason) = match (measured, fit, forecast) {
        (Some(count), _, _) => {
            let rate = short_rate(count.certain_rps().unwrap_or(needed_rps));
            (Outcome::Pass, format!("{} measured, {rate}/s and more", workers(count.workers)))
        }
        (None, Some(fit), Some(forecast)) => {
            let greatest = greatest_fitted(counts).unwrap_or_default();
            foretold(fit, forecast, needed_rps, f64::from(greatest) * TRUSTED_RATIO)
        }
        (None, _, _) => {
            let reason = "no count measured reaches it, and a forecast needs four counts that have a capacity";
            (Outcome::Invalid, reason.to_owned())
        }
    };
    let measured_workers = measured.map(|count| count.workers);
    GoalRecord { goal_rps, headroom_ratio, needed_rps, measured_workers, outcome, reason }
}

fn foretold(
    fit: &FitRecord,
    forecast: &ForecastRecord,
    needed_rps: f64,
    trusted_workers: f64,
) -> (Outcome, String) {
    if let Some(most_rps) = fit.most_rps.filter(|most_rps| *most_rps < needed_rps) {
        let peak = fit.peak_workers.map_or_else(
            || "however many workers".to_owned(),
            |workers| format!("with about {}", counted(round_to_u64(workers), "worker")),
        );
        let reason = format!("the law reaches at most {}/s, {peak}", short_rate(most_rps));
        // Of counts nearly on a line the law has a peak too, and knows nothing of it.
        let is_near = fit.peak_workers.is_some_and(|workers| workers <= trusted_workers);
        return match (is_near, forecast.workers_low) {
            (true, None) => (Outcome::Fail, reason),
            (true, Some(_)) => {
                (Outcome::Invalid, format!("{reason}, but not with 95 % confidence"))
            }
            (false, _) => {
                (Outcome::Invalid, format!("{reason}, which lies too far from what was measured"))
            }
        };
    }
    let Some(count) = forecast.workers else {
        return (Outcome::Invalid, "it would take more workers than are forecast".to_owned());
    };
    match forecast.workers_high {
        _ if f64::from(count) > trusted_workers => {
            let reason = format!("{} by the law, too far from what was measured", workers(count));
            (Outcome::Invalid, reason)
        }
        Some(high) if f64::from(high) <= trusted_workers => {
            (Outcome::Pass, format!("{} by the law, {high} are enough at 95 %", workers(count)))
        }
        _ => {
            let reason = format!(
                "{} by the law, but how many are certain to be enough lies too far from what was measured",
                workers(count)
            );
            (Outcome::Invalid, reason)
        }
    }
}

fn workers(count: u32) -> String {
    counted(u64::from(count), "worker")
}
